// SPDX-License-Identifier: MIT
//! JSON-RPC 2.0 messages as spans: what routes them, and nothing else.
//!
//! Spec: JSON-RPC 2.0 §4 (request), §5 (response), §6 (batch).

use crate::base::Span;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Has `method` and `id`.
    Request,
    /// Has `method` and no `id`.
    Notification,
    /// Has `result` or `error`, and no `method`.
    Response,
}

/// Where the members that route one message lie. Nothing is decoded, nothing is borrowed.
///
/// All spans are relative to the message. Spans of strings include their quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the message is.
    pub kind: Kind,
    /// `id`: a number or a string, exactly as it is spelled. `null` in an error response is `None`.
    pub id: Option<Span>,
    /// `method`, a string.
    pub method: Option<Span>,
    /// `params`, an object or an array.
    pub params: Option<Span>,
    /// `params.name`, if it is a string.
    pub name: Option<Span>,
    /// `params.uri`, if it is a string.
    pub uri: Option<Span>,
    /// `params.progressToken`: of a progress notification. A number or a string.
    pub progress_token: Option<Span>,
    /// `params._meta.progressToken`: of a request. A number or a string.
    pub meta_progress_token: Option<Span>,
    /// `params.requestId`: of a cancellation. A number or a string.
    pub request_id: Option<Span>,
    /// `result`, any value.
    pub result: Option<Span>,
    /// `error`, an object.
    pub error: Option<Span>,
    /// Whether raw CR or LF stand between tokens: harmless over HTTP, fatal on stdio.
    pub has_newlines: bool,
}
