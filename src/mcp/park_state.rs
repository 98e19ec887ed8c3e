// SPDX-License-Identifier: MIT
//! What a client of the modern era carries for a call that waits for its input: which call it is,
//! whose, for which request, and until when. It travels sealed; nothing here seals.
//!
//! Spec: MCP 2026-07-28, basic/patterns/mrtr, "Security Considerations".

use crate::base::{Span, seal};
use crate::wire::json::scan;

/// The purpose that its envelope is sealed for.
pub const PURPOSE: &str = "requestState";

/// Where a retry belongs, and what makes it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkState {
    /// Which parked call.
    pub park: u64,
    /// Where it is parked: the place of a shard.
    pub shard: u16,
    /// Which of its rounds, from 1: a retry is good for the last one alone.
    pub round: u32,
    /// The number of the principal whose call it is.
    pub principal: u16,
    /// What [`call_digest`] says of the call.
    pub call: [u8; 32],
    /// When it ends, in milliseconds since the gateway began.
    pub expires_ms: u64,
}

/// How many bytes it takes.
const LEN: usize = 8 + 2 + 4 + 2 + 32 + 8;

impl ParkState {
    /// The bytes to be sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LEN);
        out.extend_from_slice(&self.park.to_le_bytes());
        out.extend_from_slice(&self.shard.to_le_bytes());
        out.extend_from_slice(&self.round.to_le_bytes());
        out.extend_from_slice(&self.principal.to_le_bytes());
        out.extend_from_slice(&self.call);
        out.extend_from_slice(&self.expires_ms.to_le_bytes());
        out
    }

    /// What [`ParkState::encode`] wrote; `None` if it is of another length.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (park, rest) = bytes.split_first_chunk()?;
        let (shard, rest) = rest.split_first_chunk()?;
        let (round, rest) = rest.split_first_chunk()?;
        let (principal, rest) = rest.split_first_chunk()?;
        let (call, rest) = rest.split_first_chunk()?;
        Some(Self {
            park: u64::from_le_bytes(*park),
            shard: u16::from_le_bytes(*shard),
            round: u32::from_le_bytes(*round),
            principal: u16::from_le_bytes(*principal),
            call: *call,
            expires_ms: u64::from_le_bytes(rest.try_into().ok()?),
        })
    }
}

/// What tells one call from another: its method and its parameters, but not what a retry changes.
///
/// Clients write their message anew for a retry, so the order of parameters and the blanks between
/// tokens make no difference. The order of members further down does: no client is known to
/// change it, and a false alarm only means to begin anew.
#[must_use]
pub fn call_digest(method: &str, text: &[u8], params: Option<Span>) -> [u8; 32] {
    let members = params.into_iter().flat_map(|params| scan::members(text, params));
    let mut parts: Vec<_> = members
        .map(|(key, value)| (scan::string(text, key).unwrap_or_default(), value))
        .filter(|(key, _)| !["_meta", "inputResponses", "requestState"].contains(&&**key))
        .map(|(key, value)| (key, without_blanks(value.of(text))))
        .collect();
    parts.sort();
    let members = parts.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_slice()]);
    seal::digest([method.as_bytes()].into_iter().chain(members))
}

/// JSON without what may stand between tokens.
fn without_blanks(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for &byte in json {
        if in_string || !byte.is_ascii_whitespace() {
            out.push(byte);
        }
        in_string ^= byte == b'"' && !is_escaped;
        is_escaped = in_string && byte == b'\\' && !is_escaped;
    }
    out
}

/// Bytes are a state or they are none, and a state is written as it was read.
pub fn fuzz(input: &[u8]) {
    let found = ParkState::decode(input);
    assert_eq!(found.is_some(), input.len() == LEN);
    if let Some(state) = found {
        assert_eq!(state.encode(), input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(method: &str, params: &str) -> [u8; 32] {
        call_digest(method, params.as_bytes(), Some(Span::new(0, params.len())))
    }

    #[test]
    fn a_state_comes_back() {
        let (call, expires_ms) = ([9; 32], 1);
        let state = ParkState { park: 7, shard: 5, round: 2, principal: 3, call, expires_ms };
        assert_eq!(ParkState::decode(&state.encode()), Some(state));
        for len in 0..LEN {
            assert_eq!(ParkState::decode(&state.encode()[..len]), None);
        }
        assert_eq!(ParkState::decode(&[0; LEN + 1]), None);
    }

    #[test]
    fn a_retry_is_the_same_call() {
        let first = digest("tools/call", r#"{"name":"a","arguments":{"x":"b c\" d"},"_meta":{}}"#);
        let retry = r#"{ "requestState" : "s", "arguments": {"x" : "b c\" d"}, "name": "a",
            "inputResponses": {"k": {}}, "_meta": {"progressToken": 1}}"#;
        assert_eq!(digest("tools/call", retry), first);
    }

    #[test]
    fn another_call_is_another_call() {
        let first = digest("tools/call", r#"{"name":"a","arguments":{"x":1}}"#);
        for params in [
            r#"{"name":"b","arguments":{"x":1}}"#,
            r#"{"name":"a","arguments":{"x":2}}"#,
            r#"{"name":"a","arguments":{"x":1},"more":1}"#,
            r#"{"name":"a"}"#,
            r#"{"name":"a","arguments":{"x":"1"}}"#,
        ] {
            assert_ne!(digest("tools/call", params), first, "{params}");
        }
        assert_ne!(digest("prompts/get", r#"{"name":"a","arguments":{"x":1}}"#), first);
        assert_ne!(digest("m", r#"{"a":"b c"}"#), digest("m", r#"{"a":"bc"}"#));
    }
}
