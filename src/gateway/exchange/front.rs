// SPDX-License-Identifier: MIT
//! The doors beside `/mcp`: connections that are sessions, and what is posted for them.
//!
//! ```text
//! GET  /sse/{server}            ─> Attached, an event stream: "send your messages to …?session=t"
//! POST /sse/{server}?session=t  ─> AwaitPosted ─> 202; the answers leave on that stream
//! GET  /ws/{server}             ─> Attached, a WebSocket: one message per frame, both ways
//! ```
//!
//! A credential is read from `Authorization` and from nowhere else: what stands in a target ends up
//! in the logs of everybody on the way.
//!
//! Spec: MCP 2024-11-05, basic/transports, "HTTP with SSE"; RFC 6455 §4.

use super::admit::{check_revision, check_takes_events, is_json};
use super::finish::SWITCHING_PROTOCOLS;
use super::{Admitted, Exchange, events_head, with_cors};
use crate::base::{Key, Message};
use crate::gateway::attached::{Posted, Wire};
use crate::gateway::fault::{ClientFault, Fault, GatewayFault};
use crate::gateway::io::{Level, Output, Peer, PeerAddress, StreamData, StreamEvent};
use crate::gateway::session::Session;
use crate::gateway::snapshot::ServerId;
use crate::gateway::{Gateway, note};
use crate::policy::auth::Principal;
use crate::wire::http1::fields::members;
use crate::wire::http1::{Content, Field, Method, RequestHead, ResponseHead};
use crate::wire::websocket::accept_key;

/// Who has come to the door of a server, and is known there.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The connection.
    pub peer: Key<Peer>,
    /// Where it comes from.
    pub from: PeerAddress,
    /// The server that the path names.
    pub server: ServerId,
    /// Who sends it.
    pub principal: Principal,
}

impl Gateway {
    /// A request for the HTTP+SSE transport.
    pub(super) fn let_in_events(
        &mut self,
        caller: Caller,
        head: &RequestHead,
    ) -> Result<(), Fault> {
        match (head.method, session_in(head.query())) {
            (Method::Get, _) => self.let_in_events_get(caller, head),
            (Method::Post, Some(token)) => self.let_in_events_post(caller, head, token),
            // A client of two transports posts first, and takes this for "the older one".
            _ => Err(ClientFault::Method("GET").into()),
        }
    }

    fn let_in_events_get(&mut self, caller: Caller, head: &RequestHead) -> Result<(), Fault> {
        check_takes_events(head)?;
        self.check_room_to_attach()?;
        let origin = head.field_message(Field::Origin);
        let reply = with_cors(events_head(), origin.as_ref());
        let token = self.attach_peer(caller, Wire::Events, origin);
        let peer = caller.peer;
        self.push(Output::Stream { peer, head: reply });
        let path = [head.path(), b"?session=", token.as_bytes()].concat();
        let data = StreamData::Endpoint(Message::new(path));
        self.push(Output::Event { peer, event: StreamEvent { data, ..StreamEvent::default() } });
        Ok(())
    }

    /// A request for a WebSocket.
    ///
    /// Spec: RFC 6455 §4.2.
    pub(super) fn let_in_socket(
        &mut self,
        caller: Caller,
        head: &RequestHead,
    ) -> Result<(), Fault> {
        if head.method != Method::Get {
            return Err(ClientFault::Method("GET").into());
        }
        let reply = agree(head)?;
        self.check_room_to_attach()?;
        let peer = caller.peer;
        self.attach_peer(caller, Wire::Socket, head.field_message(Field::Origin));
        let bytes_max = self.limits().message_bytes_max;
        self.push(Output::Upgrade { peer, head: reply, bytes_max });
        Ok(())
    }

    /// Whether one more exchange may begin for a session that is not there yet.
    pub(in crate::gateway) fn check_room_to_attach(&self) -> Result<(), Fault> {
        self.refuse_if_draining()?;
        if self.exchanges.len() >= self.limits().exchanges_max {
            return Err(GatewayFault::Full("requests").into());
        }
        Ok(())
    }

