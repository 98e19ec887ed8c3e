// SPDX-License-Identifier: MIT
//! Opening backends: the first one of each server at start, to see whether it works and what tools
//! it has; later ones for sessions.

use std::collections::VecDeque;

use super::{Backend, Carrier, HttpSession, Link, Owner, State};
use crate::base::{Key, Message};
use crate::gateway::alarm::Alarm;
use crate::gateway::call::{Call, CallFor, Fields, id_of};
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::cell::mirror_fields;
use crate::gateway::fault::{self, BackendFaultKind, Fault, GatewayFault};
use crate::gateway::io::{EventKind, Level, Output};
use crate::gateway::session::Session;
use crate::gateway::snapshot::{ServerId, Transport};
use crate::gateway::{Gateway, note};
use crate::mcp::meta::{self, Identity};
use crate::mcp::method::Method;
use crate::mcp::{Era, legacy};
use crate::wire::Splice;
use crate::wire::json::scan;
use crate::wire::jsonrpc::Envelope;

impl Gateway {
    /// Starts a server's first backend, which its first fitting session will own.
    pub(crate) fn start_first_backend(&mut self, server: ServerId) {
        if self.is_modern_only(server) {
            if let Err(fault) = self.modern_backend(server) {
                self.server_failed(server, &fault.text());
            }
            return;
        }
        match self.start_backend_ourselves(server) {
            Ok(key) => self.servers[usize::from(server.0)].first = Some(key),
            Err(fault) => self.server_failed(server, &fault.text()),
        }
    }

    /// The same for a server that has failed, unless somebody was quicker.
    pub(crate) fn start_first_backend_again(&mut self, server: ServerId) {
        let first = self.servers[usize::from(server.0)].first;
        match first.and_then(|first| self.backends.get(first)).map(|backend| backend.state) {
            Some(State::Ready) => self.server_is_up(server),
            Some(State::Opening) => {}
            Some(State::Stopping) | None => self.start_first_backend(server),
        }
    }

    /// The backend that waits for a session, or that all share; started again if it has failed.
    pub(crate) fn claimable(&mut self, server: ServerId) -> Option<Key<Backend>> {
        let first = self.servers[usize::from(server.0)].first;
        let usable = |backend: &Backend| {
            backend.state != State::Stopping
                && matches!(backend.owner, Owner::Nobody | Owner::Shared)
        };
        if let Some(key) = first
            && self.backends.get(key).is_some_and(usable)
        {
            return Some(key);
        }
        if !self.server(server).shared {
            return None;
        }
        self.start_first_backend(server);
        // Perhaps there is no room for one; what was first before is on its way out.
        let first = self.servers[usize::from(server.0)].first?;
        self.backends.get(first).is_some_and(usable).then_some(first)
    }

    /// Starts a backend that a client's `initialize` will open.
    pub(crate) fn start_backend(&mut self, server: ServerId) -> Result<Key<Backend>, Fault> {
        let state = &self.servers[usize::from(server.0)];
        if let (true, Some(why)) = (state.broken, &state.trouble) {
            return Err(fault::backend(&self.snapshot, server, BackendFaultKind::Down, why));
        }
        let link = match self.server(server).transport {
            Transport::Stdio(_) => Link::Child,
            Transport::Http(_) => Link::Http(HttpSession::default()),
        };
        let is_child = |backend: &Backend| matches!(backend.link, Link::Child);
        let n_children = self.backends.iter().filter(|(_, backend)| is_child(backend)).count();
        if matches!(link, Link::Child) && n_children >= self.limits().children_max {
            return Err(GatewayFault::Full("backends").into());
        }
        let owner = if self.server(server).shared { Owner::Shared } else { Owner::Nobody };
        let key = self.backends.insert(Backend {
            server,
            era: Era::Legacy,
            link,
            owner,
            state: State::Opening,
            handshake: None,
            discovery: None,
            opened_by_client: true,
            held: VecDeque::new(),
            greetings: Vec::new(),
            early: VecDeque::new(),
            said: VecDeque::new(),
            n_noise: 0,
            full: false,
            started_at: self.now.mono,
            doubted_until: None,
            logs_doubted_until: None,
        });
        self.note_launch(server);
        if let Transport::Stdio(command) = &self.server(server).transport {
            let command = std::sync::Arc::clone(command);
            self.push(Output::Spawn { backend: key, command });
        }
        Ok(key)
    }

    fn note_launch(&mut self, server: ServerId) {
        let found = self.server(server);
        let text = match &found.transport {
            Transport::Stdio(command) => {
                format!("Launching MCP backend server: {}, command={}", found.name, command.program)
            }
            Transport::Http(target) => format!(
                "Connecting to MCP backend server: {}, host={}:{}",
                found.name, target.host, target.port
            ),
        };
        self.note(Level::Info, "backend", Some(server), text);
    }

