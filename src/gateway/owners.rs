// SPDX-License-Identifier: MIT
//! Whose tasks those of a shared backend are: what one client has started there, another one must
//! neither see nor end, and only its own client hears of it.
//!
//! A task that is not in the table is nobody's in particular, and its id is hard to guess.

use std::collections::BTreeMap;

use super::session::Session;
use super::snapshot::ServerId;
use crate::base::{Key, Message};
use crate::policy::auth::Principal;

/// A task with a longer id is not remembered.
const ID_BYTES_MAX: usize = 1024;

/// Whose a task is.
#[derive(Clone, Debug)]
pub struct Owned {
    /// Who started it.
    pub who: Principal,
    /// Where.
    pub session: Key<Session>,
    /// The progress token, as its backend knows it and as its client spells it.
    pub token: Option<(u64, Message)>,
}

/// The tasks of shared backends.
#[derive(Debug, Default)]
pub struct Owners {
    rows: BTreeMap<(ServerId, Box<str>), (Owned, u64)>,
    /// From the oldest row to the youngest.
    ages: BTreeMap<u64, (ServerId, Box<str>)>,
    n_made: u64,
}

impl Owners {
    /// Remembers a task; of more than `max`, the oldest of the same principal is forgotten, so that
    /// nobody can free the tasks of others by starting many. Who has it already keeps it.
    pub fn claim(&mut self, server: ServerId, id: &str, owned: Owned, max: usize) {
        let place = (server, Box::from(id));
        if id.len() > ID_BYTES_MAX || max == 0 || self.rows.contains_key(&place) {
            return;
        }
        while self.rows.len() >= max {
            let is_own = |place: &(ServerId, Box<str>)| {
                self.rows.get(place).is_some_and(|(old, _)| old.who == owned.who)
            };
            let own = self.ages.iter().find(|(_, place)| is_own(place)).map(|(age, _)| *age);
            let oldest = own.or_else(|| self.ages.keys().next().copied());
            let Some(place) = oldest.and_then(|age| self.ages.remove(&age)) else { break };
            self.rows.remove(&place);
        }
        self.ages.insert(self.n_made, place.clone());
        self.rows.insert(place, (owned, self.n_made));
        self.n_made += 1;
    }

    /// Whose a task is, if that is known.
    #[must_use]
    pub fn of(&self, server: ServerId, id: &str) -> Option<&Owned> {
        self.rows.get(&(server, Box::from(id))).map(|(owned, _)| owned)
    }

    /// The task whose progress a backend reports under this token of ours. Costs a walk.
    #[must_use]
    pub fn by_token(&self, server: ServerId, token: u64) -> Option<&Owned> {
        let of_server = self.rows.iter().filter(|((of, _), _)| *of == server);
        let mut owned = of_server.map(|(_, (owned, _))| owned);
        owned.find(|owned| owned.token.as_ref().is_some_and(|(ours, _)| *ours == token))
    }

    /// A task is over: no progress of it is to come.
    pub fn settle(&mut self, server: ServerId, id: &str) {
        if let Some((owned, _)) = self.rows.get_mut(&(server, Box::from(id))) {
            owned.token = None;
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerId = ServerId(0);

    fn owned(who: u16, token: u64) -> Owned {
        let token = Some((token, Message::from("\"t\"")));
        Owned { who: Principal(who), session: Key::from_parts(0, 0), token }
    }

    // Checklist 127.
    #[test]
    fn a_task_is_whose_it_was_first_and_the_oldest_is_forgotten() {
        let mut owners = Owners::default();
        owners.claim(SERVER, "a", owned(1, 7), 2);
        owners.claim(SERVER, "a", owned(2, 8), 2);
        let of = |owners: &Owners, id| owners.of(SERVER, id).map(|owned| owned.who.0);
        assert_eq!(of(&owners, "a"), Some(1));
        assert!(owners.of(ServerId(1), "a").is_none());
        owners.claim(SERVER, "b", owned(2, 8), 2);
        owners.claim(SERVER, "c", owned(3, 9), 2);
        assert_eq!(
            (of(&owners, "a"), of(&owners, "b"), of(&owners, "c")),
            (None, Some(2), Some(3))
        );
        owners.claim(SERVER, "d", owned(3, 9), 2);
        assert_eq!(
            (of(&owners, "b"), of(&owners, "c"), of(&owners, "d")),
            (Some(2), None, Some(3))
        );
        owners.claim(SERVER, &"x".repeat(2000), owned(1, 1), 9);
        assert_eq!(owners.len(), 2);
    }

    // Checklist 136.
    #[test]
    fn a_token_is_good_until_its_task_is_over() {
        let mut owners = Owners::default();
        owners.claim(SERVER, "a", owned(1, 7), 2);
        assert!(owners.by_token(SERVER, 7).is_some() && owners.by_token(ServerId(1), 7).is_none());
        owners.settle(SERVER, "a");
        assert!(owners.by_token(SERVER, 7).is_none() && owners.of(SERVER, "a").is_some());
    }
}
