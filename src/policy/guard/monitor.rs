// SPDX-License-Identifier: MIT
//! The reference monitor: who may read and write what, and why not, from labels alone.
//!
//! ```text
//!              integrity, then            secrecy
//!  read    object ⊇ agent             object ⊆ agent
//!  write   agent  ⊇ object            agent  ⊆ object
//!  both    the read checks, then the write checks; the first that fails is the reason
//! ```
//!
//! Strict and filter decide alike; what they do with an answer differs, and is said by
//! [`labels_response`], [`withholds_all`] and [`accumulates`]. Propagate never denies a read.

use super::{Label, Labels, Mode, Operation};

/// May it pass?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The labels fit.
    Allow,
    /// They do not, but they may be read if the reader carries them from now on.
    AllowWithPropagation(Violation),
    /// They do not.
    Deny(Violation),
}

impl Decision {
    /// Why it may not pass; `None` if it may.
    #[must_use]
    pub const fn denied(&self) -> Option<&Violation> {
        match self {
            Self::Deny(violation) => Some(violation),
            Self::Allow | Self::AllowWithPropagation(_) => None,
        }
    }
}

/// Which tags are in the way.
///
/// Of a denial one list has tags, that of the check which failed first. Of a propagation both may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The check that failed first.
    pub kind: Check,
    /// Secrecy that the reader, or the object that is written, does not carry.
    pub secrecy_to_add: Label,
    /// Integrity that the object that is read, or the writer, lacks.
    pub integrity_to_drop: Label,
}

impl Violation {
    /// An item of which the guard has said nothing.
    pub const UNLABELLED: Self = Self {
        kind: Check::Unlabelled,
        secrecy_to_add: Label::EMPTY,
        integrity_to_drop: Label::EMPTY,
    };

    /// What two differences mean: nothing if both are empty.
    fn of(
        [by_integrity, by_secrecy]: [Check; 2],
        integrity: Label,
        secrecy: Label,
    ) -> Option<Self> {
        let kind = if !integrity.is_empty() {
            by_integrity
        } else if !secrecy.is_empty() {
            by_secrecy
        } else {
            return None;
        };
        Some(Self { kind, secrecy_to_add: secrecy, integrity_to_drop: integrity })
    }

    /// The same with the tags of the check that failed first, and no others.
    fn first(mut self) -> Self {
        match self.kind {
            Check::ReadIntegrity | Check::WriteIntegrity => self.secrecy_to_add = Label::EMPTY,
            Check::ReadSecrecy | Check::WriteSecrecy | Check::Unlabelled => {
                self.integrity_to_drop = Label::EMPTY;
            }
        }
        self
    }
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// What is read has to be as trusted as the reader.
    ReadIntegrity,
    /// What is read must not be more secret than what the reader may know.
    ReadSecrecy,
    /// The writer has to be as trusted as what is written.
    WriteIntegrity,
    /// The writer must not know more than what the object may hold.
    WriteSecrecy,
    /// An item has to be labelled.
    Unlabelled,
}

impl Check {
    /// The name of the rule in denials and logs; it never changes.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::ReadIntegrity => "difc.read.integrity",
            Self::ReadSecrecy => "difc.read.secrecy",
            Self::WriteIntegrity => "difc.write.integrity",
            Self::WriteSecrecy => "difc.write.secrecy",
            Self::Unlabelled => "difc.unlabelled",
        }
    }
}

/// Whether `agent` may do this to something that is labelled `object`.
///
/// A propagation names all tags that the reader takes over, a denial those of one check. With
/// [`Mode::Propagate`] a read-write call that passes is a plain [`Decision::Allow`].
#[must_use]
pub fn decide(agent: &Labels, object: &Labels, operation: Operation, mode: Mode) -> Decision {
    let propagates = mode == Mode::Propagate;
    let failed = match operation {
        Operation::Read => reading(agent, object),
        Operation::Write => writing(agent, object),
        Operation::ReadWrite if propagates => writing(agent, object),
        Operation::ReadWrite => reading(agent, object).or_else(|| writing(agent, object)),
    };
    match failed {
        None => Decision::Allow,
        Some(violation) if propagates && operation == Operation::Read => {
            Decision::AllowWithPropagation(violation)
        }
        Some(violation) => Decision::Deny(violation.first()),
    }
}

fn reading(agent: &Labels, object: &Labels) -> Option<Violation> {
    Violation::of(
        [Check::ReadIntegrity, Check::ReadSecrecy],
        agent.integrity.beyond(&object.integrity),
        object.secrecy.beyond(&agent.secrecy),
    )
}

fn writing(agent: &Labels, object: &Labels) -> Option<Violation> {
    Violation::of(
        [Check::WriteIntegrity, Check::WriteSecrecy],
        object.integrity.beyond(&agent.integrity),
        agent.secrecy.beyond(&object.secrecy),
    )
}

/// Whether a call is made although the labels of its object deny it: the labels of what it answers
/// may be milder. In every mode, and for reads alone: nothing has happened yet that has to be
/// undone.
#[must_use]
pub const fn goes_on_although_denied(operation: Operation) -> bool {
    matches!(operation, Operation::Read)
}

/// Whether the guard is asked for the labels of the answer.
#[must_use]
pub const fn labels_response(operation: Operation, mode: Mode) -> bool {
    match operation {
        Operation::Read => true,
        Operation::Write => false,
        Operation::ReadWrite => !matches!(mode, Mode::Strict),
    }
}

/// Whether nothing of an answer is shown because `filtered` of its items may not be.
#[must_use]
pub const fn withholds_all(mode: Mode, filtered: usize) -> bool {
    matches!(mode, Mode::Strict) && filtered > 0
}

/// Whether the agent carries the labels of what it was shown from now on.
#[must_use]
pub const fn accumulates(operation: Operation, mode: Mode) -> bool {
    matches!(mode, Mode::Propagate) && !matches!(operation, Operation::Write)
}

/// Lets `agent` carry the labels of `items`, each of which it was shown.
///
/// Its secrecy becomes the union. Of its integrity stays what *each* item has, so that one trusted
/// item does not hide an untrusted one; an item with the wildcard has everything. Nothing is
/// allocated for items that add nothing.
///
/// *Invariant: secrecy only grows, integrity only shrinks, so what could be read still can be.*
pub fn accumulate<'a>(agent: &mut Labels, items: impl IntoIterator<Item = &'a Labels>) {
    for item in items {
        for tag in item.secrecy.iter() {
            if !agent.secrecy.contains(tag) {
                agent.secrecy.insert(tag.clone());
            }
        }
        if !agent.integrity.flows_into(&item.integrity) {
            agent.integrity = agent.integrity.intersection(&item.integrity);
        }
    }
}

#[cfg(test)]
mod tests;