    /// Starts a backend and opens it in the gateway's own name.
    pub(crate) fn start_backend_ourselves(
        &mut self,
        server: ServerId,
    ) -> Result<Key<Backend>, Fault> {
        let key = self.start_backend(server)?;
        if let Some(backend) = self.backends.get_mut(key) {
            backend.opened_by_client = false;
        }
        self.say_hello(key, CallFor::Handshake);
        Ok(key)
    }

    /// Sends the gateway's own `initialize`.
    pub(crate) fn say_hello(&mut self, key: Key<Backend>, whom: CallFor) {
        let version = std::sync::Arc::clone(&self.snapshot.version);
        self.call_ourselves(key, whom, Method::Initialize, "initialize", |id| {
            legacy::initialize_request(id, &version).into()
        });
    }

    /// Sends a request in the gateway's own name.
    pub(crate) fn call_ourselves(
        &mut self,
        key: Key<Backend>,
        whom: CallFor,
        method: Method,
        name: &str,
        request: impl FnOnce(u64) -> Splice,
    ) -> Option<Key<Call>> {
        let server = self.backends.get(key)?.server;
        let patience = match whom {
            CallFor::Discovery => self.discovery_after_max(server),
            _ => self.server(server).startup_timeout,
        };
        let deadline = self.now.mono + patience;
        let call = self.calls.insert(Call {
            backend: key,
            whom,
            method,
            name: Message::from(name),
            tool: None,
            uri: None,
            id: Message::default(),
            token: None,
            token_is_ours: true,
            request: Message::default().into(),
            fields: Fields::default(),
            http_status: None,
            fetch: None,
            sent_at: self.now.mono,
            deadline,
            extension: None,
            cancelled: false,
            resent: false,
            question: None,
            needs: None,
            n_rounds: 0,
            is_never_sent: false,
            wants_logs: false,
            watched: None,
            asked_by_guard: None,
        });
        self.alarms.set(Alarm::Calls, deadline);
        let request = self.in_its_era(key, method, call, request(id_of(call)));
        if let Some(call) = self.calls.get_mut(call) {
            call.request = request.clone();
        }
        let payload = request.to_message();
        self.emit(Some(server), EventKind::RpcOut { method: Message::from(name), payload });
        if matches!(method, Method::Initialize | Method::Discover) {
            self.open_link(key, request, call);
        } else {
            self.send_below(key, request, Carrier::Call(call));
        }
        Some(call)
    }

    /// A request of our own in the words of its backend's era.
    fn in_its_era(
        &mut self,
        key: Key<Backend>,
        method: Method,
        call: Key<Call>,
        request: Splice,
    ) -> Splice {
        if self.era_of(key) == Era::Legacy {
            return request;
        }
        let Some(mut one) = self.read_again(request.to_message()) else { return request };
        if method != Method::Discover {
            let (info, nothing) = (self.own_info(), Message::fixed(b"{}"));
            let identity =
                Identity { client_info: Some(&info), capabilities: &nothing, log_level: None };
            let message = meta::with_ours(&one.message, &one.envelope, &identity);
            let Some(own) = self.read_again(message) else { return request };
            one = own;
        }
        let fields = mirror_fields(&one);
        if let Some(call) = self.calls.get_mut(call) {
            call.fields = fields.into();
        }
        one.message.into()
    }

    /// Sends `initialize`, which may go before the backend is ready.
    pub(crate) fn open_link(&mut self, key: Key<Backend>, request: Splice, call: Key<Call>) {
        self.transmit(key, request, Carrier::Call(call));
    }

    /// Our own `initialize` is answered.
    pub(crate) fn handshake_done(
        &mut self,
        key: Key<Backend>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let handshake = envelope.result.and_then(|result| legacy::handshake(message, result));
        let Some(handshake) = handshake else {
            let said = note::excerpt(message);
            let detail = format!("it refused initialize: {said}");
            let fault = self.backend_fault(key, BackendFaultKind::Misbehaved, &detail);
            return match self.backends.get(key).map(|backend| (backend.server, backend.owner)) {
                // What a client has said of itself says nothing about the server, unless that
                // names the protocol as the reason.
                Some((server, Owner::Session(session)))
                    if self.is_of_pool(session) && !self.refuses_era(message) =>
                {
                    self.note(Level::Warn, "backend", Some(server), fault.text());
                    self.end_session_with(session, "its backend refused initialize", &fault);
                }
                Some((server, _)) if envelope.error.is_some() => {
                    self.initialize_refused(key, server, &fault)
                }
                _ => self.backend_failed(key, &fault),
            };
        };
        self.set_revision(key, &handshake.version, handshake.revision.version_header);
        let Some(backend) = self.backends.get_mut(key) else { return };
        let (server, has_tools) = (backend.server, handshake.has_tools);
        backend.state = State::Ready;
        let opened_after = self.now.mono.saturating_duration_since(backend.started_at);
        backend.handshake = Some(handshake);
        let greetings = std::mem::take(&mut backend.greetings);
        self.note_tasks(server, message, envelope);
        self.transmit(key, legacy::initialized_notification().into(), Carrier::Notice(None));
        let era = &mut self.servers[usize::from(server.0)].era;
        era.opened_after = opened_after;
        (era.modern_only, era.was_legacy) = (false, true);
        self.server_is_up(server);
        for call in greetings {
            self.greet_or_wait(key, call);
        }
        self.subscribe_again(key);
        self.release_held(key);
        let is_first = self.servers[usize::from(server.0)].first == Some(key);
        if is_first && has_tools {
            self.list_tools(key, Vec::new(), None);
        } else if is_first && !has_tools {
            self.begins_to_list(server);
            self.tools_listed(server, &[]);
        }
        self.first_is_settled(server);
    }

