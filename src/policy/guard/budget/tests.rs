// SPDX-License-Identifier: MIT
//! Budgets against a twin that keeps every call and counts anew each time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use proptest::prelude::*;

const ME: Principal = Principal(0);
const MS: Duration = Duration::from_millis(1);

fn calls(n: u64) -> Budget {
    Budget { calls: Some(n), ..Budget::default() }
}

fn bytes(n: u64) -> Budget {
    Budget { bytes: Some(n), ..Budget::default() }
}

fn run(budget: Budget) -> Budgets {
    Budgets::new(Arc::new(Limits { run: budget, ..Limits::default() }))
}

fn tool(server: Option<&str>, pattern: &str, budget: Budget) -> ToolBudget {
    ToolBudget { server: server.map(Into::into), pattern: pattern.into(), budget }
}

#[track_caller]
fn take(budgets: &mut Budgets, server: &str, tool: &str, now: Instant) -> Ticket {
    budgets.take(ME, (server, tool), 1, now).unwrap()
}

#[track_caller]
fn check_refused(budgets: &mut Budgets, server: &str, tool: &str, rule: &str) -> Spent {
    let spent = budgets.take(ME, (server, tool), 1, Instant::now()).unwrap_err();
    assert_eq!(spent.rule(), rule);
    spent
}

#[test]
fn without_budgets_a_ticket_holds_nothing() {
    let mut budgets = Budgets::new(Arc::new(Limits::default()));
    for _ in 0..10 {
        let ticket = take(&mut budgets, "a", "x", Instant::now());
        assert!(ticket.rows.is_empty() && ticket.until.is_none());
    }
}

#[test]
fn every_scope_has_its_budget_and_the_widest_is_asked_first() {
    let limits = Limits {
        run: calls(6),
        servers: vec![("a".into(), calls(4))],
        tools: vec![tool(Some("a"), "get_*", calls(2)), tool(None, "*_me", calls(1))],
        agents: vec![(Principal(1), calls(1))],
        ..Limits::default()
    };
    let now = Instant::now();
    let mut budgets = Budgets::new(Arc::new(limits));
    let _tickets = [("a", "get_me"), ("a", "get_it")].map(|it| budgets.take(ME, it, 1, now));
    let spent = check_refused(&mut budgets, "a", "get_you", "budget.tool.calls");
    assert_eq!(spent.text(), "tool call limit reached for \"get_you\" (max: 2)");
    check_refused(&mut budgets, "b", "ask_me", "budget.tool.calls");
    let _tickets = [("a", "x"), ("a", "y")].map(|it| budgets.take(ME, it, 1, now));
    let spent = check_refused(&mut budgets, "a", "get_me", "budget.server.calls");
    assert_eq!(spent.text(), "call limit reached for server \"a\" (max: 4)");
    let _ticket = budgets.take(Principal(1), ("b", "x"), 1, now).unwrap();
    let spent = budgets.take(Principal(1), ("b", "x"), 1, now).unwrap_err();
    assert_eq!((spent.rule(), spent.used), ("budget.agent.calls", 1));
    let _ticket = take(&mut budgets, "b", "x", now);
    check_refused(&mut budgets, "a", "get_me", "budget.run.calls");
}

