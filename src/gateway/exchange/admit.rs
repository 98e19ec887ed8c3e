// SPDX-License-Identifier: MIT
//! From a head to an admitted exchange, or a refusal before one byte of the body is read.
//!
//! The order of the checks is the order of their prices, and of what a stranger may learn.

use super::front::Caller;
use super::{Admitted, Exchange, Listening, Version, events_head, with_cors};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::endpoint::{self, Endpoint};
use crate::gateway::fault::{ClientFault, Fault, GatewayFault};
use crate::gateway::io::{Level, Output, Peer, PeerAddress};
use crate::gateway::snapshot::ServerId;
use crate::gateway::stream::{StreamKind, parse_event_id};
use crate::mcp::mirror::Mirror;
use crate::mcp::revision;
use crate::policy::auth::{self, Foreign, Principal, Unknown};
use crate::wire::http1::{Field, Method, RequestHead};

/// The methods of an MCP endpoint.
const MCP_METHODS: &str = "GET, POST, DELETE";

impl Gateway {
    /// A head has arrived.
    pub(crate) fn admit(&mut self, peer: Key<Peer>, from: PeerAddress, head: &RequestHead) {
        let origin = head.field_message(Field::Origin);
        if let Err(fault) = self.let_in(peer, from, head) {
            self.refuse(peer, origin.as_ref(), None, &fault);
        }
    }

    fn let_in(
        &mut self,
        peer: Key<Peer>,
        from: PeerAddress,
        head: &RequestHead,
    ) -> Result<(), Fault> {
        let endpoint =
            endpoint::find(&self.snapshot, head.path()).ok_or(ClientFault::NoSuchEndpoint)?;
        if self.shard.has_others() && self.is_moved_by_head(peer, endpoint, head) {
            return Ok(());
        }
        match endpoint {
            Endpoint::Health => {
                self.answer_health(peer);
                return Ok(());
            }
            Endpoint::Ready => {
                self.answer_ready(peer);
                return Ok(());
            }
            _ => {}
        }
        self.check_origin(from, head)?;
        if head.method == Method::Options && head.field(Field::Origin).is_some() {
            self.answer_preflight(peer, head);
            return Ok(());
        }
        let principal = self.identify(from, head)?;
        match endpoint {
            Endpoint::Mcp(server) => self.let_in_mcp(peer, from, head, server, principal),
            Endpoint::Socket(server) => {
                self.let_in_socket(Caller { peer, from, server, principal }, head)
            }
            Endpoint::Events(server) => {
                self.let_in_events(Caller { peer, from, server, principal }, head)
            }
            Endpoint::Reflect => {
                let body = self.reflection();
                self.answer_json(peer, super::finish::OK, body);
                Ok(())
            }
            Endpoint::Metrics => self.let_in_metrics(peer, head),
            _ => self.let_in_close(peer, head),
        }
    }

    fn check_origin(&mut self, from: PeerAddress, head: &RequestHead) -> Result<(), Fault> {
        let (origin, host) = (head.field(Field::Origin), head.field(Field::Host));
        let options = &self.snapshot.auth;
        auth::origin::allow(options, origin, host, from.local_is_loopback).map_err(|foreign| {
            let blamed = if foreign == Foreign::Origin { origin } else { host };
            let blamed = String::from_utf8_lossy(blamed.unwrap_or_default()).into();
            ClientFault::Foreign(foreign, blamed).into()
        })
    }

    fn identify(&mut self, from: PeerAddress, head: &RequestHead) -> Result<Principal, Fault> {
        let found = auth::identify(&self.snapshot.auth, head.field(Field::Authorization));
        found.map_err(|unknown| {
            let detail = match unknown {
                Unknown::Missing => "missing_auth_header",
                Unknown::Invalid => "invalid_api_key",
                Unknown::Malformed => "malformed_auth_header",
            };
            let path = String::from_utf8_lossy(head.path()).into_owned();
            let text = format!(
                "Authentication failed: error_type=authentication_failed detail={detail} \
                 path={path} remote={}:{}",
                from.ip, from.port
            );
            self.note(Level::Error, "auth", None, text);
            ClientFault::Unknown(unknown).into()
        })
    }

    fn let_in_metrics(&mut self, peer: Key<Peer>, head: &RequestHead) -> Result<(), Fault> {
        if !matches!(head.method, Method::Get | Method::Head) {
            return Err(ClientFault::Method("GET, HEAD").into());
        }
        self.answer_metrics(peer);
        Ok(())
    }

    fn let_in_close(&mut self, peer: Key<Peer>, head: &RequestHead) -> Result<(), Fault> {
        if head.method != Method::Post {
            return Err(ClientFault::Method("POST").into());
        }
        self.close_gateway(peer)
    }

