// SPDX-License-Identifier: MIT
//! Tools that have failed: their answer is a result, and says `isError` in it.

use memchr::memmem::Finder;

use crate::base::Span;
use crate::wire::json::scan;

const NAME: &str = "isError";

/// Knows the answers of tools that have failed. To make one costs as much as a look at an answer.
#[derive(Debug)]
pub struct FailedTools(Finder<'static>);

impl Default for FailedTools {
    fn default() -> Self {
        Self(Finder::new(NAME))
    }
}

impl FailedTools {
    /// Whether an answer, which is JSON, holds the result of a tool that has failed.
    ///
    /// Nearly every answer is seen not to by a search for the name; what is left is scanned.
    #[must_use]
    pub fn has_failed(&self, answer: &[u8]) -> bool {
        let names = self.0.find_iter(answer);
        let mut behind = names.map(|at| answer[at + NAME.len()..].trim_ascii_start());
        let may_be = |rest: &[u8]| {
            let value = rest.strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
            let value = value.and_then(|rest| rest.strip_prefix(b":"));
            value.is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
        };
        behind.any(may_be) && says_so(answer)
    }
}

fn says_so(answer: &[u8]) -> bool {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let start = answer.iter().take_while(|byte| is_space(byte)).count();
    let result = scan::member(answer, Span::new(start, answer.len()), "result");
    let value = result.and_then(|result| scan::member(answer, result, NAME));
    value.is_some_and(|value| value.of(answer) == b"true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, want: bool) {
        assert!(scan::validate(answer.as_bytes(), 9).is_ok(), "{answer}");
        assert_eq!(FailedTools::default().has_failed(answer.as_bytes()), want, "{answer}");
    }

    #[test]
    fn a_tool_has_failed_if_its_result_says_so() {
        check(r#"{"id":1,"result":{"content":[],"isError":true}}"#, true);
        check(" {\"result\" : {\"isError\"\n: true } } ", true);
        check(r#"{"id":1,"result":{"content":[],"isError":false}}"#, false);
        check(r#"{"id":1,"result":{"content":[]}}"#, false);
    }

    #[test]
    fn what_a_tool_quotes_is_no_failure() {
        check(r#"{"result":{"content":[{"text":"{\"isError\":true}"}]}}"#, false);
        check(r#"{"result":{"structuredContent":{"isError":true},"isError":false}}"#, false);
        check(r#"{"error":{"data":{"isError":true}}}"#, false);
        check(r#"{"isError":true,"result":{"isError":"true"}}"#, false);
    }
}
