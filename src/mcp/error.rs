// SPDX-License-Identifier: MIT
//! Error codes by name.
//!
//! Spec: JSON-RPC 2.0 §5.1; the written gateway specification, "HTTP", for -32000 to -32003;
//! MCP 2025-11-25, schema, for -32002 and -32042; MCP 2026-07-28, schema, for -32020 to -32022.

use crate::base::Span;
use crate::wire::json::scan;

/// The code of a JSON-RPC error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

impl Code {
    /// The bytes are no JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// It is JSON, but no request.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// Nobody knows the method.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// Our own or the backend's mistake.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// The request cannot be served as it stands.
    pub const SERVER_ERROR: Self = Self(-32000);
    /// The backend is not there, or the session is gone.
    pub const UNAVAILABLE: Self = Self(-32001);
    /// The backend has not answered in time.
    pub const TIMEOUT: Self = Self(-32002);
    /// Legacy: there is no such resource. The same number as [`Self::TIMEOUT`], which is ours.
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// Modern: a header says something else than the body, or is missing.
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// Modern: the request needs a capability that its client does not declare.
    pub const MISSING_CAPABILITY: Self = Self(-32021);
    /// Modern: the server does not speak the revision of the request.
    pub const UNSUPPORTED_VERSION: Self = Self(-32022);
    /// Legacy: the client has to open an address first, then repeat the call.
    pub const URL_ELICITATION: Self = Self(-32042);
}

/// Whether only the modern revision itself may give meaning to this code.
///
/// Spec: MCP 2026-07-28, basic, "Error Codes".
#[must_use]
pub fn is_reserved(code: i64) -> bool {
    (-32099..=-32020).contains(&code)
}

/// The `code` of `error`, the error object of a response; `None` if there is no integer.
#[must_use]
pub fn code_of(text: &[u8], error: Span) -> Option<i64> {
    let spelled = scan::member(text, error, "code")?.of(text);
    str::from_utf8(spelled).ok()?.parse().ok()
}

/// The member `name` of the `data` of `error`.
#[must_use]
pub fn data_member(text: &[u8], error: Span, name: &str) -> Option<Span> {
    scan::member(text, scan::member(text, error, "data")?, name)
}

/// The revisions that a server names in an error for an unsupported one (`data.supported`).
#[must_use]
pub fn supported_versions(text: &[u8], error: Span) -> Vec<Box<str>> {
    data_member(text, error, "supported").map_or_else(Vec::new, |list| strings(text, list))
}

/// The strings among the elements of `array`.
pub(super) fn strings(text: &[u8], array: Span) -> Vec<Box<str>> {
    scan::elements(text, array)
        .filter_map(|element| scan::string(text, element))
        .map(Into::into)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit::whole;

    #[test]
    fn the_members_of_errors_are_read_and_nothing_is_guessed() {
        let text = br#"{"code":-32022,"message":"m","data":{"supported":["a",1,"b"]}}"#;
        assert_eq!(code_of(text, whole(text)), Some(-32022));
        assert_eq!(supported_versions(text, whole(text)), ["a".into(), "b".into()]);
        for text in ["{}", r#"{"code":"1","data":[]}"#, r#"{"code":1.5,"data":{"supported":7}}"#] {
            let text = text.as_bytes();
            assert_eq!(code_of(text, whole(text)), None);
            assert!(supported_versions(text, whole(text)).is_empty());
        }
    }
}