    fn let_in_mcp(
        &mut self,
        peer: Key<Peer>,
        from: PeerAddress,
        head: &RequestHead,
        server: ServerId,
        principal: Principal,
    ) -> Result<(), Fault> {
        match head.method {
            Method::Post => self.let_in_post(peer, from, head, server, principal),
            // Neither sessions nor their streams exist there.
            Method::Get | Method::Delete if version_of(head) == Version::Modern => {
                Err(ClientFault::Method("POST").into())
            }
            Method::Get => self.let_in_get(peer, head, server, principal),
            Method::Delete => self.let_in_delete(peer, head, server, principal),
            _ => Err(ClientFault::Method(MCP_METHODS).into()),
        }
    }

    fn let_in_post(
        &mut self,
        peer: Key<Peer>,
        from: PeerAddress,
        head: &RequestHead,
        server: ServerId,
        principal: Principal,
    ) -> Result<(), Fault> {
        let accept = Accept::of(head.field(Field::Accept));
        let session_id = head.field_message(Field::McpSessionId);
        let is_json = is_json(head.field(Field::ContentType));
        // What `curl -d` declares by itself is let in for calls without a session, unless a page
        // of a browser sends it: there, a form needs no permission to be sent anywhere.
        let excused = session_id.is_none() && head.field(Field::Origin).is_none();
        if !(is_json || excused && is_form(head.field(Field::ContentType))) {
            return Err(ClientFault::ContentType.into());
        }
        if !accept.json {
            return Err(ClientFault::Accept(ACCEPT_BOTH).into());
        }
        if self.is_stopping() {
            return Err(GatewayFault::Draining.into());
        }
        if self.exchanges.len() >= self.limits().exchanges_max {
            return Err(GatewayFault::Full("requests").into());
        }
        let version = version_of(head);
        let admitted = Admitted {
            peer,
            from,
            server,
            principal,
            session_id,
            origin: head.field_message(Field::Origin),
            accepts_json: accept.json,
            accepts_events: accept.events,
            names_events: accept.names_events,
            is_json,
            version,
            mirror: mirror_of(head, version),
        };
        let exchange = self.exchanges.insert(Exchange::AwaitBody(Box::new(admitted)));
        self.peers.set(peer, exchange);
        let bytes_max = self.limits().message_bytes_max;
        self.push(Output::Receive { peer, bytes_max });
        Ok(())
    }

    fn let_in_get(
        &mut self,
        peer: Key<Peer>,
        head: &RequestHead,
        server: ServerId,
        principal: Principal,
    ) -> Result<(), Fault> {
        check_takes_events(head)?;
        let id = head
            .field(Field::McpSessionId)
            .ok_or(ClientFault::NoSession("Bad Request: GET requires an Mcp-Session-Id header"))?;
        check_revision(head)?;
        self.refuse_if_draining()?;
        let session = self.find_session(id, server, principal)?;
        if self.exchanges.len() >= self.limits().exchanges_max {
            return Err(GatewayFault::Full("requests").into());
        }
        let reply = with_cors(events_head(), head.field_message(Field::Origin).as_ref());
        let resumed = head
            .field(Field::LastEventId)
            .and_then(parse_event_id)
            .and_then(|seen| self.resume_stream(session, peer, seen, reply.clone()));
        if resumed.is_none() {
            let listening = Exchange::Listening(Listening { session, peer });
            let exchange = self.exchanges.insert(listening);
            self.peers.set(peer, exchange);
            let number = self.open_stream(session, StreamKind::Get, Some(peer), reply);
            self.flush_queue(session, number);
        }
        self.listen_below(session);
        Ok(())
    }

    fn let_in_delete(
        &mut self,
        peer: Key<Peer>,
        head: &RequestHead,
        server: ServerId,
        principal: Principal,
    ) -> Result<(), Fault> {
        let id = head.field(Field::McpSessionId).ok_or(ClientFault::NoSession(
            "Bad Request: DELETE requires an Mcp-Session-Id header",
        ))?;
        check_revision(head)?;
        let session = self.find_session(id, server, principal)?;
        self.end_session(session, "ended by its client");
        self.answer_no_content(peer, head.field_message(Field::Origin).as_ref());
        Ok(())
    }

    pub(crate) fn refuse_if_draining(&self) -> Result<(), Fault> {
        if self.is_draining() { Err(GatewayFault::Draining.into()) } else { Ok(()) }
    }

    /// Answers with a fault; nothing has been sent yet.
    pub(crate) fn refuse(
        &mut self,
        peer: Key<Peer>,
        origin: Option<&Message>,
        id: Option<&[u8]>,
        fault: &Fault,
    ) {
        self.debug("gateway:refuse", || fault.text());
        if let Some(attached) = self.attached_at(peer) {
            return self.say(attached, fault.message(id).into());
        }
        let answer = fault.answer(id);
        // A foreign page must not read even why it was refused.
        let foreign = matches!(fault, Fault::Client(ClientFault::Foreign(..)));
        let head = if foreign { answer.head } else { with_cors(answer.head, origin) };
        let body = answer.body.into();
        self.push(Output::Respond { peer, head, body, close: false });
    }
}