    /// Says in the log who has opened a session, and at which door.
    pub(crate) fn note_new_session(&mut self, admitted: &Admitted, session: Key<Session>) {
        let name = self.snapshot.title(admitted.server).to_owned();
        let id = self.sessions.get(session).map(|s| note::short(&s.id)).unwrap_or_default();
        let (ip, port) = (admitted.from.ip, admitted.from.port);
        let (method, front) = self.front_of(admitted.peer);
        let text = format!(
            "New MCP client connection, remote={ip}:{port}, method={method}, path={front}{name}, \
             backend={name}, session={id}"
        );
        self.note(Level::Info, "client", None, text);
    }

    fn let_in_events_post(
        &mut self,
        caller: Caller,
        head: &RequestHead,
        token: &[u8],
    ) -> Result<(), Fault> {
        let attached = self.find_attached(token, caller).ok_or(ClientFault::UnknownSession)?;
        if !is_json(head.field(Field::ContentType)) {
            return Err(ClientFault::ContentType.into());
        }
        check_revision(head)?;
        if self.is_stopping() {
            return Err(GatewayFault::Draining.into());
        }
        if self.exchanges.len() >= self.limits().exchanges_max {
            return Err(GatewayFault::Full("requests").into());
        }
        let (peer, origin) = (caller.peer, head.field_message(Field::Origin));
        let posted = Exchange::AwaitPosted(Box::new(Posted { peer, attached, origin }));
        let exchange = self.exchanges.insert(posted);
        self.peers.set(peer, exchange);
        let bytes_max = self.limits().message_bytes_max;
        self.push(Output::Receive { peer, bytes_max });
        Ok(())
    }
}

/// The answer to a WebSocket's handshake.
///
/// Spec: RFC 6455 §4.2.1, §4.2.2.
fn agree(head: &RequestHead) -> Result<ResponseHead, ClientFault> {
    let lists = |field, wanted: &str| {
        head.values(field).flat_map(members).any(|one| one.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    // RFC 9110 §7.8: without the option in `Connection`, `Upgrade` is for somebody on the way.
    if !(lists("Upgrade", "websocket") && lists("Connection", "upgrade")) {
        return Err(ClientFault::Upgrade("this address speaks WebSocket"));
    }
    if only(head.values("Sec-WebSocket-Version")) != Some(b"13") {
        return Err(ClientFault::Upgrade("only version 13 of WebSocket is spoken"));
    }
    let accept = only(head.values("Sec-WebSocket-Key")).and_then(accept_key);
    let accept = accept.ok_or(ClientFault::Handshake("Sec-WebSocket-Key is no key"))?;
    let reply = ResponseHead::new(SWITCHING_PROTOCOLS, Content::None)
        .with("Connection", "Upgrade")
        .with("Upgrade", "websocket")
        .with("Sec-WebSocket-Accept", accept);
    let mut offered = head.values("Sec-WebSocket-Protocol").flat_map(members).peekable();
    if offered.peek().is_none() {
        return Ok(reply);
    }
    if !offered.any(|one| one == SUBPROTOCOL.as_bytes()) {
        return Err(ClientFault::Handshake("the only subprotocol here is 'mcp'"));
    }
    Ok(reply.with("Sec-WebSocket-Protocol", SUBPROTOCOL))
}

/// The value of a field that may stand only once.
fn only<'h>(mut values: impl Iterator<Item = &'h [u8]>) -> Option<&'h [u8]> {
    values.next().filter(|_| values.next().is_none())
}

/// What is spoken in frames.
const SUBPROTOCOL: &str = "mcp";

/// The parameter `session` of a query.
fn session_in(query: &[u8]) -> Option<&[u8]> {
    query.split(|&byte| byte == b'&').find_map(|pair| pair.strip_prefix(b"session="))
}

#[cfg(test)]
mod tests {
    use super::session_in;

    #[test]
    fn the_session_is_one_parameter_of_the_query() {
        assert_eq!(session_in(b"session=a-1"), Some(&b"a-1"[..]));
        assert_eq!(session_in(b"x=1&session=b&session=c"), Some(&b"b"[..]));
        assert_eq!(session_in(b"session"), None);
        assert_eq!(session_in(b"xsession=1"), None);
    }
}