    pub(crate) fn server_is_up(&mut self, server: ServerId) {
        let now = self.now.mono;
        let was_in_trouble = self.servers[usize::from(server.0)].trouble.is_some();
        self.servers[usize::from(server.0)].is_up(now);
        if was_in_trouble {
            self.server_came_back(server);
        }
    }

    /// Sends what waited for the backend to open.
    pub(crate) fn release_held(&mut self, key: Key<Backend>) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        for (message, carrier) in std::mem::take(&mut backend.held) {
            // A call that was given up meanwhile must not be executed.
            if let Carrier::Call(call) = carrier
                && self.calls.get(call).is_none_or(|call| call.cancelled)
            {
                self.calls.remove(call);
                continue;
            }
            self.transmit(key, message, carrier);
        }
    }

    /// A client's own `initialize` is answered. `Err`: the session that never begins; it is to be
    /// ended once the answer has left.
    pub(crate) fn client_handshake_done(
        &mut self,
        key: Key<Backend>,
        exchange: Key<Exchange>,
        message: &Message,
        envelope: &Envelope,
    ) -> Result<(), Key<Session>> {
        let Some(session) = self.session_of(exchange) else { return Ok(()) };
        let handshake = envelope.result.and_then(|result| legacy::handshake(message, result));
        let Some(handshake) = handshake else {
            // The client sees the refusal as it is; the session has never begun.
            self.debug("gateway:open", || "a backend refused a client's initialize".to_owned());
            if let Some(Exchange::AwaitResponse(sent)) = self.exchanges.get_mut(exchange) {
                sent.opens_session = false;
            }
            return Err(session);
        };
        if let Some(session) = self.sessions.get_mut(session) {
            session.revision = handshake.revision;
        }
        self.set_revision(key, &handshake.version, handshake.revision.version_header);
        let Some(backend) = self.backends.get_mut(key) else { return Ok(()) };
        backend.state = State::Ready;
        let server = backend.server;
        self.servers[usize::from(server.0)].era.was_legacy = true;
        self.note_tasks(server, message, envelope);
        self.server_is_up(server);
        self.release_held(key);
        self.first_is_settled(server);
        Ok(())
    }

    /// Asks for a page of the tools, for `tools.json`.
    pub(crate) fn list_tools(
        &mut self,
        key: Key<Backend>,
        pages: Vec<Message>,
        cursor: Option<&[u8]>,
    ) {
        let server = self.backends.get(key).map(|backend| backend.server);
        if let Some(server) = server.filter(|_| pages.is_empty()) {
            self.begins_to_list(server);
        }
        self.call_ourselves(key, CallFor::Tools(pages), Method::ToolsList, "tools/list", |id| {
            legacy::tools_list_request(id, cursor).into()
        });
    }

    /// A page of the tools is there.
    pub(crate) fn tools_page(
        &mut self,
        key: Key<Backend>,
        mut pages: Vec<Message>,
        message: &Message,
        envelope: &Envelope,
    ) {
        let Some(server) = self.backends.get(key).map(|backend| backend.server) else { return };
        let member = |name| envelope.result.and_then(|span| scan::member(message, span, name));
        let Some(tools) = member("tools") else {
            let said = note::excerpt(message);
            return self.tools_unknown(key, &said);
        };
        pages.push(message.slice(tools));
        let cursor = member("nextCursor").filter(|span| span.of(message).starts_with(b"\""));
        match cursor {
            Some(span) if pages.len() < self.limits().list_pages_max => {
                self.list_tools(key, pages, Some(span.of(message)));
            }
            _ => {
                self.tools_listed(server, &pages);
                self.params_are_listed(key);
            }
        }
    }

    /// The tools could not be listed; the server is up all the same.
    pub(crate) fn tools_unknown(&mut self, key: Key<Backend>, why: &str) {
        let server = self.backends.get(key).map(|backend| backend.server);
        self.note(Level::Warn, "backend", server, format!("its tools could not be listed: {why}"));
        self.params_are_unknown(key);
    }
}
