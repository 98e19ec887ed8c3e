// SPDX-License-Identifier: MIT
//! What calls take of budgets: when they begin, when they are labelled, and when they are answered.

use std::time::Instant;

use super::Judging;
use super::deny::Denial;
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::snapshot::ServerId;
use crate::policy::auth::Principal;
use crate::policy::guard::budget::{Spent, Ticket};
use crate::policy::guard::{Labels, Need};

impl Gateway {
    /// Takes what a call needs from all budgets that it counts against.
    pub(super) fn take_budget(&mut self, key: Key<Judging>) -> Result<(), Denial> {
        let Some(judging) = self.judgings.get_mut(key) else { return Ok(()) };
        let server = &self.snapshot.server(judging.server).name;
        let bytes = judging.request.len() as u64;
        let now = self.now.mono;
        let ticket = self.budgets.take(judging.who, (server, &judging.tool), bytes, now);
        let ticket = ticket.map_err(|spent| spent_denial(&spent))?;
        judging.until = ticket.until;
        judging.deadline = judging.deadline.min(ticket.until.unwrap_or(judging.deadline));
        judging.ticket = Some(ticket);
        Ok(())
    }

    /// Takes what a call for the guard needs of the budgets of the call that it judges; when its
    /// time is used up, if ever. `None`: they are.
    pub(super) fn take_budget_for_guard(
        &mut self,
        key: Key<Judging>,
        need: &Need,
        bytes: usize,
    ) -> Option<Option<Instant>> {
        let judging = self.judgings.get_mut(key)?;
        let (server, who) = (judging.server, judging.who);
        let name = &self.snapshot.server(server).name;
        let what = (&**name, &*need.tool);
        match self.budgets.take_within(who, what, bytes as u64, self.now.mono) {
            Ok(ticket) => {
                let until = ticket.until;
                judging.needs.ticket = Some(ticket);
                Some(until)
            }
            Err(spent) => {
                self.note_not_called(key, &need.tool, &spent.text());
                None
            }
        }
    }

    /// Counts the answer to a call for the guard; `false`: there are no bytes left for it.
    pub(super) fn settle_budget_for_guard(&mut self, key: Key<Judging>, bytes: usize) -> bool {
        let ticket = self.judgings.get_mut(key).and_then(|judging| judging.needs.ticket.take());
        ticket.is_none_or(|ticket| self.settle_ticket(ticket, bytes as u64).is_ok())
    }

    /// Whether a call may still tell the public something.
    pub(super) fn take_flow(&mut self, key: Key<Judging>) -> Result<(), Denial> {
        let Some(judging) = self.judgings.get(key) else { return Ok(()) };
        let Some(labelled) = &judging.labelled else { return Ok(()) };
        let (who, bytes) = (judging.who, judging.request.len() as u64);
        let carried = self.agents.get(&self.agent_name(who));
        self.flows.note(who, &carried.secrecy);
        self.flows.take(who, labelled, bytes).map_err(|spent| spent_denial(&spent))
    }

    /// Somebody is shown something of a server that has these labels.
    pub(super) fn note_flow(&mut self, who: Principal, from: ServerId, kept: &[Labels]) {
        for labels in kept {
            self.flows.note(who, &labels.secrecy);
        }
        // The labels of others say what they take, and not what they tell.
        if !self.is_guarded(from) {
            return;
        }
        for labels in kept {
            if self.origins.note(who, from, &labels.secrecy) {
                self.labels_changed += 1;
            }
        }
    }

    /// Counts the answer that is held.
    pub(super) fn settle_budget(&mut self, key: Key<Judging>) -> Result<(), Denial> {
        let Some(judging) = self.judgings.get_mut(key) else { return Ok(()) };
        let bytes = judging.held.as_ref().map_or(0, |held| held.message.len() as u64);
        match judging.ticket.take() {
            Some(ticket) => self.settle_ticket(ticket, bytes),
            None => Ok(()),
        }
    }

    fn settle_ticket(&mut self, ticket: Ticket, bytes: u64) -> Result<(), Denial> {
        let settled = self.budgets.settle(ticket, bytes, self.now.mono);
        settled.map_err(|spent| spent_denial(&spent))
    }

    /// Takes a judgement out that is over. What it has taken of budgets is not under way any more.
    pub(super) fn take_judging(&mut self, key: Key<Judging>) -> Option<Judging> {
        let mut judging = self.judgings.remove(key)?;
        for ticket in [judging.ticket.take(), judging.needs.ticket.take()].into_iter().flatten() {
            // An answer that nobody sees has no bytes.
            let _ = self.settle_ticket(ticket, 0);
        }
        Some(judging)
    }
}

fn spent_denial(spent: &Spent) -> Denial {
    Denial { rule: spent.rule().into(), text: spent.text().into(), data: spent.data().into() }
}
