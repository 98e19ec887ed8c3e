// SPDX-License-Identifier: MIT
//! Error codes by name.
//!
//! Spec: JSON-RPC 2.0 §5.1; the written gateway specification, "HTTP", for -32000 to -32003.

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
    /// There is no such resource, in the words of the legacy era; the same number.
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
}
