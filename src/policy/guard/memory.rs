// SPDX-License-Identifier: MIT
//! Denials that were given before: the same call again gets the same answer, counted and unjudged.
//!
//! An agent that does not take no for an answer asks for the very same thing many times. What was
//! denied stays denied while nothing changes that we know of: the labels of the agent are a
//! generation, whose number the caller gives, and what only the server knows may change, so that a
//! denial is believed for a while and no longer.
//!
//! *Invariant: a memory never allows anything. What it does not know is judged.*

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{Limits, seal};
use crate::policy::auth::Principal;
use crate::wire::json::edit;

/// What a denied call is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The rule that denied it, such as `difc.write.secrecy`.
    pub rule: Arc<str>,
    /// The message of the error.
    pub text: Arc<str>,
    /// The `data` of the error: an object in JSON.
    pub data: Arc<[u8]>,
}

impl Denial {
    /// The `data` of a denial that is given once more: `repeated` says how often it was given
    /// before.
    #[must_use]
    pub fn data_repeated(&self, repeated: u64) -> Vec<u8> {
        let object = edit::whole(&self.data);
        edit::insert_member(&self.data, object, "repeated", repeated.to_string().as_bytes())
    }

    fn len(&self) -> usize {
        self.rule.len() + self.text.len() + self.data.len()
    }
}

/// A call, as far as it decides about a denial.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub who: Principal,
    /// Which labels the agent has: another number whenever they change.
    pub generation: u64,
    /// The server.
    pub server: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// The arguments as they are spelled.
    pub args: &'a [u8],
}

/// Denials by call, the latest ones.
#[derive(Debug)]
pub struct Memory {
    denials: HashMap<Digest, Kept>,
    /// In the order in which they were first given; some of them are gone.
    order: VecDeque<(Digest, u64)>,
    /// Of those who have denials; never more than keys.
    generations: HashMap<Principal, u64>,
    n_given: u64,
    denials_max: usize,
    bytes_max: usize,
    believed_for: Duration,
}

type Digest = [u8; 32];

#[derive(Debug)]
struct Kept {
    who: Principal,
    denial: Denial,
    /// How often it was given from memory.
    repeated: u64,
    /// Tells it from an older one in the same place.
    serial: u64,
    until: Instant,
}

impl Memory {
    /// Nothing was denied yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            denials: HashMap::new(),
            order: VecDeque::new(),
            generations: HashMap::new(),
            n_given: 0,
            denials_max: limits.denials_kept_max,
            bytes_max: limits.denial_bytes_max,
            believed_for: limits.denial_believed_for,
        }
    }

    /// The denial that this call got before, and how often it was given before this time.
    pub fn recall(&mut self, asked: Asked<'_>, now: Instant) -> Option<(&Denial, u64)> {
        // Whoever was never denied anything pays nothing.
        if !self.is_current(asked) {
            return None;
        }
        let digest = digest(asked);
        if self.denials.get(&digest)?.until <= now {
            self.denials.remove(&digest);
            return None;
        }
        let kept = self.denials.get_mut(&digest)?;
        kept.repeated = kept.repeated.saturating_add(1);
        Some((&kept.denial, kept.repeated))
    }

    /// Keeps the denial of a call.
    ///
    /// Only what would be judged the same again belongs here: no failures, nothing that others can
    /// make room for, and nothing of shadow mode. A denial that is too long is not kept, and if
    /// there are too many, the oldest one is forgotten.
    pub fn remember(&mut self, asked: Asked<'_>, denial: Denial, now: Instant) {
        let until = now.checked_add(self.believed_for);
        let (Some(until), true) = (until, denial.len() <= self.bytes_max) else { return };
        if !self.is_current(asked) {
            self.generations.insert(asked.who, asked.generation);
        }
        self.n_given += 1;
        let (digest, serial) = (digest(asked), self.n_given);
        let kept = Kept { who: asked.who, denial, repeated: 0, serial, until };
        self.denials.insert(digest, kept);
        self.order.push_back((digest, serial));
        self.shrink();
    }

    /// How many denials are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.denials.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.denials.is_empty()
    }

    /// Whether there are denials for these labels; those for others of the same agent go.
    fn is_current(&mut self, asked: Asked<'_>) -> bool {
        let Some(known) = self.generations.get(&asked.who) else { return false };
        if *known == asked.generation {
            return true;
        }
        self.generations.remove(&asked.who);
        self.denials.retain(|_, kept| kept.who != asked.who);
        false
    }

    fn shrink(&mut self) {
        // Each denial has one place in the order, and what is gone may have as many again.
        while self.denials.len() > self.denials_max || self.order.len() > 2 * self.denials_max {
            let Some((digest, serial)) = self.order.pop_front() else { return };
            if self.denials.get(&digest).is_some_and(|kept| kept.serial == serial) {
                self.denials.remove(&digest);
            }
        }
    }
}

