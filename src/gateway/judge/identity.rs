// SPDX-License-Identifier: MIT
//! Who asks, as guards know them: labels per identity, and what they have been told before.

use super::Judging;
use super::deny::Denial;
use crate::base::Message;
use crate::gateway::Gateway;
use crate::gateway::io::Level;
use crate::gateway::snapshot::{ServerId, Watch};
use crate::policy::auth::Principal;
use crate::policy::guard::agents::Full;
use crate::policy::guard::memory::Asked;
use crate::policy::guard::{Labels, WILDCARD, monitor, reflect};

/// What everybody is called where nobody has to say who they are.
const ANYONE: &str = "default";

impl Gateway {
    /// What an identity is called in logs and for operators. Its key is a secret.
    #[must_use]
    pub(crate) fn agent_name(&self, who: Principal) -> String {
        if who == Principal::ANYONE {
            return ANYONE.to_owned();
        }
        format!("agent-{}", u32::from(who.0) + 1)
    }

    /// What an identity carries now.
    pub(crate) fn labels_of(&self, who: Principal) -> Labels {
        self.agents.get(&self.agent_name(who))
    }

    /// Somebody is about to read this, and carries it from now on.
    ///
    /// # Errors
    ///
    /// It cannot be carried, so it must not be read.
    pub(super) fn agent_reads(&mut self, who: Principal, read: &[Labels]) -> Result<(), Denial> {
        if read.is_empty() {
            return Ok(());
        }
        // On the side of the reader it would stand for every secret there is.
        if read.iter().any(|labels| labels.secrecy.contains(WILDCARD)) {
            let reason = "The answer has a secrecy that nobody can carry.";
            return Err(Denial::new("guard.wildcard", reason, "answers with secrecy of their own"));
        }
        let name = self.agent_name(who);
        let mut labels = self.agents.get(&name);
        let before = labels.clone();
        monitor::accumulate(&mut labels, read);
        if labels != before {
            self.agents.set(&name, labels).map_err(too_much)?;
            self.labels_changed += 1;
        }
        self.reads.note(who, read);
        Ok(())
    }

    /// Somebody is about to read this without carrying it: whoever vouches for them can tell what
    /// they may read, but for a guard of which nobody knows yet what it gives.
    pub(super) fn note_read(&mut self, who: Principal, read: &[Labels]) {
        if !self.snapshot.guards.compat && self.guards.is_any_unknown() {
            self.reads.note(who, read);
        }
    }

    /// Gives an identity what guards give that it has not been given: all of them, since it goes
    /// from one server to the other with what it has read. In the reference, that of `server` alone
    /// when it has labelled a call.
    pub(super) fn introduce(
        &mut self,
        who: Principal,
        labelled_by: Option<ServerId>,
    ) -> Result<(), Denial> {
        let is_compat = self.snapshot.guards.compat;
        if is_compat && labelled_by.is_none() {
            return Ok(());
        }
        let of = labelled_by.filter(|_| is_compat);
        for (server, labels) in self.guards.not_given(who, of) {
            self.agent_is_given(who, &labels)?;
            self.guards.is_given(who, server);
        }
        Ok(())
    }

    /// What a guard gives an identity when it first sees it.
    pub(super) fn agent_is_given(&mut self, who: Principal, labels: &Labels) -> Result<(), Denial> {
        let name = self.agent_name(who);
        let before = self.agents.get(&name);
        // What was lost by reading does not come back from another guard.
        let given = self.reads.left_of(who, labels);
        self.agents.add(&name, &given).map_err(too_much)?;
        if self.agents.get(&name) != before {
            self.labels_changed += 1;
        }
        Ok(())
    }

    /// What `/reflect` says.
    pub(crate) fn reflection(&self) -> Vec<u8> {
        reflect::reflect(&self.agents, self.snapshot.guards.mode, self.now.unix_ms)
    }

    /// Counts a call of a tool that an identity may call only so often, in however many sessions.
    pub(super) fn count_call(
        &mut self,
        who: Principal,
        server: ServerId,
        tool: &str,
        watch: &Watch,
    ) -> Result<(), Denial> {
        let limit = watch.tool_limits.iter().find(|(name, _)| **name == *tool);
        let Some(&(_, max)) = limit.filter(|(_, max)| *max > 0) else { return Ok(()) };
        let n = self.counted.entry((who, server, tool.into())).or_insert(0);
        if *n >= max {
            let reason = format!("tool call limit reached for \"{tool}\" (max: {max})");
            return Err(Denial::new("guard.tool-call-limit", &reason, "other tools"));
        }
        *n += 1;
        Ok(())
    }

    /// What the same call was answered before, if it was denied and nothing has changed.
    pub(super) fn denied_before(
        &mut self,
        who: Principal,
        server: ServerId,
        tool: &str,
        args: &Message,
    ) -> Option<Denial> {
        let (snapshot, generation) = (self.snapshot.clone(), self.labels_changed);
        let asked = Asked { who, generation, server: snapshot.title(server), tool, args };
        let (denial, repeated) = self.denials.recall(asked, self.now.mono)?;
        Some(Denial::again(denial, repeated))
    }

    /// Writes a denial down and remembers it.
    pub(super) fn note_denial(&mut self, judging: &Judging, denial: &Denial) {
        let who = self.agent_name(judging.who);
        let reason = denial.text.lines().next().unwrap_or_default();
        let text = format!("denied {} to {who} by {}: {reason}", judging.tool, denial.rule);
        self.note(Level::Warn, "guard", Some(judging.server), text);
        // A denial of the call itself, and not of what it has come to, holds until labels change.
        if judging.held.is_none() && denial.rule.starts_with("difc.") {
            let (who, generation) = (judging.who, self.labels_changed);
            let (tool, args) = (&*judging.tool, &*judging.args);
            let snapshot = self.snapshot.clone();
            let asked =
                Asked { who, generation, server: snapshot.title(judging.server), tool, args };
            self.denials.remember(asked, denial.remembered(), self.now.mono);
        }
    }
}

/// There is no room for what an identity would have to carry.
fn too_much(full: Full) -> Denial {
    Denial::new("guard.room", &full.to_string(), "calls that add no labels")
}