#[test]
fn each_agent_has_a_budget_of_its_own() {
    let limits = Limits {
        each_agent: calls(1),
        agents: vec![(Principal(7), Budget::default())],
        ..Limits::default()
    };
    let mut budgets = Budgets::new(Arc::new(limits));
    let now = Instant::now();
    for who in [ME, Principal(1), Principal::ANYONE] {
        let _ticket = budgets.take(who, ("a", "x"), 1, now).unwrap();
        assert!(budgets.take(who, ("a", "x"), 1, now).is_err());
    }
    for _ in 0..3 {
        let _ticket = budgets.take(Principal(7), ("a", "x"), 1, now).unwrap();
    }
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_leaves_nothing() {
    let mut budgets = run(bytes(100));
    let now = Instant::now();
    let one = budgets.take(ME, ("a", "x"), 10, now).unwrap();
    let two = budgets.take(ME, ("a", "x"), 10, now).unwrap();
    assert_eq!(budgets.settle(one, 70, now), Ok(()));
    let spent = budgets.settle(two, 11, now).unwrap_err();
    assert_eq!((spent.rule(), spent.limit, spent.used), ("budget.run.bytes", 100, 90));
    assert!(budgets.take(ME, ("a", "x"), 1, now).is_err(), "the server has done its work");
    let json = String::from_utf8(spent.data()).unwrap();
    let want = concat!(
        r#"{"rule":"budget.run.bytes","#,
        r#""reason":"byte limit reached for this run (max: 100 bytes, used: 90)","#,
        r#""retryable":false,"allowed":"a call that takes, with its answer, at most 10 bytes","#,
        r#""limit":100,"used":90,"unit":"bytes"}"#
    );
    assert_eq!(json, want);
}

#[test]
fn time_is_the_time_in_which_anything_is_under_way() {
    let mut budgets = run(Budget { time: Some(100 * MS), ..Budget::default() });
    let start = Instant::now();
    let one = take(&mut budgets, "a", "x", start);
    let two = take(&mut budgets, "a", "x", start + 30 * MS);
    assert_eq!((one.until, two.until), (Some(start + 100 * MS), Some(start + 100 * MS)));
    assert_eq!(budgets.settle(one, 1, start + 40 * MS), Ok(()));
    assert_eq!(budgets.settle(two, 1, start + 60 * MS), Ok(()));
    // Nothing was under way for a while.
    let three = take(&mut budgets, "a", "x", start + 500 * MS);
    assert_eq!(three.until, Some(start + 540 * MS));
    let spent = budgets.take(ME, ("a", "x"), 1, start + 540 * MS).unwrap_err();
    assert_eq!((spent.rule(), spent.limit, spent.used), ("budget.run.time", 100, 100));
    assert_eq!(budgets.settle(three, 1, start + 545 * MS), Ok(()));
}

#[test]
fn room_comes_back_and_only_room() {
    let mut budgets = run(Budget { concurrent: Some(1), ..calls(2) });
    let now = Instant::now();
    let one = take(&mut budgets, "a", "x", now);
    let spent = check_refused(&mut budgets, "a", "x", "budget.run.concurrent");
    assert!(spent.is_retryable());
    assert_eq!(spent.allowed(), "the same call, when fewer than 1 are under way");
    assert_eq!(budgets.settle(one, 1, now), Ok(()));
    let two = take(&mut budgets, "a", "x", now);
    assert_eq!(budgets.settle(two, 1, now), Ok(()));
    assert!(!check_refused(&mut budgets, "a", "x", "budget.run.calls").is_retryable());
}

#[test]
fn a_call_that_is_made_for_another_takes_everything_but_a_place_of_its_own() {
    let limits = Limits {
        run: Budget { concurrent: Some(1), calls: Some(3), ..bytes(100) },
        tools: vec![tool(None, "look", Budget { time: Some(5 * MS), ..Budget::default() })],
        ..Limits::default()
    };
    let (now, mut budgets) = (Instant::now(), Budgets::new(Arc::new(limits)));
    let call = take(&mut budgets, "a", "get", now);
    let within = budgets.take_within(ME, ("a", "look"), 10, now).unwrap();
    assert_eq!(within.until, Some(now + 5 * MS));
    check_refused(&mut budgets, "a", "get", "budget.run.concurrent");
    budgets.settle(within, 80, now + 5 * MS).unwrap();
    let spent = budgets.take_within(ME, ("a", "look"), 1, now + 5 * MS).unwrap_err();
    assert_eq!(spent.rule(), "budget.tool.time");
    let spent = budgets.take_within(ME, ("a", "other"), 10, now).unwrap_err();
    assert_eq!(spent.rule(), "budget.run.bytes", "1, 10 and 80 are used");
    let within = budgets.take_within(ME, ("a", "other"), 1, now).unwrap();
    let spent = budgets.take_within(ME, ("a", "other"), 1, now).unwrap_err();
    assert_eq!(spent.rule(), "budget.run.calls");
    budgets.settle(call, 0, now).unwrap();
    budgets.settle(within, 0, now).unwrap();
}

/// What may happen in a run.
#[derive(Clone, Debug)]
enum Event {
    Take { who: u16, server: u8, tool: u8, bytes: u64 },
    Settle { which: usize, bytes: u64 },
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u16..3, 0_u8..2, 0_u8..3, 1_u64..60)
            .prop_map(|(who, server, tool, bytes)| Event::Take { who, server, tool, bytes }),
        3 => (0_usize..8, 0_u64..60).prop_map(|(which, bytes)| Event::Settle { which, bytes }),
        1 => (1_u64..40).prop_map(Event::Pass),
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    let some = |range| proptest::option::weighted(0.4, range);
    let time = proptest::option::weighted(0.3, 0_u64..150);
    (some(0_u64..8), some(0_u64..300), time, proptest::option::weighted(0.3, 0_u32..4)).prop_map(
        |(calls, bytes, time, concurrent)| Budget {
            calls,
            bytes,
            time: time.map(Duration::from_millis),
            concurrent,
        },
    )
}

