// SPDX-License-Identifier: MIT
//! What a guard says of a call.

use super::is_object;
use super::labels::{self, Reading};
use crate::policy::guard::{Labelled, Operation};
use crate::wire::json::scan;

/// `{"resource":{"description":"…","secrecy":[…],"integrity":[…]},"operation":"read"}`
pub(super) fn parse(output: &[u8]) -> Result<Labelled, String> {
    let whole = super::object(output)
        .map_err(|what| format!("failed to unmarshal label_resource WASM response: {what}"))?;
    let resource = scan::member(output, whole, "resource")
        .filter(|place| is_object(output, *place))
        .ok_or("invalid resource format in guard response")?;
    let object = labels::object(output, resource, Reading::Lenient)?;
    let operation = labels::string(output, whole, "operation", Reading::Lenient)?;
    Ok(Labelled { object, operation: Operation::of(&operation.unwrap_or_default()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::{Label, Labels, Object};

    /// Description, secrecy, integrity and operation.
    type Said<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Operation);

    #[track_caller]
    fn check(output: &str, want: Result<Said<'_>, &str>) {
        let want = want.map(|(description, secrecy, integrity, operation)| Labelled {
            object: Object {
                description: description.into(),
                labels: Labels {
                    secrecy: Label::new(secrecy.iter().copied()),
                    integrity: Label::new(integrity.iter().copied()),
                },
            },
            operation,
        });
        assert_eq!(parse(output.as_bytes()), want.map_err(str::to_owned), "{output}");
    }

    #[test]
    fn labels_are_taken_word_for_word() {
        check(
            r#"{"resource":{"description":"issue:o/r#1","secrecy":[" a "],"integrity":["b","b"]},"operation":"read"}"#,
            Ok(("issue:o/r#1", &[" a "], &["b"], Operation::Read)),
        );
        check(
            r#"{"resource":{},"operation":"read-write"}"#,
            Ok(("", &[], &[], Operation::ReadWrite)),
        );
    }

    #[test]
    fn what_is_no_tag_is_skipped() {
        check(
            r#"{"resource":{"description":7,"secrecy":"x","integrity":["b",1,null]},"operation":"read"}"#,
            Ok(("", &[], &["b"], Operation::Read)),
        );
    }

    #[test]
    fn what_is_not_said_to_be_a_read_is_a_write() {
        for operation in [r#""READ""#, "null", "[]", r#""write""#] {
            let output = format!(r#"{{"resource":{{}},"operation":{operation}}}"#);
            check(&output, Ok(("", &[], &[], Operation::Write)));
        }
        check(r#"{"resource":{}}"#, Ok(("", &[], &[], Operation::Write)));
    }

    #[test]
    fn without_a_resource_there_is_no_label() {
        for output in ["{}", r#"{"resource":null}"#, r#"{"resource":[]}"#] {
            check(output, Err("invalid resource format in guard response"));
        }
        let unread = "failed to unmarshal label_resource WASM response: ";
        check("", Err(&format!("{unread}ends too early at byte 0")));
        check("[]", Err(&format!("{unread}it is not an object")));
    }
}
