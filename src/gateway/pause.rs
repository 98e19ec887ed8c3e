// SPDX-License-Identifier: MIT
//! Who is not read because somebody else does not read: backends that feed slow clients.

use super::Gateway;
use super::backend::{Backend, Link, Owner};
use super::call::{Call, CallFor};
use super::exchange::Exchange;
use super::io::{Fetch, Output, Peer};
use super::session::Session;
use crate::base::Key;

/// What is read for a client, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The stdout of a child.
    Child(Key<Backend>),
    /// The answer to an HTTP request.
    Fetch(Key<Fetch>),
}

/// Which source waits for which peer.
///
/// A pause belongs to its connection and not to the exchange that has caused it: the exchange may
/// end first, and the source has to be read again all the same.
#[derive(Default)]
pub struct Pauses {
    all: Vec<(Key<Peer>, Source)>,
}

impl Gateway {
    /// `peer` owes us reading: stops reading what feeds it alone.
    pub(super) fn pause_sources_of(&mut self, peer: Key<Peer>) {
        for source in self.sources_of(peer) {
            if self.pauses.all.contains(&(peer, source)) {
                continue;
            }
            let is_first = !self.pauses.all.iter().any(|(_, other)| *other == source);
            self.pauses.all.push((peer, source));
            if is_first {
                self.push_pause(source, true);
            }
        }
    }

    /// `peer` has read, or is gone: reads again what waits for nobody else.
    pub(super) fn read_again_for(&mut self, peer: Key<Peer>) {
        while let Some(at) = self.pauses.all.iter().position(|(waiting, _)| *waiting == peer) {
            let (_, source) = self.pauses.all.swap_remove(at);
            if !self.pauses.all.iter().any(|(_, other)| *other == source) {
                self.push_pause(source, false);
            }
        }
    }

    fn push_pause(&mut self, source: Source, paused: bool) {
        match source {
            Source::Child(backend) if self.backends.contains(backend) => {
                self.push(Output::PauseChild { backend, paused });
            }
            Source::Fetch(fetch) if self.fetches.contains(fetch) => {
                self.push(Output::PauseFetch { fetch, paused });
            }
            _ => {}
        }
    }

    fn sources_of(&self, peer: Key<Peer>) -> Vec<Source> {
        let Some(key) = self.peers.get(peer) else { return Vec::new() };
        let session = match self.exchanges.get(key) {
            Some(Exchange::AwaitResponse(sent)) => sent.session,
            Some(Exchange::Listening(listening)) => listening.session,
            Some(Exchange::Attached(_)) => return self.sources_of_attached(key),
            _ => return Vec::new(),
        };
        if self.is_unified(session) {
            return self.sources_of_unified(key, session);
        }
        self.sources_for(session, |call: &Call| call.whom == CallFor::Exchange(key))
    }

    /// What feeds the client of several servers: those that it waits for, or all if it listens.
    fn sources_of_unified(&self, key: Key<Exchange>, session: Key<Session>) -> Vec<Source> {
        let of_exchange = |call: &&Call| call.whom == CallFor::Exchange(key);
        let calls = self.calls.iter().map(|(_, call)| call).filter(of_exchange);
        let backends: Vec<_> = calls.map(|call| call.backend).collect();
        let listens = matches!(self.exchanges.get(key), Some(Exchange::Listening(_)));
        let feeds = |member: &Key<Session>| {
            self.sessions
                .get(*member)
                .is_some_and(|member| listens || backends.contains(&member.backend))
        };
        let members = self.members_of(session).into_iter().filter(feeds);
        let is_its = |call: &Call| call.whom == CallFor::Exchange(key);
        members.flat_map(|member| self.sources_for(member, is_its)).collect()
    }

    /// The same for a client whose connection gets everything.
    fn sources_of_attached(&self, key: Key<Exchange>) -> Vec<Source> {
        let Some(session) = self.session_of(key) else { return Vec::new() };
        let is_of = |call: &Call| match call.whom {
            CallFor::Exchange(exchange) => self.session_of(exchange) == Some(session),
            _ => false,
        };
        let mut sources = self.sources_for(session, is_of);
        let backend = self.backend_of(session).and_then(|(at, _)| self.backends.get(at));
        let stream = match backend.map(|backend| (&backend.link, backend.owner)) {
            Some((Link::Http(http), Owner::Session(_))) => http.listening,
            Some((Link::Events(events), Owner::Session(_))) => Some(events.stream),
            _ => None,
        };
        sources.extend(stream.map(Source::Fetch));
        sources
    }

    fn sources_for(&self, session: Key<Session>, is_its: impl Fn(&Call) -> bool) -> Vec<Source> {
        let Some((at, _)) = self.backend_of(session) else { return Vec::new() };
        let Some(backend) = self.backends.get(at) else { return Vec::new() };
        match (&backend.link, backend.owner) {
            // A shared child is never held up for one client; the link closes who is too slow.
            (Link::Child, Owner::Session(_)) if !self.is_pooled(session) => {
                vec![Source::Child(at)]
            }
            (Link::Http(_), _) => {
                let calls = self.calls.keys_of(|call| call.backend == at && is_its(call));
                let fetch = |call| self.calls.get(call).and_then(|call| call.fetch);
                calls.into_iter().filter_map(fetch).map(Source::Fetch).collect()
            }
            _ => Vec::new(),
        }
    }
}
