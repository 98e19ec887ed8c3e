// SPDX-License-Identifier: MIT
//! What threads for names bring: addresses.
//!
//! The threads are started with the first name that has to be resolved, so that a gateway in front
//! of children alone has none of them.

use std::io;
use std::net::SocketAddr;

use super::turn::Turn;
use crate::worker::resolver::Resolver;

/// How many names may be asked for at the same time. A dead one holds its thread for as long as the
/// system tries, often ten seconds and more; a few of them must not hold up all others.
const RESOLVER_THREADS: usize = 8;

/// The answer to one question: for whom, and the addresses or the system's words.
pub(super) type Resolved = (u64, Result<Vec<SocketAddr>, String>);

/// The threads that wait for others.
#[derive(Default)]
pub(super) struct Completions {
    resolver: Option<Resolver>,
    /// Somebody has woken us; asking costs a lock.
    woken: bool,
}

impl Completions {
    /// Asks for the addresses of `host`; [`Completions::take`] brings them with `ticket`.
    ///
    /// Errors: the poll cannot be woken.
    pub(super) fn resolve(
        &mut self,
        ticket: u64,
        host: &str,
        port: u16,
        turn: &mut Turn,
    ) -> io::Result<()> {
        let resolver = match &mut self.resolver {
            Some(resolver) => resolver,
            None => {
                let waker = turn.waker()?;
                // A poll that cannot be woken is gone, and so is whoever asked.
                let notify = Box::new(move || drop(waker.wake()));
                self.resolver.insert(Resolver::start(RESOLVER_THREADS, notify))
            }
        };
        resolver.resolve(ticket, host.to_owned(), port);
        Ok(())
    }

    /// Notes that some thread has brought something.
    pub(super) fn note(&mut self) {
        self.woken = true;
    }

    /// The next answer that has come.
    pub(super) fn take(&mut self) -> Option<Resolved> {
        let resolver = self.resolver.as_mut().filter(|_| self.woken)?;
        let answer = resolver.poll();
        self.woken = answer.is_some();
        answer
    }
}
