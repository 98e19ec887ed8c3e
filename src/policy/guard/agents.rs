// SPDX-License-Identifier: MIT
//! The labels of agents: one pair per identity, for as long as the process lives.
//!
//! Nothing takes a label back and nobody is forgotten to make room: who has read a secret would
//! otherwise be free to tell it. So when the table is full, it is the newcomer that is refused.

use std::collections::BTreeMap;
use std::fmt;

use super::{Label, Labels, Tag};
use crate::base::Limits;

/// All agents that carry labels, by name. The names are shown at `/reflect`: no credentials.
#[derive(Clone, Debug)]
pub struct Agents {
    labels: BTreeMap<Box<str>, Labels>,
    agents_max: usize,
    agent_bytes_max: usize,
}

impl Agents {
    /// Nobody yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            labels: BTreeMap::new(),
            agents_max: limits.guarded_agents_max,
            agent_bytes_max: limits.guarded_agent_bytes_max,
        }
    }

    /// What the agent carries; of an unknown one, nothing.
    #[must_use]
    pub fn get(&self, id: &str) -> Labels {
        self.labels.get(id).cloned().unwrap_or_default()
    }

    /// Adds to what the agent carries, which makes it known.
    ///
    /// Errors: [`Full`]; nothing has changed then, and the call for which it is asked must fail.
    pub fn add(&mut self, id: &str, labels: &Labels) -> Result<(), Full> {
        let known = self.get(id);
        let secrecy = known.secrecy.union(&labels.secrecy);
        let integrity = known.integrity.union(&labels.integrity);
        self.set(id, Labels { secrecy, integrity })
    }

    /// Replaces what the agent carries, which makes it known.
    ///
    /// Errors: as for [`add`](Self::add).
    pub fn set(&mut self, id: &str, labels: Labels) -> Result<(), Full> {
        let known = self.labels.get_mut(id);
        // Fewer tags than before always have room.
        let grows = known.as_ref().is_none_or(|known| bytes(&labels) > bytes(known));
        if grows && id.len() + bytes(&labels) > self.agent_bytes_max {
            return Err(Full::Labels);
        }
        if let Some(known) = known {
            *known = labels;
            return Ok(());
        }
        if self.labels.len() >= self.agents_max {
            return Err(Full::Agents);
        }
        self.labels.insert(id.into(), labels);
        Ok(())
    }

    /// All agents, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Labels)> {
        self.labels.iter().map(|(id, labels)| (&**id, labels))
    }
}

/// What the labels cost. Tags may be shared, but each is counted where it is carried.
fn bytes(labels: &Labels) -> usize {
    let tags = labels.secrecy.iter().chain(labels.integrity.iter());
    tags.map(|tag| tag.len() + size_of::<Tag>()).sum()
}

/// Why an agent cannot carry what it would have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// There are too many agents, and this one is new.
    Agents,
    /// This one carries too much.
    Labels,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agents => "there is no room for the labels of another agent",
            Self::Labels => "there is no room for more labels of this agent",
        })
    }
}

impl std::error::Error for Full {}

/// The label that a guard's words for an agent mean: blanks around them do not count, nor do empty
/// ones.
///
/// The tags of objects are taken as they are; these are written by people.
pub fn from_agent_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> Label {
    Label::new(strings.into_iter().map(str::trim).filter(|tag| !tag.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(secrecy: &[&str], integrity: &[&str]) -> Labels {
        let label = |tags: &[&str]| Label::new(tags.iter().copied());
        Labels { secrecy: label(secrecy), integrity: label(integrity) }
    }

    #[test]
    fn words_for_agents_are_trimmed_and_blank_ones_dropped() {
        let label = from_agent_strings([" private:o ", "", "\t\n", "a b", "private:o", "*"]);
        assert_eq!(label, Label::new(["private:o", "a b", "*"]));
    }

    #[test]
    fn several_servers_add_to_the_same_agent() {
        let mut agents = Agents::new(&Limits::DEFAULT);
        assert_eq!(agents.get("a"), Labels::NONE);
        assert_eq!(agents.add("a", &labels(&["s"], &["i"])), Ok(()));
        assert_eq!(agents.add("a", &labels(&["t"], &["i", "j"])), Ok(()));
        assert_eq!(agents.get("a"), labels(&["s", "t"], &["i", "j"]));
        assert_eq!(agents.get("b"), Labels::NONE, "and to no other");
        assert_eq!(agents.set("a", labels(&["s"], &[])), Ok(()));
        assert_eq!(agents.get("a"), labels(&["s"], &[]));
    }

    #[test]
    fn agents_are_listed_by_name() {
        let mut agents = Agents::new(&Limits::DEFAULT);
        for id in ["b", "a", "C"] {
            agents.add(id, &Labels::NONE).unwrap();
        }
        assert!(agents.iter().map(|(id, _)| id).eq(["C", "a", "b"]));
    }

    #[test]
    fn a_full_table_refuses_the_newcomer_and_forgets_nobody() {
        let mut agents = Agents::new(&Limits::TEST_MIN);
        let max = Limits::TEST_MIN.guarded_agents_max;
        for index in 0..max {
            agents.add(&index.to_string(), &labels(&["s"], &[])).unwrap();
        }
        assert_eq!(agents.add("new", &Labels::NONE), Err(Full::Agents));
        assert_eq!(agents.set("new", Labels::NONE), Err(Full::Agents));
        assert_eq!(agents.iter().len(), max);
        assert_eq!(agents.get("0"), labels(&["s"], &[]));
        assert_eq!(agents.add("0", &labels(&["t"], &[])), Ok(()), "who is known still learns");
    }

    #[test]
    fn an_agent_that_carries_too_much_keeps_what_it_has() {
        let mut agents = Agents::new(&Limits::TEST_MIN);
        let long = "x".repeat(Limits::TEST_MIN.guarded_agent_bytes_max + 1);
        agents.add("a", &labels(&["s", "t"], &["i"])).unwrap();
        assert_eq!(agents.add("a", &labels(&[&long], &[])), Err(Full::Labels));
        assert_eq!(agents.get("a"), labels(&["s", "t"], &["i"]));
        assert_eq!(agents.add(&long, &Labels::NONE), Err(Full::Labels), "a name is counted too");
        assert_eq!(agents.set("a", labels(&["s", "t"], &[])), Ok(()));
    }
}
