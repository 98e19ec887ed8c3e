// SPDX-License-Identifier: MIT
//! The books of all budgets: what is taken when a call begins, and settled when it is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::counter::{Counter, Short};
use super::{Budget, Limits, Scope, Spent};
use crate::mcp::pattern;
use crate::policy::auth::Principal;

/// What has been used of all budgets.
#[derive(Debug)]
pub struct Budgets {
    limits: Arc<Limits>,
    /// Of the run, of the servers and of the tools, in the order of the limits; then, as they
    /// come, of the agents. There are no more agents than keys, whatever clients say.
    books: Vec<Counter>,
    agents: HashMap<Principal, Place>,
    is_idle: bool,
}

/// A call that has been let through. Give it back to [`Budgets::settle`], or it runs for ever.
#[derive(Debug, Default)]
#[must_use = "a call that is never settled counts as under way for ever"]
pub struct Ticket {
    /// Empty if nothing bounds the call.
    pub(super) rows: Vec<Row>,
    tool: Box<str>,
    /// Whether the call is made for one that is under way.
    is_within: bool,
    /// When the time of a budget is used up: by then the call has to be over.
    pub until: Option<Instant>,
}

/// The place of a book.
type Place = usize;

/// One budget that a call counts against.
#[derive(Clone, Debug)]
pub(super) struct Row {
    place: Place,
    budget: Budget,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Run,
    /// By its place in the limits.
    Server(usize),
    Tool,
    Agent,
}

impl Budgets {
    /// Nothing is used yet.
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> Self {
        let books = vec![Counter::default(); 1 + limits.servers.len() + limits.tools.len()];
        let flow_alone = Limits { flow: limits.flow, ..Limits::default() };
        let is_idle = *limits == flow_alone;
        Self { limits, books, agents: HashMap::new(), is_idle }
    }

    /// Whether nothing is bounded here.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Counts a call of `tool` with a message of `request_bytes`, if it fits into every budget.
    ///
    /// # Errors
    ///
    /// The first budget that it does not fit into, from the run to the agent; nothing is taken.
    pub fn take(
        &mut self,
        who: Principal,
        what: (&str, &str),
        request_bytes: u64,
        now: Instant,
    ) -> Result<Ticket, Spent> {
        self.take_as(who, what, (request_bytes, false), now)
    }

    /// The same for a call that is made for one that is under way, which could otherwise never be
    /// made where only one call may be: it is no further call at the same time.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    pub fn take_within(
        &mut self,
        who: Principal,
        what: (&str, &str),
        request_bytes: u64,
        now: Instant,
    ) -> Result<Ticket, Spent> {
        self.take_as(who, what, (request_bytes, true), now)
    }

    fn take_as(
        &mut self,
        who: Principal,
        (server, tool): (&str, &str),
        size: (u64, bool),
        now: Instant,
    ) -> Result<Ticket, Spent> {
        if self.is_idle {
            return Ok(Ticket::default());
        }
        let rows = self.rows(who, server, tool);
        for row in &rows {
            let checked = self.books[row.place].check(&row.budget, size, now);
            checked.map_err(|short| self.spent(row.kind, tool, short))?;
        }
        let mut until = None;
        for row in &rows {
            let book = &mut self.books[row.place];
            book.begin(size, now);
            until = [until, book.until(&row.budget, now)].into_iter().flatten().min();
        }
        let tool = if rows.is_empty() { "" } else { tool };
        Ok(Ticket { rows, tool: tool.into(), is_within: size.1, until })
    }

    /// Counts the end of a call and the bytes of its answer.
    ///
    /// # Errors
    ///
    /// The answer does not fit into a budget of bytes: it should not be delivered. That budget is
    /// then used up, since the server has done its work; others do not count the answer.
    pub fn settle(
        &mut self,
        ticket: Ticket,
        response_bytes: u64,
        now: Instant,
    ) -> Result<(), Spent> {
        for row in &ticket.rows {
            self.books[row.place].end(ticket.is_within, now);
        }
        let mut first = None;
        for row in &ticket.rows {
            let book = &mut self.books[row.place];
            if let Err(short) = book.check_bytes(&row.budget, response_bytes) {
                book.exhaust_bytes(&row.budget);
                first.get_or_insert((row.kind, short));
            }
        }
        if let Some((kind, short)) = first {
            return Err(self.spent(kind, &ticket.tool, short));
        }
        for row in &ticket.rows {
            self.books[row.place].add_bytes(response_bytes);
        }
        Ok(())
    }

    /// The budgets of a call, those that bound nothing left out.
    fn rows(&mut self, who: Principal, server: &str, tool: &str) -> Vec<Row> {
        let limits = Arc::clone(&self.limits);
        let mut rows = Vec::new();
        let mut add = |place, budget: Budget, kind| {
            if !budget.is_empty() {
                rows.push(Row { place, budget, kind });
            }
        };
        add(0, limits.run, Kind::Run);
        for (at, (name, budget)) in limits.servers.iter().enumerate() {
            if **name == *server {
                add(1 + at, *budget, Kind::Server(at));
            }
        }
        for (at, row) in limits.tools.iter().enumerate() {
            let is_its = row.server.as_deref().is_none_or(|own| own == server);
            if is_its && pattern::fits(&row.pattern, tool) {
                add(1 + limits.servers.len() + at, row.budget, Kind::Tool);
            }
        }
        let own = limits.agents.iter().find(|(agent, _)| *agent == who).map(|(_, budget)| *budget);
        let budget = own.unwrap_or(limits.each_agent);
        if !budget.is_empty() {
            add(self.place_of(who), budget, Kind::Agent);
        }
        rows
    }

    fn place_of(&mut self, who: Principal) -> Place {
        *self.agents.entry(who).or_insert_with(|| {
            self.books.push(Counter::default());
            self.books.len() - 1
        })
    }

    fn spent(&self, kind: Kind, tool: &str, (quantity, limit, used): Short) -> Spent {
        let scope = match kind {
            Kind::Run => Scope::Run,
            Kind::Server(at) => Scope::Server(self.limits.servers[at].0.clone()),
            Kind::Tool => Scope::Tool(tool.into()),
            Kind::Agent => Scope::Agent,
        };
        Spent { scope, quantity, limit, used }
    }
}
