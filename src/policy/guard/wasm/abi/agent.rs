// SPDX-License-Identifier: MIT
//! What a guard says of an agent.

use super::super::AgentLabels;
use super::labels::{self, Reading, labels, member_object};
use crate::base::{Message, Span};
use crate::policy::guard::{Labels, Mode};
use crate::wire::json::edit::Edits;
use crate::wire::json::{scan, write};

/// `{"agent":{"secrecy":[…],"integrity":[…]},"difc_mode":"filter","normalized_policy":{…}}`
pub(super) fn parse(output: &[u8]) -> Result<AgentLabels, String> {
    if output.is_empty() {
        return Err("label_agent returned empty response".to_owned());
    }
    let whole = super::object(output)
        .map_err(|what| format!("failed to unmarshal label_agent response: {what}"))?;
    check_success(output, whole)?;
    let undecoded = |what| format!("failed to decode label_agent response: {what}");
    let labels = match member_object(output, whole, "agent").map_err(undecoded)? {
        Some(agent) => labels(output, agent, Reading::Strict, trimmed).map_err(undecoded)?,
        None => Labels::NONE,
    };
    let mode = labels::string(output, whole, "difc_mode", Reading::Strict).map_err(undecoded)?;
    let policy = member_object(output, whole, "normalized_policy").map_err(undecoded)?;
    let mode = mode.unwrap_or_default();
    if mode.trim().is_empty() {
        return Err("label_agent response missing difc_mode".to_owned());
    }
    let mode = Mode::of(mode.trim())
        .map_err(|error| format!("invalid difc_mode from label_agent: {error}"))?;
    Ok(AgentLabels { labels, mode, normalized_policy: policy.map(|it| normalized(output, it)) })
}

/// A guard may say in several ways that it has refused the policy.
fn check_success(output: &[u8], whole: Span) -> Result<(), String> {
    let says_no =
        |name| scan::member(output, whole, name).is_some_and(|place| place.of(output) == b"false");
    let error = labels::string(output, whole, "error", Reading::Lenient)?.unwrap_or_default();
    let error = Some(error.trim()).filter(|error| !error.is_empty());
    match (says_no("success") || says_no("ok"), error) {
        (true, Some(error)) => Err(format!("label_agent rejected policy: {error}")),
        (true, None) => Err("label_agent returned non-success status".to_owned()),
        (false, Some(error)) => Err(format!("label_agent returned error: {error}")),
        (false, None) => Ok(()),
    }
}

fn trimmed(tag: &str) -> Option<Box<str>> {
    Some(tag.trim()).filter(|tag| !tag.is_empty()).map(Into::into)
}

/// The policy with its `scope_kind` in lower case, and all else as it is.
fn normalized(output: &[u8], policy: Span) -> Message {
    let text = policy.of(output);
    let whole = Span::new(0, text.len());
    let mut edits = Edits::of(text);
    if let Some(kind) = scan::member(text, whole, "scope_kind")
        && let Some(spelled) = scan::string(text, kind)
    {
        let mut lower = Vec::new();
        write::push_str(&mut lower, &spelled.to_lowercase());
        edits.replace(kind, lower);
    }
    Message::new(edits.apply())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::Label;

    #[track_caller]
    fn refused(output: &str, want: &str) {
        assert_eq!(parse(output.as_bytes()), Err(want.to_owned()), "{output}");
    }

    #[test]
    fn an_agent_has_trimmed_labels_a_mode_and_a_policy() {
        let output = r#"{"agent":{"secrecy":[" private:acme ","",null],"integrity":["none:acme"]},
            "difc_mode":"Filter","normalized_policy":{"scope_kind":"Owner","n":1.0}}"#;
        let agent = parse(output.as_bytes()).unwrap();
        assert_eq!(agent.labels.secrecy, Label::new(["private:acme"]));
        assert_eq!(agent.labels.integrity, Label::new(["none:acme"]));
        assert_eq!(agent.mode, Mode::Filter);
        let policy = agent.normalized_policy.unwrap();
        assert_eq!(policy.as_bytes(), br#"{"scope_kind":"owner","n":1.0}"#);
        let bare = parse(br#"{"difc_mode":"strict"}"#).unwrap();
        assert_eq!(bare, AgentLabels::default());
    }

    #[test]
    fn a_guard_can_refuse_a_policy_in_several_ways() {
        refused("", "label_agent returned empty response");
        refused(
            r#"{"success":false,"error":" no ","difc_mode":"filter"}"#,
            "label_agent rejected policy: no",
        );
        refused(r#"{"ok":false,"error":7}"#, "label_agent returned non-success status");
        refused(r#"{"ok":true,"error":"x"}"#, "label_agent returned error: x");
        refused(r#"{"ok":"false"}"#, "label_agent response missing difc_mode");
        refused(r#"{"difc_mode":"  "}"#, "label_agent response missing difc_mode");
        refused(
            r#"{"difc_mode":"lax"}"#,
            "invalid difc_mode from label_agent: unknown enforcement mode: lax \
             (valid modes: strict, filter, propagate)",
        );
    }

    #[test]
    fn what_has_the_wrong_shape_is_no_label() {
        refused("[]", "failed to unmarshal label_agent response: it is not an object");
        for (output, what) in [
            (r#"{"agent":[]}"#, "agent: expected an object"),
            (r#"{"agent":{"secrecy":"x"}}"#, "secrecy: expected a list of texts"),
            (r#"{"agent":{"integrity":[1]}}"#, "integrity: expected a list of texts"),
            (r#"{"difc_mode":1}"#, "difc_mode: expected a text"),
            (r#"{"normalized_policy":1}"#, "normalized_policy: expected an object"),
        ] {
            refused(output, &format!("failed to decode label_agent response: {what}"));
        }
    }
}
