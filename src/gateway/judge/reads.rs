// SPDX-License-Identifier: MIT
//! What identities have read and carry: it bounds what guards give them afterwards.
//!
//! Guards give integrity and reading takes it away. Which of them came first must not count: who
//! has read something is trusted no more than that, whoever vouches for it later.

use std::collections::HashMap;

use crate::policy::auth::Principal;
use crate::policy::guard::{Label, Labels, WILDCARD};

/// The integrity that everything has which an identity has read. There are no more entries than
/// keys, and none is ever forgotten.
#[derive(Debug)]
pub struct Reads {
    integrity: HashMap<Principal, Label>,
    /// Of longer labels nothing is left.
    label_bytes_max: usize,
}

impl Reads {
    /// Nobody has read anything.
    #[must_use]
    pub fn new(label_bytes_max: usize) -> Self {
        Self { integrity: HashMap::new(), label_bytes_max }
    }

    /// `who` has read this, and carries it.
    pub fn note(&mut self, who: Principal, read: &[Labels]) {
        for Labels { integrity, .. } in read {
            // It has the integrity of whatever it is held against.
            if integrity.contains(WILDCARD) {
                continue;
            }
            let left = match self.integrity.get(&who) {
                Some(left) => left.intersection(integrity),
                None if bytes(integrity) > self.label_bytes_max => Label::EMPTY,
                None => integrity.clone(),
            };
            self.integrity.insert(who, left);
        }
    }

    /// What a guard may still give to `who` of these labels: all secrecy, and the integrity that
    /// nothing has taken away.
    #[must_use]
    pub fn left_of(&self, who: Principal, given: &Labels) -> Labels {
        let mut left = given.clone();
        if let Some(integrity) = self.integrity.get(&who) {
            left.integrity = left.integrity.intersection(integrity);
        }
        left
    }
}

fn bytes(label: &Label) -> usize {
    label.iter().map(|tag| tag.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::monitor;
    use proptest::prelude::*;

    const ME: Principal = Principal(0);

    fn labels(integrity: &str) -> Labels {
        let integrity = Label::new(integrity.split_whitespace());
        Labels { secrecy: Label::new(["s"]), integrity }
    }

    #[test]
    fn who_has_read_something_is_trusted_no_more_than_that() {
        let mut reads = Reads::new(100);
        assert_eq!(reads.left_of(ME, &labels("a b c")), labels("a b c"));
        reads.note(ME, &[labels("a b x"), labels("*")]);
        assert_eq!(reads.left_of(ME, &labels("a b c")), labels("a b"));
        reads.note(ME, &[labels("b c")]);
        assert_eq!(reads.left_of(ME, &labels("a b c")), labels("b"));
        assert_eq!(reads.left_of(Principal(1), &labels("a")), labels("a"), "others are not");
        reads.note(ME, &[Labels::NONE]);
        assert_eq!(reads.left_of(ME, &labels("a b c")), labels(""), "secrecy is always given");
    }

    #[test]
    fn a_label_that_is_too_long_vouches_for_nothing() {
        let mut reads = Reads::new(3);
        reads.note(ME, &[labels("a b c d")]);
        assert_eq!(reads.left_of(ME, &labels("a")), labels(""));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Given(Vec<u8>),
        Read(Vec<u8>),
    }

    fn label(tags: &[u8]) -> Labels {
        let integrity = Label::new(tags.iter().map(|tag| tag.to_string()));
        Labels { integrity, ..Labels::NONE }
    }

    proptest! {
        /// As if all that is given had been given before anything was read.
        #[test]
        fn the_order_of_giving_and_reading_does_not_count(
            steps in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(0_u8..5, 0..4).prop_map(Step::Given),
                    proptest::collection::vec(0_u8..5, 0..5).prop_map(Step::Read),
                ],
                0..8,
            ),
        ) {
            let (mut reads, mut agent) = (Reads::new(100), Labels::NONE);
            let (mut all, mut read) = (Labels::NONE, Vec::new());
            for step in steps {
                match step {
                    Step::Given(tags) => {
                        let given = reads.left_of(ME, &label(&tags));
                        agent.integrity = agent.integrity.union(&given.integrity);
                        all.integrity = all.integrity.union(&label(&tags).integrity);
                    }
                    Step::Read(tags) => {
                        reads.note(ME, &[label(&tags)]);
                        monitor::accumulate(&mut agent, &[label(&tags)]);
                        read.push(label(&tags));
                    }
                }
            }
            monitor::accumulate(&mut all, &read);
            prop_assert_eq!(agent, all);
        }
    }
}
