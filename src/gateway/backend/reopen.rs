// SPDX-License-Identifier: MIT
//! Sessions that an HTTP server has lost.
//!
//! A lost session is opened again once, and the call is sent again only if the server has certainly
//! not executed it: a 404 (or a 400 that names the session) means that it was not looked at.
//!
//! Spec: MCP 2025-11-25, basic/transports, "Session Management".

use super::http::{BAD_REQUEST, NOT_FOUND};
use super::{Backend, Carrier, Link, Owner, State};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::{Call, CallFor};
use crate::gateway::fault::BackendFaultKind;
use crate::gateway::fetch::Fetch;
use crate::mcp::legacy;
use crate::wire::jsonrpc::{self, Envelope, Parsed};
use crate::wire::{Patch, Splice};

impl Gateway {
    pub(super) fn session_is_lost(&self, fetch: &Fetch) -> bool {
        let Some(head) = &fetch.head else { return false };
        let names_session = || {
            let body = fetch.error_body.as_deref().unwrap_or_default().to_ascii_lowercase();
            memchr::memmem::find(&body, b"session").is_some()
        };
        let is_lost = head.status == NOT_FOUND || head.status == BAD_REQUEST && names_session();
        fetch.session_id.is_some() && is_lost
    }

    /// Opens a lost session again and sends the call once more. `false`: that was done already.
    pub(super) fn reopen(&mut self, key: Key<Backend>, call: Key<Call>, lost: &Fetch) -> bool {
        let Some(entry) = self.calls.get_mut(call) else { return false };
        if entry.resent || entry.is_handshake() {
            return false;
        }
        entry.resent = true;
        let request = entry.request.clone();
        let Some(backend) = self.backends.get_mut(key) else { return false };
        let Link::Http(session) = &mut backend.link else { return false };
        let replaced = session.id != lost.session_id;
        if backend.state == State::Ready && !replaced {
            session.id = None;
            session.revision = None;
            session.listen_at = None;
            let listening = session.listening.take();
            backend.state = State::Opening;
            backend.held.push_back((request, Carrier::Call(call)));
            // Its stream belongs to the session that is no more.
            if let Some(fetch) = listening {
                self.cancel_fetch(fetch);
            }
            self.say_hello_again(key);
            return true;
        }
        // Another call has already noticed: this one goes after it.
        self.send_below(key, request, Carrier::Call(call));
        true
    }

    /// Repeats the `initialize` that opened the session: the client's own, or ours.
    pub(super) fn say_hello_again(&mut self, key: Key<Backend>) {
        let owner = self.backends.get(key).map(|backend| backend.owner);
        let hello = match owner {
            Some(Owner::Session(session)) => self
                .sessions
                .get(session)
                .filter(|s| !s.opened_by_gateway || s.is_pooled())
                .and_then(|s| s.hello.clone()),
            _ => None,
        };
        let server = self.backends.get(key).map(|backend| backend.server);
        let text = "its session was lost; opening a new one".to_owned();
        self.note(crate::gateway::io::Level::Warn, "backend", server, text);
        let Some(hello) = hello else { return self.say_hello(key, CallFor::Reopening) };
        let message = hello.to_message();
        let id = match jsonrpc::parse(&message, self.limits()) {
            Ok(Parsed::Single(envelope)) => envelope.id,
            _ => None,
        };
        let Some(span) = id else { return self.say_hello(key, CallFor::Reopening) };
        let method = crate::mcp::method::Method::Initialize;
        self.call_ourselves(key, CallFor::Reopening, method, "initialize", |id| {
            Splice::whole(message).with(span, Patch::Number(id))
        });
    }

    /// The lost session is open again.
    pub(crate) fn reopened(&mut self, key: Key<Backend>, message: &Message, envelope: &Envelope) {
        let handshake = envelope.result.and_then(|result| legacy::handshake(message, result));
        let Some(handshake) = handshake else {
            let detail = "its session was lost and it refused a new one";
            let fault = self.backend_fault(key, BackendFaultKind::Down, detail);
            return self.backend_failed(key, &fault);
        };
        self.set_revision(key, &handshake.version, handshake.revision.version_header);
        if let Some(backend) = self.backends.get_mut(key) {
            backend.state = State::Ready;
        }
        self.transmit(key, legacy::initialized_notification().into(), Carrier::Notice(None));
        self.subscribe_again(key);
        self.release_held(key);
        self.listen_at(key);
    }

    /// What `MCP-Protocol-Version` says from now on.
    pub(crate) fn set_revision(&mut self, key: Key<Backend>, version: &str, has_header: bool) {
        if let Some(Backend { link: Link::Http(session), .. }) = self.backends.get_mut(key)
            && has_header
        {
            session.revision = Some(version.into());
        }
    }
}
