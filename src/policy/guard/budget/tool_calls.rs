// SPDX-License-Identifier: MIT
//! `tool-call-limits` of a policy: how often a session may call a tool of a server.

use std::collections::HashMap;

use super::{Quantity, Scope, Spent};

/// How often the tools of one server were called in one session. Only tools that the policy names
/// are counted, so there are no more entries than it has.
#[derive(Clone, Debug, Default)]
pub struct ToolCalls {
    counts: HashMap<Box<str>, u64>,
}

impl ToolCalls {
    /// Counts a call of `tool`, whatever becomes of it; `limits` are sorted by name, and zero is
    /// none.
    ///
    /// # Errors
    ///
    /// It has been called as often as it may.
    pub fn take(&mut self, tool: &str, limits: &[(Box<str>, u64)]) -> Result<(), Spent> {
        let row = limits.binary_search_by(|(name, _)| (**name).cmp(tool));
        let Some(&(_, limit)) = row.ok().and_then(|at| limits.get(at)) else { return Ok(()) };
        if limit == 0 {
            return Ok(());
        }
        if let Some(count) = self.counts.get_mut(tool) {
            if *count >= limit {
                let (scope, quantity) = (Scope::Session(tool.into()), Quantity::Calls);
                return Err(Spent { scope, quantity, limit, used: *count });
            }
            *count += 1;
        } else {
            self.counts.insert(tool.into(), 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_is_called_as_often_as_the_policy_says() {
        let limits = [("get_me".into(), 0), ("list_issues".into(), 2)];
        let mut calls = ToolCalls::default();
        assert_eq!(calls.take("list_issues", &limits), Ok(()));
        assert_eq!(calls.take("list_issues", &limits), Ok(()));
        let spent = calls.take("list_issues", &limits).unwrap_err();
        assert_eq!(spent.text(), "tool call limit reached for \"list_issues\" (max: 2)");
        assert_eq!(spent.rule(), "allow-only.tool-call-limits");
        assert!(!spent.is_retryable());
    }

    #[test]
    fn zero_and_nothing_are_no_limits() {
        let limits = [("get_me".into(), 0)];
        let mut calls = ToolCalls::default();
        for _ in 0..100 {
            assert_eq!(calls.take("get_me", &limits), Ok(()));
            assert_eq!(calls.take("get_you", &limits), Ok(()));
            assert_eq!(calls.take("x", &[]), Ok(()));
        }
        assert!(calls.counts.is_empty());
    }
}
