// SPDX-License-Identifier: MIT
//! The JSON that crosses between us and a guard: what it is told, and what it says.
//!
//! What a guard writes is foreign: each reader here takes any bytes. Parts of messages are told as
//! they came, so that numbers and unknown members arrive as the client or the server wrote them.

mod agent;
mod input;
mod labels;
mod resource;
mod response;

pub(super) use input::{Asked, check, input};

use super::Outcome;
use crate::base::Span;
use crate::policy::guard::GuardError;
use crate::wire::json::{edit, scan, tree};

/// What the output of a guard means.
///
/// # Errors
///
/// It is not what the guard was asked for, or says that something went wrong.
pub(super) fn outcome(asked: Asked, output: &[u8]) -> Result<Outcome, GuardError> {
    match asked {
        Asked::Agent => agent::parse(output).map(Outcome::Agent),
        Asked::Resource => resource::parse(output).map(Outcome::Labelled),
        Asked::Response => response::parse(output).map(Outcome::Findings),
    }
    .map_err(GuardError::new)
}

/// The place of the object that `text` is, or why it is none.
fn object(text: &[u8]) -> Result<Span, String> {
    scan::validate(text, tree::TREE_DEPTH_MAX).map_err(|error| error.to_string())?;
    let whole = edit::whole(text);
    if !is_object(text, whole) {
        return Err("it is not an object".to_owned());
    }
    Ok(whole)
}

fn is_object(text: &[u8], place: Span) -> bool {
    place.of(text).first() == Some(&b'{')
}

fn is_array(text: &[u8], place: Span) -> bool {
    place.of(text).first() == Some(&b'[')
}

fn is_null(text: &[u8], place: Span) -> bool {
    place.of(text) == b"null"
}

/// Fuzz body: whatever a guard writes, it is read or refused; what is found lies in what it wrote.
pub fn fuzz(input: &[u8]) {
    for asked in [Asked::Agent, Asked::Resource, Asked::Response] {
        match outcome(asked, input) {
            Ok(Outcome::Agent(agent)) => {
                let policy = agent.normalized_policy.unwrap_or_default();
                assert!(policy.is_empty() || object(&policy).is_ok(), "{policy:?}");
                assert!(agent.labels.secrecy.iter().all(|tag| tag.trim() == &**tag));
            }
            Ok(Outcome::Findings(findings)) => response::check(&findings),
            Ok(Outcome::Labelled(_)) => {}
            Err(error) => assert!(!error.is_fatal && !error.text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words that a guard's output is made of, in any order.
    const WORDS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"agent\"",
        "\"difc_mode\"",
        "\"filter\"",
        "\"resource\"",
        "\"operation\"",
        "\"read\"",
        "\"labeled_paths\"",
        "\"items\"",
        "\"labels\"",
        "\"path\"",
        "\"/0\"",
        "\"data\"",
        "\"secrecy\"",
        "null",
        "1",
        "false",
        "\"error\"",
        "\"ok\"",
        " ",
    ];

    proptest! {
        #[test]
        fn whatever_a_guard_writes_is_read_or_refused(
            words in prop::collection::vec(prop::sample::select(WORDS), 0..40),
            bytes in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            fuzz(words.concat().as_bytes());
            fuzz(&[words.concat().as_bytes(), &bytes].concat());
        }
    }
}
