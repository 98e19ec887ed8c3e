// SPDX-License-Identifier: MIT
//! Requests under way whose answer others wait for as well: a hundred agents that list tools at
//! once cost one call.
//!
//! ```text
//! first with a question ──> Lead ──> asks the server ──> its answer ──┬─> the leader
//! others ──────────────────> Follow                                   ├─> who may have it: Shares
//!                                                                     └─> the others: Asks
//! ```
//!
//! Who follows and whose answer it gets, by what the answer turns out to be:
//!
//! | answer of the leader | same principal | other principals |
//! |---|---|---|
//! | complete, with time left, public | share it | share it |
//! | complete, with time left, private | share it | ask themselves |
//! | an error of the server | share it: they would fail alike | ask themselves |
//! | without time left, not complete, or overtaken by a change | ask themselves | ask themselves |
//! | none: the server is gone or mute | fail as it does | fail as it does |
//! | none: the leader was cancelled | the next one leads | the next one leads |
//!
//! Sharing what has no time left would show a client the time before its own last call. A server
//! whose answers never hold is not waited for a second time: the table remembers per kind of
//! question whether waiting was any use.

use std::collections::BTreeMap;

use super::snapshot::ServerId;
use crate::mcp::freshness::{Freshness, Kind, Question, Scope};
use crate::policy::auth::Principal;

/// All questions under way; `L` names the leader's call, `F` whoever follows.
#[derive(Debug)]
pub struct Flights<L, F> {
    under_way: BTreeMap<(ServerId, Question), Flight<L, F>>,
    /// Whether the last answer of this kind was of use to others.
    habits: BTreeMap<(ServerId, Kind), bool>,
}

#[derive(Debug)]
struct Flight<L, F> {
    leader: L,
    who: Principal,
    followers: Vec<(F, Principal)>,
    /// Something has changed since it was asked.
    is_overtaken: bool,
}

/// What a request should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ask the server, and say so with [`Flights::lead`].
    Lead,
    /// Wait with [`Flights::follow`].
    Follow,
    /// Ask the server; nobody waits for the answer.
    Alone,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// A complete result.
    Complete(Freshness),
    /// A result that is not complete.
    Unfinished,
    /// An error of the server.
    Failed,
}

/// What a follower gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share<F> {
    /// The leader's answer, under its own id.
    Shares(F),
    /// Nothing: it asks the server itself.
    Asks(F),
}

impl<L, F> Default for Flights<L, F> {
    fn default() -> Self {
        Self { under_way: BTreeMap::new(), habits: BTreeMap::new() }
    }
}

impl<L: Copy + PartialEq, F> Flights<L, F> {
    /// What a request with this question should do.
    #[must_use]
    pub fn turn(&self, server: ServerId, question: &Question, followers_max: usize) -> Turn {
        if self.habits.get(&(server, question.kind)) == Some(&false) {
            return Turn::Alone;
        }
        match self.under_way.get(&(server, question.clone())) {
            None => Turn::Lead,
            Some(flight) if flight.is_overtaken => Turn::Alone,
            Some(flight) if flight.followers.len() >= followers_max => Turn::Alone,
            Some(_) => Turn::Follow,
        }
    }

    /// The call `leader` asks for `who`, and for those who follow.
    pub fn lead(&mut self, server: ServerId, question: Question, leader: L, who: Principal) {
        let flight = Flight { leader, who, followers: Vec::new(), is_overtaken: false };
        self.under_way.insert((server, question), flight);
    }

    /// Waits for the answer to a question under way; `false`: there is none.
    pub fn follow(
        &mut self,
        server: ServerId,
        question: &Question,
        follower: F,
        who: Principal,
    ) -> bool {
        let Some(flight) = self.under_way.get_mut(&(server, question.clone())) else {
            return false;
        };
        flight.followers.push((follower, who));
        true
    }

    /// The leader's call is answered: who gets what, and whether the answer may be kept. `None`:
    /// this call leads nothing.
    pub fn land(
        &mut self,
        server: ServerId,
        question: &Question,
        leader: L,
        landing: Landing,
    ) -> Option<(Vec<Share<F>>, bool)> {
        let flight = self.take(server, question, leader)?;
        let holds = match landing {
            Landing::Complete(freshness) => !freshness.ttl.is_zero(),
            Landing::Unfinished => false,
            Landing::Failed => true,
        };
        match landing {
            Landing::Complete(freshness) => self.learn(server, question.kind, Some(freshness)),
            Landing::Unfinished => self.learn(server, question.kind, None),
            Landing::Failed => {}
        }
        let is_public = matches!(landing,
            Landing::Complete(freshness) if freshness.scope == Scope::Public);
        let (leader, is_overtaken) = (flight.who, flight.is_overtaken);
        let share = |(follower, who): (F, Principal)| {
            if holds && !is_overtaken && (is_public || who == leader) {
                Share::Shares(follower)
            } else {
                Share::Asks(follower)
            }
        };
        let may_be_kept = !is_overtaken && matches!(landing, Landing::Complete(_));
        Some((flight.followers.into_iter().map(share).collect(), may_be_kept))
    }

    /// There will be no answer to the leader: its followers.
    pub fn abandon(&mut self, server: ServerId, question: &Question, leader: L) -> Vec<F> {
        let flight = self.take(server, question, leader);
        let followers = flight.map(|flight| flight.followers).unwrap_or_default();
        followers.into_iter().map(|(follower, _)| follower).collect()
    }

