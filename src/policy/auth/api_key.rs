// SPDX-License-Identifier: MIT
//! Keys in the `Authorization` field: `<key>` as the gateway specification wants it, and
//! `Bearer <key>` as most clients send it.

use super::Options;

/// Who speaks: the place of the key in [`Options::agents`], or nobody in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal(pub u16);

impl Principal {
    /// Everybody, when no key is configured.
    pub const ANYONE: Self = Self(u16::MAX);
}

/// Why nobody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// There is no `Authorization`.
    Missing,
    /// It holds control bytes.
    Malformed,
    /// It is none of the keys.
    Invalid,
}

/// Recognises the speaker. Every key is compared, in constant time, whichever matches.
///
/// Errors: see [`Unknown`]; trying again with the same field cannot help.
pub fn identify(options: &Options, authorization: Option<&[u8]>) -> Result<Principal, Unknown> {
    if options.agents.is_empty() {
        return Ok(Principal::ANYONE);
    }
    let value = authorization.ok_or(Unknown::Missing)?;
    // Without a branch for each byte.
    let is_control = |byte: u8| (byte < b' ' && byte != b'\t') | (byte == 0x7f);
    if value.iter().fold(false, |found, &byte| found | is_control(byte)) {
        return Err(Unknown::Malformed);
    }
    let bare = without_scheme(value);
    let mut found = None;
    for (agent, at) in options.agents.iter().zip(0..) {
        // Both forms are compared, because a key may itself begin with `Bearer `.
        let has_scheme = bare.len() < value.len();
        if agent.matches(value) | (has_scheme && agent.matches(bare)) {
            found = Some(Principal(at));
        }
    }
    found.ok_or(Unknown::Invalid)
}

/// What may stand before a key, in any case of letters.
const SCHEMES: [&[u8]; 2] = [b"bearer ", b"agent "];

/// The credentials behind `Bearer` or `Agent`, or all of `value`.
fn without_scheme(value: &[u8]) -> &[u8] {
    let begins = |scheme: &&&[u8]| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    match SCHEMES.iter().find(begins) {
        Some(scheme) => crate::base::bytes::trim_ows(&value[scheme.len()..]),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[track_caller]
    fn check(field: Option<&str>, want: Result<Principal, Unknown>) {
        let agents = vec![Secret::new(b"alpha-key"), Secret::new(b"Bearer odd")];
        let options = Options { agents, ..Options::default() };
        assert_eq!(identify(&options, field.map(str::as_bytes)), want, "{field:?}");
    }

    #[test]
    fn a_key_is_accepted_alone_and_behind_its_scheme() {
        check(Some("alpha-key"), Ok(Principal(0)));
        check(Some("Bearer alpha-key"), Ok(Principal(0)));
        check(Some("bearer  alpha-key"), Ok(Principal(0)));
        check(Some("Agent alpha-key"), Ok(Principal(0)));
        check(Some("Bearer odd"), Ok(Principal(1)));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        check(None, Err(Unknown::Missing));
        check(Some(""), Err(Unknown::Invalid));
        check(Some("Basic alpha-key"), Err(Unknown::Invalid));
        check(Some("alpha-ke"), Err(Unknown::Invalid));
        check(Some("alpha-key\u{1}"), Err(Unknown::Malformed));
    }

    #[test]
    fn without_keys_everybody_is_let_in() {
        assert_eq!(identify(&Options::default(), None), Ok(Principal::ANYONE));
    }
}
