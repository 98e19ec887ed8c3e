// SPDX-License-Identifier: MIT
//! Where the secrets come from that identities have been shown: what came from one server may go
//! back there, and to no other one that may not hold it.
//!
//! ```text
//!  shown at A: s t     shown at B: t     given by B's guard: u
//!  secrets from elsewhere, for B: s
//! ```
//!
//! What guards give is not counted here: it says what somebody may read, and nobody has read
//! anything yet.

use std::collections::HashMap;

use crate::gateway::snapshot::ServerId;
use crate::policy::auth::Principal;
use crate::policy::guard::{Label, WILDCARD};

/// The tags of all that identities have been shown, by servers. None is ever forgotten; there are
/// no more entries than keys times servers.
#[derive(Debug)]
pub struct Origins {
    shown: HashMap<Principal, Vec<(ServerId, Label)>>,
    /// Instead of a longer label its server's stands for all secrets there are.
    label_bytes_max: usize,
}

impl Origins {
    /// Nobody has been shown anything.
    #[must_use]
    pub fn new(label_bytes_max: usize) -> Self {
        Self { shown: HashMap::new(), label_bytes_max }
    }

    /// `who` is shown something of this secrecy; `true`: that is new.
    pub fn note(&mut self, who: Principal, from: ServerId, secrecy: &Label) -> bool {
        if secrecy.is_empty() {
            return false;
        }
        let all = self.shown.entry(who).or_default();
        let at = all.iter().position(|(server, _)| *server == from).unwrap_or_else(|| {
            all.push((from, Label::EMPTY));
            all.len() - 1
        });
        let known = &mut all[at].1;
        // It stands for all others already.
        if known.contains(WILDCARD) || secrecy.iter().all(|tag| known.contains(tag)) {
            return false;
        }
        let more = known.union(secrecy);
        let bytes: usize = more.iter().map(|tag| tag.len()).sum();
        *known = if bytes > self.label_bytes_max { Label::new([WILDCARD]) } else { more };
        true
    }

    /// What `who` has been shown elsewhere and not at `server`, whose guard gives `given`. The
    /// wildcard there gives nothing: that somebody may read everything does not say whose it is.
    #[must_use]
    pub fn elsewhere(&self, who: Principal, server: ServerId, given: &Label) -> Label {
        let all = self.shown.get(&who).map(Vec::as_slice).unwrap_or_default();
        let is_own = |from: &ServerId| *from == server;
        let own = all.iter().find(|(from, _)| is_own(from)).map(|(_, label)| label);
        let is_known = |tag: &str| {
            tag != WILDCARD && (given.contains(tag) || own.is_some_and(|own| own.contains(tag)))
        };
        let others = all.iter().filter(|(from, _)| !is_own(from));
        let tags = others.flat_map(|(_, label)| label.iter());
        Label::new(tags.filter(|tag| !is_known(tag)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Principal = Principal(0);
    const A: ServerId = ServerId(0);
    const B: ServerId = ServerId(1);

    fn label(tags: &str) -> Label {
        Label::new(tags.split_whitespace())
    }

    #[track_caller]
    fn check(origins: &Origins, server: ServerId, given: &str, want: &str) {
        assert_eq!(origins.elsewhere(ME, server, &label(given)), label(want));
    }

    #[test]
    fn secrets_may_go_back_to_where_they_came_from() {
        let mut origins = Origins::new(100);
        assert!(!origins.note(ME, A, &label("")));
        assert!(origins.note(ME, A, &label("s t")) && !origins.note(ME, A, &label("t")));
        assert!(origins.note(ME, B, &label("t")));
        check(&origins, A, "", "");
        check(&origins, B, "", "s");
        check(&origins, B, "s u", "");
        check(&origins, B, "*", "s");
        assert_eq!(origins.elsewhere(Principal(1), B, &label("")), Label::EMPTY);
    }

    #[test]
    fn what_is_too_much_to_be_kept_may_go_nowhere_else() {
        let mut origins = Origins::new(3);
        assert!(origins.note(ME, A, &label("long")) && origins.note(ME, B, &label("x")));
        assert!(!origins.note(ME, A, &label("y")));
        check(&origins, B, "long", "*");
        check(&origins, A, "", "x");
    }
}
