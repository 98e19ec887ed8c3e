// SPDX-License-Identifier: MIT
//! What the core wants, done: one line for each kind of output.

use super::{Core, Observer, Reactor};
use crate::gateway::io::{Output, StreamData};

impl<C: Core, O: Observer> Reactor<C, O> {
    /// Applies one output. Nothing is written to the system yet.
    pub(super) fn apply(&mut self, output: Output) {
        let turn = &mut self.turn;
        match output {
            Output::Receive { peer, bytes_max } => {
                self.peers.apply(peer, turn, |link, now| link.receive(bytes_max, now));
            }
            Output::Watch { peer } => self.peers.watch(peer, turn),
            Output::Respond { peer, head, body, close } => {
                self.peers.set_streaming(peer, false);
                self.peers.owe(peer, turn, |link, now| link.respond(&head, &body, close, now));
            }
            Output::Begin { peer, head } => {
                self.peers.apply(peer, turn, |link, now| link.open_stream(&head, now));
            }
            Output::Part { peer, bytes } => {
                self.peers.owe(peer, turn, |link, now| link.send_part(&bytes, now));
            }
            Output::RespondMetrics { peer, head, up } => {
                let body = self.counted(&up).into();
                self.apply(Output::Respond { peer, head, body, close: false });
            }
            Output::Stream { peer, head } => {
                self.peers.set_streaming(peer, true);
                self.peers.apply(peer, turn, |link, now| link.open_stream(&head, now));
            }
            Output::Upgrade { peer, head, bytes_max } => {
                self.peers.set_streaming(peer, true);
                self.peers.apply(peer, turn, |link, now| link.upgrade(&head, bytes_max, now));
            }
            Output::Event { peer, event } => self.peers.owe(peer, turn, |link, now| {
                let (id, retry_ms) = (event.id.as_deref(), event.retry_ms);
                match &event.data {
                    StreamData::Comment => link.send_comment(now),
                    StreamData::Empty => link.send_event(id, retry_ms, None, now),
                    StreamData::Endpoint(path) => link.send_endpoint(path, now),
                    StreamData::Message(message) => {
                        link.send_event(id, retry_ms, Some(message), now);
                    }
                }
            }),
            Output::Finish { peer } => {
                self.peers.set_streaming(peer, false);
                self.peers.apply(peer, turn, |link, now| link.finish(now));
            }
            Output::Move { peer, shard, what } => self.move_peer(peer, shard, what),
            Output::Close { peer } => self.peers.close(peer, turn),
            Output::Spawn { backend, command } => self.children.spawn(backend, command, turn),
            Output::Send { backend, message } => self.children.send(backend, &message, turn),
            Output::Stop { backend, now } => self.children.stop(backend, now, turn),
            Output::PassLine { backend, passes } => self.children.pass(backend, passes, turn),
            Output::PauseChild { backend, paused } => self.children.pause(backend, paused, turn),
            Output::Fetch { fetch, request } => self.fetches.start(fetch, request, turn),
            Output::Cancel { fetch } => self.fetches.cancel(fetch),
            Output::PassMessage { fetch, passes } => self.fetches.pass(fetch, passes, turn),
            Output::PauseFetch { fetch, paused } => self.fetches.pause(fetch, paused, turn),
            Output::Work { judging, task } => self.judges.start((judging, task), turn),
            Output::Emit(event) => self.observer.push(event),
            Output::StopListening => {
                self.acceptor.stop();
                self.peers.stop_accepting(turn);
            }
            Output::DrainOthers { deadline, why } => self.drain_others(deadline, why),
            Output::HaltOthers => self.halt_others(),
            Output::Exit => self.exit(),
        }
    }
}