/// The place of a call: arguments that are spelled otherwise are another call.
fn digest(asked: Asked<'_>) -> Digest {
    let who = asked.who.0.to_be_bytes();
    let (server, tool) = (asked.server.as_bytes(), asked.tool.as_bytes());
    seal::digest([&who[..], server, tool, asked.args])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: Principal = Principal(0);

    fn asked<'a>(who: u16, generation: u64, tool: &'a str, args: &'a str) -> Asked<'a> {
        Asked { who: Principal(who), generation, server: "s", tool, args: args.as_bytes() }
    }

    fn denial(text: &str) -> Denial {
        let data = br#"{"rule":"difc.write.secrecy","retryable":false}"#;
        Denial { rule: "difc.write.secrecy".into(), text: text.into(), data: (*data).into() }
    }

    fn memory() -> Memory {
        Memory::new(&Limits::TEST_MIN)
    }

    #[test]
    fn the_same_call_gets_the_same_denial_and_is_counted() {
        let (mut memory, now) = (memory(), Instant::now());
        let call = asked(0, 1, "create_issue", r#"{"title":"x"}"#);
        assert_eq!(memory.recall(call, now), None);
        memory.remember(call, denial("no"), now);
        for repeated in 1..4 {
            assert_eq!(memory.recall(call, now), Some((&denial("no"), repeated)));
        }
        let (denial, repeated) = memory.recall(call, now).unwrap();
        assert_eq!(
            String::from_utf8(denial.data_repeated(repeated)).unwrap(),
            r#"{"repeated":4,"rule":"difc.write.secrecy","retryable":false}"#
        );
    }

    #[test]
    fn any_other_call_is_judged() {
        let (mut memory, now) = (memory(), Instant::now());
        memory.remember(asked(0, 1, "a", "{}"), denial("no"), now);
        let other_server = Asked { server: "t", ..asked(0, 1, "a", "{}") };
        let shifted = Asked { server: "sa", ..asked(0, 1, "", "{}") };
        for call in [
            asked(1, 1, "a", "{}"),
            asked(0, 1, "b", "{}"),
            asked(0, 1, "a", "{ }"),
            other_server,
            shifted,
        ] {
            assert_eq!(memory.recall(call, now), None, "{call:?}");
        }
        assert!(memory.recall(asked(0, 1, "a", "{}"), now).is_some());
    }

    #[test]
    fn other_labels_make_all_denials_of_an_agent_forgotten() {
        let (mut memory, now) = (memory(), Instant::now());
        memory.remember(asked(0, 1, "a", "{}"), denial("mine"), now);
        memory.remember(asked(1, 1, "a", "{}"), denial("yours"), now);
        assert_eq!(memory.recall(asked(0, 2, "b", "{}"), now), None);
        assert_eq!(memory.recall(asked(0, 2, "a", "{}"), now), None);
        assert_eq!(memory.recall(asked(0, 1, "a", "{}"), now), None, "they do not come back");
        assert!(memory.recall(asked(1, 1, "a", "{}"), now).is_some());
        assert_eq!(memory.len(), 1);
    }

    #[test]
    fn a_denial_is_believed_for_a_while() {
        let (mut memory, now) = (memory(), Instant::now());
        let later = now + Limits::TEST_MIN.denial_believed_for;
        memory.remember(asked(0, 1, "a", "{}"), denial("no"), now);
        assert!(memory.recall(asked(0, 1, "a", "{}"), later - Duration::from_nanos(1)).is_some());
        assert_eq!(memory.recall(asked(0, 1, "a", "{}"), later), None);
        assert!(memory.is_empty());
    }

    #[test]
    fn a_long_denial_is_not_kept() {
        let (mut memory, now) = (memory(), Instant::now());
        let long = "x".repeat(Limits::TEST_MIN.denial_bytes_max);
        memory.remember(asked(0, 1, "a", "{}"), denial(&long), now);
        assert_eq!(memory.recall(asked(0, 1, "a", "{}"), now), None);
    }

    proptest! {
        #[test]
        fn only_what_was_denied_under_the_same_labels_is_denied_again(
            steps in proptest::collection::vec(
                (any::<bool>(), 0_u16..2, 0_u64..3, 0_usize..5), 0..60,
            ),
        ) {
            let (mut memory, now) = (memory(), Instant::now());
            let mut generations = [0_u64; 2];
            let mut denied: Vec<(u16, u64, usize)> = Vec::new();
            for (remembers, who, newer, args) in steps {
                // Labels of an agent only ever change to others.
                let generation = &mut generations[usize::from(who)];
                *generation += u64::from(newer == 2);
                let text = args.to_string();
                let call = asked(who, *generation, "t", &text);
                let fact = (who, *generation, args);
                match memory.recall(call, now) {
                    Some((kept, _)) => {
                        prop_assert!(denied.contains(&fact));
                        prop_assert_eq!(&*kept.text, format!("{who} {args}"));
                    }
                    None if remembers => {
                        memory.remember(call, denial(&format!("{who} {args}")), now);
                        denied.push(fact);
                        prop_assert!(memory.recall(call, now).is_some());
                    }
                    None => {}
                }
                prop_assert!(memory.len() <= Limits::TEST_MIN.denials_kept_max);
                prop_assert!(memory.order.len() <= 2 * Limits::TEST_MIN.denials_kept_max);
            }
        }
    }

    #[test]
    fn nobody_has_denials_in_an_empty_memory() {
        let mut memory = memory();
        let call = Asked { who: ME, ..asked(0, 0, "a", "{}") };
        assert!(memory.is_empty() && memory.recall(call, Instant::now()).is_none());
    }
}
