// SPDX-License-Identifier: MIT
//! Several gateways as one: each is a *shard* with a loop and clients of its own, and what must be
//! one stands in the main one.
//!
//! ```text
//!                ┌─ shard 0, main ─ children, guards, budgets, /health, /close, …, its sessions
//!  clients ──────┼─ shard 1 ─────── calls at HTTP servers that share nothing, its sessions
//!    (any door)  └─ shard 2 ─────── the same
//!                      └── Output::Move: to the main one, or to the one that the session names
//! ```
//!
//! Shards know nothing of each other. The id of a session names its shard, and so does what a
//! client carries for a call that waits for its input; a connection whose next request belongs
//! elsewhere moves there with it. What belongs where depends on the configuration and the request
//! alone, so nobody moves twice for one request, except from its head to what its body says.

use super::Gateway;
use super::endpoint::Endpoint;
use super::exchange::Admitted;
use super::exchange::modern::ModernFacts;
use super::exchange::open::Incoming;
use super::fault::GatewayFault;
use super::io::{Output, Peer, PeerAddress};
use super::snapshot::{Server, ServerId, Snapshot, Transport};
use crate::base::rng::BASE32;
use crate::base::{Key, Message};
use crate::mcp::method::Method;
use crate::mcp::park_state::{self, ParkState};
use crate::mcp::task;
use crate::wire::http1::{Field, RequestHead};
use crate::wire::json::scan;

/// More shards share less than they cost.
pub const SHARDS_MAX: u16 = 64;

/// Which of how many shards a gateway is.
///
/// Invariant: `index < n`, and `n <= SHARDS_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u16,
    n: u16,
}

/// Who serves an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The main shard alone.
    Main,
    /// Whichever shard a client comes to.
    Any,
}

/// What a client has asked for that another shard serves.
#[derive(Debug)]
pub enum Moved {
    /// A head; nothing of what follows it was read.
    Head(RequestHead),
    /// A head that was let in, and its body.
    Whole(Admitted, Message),
}

/// What the first two letters of a session id can name.
const NAMES: u16 = 32 * 32;

impl Shard {
    /// The only one.
    pub const ALONE: Self = Self { index: 0, n: 1 };

    /// The `index`th of `n`; numbers that make no sense are brought into their bounds.
    #[must_use]
    pub fn new(index: u16, n: u16) -> Self {
        let n = n.clamp(1, SHARDS_MAX);
        Self { index: index.min(n - 1), n }
    }

    /// Its place, from 0.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.index
    }

    /// Whether it has all that there is one of.
    #[must_use]
    pub const fn is_main(self) -> bool {
        self.index == 0
    }

    /// Whether there are others.
    #[must_use]
    pub const fn has_others(self) -> bool {
        self.n > 1
    }

    /// A random session id, changed so that its first two letters name this shard. With one shard
    /// it stays what it is.
    #[must_use]
    pub fn name(self, id: String) -> String {
        let Some(said) = number_in(id.as_bytes()).filter(|_| self.n > 1) else { return id };
        let named = said - said % self.n + self.index;
        let named = if named < NAMES { named } else { named - self.n };
        let letter = |at: u16| char::from(BASE32[usize::from(at % 32)]);
        let mut out = String::with_capacity(id.len());
        out.extend([letter(named / 32), letter(named)]);
        out.push_str(&id[2..]);
        out
    }

    /// The shard that a session id names; `None`: it is none of ours.
    #[must_use]
    pub fn named_by(self, id: &[u8]) -> Option<u16> {
        number_in(id).map(|named| named % self.n)
    }
}

fn number_in(id: &[u8]) -> Option<u16> {
    let value = |at: usize| BASE32.iter().position(|letter| id.get(at) == Some(letter));
    u16::try_from(value(0)? * 32 + value(1)?).ok()
}

/// Who serves `endpoint`.
#[must_use]
pub fn home(snapshot: &Snapshot, endpoint: Endpoint) -> Home {
    match endpoint {
        Endpoint::Mcp(server) => home_of(snapshot, server),
        Endpoint::Events(_)
        | Endpoint::Socket(_)
        | Endpoint::Health
        | Endpoint::Metrics
        | Endpoint::Ready
        | Endpoint::Reflect
        | Endpoint::Close => Home::Main,
    }
}

/// Who serves the server or view `id`: everybody, if all that is behind it is reached over HTTP and
/// is watched, counted, kept and shared for nobody.
#[must_use]
pub fn home_of(snapshot: &Snapshot, id: ServerId) -> Home {
    if *snapshot.budgets != Default::default() {
        return Home::Main;
    }
    let is_any = match snapshot.view(id) {
        Some(view) => view.parts.iter().all(|part| shares_nothing(snapshot.server(part.server))),
        None => shares_nothing(snapshot.server(id)),
    };
    if is_any { Home::Any } else { Home::Main }
}