const SERVERS: [&str; 2] = ["s0", "s1"];
const TOOLS: [&str; 3] = ["get_a", "get_b", "set_a"];

fn limits() -> impl Strategy<Value = Limits> {
    proptest::collection::vec(budget(), 6).prop_map(|all| Limits {
        run: all[0],
        servers: vec![("s1".into(), all[1])],
        tools: vec![tool(Some("s0"), "get_*", all[2]), tool(None, "*_a", all[3])],
        agents: vec![(Principal(1), all[4])],
        each_agent: all[5],
        flow: FlowBudget::default(),
    })
}

/// A call that was let through; times in milliseconds.
#[derive(Clone, Debug)]
struct Call {
    who: u16,
    server: &'static str,
    tool: &'static str,
    /// Bytes there, and back if the answer was delivered.
    bytes: u64,
    begun: u64,
    ended: Option<u64>,
}

type Means = fn(&Call) -> bool;

/// The budgets of a configuration as sentences about calls.
fn scopes(limits: &Limits) -> [(Budget, Means); 7] {
    [
        (limits.run, |_| true),
        (limits.servers[0].1, |call| call.server == "s1"),
        (limits.tools[0].budget, |call| call.server == "s0" && call.tool.starts_with("get_")),
        (limits.tools[1].budget, |call| call.tool.ends_with("_a")),
        (limits.agents[0].1, |call| call.who == 1),
        (limits.each_agent, |call| call.who == 0),
        (limits.each_agent, |call| call.who == 2),
    ]
}

/// The budgets beside a list of all calls.
struct World {
    budgets: Budgets,
    scopes: [(Budget, Means); 7],
    /// Whether an answer did not fit into the scope.
    is_exhausted: [bool; 7],
    calls: Vec<Call>,
    open: Vec<(usize, Ticket)>,
    start: Instant,
    now: u64,
}

impl World {
    fn new(limits: Limits) -> Self {
        let scopes = scopes(&limits);
        let budgets = Budgets::new(Arc::new(limits));
        let (calls, open) = (Vec::new(), Vec::new());
        Self {
            budgets,
            scopes,
            is_exhausted: [false; 7],
            calls,
            open,
            start: Instant::now(),
            now: 0,
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn of(&self, means: Means) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| means(call))
    }

    fn bytes(&self, means: Means) -> u64 {
        self.of(means).map(|call| call.bytes).sum()
    }

