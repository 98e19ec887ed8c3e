// SPDX-License-Identifier: MIT
//! The call as a client would send it: one POST, without a handshake.

use crate::base::{Message, Span};
use crate::policy::guard::explain::Call;
use crate::wire::http1::{Field, Method, RequestHead};
use crate::wire::json::write;

/// The head, with a key if there is one.
pub fn head(server: &str, key: Option<&[u8]>) -> RequestHead {
    let mut bytes = format!("/mcp/{server}").into_bytes();
    let target = Span::new(0, bytes.len());
    let mut known = [None; Field::COUNT];
    let fields: [(Field, Option<&[u8]>); 4] = [
        (Field::Host, Some(b"localhost")),
        (Field::Accept, Some(b"application/json, text/event-stream")),
        (Field::ContentType, Some(b"application/json")),
        (Field::Authorization, key),
    ];
    for (field, value) in fields {
        let Some(value) = value else { continue };
        let start = bytes.len();
        bytes.extend_from_slice(value);
        known[field as usize] = Some(Span::new(start, bytes.len()));
    }
    let (bytes, params) = (Message::new(bytes), Vec::new());
    RequestHead { bytes, method: Method::Post, target, known, params }
}

/// The body.
pub fn body(call: &Call) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.str("jsonrpc", "2.0").u64("id", 1).str("method", "tools/call");
        out.object("params", |out| {
            out.str("name", &call.tool).raw("arguments", &call.args);
        });
    });
    Message::new(out)
}
