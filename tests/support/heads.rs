// SPDX-License-Identifier: MIT
//! Heads of requests without a parser.

use penstock::base::{Message, Span};
use penstock::wire::http1::{Field, Method, RequestHead};

/// Adds `Mcp-Param-*` fields to a head.
pub fn mirror(head: &mut RequestHead, params: &[(&str, &str)]) {
    let mut bytes = head.bytes.to_vec();
    for (name, value) in params {
        let at = bytes.len();
        bytes.extend_from_slice(name.as_bytes());
        let middle = bytes.len();
        bytes.extend_from_slice(value.as_bytes());
        head.params.push((Span::new(at, middle), Span::new(middle, bytes.len())));
    }
    head.bytes = Message::new(bytes);
}

/// A head without a parser.
pub fn head(method: Method, path: &str, fields: &[(Field, &str)]) -> RequestHead {
    let mut bytes = path.as_bytes().to_vec();
    let target = Span::new(0, bytes.len());
    let mut known = [None; Field::COUNT];
    for (field, value) in fields {
        let start = bytes.len();
        bytes.extend_from_slice(value.as_bytes());
        known[*field as usize] = Some(Span::new(start, bytes.len()));
    }
    RequestHead { bytes: Message::new(bytes), method, target, known, params: Vec::new() }
}
