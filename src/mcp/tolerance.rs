// SPDX-License-Identifier: MIT
//! Slips of real clients that are let pass, each under a name by which it can be forbidden.
//!
//! A slip is here only if somebody has met it; what no client does is refused.

use super::MirrorError;

/// One slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `server/discover` under an `Mcp-Method` that names another method: some versions of
    /// Copilot CLI. Nothing is executed by it, and a client that is refused here never recovers.
    DiscoverMethodMismatch,
    /// `subscriptions/listen` without `MCP-Protocol-Version`: clients with Go SDKs before 1.7.
    /// The body names its version, and nothing is executed.
    ListenVersionMissing,
}

impl Rule {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::DiscoverMethodMismatch, Self::ListenVersionMissing];

    /// How the configuration and the log name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiscoverMethodMismatch => "discover-method-mismatch",
            Self::ListenVersionMissing => "listen-version-missing",
        }
    }

    /// The rule with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of rules: those that hold, or those that were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    bits: u8,
}

impl Tolerance {
    /// Lets nothing pass.
    pub const NONE: Self = Self { bits: 0 };

    /// Whether `rule` is in it.
    #[must_use]
    pub const fn allows(self, rule: Rule) -> bool {
        self.bits & rule.bit() != 0
    }

    /// Puts `rule` in; whether it was not there before.
    pub const fn add(&mut self, rule: Rule) -> bool {
        let is_new = !self.allows(rule);
        self.bits |= rule.bit();
        is_new
    }
}

impl Default for Tolerance {
    /// Every rule.
    fn default() -> Self {
        let mut all = Self::NONE;
        for rule in Rule::ALL {
            all.add(rule);
        }
        all
    }
}

impl MirrorError {
    /// The rule that lets this pass in a request with `method`, if there is one.
    #[must_use]
    pub fn rule(&self, method: &str) -> Option<Rule> {
        match (method, self) {
            ("server/discover", Self::Differs { field, .. }) if **field == *"Mcp-Method" => {
                Some(Rule::DiscoverMethodMismatch)
            }
            ("subscriptions/listen", Self::Missing { field, .. })
                if **field == *"MCP-Protocol-Version" =>
            {
                Some(Rule::ListenVersionMissing)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Message;
    use crate::mcp::Mirror;
    use crate::wire::http1::{Field, Method, RequestHead};

    fn mirror(field: Option<(Field, &str)>) -> Mirror {
        let bytes = Message::from(field.map_or("", |(_, value)| value));
        let place = crate::base::Span::new(0, bytes.len());
        let mut known = [None; Field::COUNT];
        if let Some((field, _)) = field {
            known[field as usize] = Some(place);
        }
        let (method, params) = (Method::Post, Vec::new());
        Mirror::of(&RequestHead { bytes, method, target: place, known, params })
    }

    #[test]
    fn only_slips_that_were_met_have_a_rule() {
        let other = mirror(Some((Field::McpMethod, "initialize")));
        let discover = other.check_method("server/discover").unwrap_err();
        assert_eq!(discover.rule("server/discover"), Some(Rule::DiscoverMethodMismatch));
        let call = other.check_method("tools/call").unwrap_err();
        assert_eq!(call.rule("tools/call"), None);
        let none = mirror(None);
        assert_eq!(none.check_method("server/discover").unwrap_err().rule("server/discover"), None);
        let missing = none.check_version("2026-07-28").unwrap_err();
        assert_eq!(missing.rule("subscriptions/listen"), Some(Rule::ListenVersionMissing));
        assert_eq!(missing.rule("tools/list"), None);
        let wrong = mirror(Some((Field::McpProtocolVersion, "2025-11-25")));
        let wrong = wrong.check_version("2026-07-28").unwrap_err();
        assert_eq!(wrong.rule("subscriptions/listen"), None);
    }

    #[test]
    fn every_rule_is_found_by_its_name_and_counts_alone() {
        for rule in Rule::ALL {
            assert_eq!(Rule::find(rule.name()), Some(rule));
            assert!(Tolerance::default().allows(rule) && !Tolerance::NONE.allows(rule));
            let mut met = Tolerance::NONE;
            assert!(met.add(rule) && !met.add(rule));
            assert_eq!(Rule::ALL.into_iter().filter(|other| met.allows(*other)).count(), 1);
        }
        assert_eq!(Rule::find("everything"), None);
    }
}
