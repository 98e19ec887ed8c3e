// SPDX-License-Identifier: MIT
//! What a guard is told.

use super::super::Question;
use crate::policy::guard::GuardError;
use crate::wire::json::{self, tree, write};

/// Which function of a guard is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Asked {
    /// `label_agent`
    Agent,
    /// `label_resource`
    Resource,
    /// `label_response`
    Response,
}

/// The function, and its input. Members stand in the order of their names.
pub(in super::super) fn input(question: &Question) -> (Asked, Vec<u8>) {
    let mut out = Vec::new();
    let asked = match question {
        Question::Agent { policy } => {
            out.extend_from_slice(policy);
            Asked::Agent
        }
        Question::Resource { tool, args } => {
            push(&mut out, tool, args, None);
            Asked::Resource
        }
        Question::Response { tool, args, result } => {
            push(&mut out, tool, args, Some(result));
            Asked::Response
        }
    };
    (asked, out)
}

/// Why a question cannot be asked: what it is about can be read in two ways, and the server might
/// read it in the other.
pub(in super::super) fn check(question: &Question) -> Result<(), GuardError> {
    let args = match question {
        Question::Agent { policy } => policy,
        Question::Resource { args, .. } | Question::Response { args, .. } => args,
    };
    if args.is_empty() {
        return Ok(());
    }
    match json::repeated(args, tree::TREE_DEPTH_MAX) {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(GuardError::new(format!("\"{name}\" stands twice in the arguments"))),
        Err(error) => Err(GuardError::new(format!("the arguments are not JSON: {error}"))),
    }
}

fn push(out: &mut Vec<u8>, tool: &str, args: &[u8], result: Option<&[u8]>) {
    /// Room for the names of the members, so that a large result is copied once.
    const AROUND: usize = 80;
    out.reserve(AROUND + tool.len() + args.len() + result.map_or(0, <[u8]>::len));
    write::object(out, |object| {
        object.object("capabilities", |_| {});
        object.raw("tool_args", if args.is_empty() { b"null" } else { args });
        object.str("tool_name", tool);
        if let Some(result) = result {
            object.raw("tool_result", if result.is_empty() { b"null" } else { result });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: Question, asked: Asked, want: &str) {
        let (got, text) = input(&question);
        assert_eq!((got, str::from_utf8(&text).unwrap()), (asked, want));
    }

    #[test]
    fn members_are_sorted_and_parts_of_messages_are_as_they_came() {
        let policy = r#"{ "allow-only":{"repos":"all"}}"#;
        check(Question::Agent { policy: policy.into() }, Asked::Agent, policy);
        let resource = |args: &str| Question::Resource { tool: "a\"b".into(), args: args.into() };
        check(
            resource(r#"{"z":1e400, "a":[]}"#),
            Asked::Resource,
            r#"{"capabilities":{},"tool_args":{"z":1e400, "a":[]},"tool_name":"a\"b"}"#,
        );
        check(
            resource(""),
            Asked::Resource,
            r#"{"capabilities":{},"tool_args":null,"tool_name":"a\"b"}"#,
        );
        let response =
            Question::Response { tool: "t".into(), args: "{}".into(), result: "[1.0]".into() };
        let want = r#"{"capabilities":{},"tool_args":{},"tool_name":"t","tool_result":[1.0]}"#;
        check(response, Asked::Response, want);
    }

    #[test]
    fn what_has_two_readings_is_not_asked() {
        let resource =
            |args: &str| super::check(&Question::Resource { tool: "t".into(), args: args.into() });
        assert_eq!(resource(""), Ok(()));
        assert_eq!(resource(r#"{"a":{"b":1},"b":2}"#), Ok(()));
        let twice = resource(r#"{"folder":"public","fold\u0065r":"acme"}"#).unwrap_err();
        assert_eq!(&*twice.text, "\"folder\" stands twice in the arguments");
        assert!(resource("{").is_err());
    }
}