    fn time(&self, means: Means) -> Duration {
        let is_under_way =
            |ms: u64, call: &Call| call.begun <= ms && call.ended.is_none_or(|ended| ms < ended);
        let is_busy = |ms: &u64| self.of(means).any(|call| is_under_way(*ms, call));
        Duration::from_millis((0..self.now).filter(is_busy).count() as u64)
    }

    fn running(&self, means: Means) -> usize {
        self.of(means).filter(|call| call.ended.is_none()).count()
    }

    fn fits(&self, new: &Call) -> bool {
        (0..).zip(self.scopes).filter(|(_, (_, means))| means(new)).all(|(at, (budget, means))| {
            let index: usize = at;
            budget.calls.is_none_or(|limit| (self.of(means).count() as u64) < limit)
                && budget.bytes.is_none_or(|limit| {
                    self.bytes(means) + new.bytes <= limit && !self.is_exhausted[index]
                })
                && budget.time.is_none_or(|limit| self.time(means) < limit)
                && budget.concurrent.is_none_or(|limit| self.running(means) < limit as usize)
        })
    }

    fn take(&mut self, (who, server, tool, bytes): (u16, usize, usize, u64)) {
        let (server, tool) = (SERVERS[server], TOOLS[tool]);
        let call = Call { who, server, tool, bytes, begun: self.now, ended: None };
        let now = self.at(self.now);
        let taken = self.budgets.take(Principal(who), (server, tool), bytes, now);
        assert_eq!(taken.is_ok(), self.fits(&call), "{taken:?}");
        if let Ok(ticket) = taken {
            self.open.push((self.calls.len(), ticket));
            self.calls.push(call);
        }
    }

    fn settle(&mut self, which: usize, bytes: u64) {
        if self.open.is_empty() {
            return;
        }
        let (index, ticket) = self.open.swap_remove(which % self.open.len());
        self.calls[index].ended = Some(self.now);
        let call = self.calls[index].clone();
        let mut fits = true;
        for (at, (budget, means)) in self.scopes.into_iter().enumerate() {
            let used = self.bytes(means);
            let is_over = |limit| match self.is_exhausted[at] {
                true => bytes > 0,
                false => used + bytes > limit,
            };
            if means(&call) && budget.bytes.is_some_and(is_over) {
                (fits, self.is_exhausted[at]) = (false, true);
            }
        }
        let settled = self.budgets.settle(ticket, bytes, self.at(self.now));
        assert_eq!(settled.is_ok(), fits, "{settled:?}");
        if fits {
            self.calls[index].bytes += bytes;
        }
    }

    /// Time passes, and whoever has a ticket is back in time.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            let now = self.at(self.now);
            while let Some(late) =
                self.open.iter().position(|(_, ticket)| ticket.until.is_some_and(|at| at <= now))
            {
                self.settle(late, 0);
            }
        }
    }

    /// No prefix exceeds a budget.
    fn check(&self) {
        for (budget, means) in self.scopes {
            assert!(budget.calls.is_none_or(|limit| self.of(means).count() as u64 <= limit));
            assert!(budget.bytes.is_none_or(|limit| self.bytes(means) <= limit));
            assert!(budget.time.is_none_or(|limit| self.time(means) <= limit));
            assert!(budget.concurrent.is_none_or(|limit| self.running(means) <= limit as usize));
        }
    }
}

proptest! {
    #[test]
    fn no_accepted_prefix_exceeds_a_budget(
        limits in limits(), events in proptest::collection::vec(event(), 0..80),
    ) {
        let mut world = World::new(limits);
        for event in events {
            match event {
                Event::Take { who, server, tool, bytes } => {
                    world.take((who, server.into(), tool.into(), bytes));
                }
                Event::Settle { which, bytes } => world.settle(which, bytes),
                Event::Pass(ms) => world.pass(ms),
            }
            world.check();
        }
    }
}
