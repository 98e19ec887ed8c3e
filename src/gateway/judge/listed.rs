// SPDX-License-Identifier: MIT
//! Which tools of a server only read, as far as that is known and still believed.
//!
//! What was asked before the tools became others is not known after it. A notice of a change may
//! never come, so that nothing is believed for ever.

use std::time::{Duration, Instant};

use crate::mcp::only_reads::OnlyReads;

/// How long a list is believed.
const LIST_AFTER_MAX: Duration = Duration::from_secs(5 * 60);

/// The tools of one server.
#[derive(Debug, Default)]
pub struct Listed {
    known: Option<(OnlyReads, Instant)>,
    /// How often they have become others.
    changes: u64,
    /// The same when the gateway itself began to list them.
    began: u64,
}

impl Listed {
    /// What only reads; `None`: somebody has to list them.
    #[must_use]
    pub fn get(&self, now: Instant) -> Option<&OnlyReads> {
        let (tools, since) = self.known.as_ref()?;
        (*since + LIST_AFTER_MAX > now).then_some(tools)
    }

    /// How often the tools have become others: whoever begins to list them remembers it.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// They are listed, unless they have become others since `changes` of them.
    pub fn learn(&mut self, tools: OnlyReads, changes: u64, now: Instant) {
        if self.changes == changes {
            self.known = Some((tools, now));
        }
    }

    /// The gateway begins to list them.
    pub const fn begin(&mut self) {
        self.began = self.changes;
    }

    /// It has listed them, since it last began to.
    pub fn learn_own(&mut self, tools: OnlyReads, now: Instant) {
        self.learn(tools, self.began, now);
    }

    /// They are others than before.
    pub fn forget(&mut self) {
        self.known = None;
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_from_before_a_change_is_not_believed() {
        let (mut listed, now) = (Listed::default(), Instant::now());
        let changes = listed.changes();
        listed.begin();
        listed.learn(OnlyReads::default(), changes, now);
        assert!(listed.get(now).is_some());
        listed.forget();
        listed.learn(OnlyReads::default(), changes, now);
        listed.learn_own(OnlyReads::default(), now);
        assert!(listed.get(now).is_none());
        listed.begin();
        listed.learn_own(OnlyReads::default(), now);
        assert!(listed.get(now).is_some());
    }

    #[test]
    fn a_list_is_believed_for_minutes() {
        let (mut listed, now) = (Listed::default(), Instant::now());
        listed.learn_own(OnlyReads::default(), now);
        assert!(listed.get(now + LIST_AFTER_MAX - Duration::from_millis(1)).is_some());
        assert!(listed.get(now + LIST_AFTER_MAX).is_none());
    }
}