    fn take(&mut self, server: ServerId, question: &Question, leader: L) -> Option<Flight<L, F>> {
        let place = (server, question.clone());
        self.under_way.get(&place).filter(|flight| flight.leader == leader)?;
        self.under_way.remove(&place)
    }

    /// Forgets the followers that are `gone`: they wait no more.
    pub fn leave(&mut self, mut gone: impl FnMut(&F) -> bool) {
        for flight in self.under_way.values_mut() {
            flight.followers.retain(|(follower, _)| !gone(follower));
        }
    }

    /// Something has changed: answers to questions that are `stale` may tell of the time before.
    pub fn overtake(&mut self, server: ServerId, mut stale: impl FnMut(&Question) -> bool) {
        for ((of, question), flight) in &mut self.under_way {
            flight.is_overtaken |= *of == server && stale(question);
        }
    }

    /// A result of this kind has come, whoever has asked; `None`: it is not complete.
    pub fn learn(&mut self, server: ServerId, kind: Kind, freshness: Option<Freshness>) {
        let holds = freshness.is_some_and(|freshness| !freshness.ttl.is_zero());
        self.habits.insert((server, kind), holds);
    }

    /// Forgets what is known of a server that is another one from now on.
    pub fn forget_habits(&mut self, server: ServerId) {
        self.habits.retain(|(of, _), _| *of != server);
    }

    /// All leaders, and who follows them.
    pub fn iter(&self) -> impl Iterator<Item = (L, impl Iterator<Item = F>)>
    where
        F: Copy,
    {
        let followers = |flight: &Flight<L, F>| {
            flight.followers.iter().map(|(follower, _)| *follower).collect::<Vec<_>>().into_iter()
        };
        self.under_way.values().map(move |flight| (flight.leader, followers(flight)))
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SERVER: ServerId = ServerId(0);
    const ONE: Principal = Principal(1);
    const OTHER: Principal = Principal(2);

    fn tools() -> Question {
        Question { kind: Kind::Tools, subject: None, capabilities: Box::default() }
    }

    fn complete(ms: u64, scope: Scope) -> Landing {
        Landing::Complete(Freshness { ttl: Duration::from_millis(ms), scope })
    }

    /// Call 7 of `ONE` leads; "same" and "other" follow.
    fn flight() -> Flights<u32, &'static str> {
        let mut flights = Flights::default();
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Lead);
        flights.lead(SERVER, tools(), 7, ONE);
        for (follower, who) in [("same", ONE), ("other", OTHER)] {
            assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Follow);
            assert!(flights.follow(SERVER, &tools(), follower, who));
        }
        flights
    }

    // Checklist 86.
    #[test]
    fn who_gets_the_answer_of_another_one_is_what_the_table_says() {
        use Share::{Asks, Shares};
        for (landing, want, kept) in [
            (complete(9, Scope::Public), [Shares("same"), Shares("other")], true),
            (complete(9, Scope::Private), [Shares("same"), Asks("other")], true),
            (Landing::Failed, [Shares("same"), Asks("other")], false),
            (complete(0, Scope::Public), [Asks("same"), Asks("other")], true),
            (Landing::Unfinished, [Asks("same"), Asks("other")], false),
        ] {
            let mut flights = flight();
            assert_eq!(flights.land(SERVER, &tools(), 8, landing), None, "another call");
            let got = flights.land(SERVER, &tools(), 7, landing);
            assert_eq!(got, Some((want.to_vec(), kept)), "{landing:?}");
            assert!(flights.is_empty());
        }
    }

    #[test]
    fn an_answer_that_was_overtaken_is_for_its_leader_alone() {
        let mut flights = flight();
        flights.overtake(ServerId(1), |_| true);
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Follow);
        flights.overtake(SERVER, |question| question.kind == Kind::Tools);
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Alone, "it may tell of before");
        let got = flights.land(SERVER, &tools(), 7, complete(9, Scope::Public));
        assert_eq!(got, Some((vec![Share::Asks("same"), Share::Asks("other")], false)));
    }

    #[test]
    fn whoever_leaves_is_forgotten_and_without_a_leader_the_next_one_leads() {
        let mut flights = flight();
        flights.leave(|follower| *follower == "same");
        assert_eq!(flights.abandon(SERVER, &tools(), 7), ["other"]);
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Lead);
        assert!(!flights.follow(SERVER, &tools(), "late", ONE));
    }

    #[test]
    fn nobody_waits_a_second_time_for_what_does_not_hold() {
        let mut flights = flight();
        flights.land(SERVER, &tools(), 7, complete(0, Scope::Public));
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Alone);
        let prompts = Question { kind: Kind::Prompts, ..tools() };
        assert_eq!(flights.turn(SERVER, &prompts, 9), Turn::Lead);
        let Landing::Complete(freshness) = complete(9, Scope::Private) else { return };
        flights.learn(SERVER, Kind::Tools, Some(freshness));
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Lead);
        flights.learn(SERVER, Kind::Tools, None);
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Alone);
        flights.forget_habits(SERVER);
        assert_eq!(flights.turn(SERVER, &tools(), 9), Turn::Lead);
    }

    #[test]
    fn only_so_many_follow() {
        let flights = flight();
        assert_eq!(flights.turn(SERVER, &tools(), 2), Turn::Alone);
    }
}
