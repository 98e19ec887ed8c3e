// SPDX-License-Identifier: MIT
//! How long a request may take to find a connection, how long to be answered, and how long a
//! connection may be idle.

use super::super::connect::Connection;
use super::super::turn::{Timer, Turn};
use super::{At, Fetches, Fetching};
use crate::base::Key;
use crate::gateway::io::FetchErrorKind;

impl Fetches {
    /// Looks after the deadlines of a request that has no open connection yet.
    pub(in super::super) fn expire(&mut self, key: Key<Fetching>, turn: &mut Turn) {
        let Some(fetching) = self.slab.get_mut(key) else { return };
        if !turn.fired(&mut fetching.armed_at) {
            return;
        }
        let now = turn.now.mono;
        if fetching.head_by.is_some_and(|at| at <= now) {
            return self.timed_out(key, "no answer in time", turn);
        }
        match &mut fetching.at {
            At::Resolving { until } | At::Connecting { until, .. } if *until <= now => {
                self.timed_out(key, "no connection in time", turn);
            }
            At::Connecting { connection, rest, until, next_at }
                if *next_at <= now && rest.len() > 0 =>
            {
                let (place, rest, until) = (*connection, std::mem::take(rest), *until);
                self.drop_connection(place);
                self.connect(key, rest, until, turn);
            }
            _ => self.arm(key, turn),
        }
    }

    /// Looks after the deadlines of a connection: of its request, or of its idleness.
    pub(in super::super) fn expire_connection(&mut self, place: Key<Connection>, turn: &mut Turn) {
        let Some(connection) = self.connections.get_mut(place) else { return };
        if !turn.fired(&mut connection.armed_at) {
            return;
        }
        let now = turn.now.mono;
        let user = connection.user.and_then(|key| Some((key, self.slab.get(key)?)));
        let at = match user {
            None if connection.idle_until <= now => return self.drop_connection(place),
            None => connection.idle_until,
            Some((_, Fetching { head_by: None, .. })) => return,
            Some((key, Fetching { head_by: Some(at), .. })) if *at <= now => {
                return self.timed_out(key, "no answer in time", turn);
            }
            Some((_, Fetching { head_by: Some(at), .. })) => *at,
        };
        turn.arm(&mut connection.armed_at, at, Timer::Connection(place));
    }

    fn timed_out(&mut self, key: Key<Fetching>, text: &str, turn: &mut Turn) {
        self.fail(key, FetchErrorKind::TimedOut, text.to_owned(), turn);
    }

    /// Makes sure that somebody looks at the next deadline of a request without open connection.
    pub(super) fn arm(&mut self, key: Key<Fetching>, turn: &mut Turn) {
        let Some(fetching) = self.slab.get_mut(key) else { return };
        let opening = match &fetching.at {
            At::Resolving { until } => Some(*until),
            At::Connecting { rest, until, .. } if rest.len() == 0 => Some(*until),
            At::Connecting { next_at, .. } => Some(*next_at),
            // From now on its connection has the deadline.
            At::Exchanging { .. } => return,
        };
        if let Some(at) = opening.into_iter().chain(fetching.head_by).min() {
            turn.arm(&mut fetching.armed_at, at, Timer::Fetch(key));
        }
    }
}
