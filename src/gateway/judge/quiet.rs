// SPDX-License-Identifier: MIT
//! What a guarded server says without being asked: no guard labels it, so nothing that somebody
//! may have written passes.
//!
//! | message | what passes |
//! |---|---|
//! | progress | token, numbers |
//! | lists have changed | the notice |
//! | logs, changed resources, anything else | nothing |
//! | requests to the client | nothing; the server is told, and its pings are answered |

use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::backend::Backend;
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::wire::json::{scan, write};
use crate::wire::jsonrpc::Envelope;

/// What becomes of a notification.
pub(crate) enum Heard {
    /// It is passed on.
    All,
    /// This is passed on instead.
    Only(Message),
    /// Nobody hears of it.
    Nothing,
}

impl Gateway {
    /// What a client may hear of a notification.
    pub(crate) fn may_be_heard(
        &self,
        backend: Key<Backend>,
        method: Method,
        message: &Message,
        envelope: &Envelope,
    ) -> Heard {
        if !self.is_quiet_backend(backend) {
            return Heard::All;
        }
        match method {
            Method::Progress => {
                bare_progress(message, envelope).map_or(Heard::Nothing, Heard::Only)
            }
            Method::ListChanged => {
                bare_notice(message, envelope).map_or(Heard::Nothing, Heard::Only)
            }
            // Read for what it says of methods, and of resources that the client has named.
            Method::Acknowledged if self.era_of(backend) == Era::Modern => Heard::All,
            _ => Heard::Nothing,
        }
    }

    /// Whether nobody hears what this backend says without being asked.
    pub(crate) fn is_quiet_backend(&self, backend: Key<Backend>) -> bool {
        let server = self.backends.get(backend).map(|backend| backend.server);
        server.is_some_and(|server| self.is_guarded(server))
    }
}

/// The notification with its token and its numbers alone.
fn bare_progress(message: &Message, envelope: &Envelope) -> Option<Message> {
    let (params, token) = (envelope.params?, envelope.progress_token?);
    let number = |name| {
        let span = scan::member(message, params, name)?;
        let text = span.of(message);
        text.first().is_some_and(|byte| *byte == b'-' || byte.is_ascii_digit()).then_some(text)
    };
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.str("jsonrpc", "2.0").str("method", "notifications/progress");
        out.object("params", |out| {
            out.raw("progressToken", token.of(message));
            for name in ["progress", "total"] {
                if let Some(number) = number(name) {
                    out.raw(name, number);
                }
            }
        });
    });
    Some(Message::new(out))
}

/// The notification without anything that its sender has added.
fn bare_notice(message: &Message, envelope: &Envelope) -> Option<Message> {
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.str("jsonrpc", "2.0");
        if let Some(method) = envelope.method {
            out.raw("method", method.of(message));
        }
        if let Some(id) = envelope.subscription_id {
            out.object("params", |out| {
                out.object("_meta", |out| {
                    out.raw("io.modelcontextprotocol/subscriptionId", id.of(message));
                });
            });
        }
    });
    Some(Message::new(out))
}
