// SPDX-License-Identifier: MIT
//! What a legacy client's `initialize` becomes on its way to a backend of either era.

use super::open::Incoming;
use crate::base::Message;
use crate::gateway::session::ClientFacts;
use crate::mcp::legacy::Hello;
use crate::mcp::meta;
use crate::wire::json::scan;
use crate::wire::{Patch, Splice};

/// What stands for a client that has not said who it is.
const UNKNOWN_CLIENT: &[u8] = br#"{"name":"unknown","version":"0"}"#;

/// What a modern server is told of a legacy client with each request.
pub(crate) fn client_facts(incoming: &Incoming) -> ClientFacts {
    let member = |name| {
        let span = scan::member(&incoming.message, incoming.envelope.params?, name)?;
        let value = span.of(&incoming.message);
        value.starts_with(b"{").then_some(value)
    };
    let capabilities = member("capabilities").unwrap_or(b"{}");
    ClientFacts {
        info: Message::copy_of(member("clientInfo").unwrap_or(UNKNOWN_CLIENT)),
        capabilities: Message::new(meta::capabilities_for_modern(capabilities)),
    }
}

/// The request with a revision that exists: an unknown one becomes the newest that we know.
///
/// A newer date must not reach a backend that would say yes to it without a handshake.
pub(crate) fn with_known_version(incoming: &Incoming, hello: &Hello) -> Splice {
    let request = Splice::whole(incoming.message.clone());
    match hello.version {
        Some(span) if !hello.known => {
            let date = Message::new(format!("\"{}\"", hello.revision.date).into_bytes());
            request.with(span, Patch::Bytes(date))
        }
        _ => request,
    }
}
