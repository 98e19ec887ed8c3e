// SPDX-License-Identifier: MIT
//! The tools of which a server says that they change nothing.
//!
//! ```text
//! {"name": "get_repo", "annotations": {"readOnlyHint": true}}
//! ```
//!
//! It is a hint, and the server's own: it is believed where the server is, and only if nobody could
//! read it otherwise. Names that stand in a list twice, or have two hints, change something.
//!
//! Spec: MCP 2025-11-25, server/tools, `ToolAnnotations`.

use std::collections::BTreeMap;

use crate::base::Span;
use crate::wire::json::scan;

/// More names than that are not remembered, and are taken for tools that change something.
const NAMES_MAX: usize = 4096;
/// Longer names are not remembered either. MCP has them end at 128 characters.
const NAME_BYTES_MAX: usize = 512;

/// What a list of tools says of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnlyReads {
    /// Whether a tool of this name only reads.
    names: BTreeMap<Box<str>, bool>,
}

impl OnlyReads {
    /// Learns one page, an array at `tools`.
    pub fn learn(&mut self, text: &[u8], tools: Span) {
        for tool in scan::elements(text, tools) {
            self.learn_one(text, tool);
        }
    }

    fn learn_one(&mut self, text: &[u8], tool: Span) {
        let hint = only(text, tool, "annotations").and_then(|at| only(text, at, "readOnlyHint"));
        let only_reads = hint.is_some_and(|hint| hint.of(text) == b"true");
        let names = members(text, tool, "name").filter_map(|name| scan::string(text, name));
        let is_plain = members(text, tool, "name").count() == 1;
        for name in names.filter(|name| name.len() <= NAME_BYTES_MAX) {
            if let Some(known) = self.names.get_mut(&*name) {
                *known = false;
            } else if self.names.len() < NAMES_MAX {
                self.names.insert(name.into(), only_reads && is_plain);
            }
        }
    }

    /// Whether it is said of this tool that it only reads.
    #[must_use]
    pub fn has(&self, tool: &str) -> bool {
        self.names.get(tool).copied().unwrap_or(false)
    }
}

/// All members of this name, however they are spelled.
fn members<'t>(text: &'t [u8], object: Span, name: &'t str) -> impl Iterator<Item = Span> + 't {
    let is_it =
        move |(own, _): &(Span, Span)| scan::string(text, *own).is_some_and(|own| own == name);
    scan::members(text, object).filter(is_it).map(|(_, value)| value)
}

/// The member of this name, if there is one and no other.
fn only(text: &[u8], object: Span, name: &str) -> Option<Span> {
    let mut all = members(text, object, name);
    all.next().filter(|_| all.next().is_none())
}

/// Whatever a list is, no tool only reads of which the text does not say so.
pub fn fuzz(input: &[u8]) {
    /// As deep as peers may nest.
    const DEPTH_MAX: usize = 128;
    if scan::validate(input, DEPTH_MAX).is_err() {
        return;
    }
    let whole = crate::wire::json::edit::whole(input);
    let mut known = OnlyReads::default();
    known.learn(input, scan::member(input, whole, "tools").unwrap_or(whole));
    let reading: Vec<_> = known.names.iter().filter(|(_, reads)| **reads).collect();
    let is_said = input.windows(4).filter(|four| *four == b"true").count();
    assert!(reading.len() <= is_said, "{}", input.escape_ascii());
    // Who hears the same list as two pages believes none of it any more.
    known.learn(input, scan::member(input, whole, "tools").unwrap_or(whole));
    assert!(known.names.values().all(|reads| !reads), "{}", input.escape_ascii());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit::whole;

    fn known(list: &str) -> OnlyReads {
        let mut known = OnlyReads::default();
        known.learn(list.as_bytes(), whole(list.as_bytes()));
        known
    }

    #[test]
    fn a_tool_only_reads_if_its_server_says_so() {
        let known = known(
            r#"[{"name":"get","annotations":{"title":"x","readOnlyHint":true}},
                {"name":"put","annotations":{"readOnlyHint":false}},
                {"name":"text","annotations":{"readOnlyHint":"true"}},
                {"name":"none","annotations":{}},{"name":"bare"},
                {"name":"beside","readOnlyHint":true},{"annotations":{"readOnlyHint":true}},7]"#,
        );
        assert!(known.has("get"));
        for other in ["put", "text", "none", "bare", "beside", "", "Get", "unknown"] {
            assert!(!known.has(other), "{other}");
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_not_believed() {
        let yes = r#""annotations":{"readOnlyHint":true}"#;
        let doubtful = [
            format!(r#"[{{"name":"x",{yes}}},{{"name":"x"}}]"#),
            format!(r#"[{{"name":"x"}},{{"name":"x",{yes}}}]"#),
            format!(r#"[{{"name":"x",{yes}}},{{"n\u0061me":"\u0078"}}]"#),
            format!(r#"[{{"name":"x",{yes},"annotations":{{}}}}]"#),
            format!(r#"[{{"name":"y","name":"x",{yes}}}]"#),
            r#"[{"name":"x","annotations":{"readOnlyHint":true,"readOnlyHint":false}}]"#.to_owned(),
        ];
        for list in doubtful {
            assert!(!known(&list).has("x"), "{list}");
        }
    }

    #[test]
    fn no_list_is_too_long() {
        let tool =
            |at: usize| format!(r#"{{"name":"t{at}","annotations":{{"readOnlyHint":true}}}}"#);
        let tools: Vec<_> = (0..NAMES_MAX + 10).map(tool).collect();
        let known = known(&format!("[{}]", tools.join(",")));
        assert_eq!(known.names.len(), NAMES_MAX);
        assert!(known.has("t0") && !known.has(&format!("t{}", NAMES_MAX + 1)));
    }

    #[test]
    fn samples_hold() {
        for sample in ["[]", "7", r#"{"tools":[{"name":"x","annotations":{"readOnlyHint":true}}]}"#]
        {
            fuzz(sample.as_bytes());
        }
    }
}
