// SPDX-License-Identifier: MIT
//! A world in memory for one call: the client, the server behind the gateway, the forge.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::notes::Notes;
use super::{request, server};
use crate::base::{Key, Message, Now, Rng};
use crate::gateway::Gateway;
use crate::gateway::io::{
    Backend, Fetch, FetchContent, FetchEvent, FetchHead, Input, Output, PeerAddress, StreamData,
    Work,
};
use crate::gateway::judge::piece::{Piece, Reached};
use crate::gateway::snapshot::Snapshot;
use crate::policy::auth::Principal;
use crate::policy::guard::explain::Call;
use crate::policy::guard::{Need, PERMISSION_TOOL};
use crate::run::guards::Modules;
use crate::wire::json::{edit, scan};

/// More turns than any call takes: each is a fact from this world, or a deadline.
const TURNS_MAX: usize = 100_000;

/// What a forge answers that knows.
const OK: u16 = 200;
/// What a forge answers that does not.
const NOT_FOUND: u16 = 404;

/// The world around one call.
pub struct Rehearsal {
    gateway: Gateway,
    now: Now,
    who: Principal,
    key: Option<Vec<u8>>,
    call: Call,
    /// The backends that are the server's; others never answer.
    own: Vec<Key<Backend>>,
    /// What the guard waits for.
    need: Option<Need>,
    facts: VecDeque<Input>,
    answer: Option<Message>,
}

impl Rehearsal {
    /// A gateway that has just been started, and an agent that is about to call. Each server is a
    /// child that nobody starts.
    pub fn new(snapshot: &Snapshot, modules: &Modules, who: Principal, call: Call) -> Self {
        let mut snapshot = snapshot.clone();
        for one in &mut snapshot.servers {
            one.transport = server::child(&one.name);
        }
        snapshot.guards.forge = Some(server::forge());
        let snapshot = Arc::new(snapshot);
        let now = crate::run::read_clock();
        let mut gateway = Gateway::new(Arc::clone(&snapshot), Rng::new([0; 32]), now);
        modules.give(&snapshot, &mut gateway);
        let key = snapshot.auth.agents.get(usize::from(who.0)).map(|key| key.expose().to_vec());
        let (own, need, facts, answer) = (Vec::new(), None, VecDeque::new(), None);
        Self { gateway, now, who, key, call, own, need, facts, answer }
    }

    /// Makes the call, and has written down what is seen on the way.
    ///
    /// # Errors
    ///
    /// The gateway has not answered.
    pub fn run(&mut self, notes: &mut Notes) -> Result<(), String> {
        let labels = self.call.labels.clone();
        self.gateway.begin_with(self.who, &labels).map_err(|denial| denial.text.to_string())?;
        self.take_outputs(notes);
        let ip = Ipv4Addr::LOCALHOST.into();
        self.facts.push_back(Input::Head {
            peer: Key::from_parts(1, 0),
            from: PeerAddress { ip, port: 1, local_is_loopback: true },
            head: request::head(&self.call.server, self.key.as_deref()).into(),
        });
        for _ in 0..TURNS_MAX {
            if !self.turn() {
                break;
            }
            self.take_outputs(notes);
            if let Some(answer) = self.answer.take() {
                notes.answered(&answer);
                return Ok(());
            }
        }
        Err("the gateway has not answered".to_owned())
    }

    /// The next fact, or if there is none, the next deadline; `false`: nothing more will happen.
    fn turn(&mut self) -> bool {
        if let Some(fact) = self.facts.pop_front() {
            self.gateway.handle_input(fact, self.now);
            return true;
        }
        let Some(at) = self.gateway.poll_timeout() else { return false };
        self.now = self.now.later(at.saturating_duration_since(self.now.mono));
        self.gateway.handle_timeout(self.now);
        true
    }

    fn take_outputs(&mut self, notes: &mut Notes) {
        // What was labelled the turn before has been judged now, and its agent has been introduced.
        notes.standing(&self.gateway);
        while let Some(output) = self.gateway.poll_output() {
            self.take(output, notes);
        }
    }

    fn take(&mut self, output: Output, notes: &mut Notes) {
        match output {
            Output::Receive { peer, .. } => {
                let body = request::body(&self.call);
                self.facts.push_back(Input::Body { peer, body });
            }
            Output::Respond { body, .. } => self.answer = Some(body.to_message()),
            Output::Event { event, .. } => self.streamed(event.data),
            Output::Spawn { backend, command } if *command.server == *self.call.server => {
                self.own.push(backend);
            }
            Output::Send { backend, message } if self.own.contains(&backend) => {
                let message = message.to_message();
                let line = server::answer(&message, &mut self.call, self.need.as_ref());
                self.facts.extend(line.map(|line| Input::Line { backend, line }));
            }
            Output::Fetch { fetch, .. } => self.forge_asked(fetch),
            Output::Work { judging, task } => {
                let Ok(mut piece) = task.into_any().downcast::<Piece>() else { return };
                piece.step();
                self.watch(&piece, notes);
                self.facts.push_back(Input::Worked { judging, task: piece });
            }
            Output::Emit(event) => notes.event(&event.kind),
            _ => {}
        }
    }

    /// Of all that is streamed, the answer to the call ends the rehearsal.
    fn streamed(&mut self, data: StreamData) {
        let StreamData::Message(splice) = data else { return };
        let message = splice.to_message();
        let has = |name| scan::member(&message, edit::whole(&message), name).is_some();
        if has("result") || has("error") {
            self.answer = Some(message);
        }
    }

    fn watch(&mut self, piece: &Piece, notes: &mut Notes) {
        notes.logs(&piece.logs);
        self.need = None;
        match &piece.reached {
            Reached::Needs(need) => {
                notes.need(need);
                self.need = Some(need.clone());
            }
            // A refusal is the answer.
            Reached::More | Reached::Refused(_) => {}
            Reached::Labelled(labelled) => notes.labelled(labelled),
            Reached::Verdict(verdict) => notes.verdict(verdict),
            Reached::Failed(error) => notes.failed(error),
        }
    }

    /// The guard has asked the forge, which answers as the file says.
    fn forge_asked(&mut self, fetch: Key<Fetch>) {
        let body = self.call.answer(PERMISSION_TOOL);
        let status = if body.is_some() { OK } else { NOT_FOUND };
        let (content, event) = (FetchContent::Json, FetchEvent::default());
        let head = FetchHead { status, content, session_id: None, location: None };
        let message = body.unwrap_or_else(|| Message::copy_of(b"{}"));
        self.facts.extend([
            Input::FetchHead { fetch, head },
            Input::FetchMessage { fetch, message, event },
            Input::FetchDone { fetch, end: Ok(()) },
        ]);
    }
}
