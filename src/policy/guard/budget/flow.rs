// SPDX-License-Identifier: MIT
//! What an agent may still tell the public once it has read something private.

use std::collections::HashMap;

use super::{Quantity, Scope, Spent};
use crate::policy::auth::Principal;
use crate::policy::guard::{Label, Labelled, Operation};

/// How much may go to the public after private data was read; `None`: anything, zero: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowBudget {
    /// Writes to public objects.
    pub calls: Option<u64>,
    /// Bytes of their messages.
    pub bytes: Option<u64>,
}

impl FlowBudget {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who has read private data, and what they have told the public since.
///
/// There are no more entries than keys, whatever clients say. None is ever forgotten: nobody
/// becomes one who has read nothing.
#[derive(Debug)]
pub struct Flows {
    budget: FlowBudget,
    readers: HashMap<Principal, Told>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    calls: u64,
    bytes: u64,
}

impl Flows {
    /// Nobody has read anything.
    #[must_use]
    pub fn new(budget: FlowBudget) -> Self {
        Self { budget, readers: HashMap::new() }
    }

    /// `who` carries, or has received, data of this secrecy.
    pub fn note(&mut self, who: Principal, secrecy: &Label) {
        if !self.budget.is_empty() && !secrecy.is_empty() {
            self.readers.entry(who).or_default();
        }
    }

    /// Counts a call of `request_bytes`, if it tells the public something and it fits.
    ///
    /// An operation that writes to an object without secrecy tells the public something.
    ///
    /// # Errors
    ///
    /// There are too few calls or bytes left; nothing is taken.
    pub fn take(
        &mut self,
        who: Principal,
        call: &Labelled,
        request_bytes: u64,
    ) -> Result<(), Spent> {
        let is_public = call.object.labels.secrecy.is_empty();
        if call.operation == Operation::Read || !is_public {
            return Ok(());
        }
        let Some(told) = self.readers.get_mut(&who) else { return Ok(()) };
        let spent = |quantity, limit, used| Spent { scope: Scope::Flow, quantity, limit, used };
        if let Some(limit) = self.budget.calls.filter(|limit| told.calls >= *limit) {
            return Err(spent(Quantity::Calls, limit, told.calls));
        }
        let after = told.bytes.saturating_add(request_bytes);
        if let Some(limit) = self.budget.bytes.filter(|limit| after > *limit) {
            return Err(spent(Quantity::Bytes, limit, told.bytes));
        }
        *told = Told { calls: told.calls.saturating_add(1), bytes: after };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::{Labels, Object};

    const ME: Principal = Principal(0);
    const YOU: Principal = Principal(1);

    fn call(operation: Operation, secrecy: &[&str]) -> Labelled {
        let secrecy = Label::new(secrecy.iter().copied());
        let labels = Labels { secrecy, ..Labels::NONE };
        Labelled { object: Object { labels, ..Object::default() }, operation }
    }

    fn flows(calls: Option<u64>, bytes: Option<u64>) -> Flows {
        Flows::new(FlowBudget { calls, bytes })
    }

    #[test]
    fn one_short_public_write_is_left_after_private_data() {
        let mut flows = flows(Some(1), Some(2048));
        let public = call(Operation::Write, &[]);
        assert_eq!(flows.take(ME, &public, 9000), Ok(()), "nothing private has been read");
        flows.note(ME, &Label::EMPTY);
        assert_eq!(flows.take(ME, &public, 9000), Ok(()), "public data is not private");
        flows.note(ME, &Label::new(["private:acme/plans"]));
        assert_eq!(flows.take(YOU, &public, 9000), Ok(()), "somebody else has read it");
        let long = flows.take(ME, &public, 2049).unwrap_err();
        assert_eq!(long.rule(), "budget.flow.bytes");
        assert!(long.allowed().contains("at most 2048 bytes"), "{}", long.allowed());
        assert_eq!(flows.take(ME, &public, 2048), Ok(()));
        let second = flows.take(ME, &public, 1).unwrap_err();
        assert_eq!((second.rule(), second.limit, second.used), ("budget.flow.calls", 1, 1));
        flows.note(ME, &Label::new(["private:acme/plans"]));
        assert!(flows.take(ME, &public, 1).is_err(), "reading again gives nothing back");
    }

    #[test]
    fn what_tells_the_public_nothing_is_free() {
        let mut flows = flows(Some(0), None);
        flows.note(ME, &Label::new(["private"]));
        assert_eq!(flows.take(ME, &call(Operation::Read, &[]), 1), Ok(()));
        assert_eq!(flows.take(ME, &call(Operation::Write, &["private"]), 1), Ok(()));
        assert_eq!(flows.take(ME, &call(Operation::ReadWrite, &["private"]), 1), Ok(()));
        for operation in [Operation::Write, Operation::ReadWrite] {
            assert!(flows.take(ME, &call(operation, &[]), 1).is_err(), "{operation:?}");
        }
    }

    #[test]
    fn without_a_budget_nothing_is_remembered() {
        let mut flows = flows(None, None);
        flows.note(ME, &Label::new(["private"]));
        assert!(flows.readers.is_empty());
        assert_eq!(flows.take(ME, &call(Operation::Write, &[]), u64::MAX), Ok(()));
    }
}