pub(crate) const ACCEPT_BOTH: &str =
    "Accept must contain both 'application/json' and 'text/event-stream'";
const ACCEPT_EVENTS: &str = "Accept must contain 'text/event-stream' for GET requests";

/// A bad version is refused; none means what was negotiated.
///
/// Spec: MCP 2025-11-25, basic/transports, "Protocol Version Header".
pub(super) fn check_revision(head: &RequestHead) -> Result<(), Fault> {
    match version_of(head) {
        Version::Legacy => Ok(()),
        _ => Err(ClientFault::Revision.into()),
    }
}

fn version_of(head: &RequestHead) -> Version {
    match head.field(Field::McpProtocolVersion) {
        None => Version::Legacy,
        Some(date) if revision::find(date).is_some() => Version::Legacy,
        Some(date) if revision::is_modern(date) => Version::Modern,
        Some(_) => Version::Unknown,
    }
}

/// The fields that a modern request carries; legacy ones carry none, and cost nothing.
fn mirror_of(head: &RequestHead, version: Version) -> Option<Box<Mirror>> {
    let (method, name) = (head.field(Field::McpMethod), head.field(Field::McpName));
    if method.is_none() && name.is_none() && version == Version::Legacy {
        return None;
    }
    Some(Box::new(Mirror::of(head)))
}

/// A GET is answered with an event stream or not at all.
pub(super) fn check_takes_events(head: &RequestHead) -> Result<(), Fault> {
    let takes = Accept::of(head.field(Field::Accept)).events;
    if takes { Ok(()) } else { Err(ClientFault::Accept(ACCEPT_EVENTS).into()) }
}

/// What a client takes as an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Accept {
    json: bool,
    events: bool,
    names_events: bool,
}

impl Accept {
    /// Reads `Accept`; none means anything.
    ///
    /// Spec: RFC 9110 §12.5.1; of the weights only "not at all" (`q=0`) matters.
    fn of(field: Option<&[u8]>) -> Self {
        let Some(field) = field else {
            return Self { json: true, events: true, names_events: false };
        };
        // What nearly every client sends is compared as a whole.
        if field == b"application/json, text/event-stream" {
            return Self { json: true, events: true, names_events: true };
        }
        let mut accept = Self::default();
        for range in field.split(|&byte| byte == b',') {
            let mut parts = range.split(|&byte| byte == b';').map(crate::base::bytes::trim_ows);
            let media = parts.next().unwrap_or_default();
            if parts.any(is_weight_zero) {
                continue;
            }
            let is = |name: &[u8]| media.eq_ignore_ascii_case(name);
            let names_events = is(b"text/event-stream");
            accept.json |= is(b"application/json") || is(b"application/*") || is(b"*/*");
            accept.events |= names_events || is(b"text/*") || is(b"*/*");
            accept.names_events |= names_events;
        }
        accept
    }
}

fn is_weight_zero(parameter: &[u8]) -> bool {
    let Some(weight) = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))
    else {
        return false;
    };
    !weight.is_empty() && weight.iter().all(|&byte| byte == b'0' || byte == b'.')
}

fn media_type(field: Option<&[u8]>) -> Vec<u8> {
    let field = field.unwrap_or_default().split(|&byte| byte == b';').next().unwrap_or_default();
    crate::base::bytes::trim_ows(field).to_ascii_lowercase()
}

pub(super) fn is_json(field: Option<&[u8]>) -> bool {
    // Compared in place first: this is what nearly every client sends.
    field == Some(b"application/json") || media_type(field) == b"application/json"
}

fn is_form(field: Option<&[u8]>) -> bool {
    field.is_none() || media_type(field) == b"application/x-www-form-urlencoded"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, json: bool, events: bool) {
        let accept = Accept::of(Some(field.as_bytes()));
        assert_eq!((accept.json, accept.events), (json, events), "{field:?}");
    }

    // Checklist 5.
    #[test]
    fn accept_is_read_by_type_and_wildcard() {
        check("application/json, text/event-stream", true, true);
        check("text/event-stream;q=0.5,APPLICATION/JSON ; charset=utf-8", true, true);
        check("*/*", true, true);
        check("application/*, text/*", true, true);
        check("application/json", true, false);
        check("text/event-stream", false, true);
        check("text/html", false, false);
        check("*/*;q=0", false, false);
        check("", false, false);
    }

    // Checklist 5.
    #[test]
    fn json_is_json_with_any_parameter() {
        assert!(is_json(Some(b"application/json")));
        assert!(is_json(Some(b"Application/JSON; charset=utf-8")));
        assert!(!is_json(Some(b"application/jsonp")));
        assert!(!is_json(None));
        assert!(is_form(None));
        assert!(!is_form(Some(b"text/plain")));
    }
}