/// Whether more than the main shard would have something to do.
#[must_use]
pub fn is_divisible(snapshot: &Snapshot) -> bool {
    snapshot.ids().any(|id| home_of(snapshot, id) == Home::Any)
}

fn shares_nothing(server: &Server) -> bool {
    let is_http = matches!(server.transport, Transport::Http(_));
    is_http && server.watch.is_none() && !server.shared && !server.tasks
}

impl Moved {
    /// `Origin`, if it was sent.
    fn origin(&self) -> Option<Message> {
        match self {
            Self::Head(head) => head.field_message(Field::Origin),
            Self::Whole(admitted, _) => admitted.origin.clone(),
        }
    }
}

impl Gateway {
    /// Starts the servers that this shard may serve.
    pub(super) fn start_servers(&mut self) {
        for server in self.snapshot.ids() {
            if self.shard.is_main() || home_of(&self.snapshot, server) == Home::Any {
                self.start_first_backend(server);
            }
        }
    }

    /// Moves a connection to the shard that serves what its head asks for, if that is another one.
    #[inline(never)]
    pub(super) fn is_moved_by_head(
        &mut self,
        peer: Key<Peer>,
        endpoint: Endpoint,
        head: &RequestHead,
    ) -> bool {
        let named = || self.shard.named_by(head.field(Field::McpSessionId)?);
        let shard = match home(&self.snapshot, endpoint) {
            Home::Main => 0,
            Home::Any => named().unwrap_or(self.shard.index),
        };
        if shard == self.shard.index {
            return false;
        }
        self.push(Output::Move { peer, shard, what: Moved::Head(head.clone()).into() });
        true
    }

    /// The same by what the body asks for: what waits or is kept for clients, and is not found by
    /// the id of a session.
    #[inline(never)]
    pub(super) fn is_moved_by_body(
        &mut self,
        admitted: &Admitted,
        one: &Incoming,
        modern: Option<&ModernFacts>,
    ) -> bool {
        // What stands in the body of a request says nothing about who may serve its endpoint.
        if home_of(&self.snapshot, admitted.server) == Home::Main {
            return false;
        }
        let parked_at = modern.and_then(|_| self.state_in(one)).map(|state| state.shard);
        let is_about_task = match modern {
            Some(facts) => facts.can.tasks,
            None => admitted.session_id.is_none() && names_task(one),
        };
        let shard = match parked_at {
            Some(shard) => shard,
            None if is_about_task => 0,
            None => self.shard.index,
        };
        // Whose session is its connection has no other one.
        if shard == self.shard.index || self.attached_at(admitted.peer).is_some() {
            return false;
        }
        let what = Moved::Whole(admitted.clone(), one.message.clone());
        self.push(Output::Move { peer: admitted.peer, shard, what: what.into() });
        true
    }

    /// What a request brings back of what we gave its client.
    fn state_in(&self, one: &Incoming) -> Option<ParkState> {
        let params = one.envelope.params?;
        let state = scan::member(&one.message, params, "requestState")?;
        let text = scan::string(&one.message, state)?;
        ParkState::decode(&self.seal.open(park_state::PURPOSE, &text)?)
    }

    /// A connection has come from another shard.
    pub(super) fn moved_here(&mut self, peer: Key<Peer>, from: PeerAddress, what: Moved) {
        let (admitted, body) = match what {
            Moved::Head(head) => return self.admit(peer, from, &head),
            Moved::Whole(admitted, body) => (Admitted { peer, ..admitted }, body),
        };
        let fault = match self.exchanges.len() >= self.limits().exchanges_max {
            true => GatewayFault::Full("requests"),
            false if self.is_stopping() => GatewayFault::Draining,
            false => return self.open_admitted(&admitted, body),
        };
        self.refuse(peer, admitted.origin.as_ref(), None, &fault.into());
    }

    /// A connection had to move and there is no room for it; its client may come back.
    pub(super) fn not_moved(&mut self, peer: Key<Peer>, what: &Moved) {
        self.refuse(peer, what.origin().as_ref(), None, &GatewayFault::Full("connections").into());
        if let Some(Output::Respond { close, .. }) = self.outputs.back_mut() {
            *close = true;
        }
    }
}

/// Whether a legacy request is about a task, or wants one.
fn names_task(one: &Incoming) -> bool {
    match one.method {
        Method::TasksGet | Method::TasksList | Method::TasksResult | Method::TasksCancel => true,
        Method::ToolsCall => task::wanted(&one.message, one.envelope.params).is_some(),
        _ => false,
    }
}

#[cfg(test)]
#[path = "shards/tests.rs"]
mod tests;
