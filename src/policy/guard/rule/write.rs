// SPDX-License-Identifier: MIT
//! Policies as JSON, in one spelling: hyphens, and nothing that was not said.

use super::{AllowOnly, Policy, Repos, WriteSink};
use crate::wire::json::write::{self, ArrayWriter, ObjectWriter};

/// The whole policy.
pub(super) fn policy(policy: &Policy) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| match policy {
        Policy::AllowOnly(rule) => {
            object.object("allow-only", |object| allow_only(object, rule, true));
        }
        Policy::WriteSink(sink) => {
            object.object("write-sink", |object| write_sink(object, sink));
        }
    });
    out
}

/// The fields of `allow-only`; budgets only if the reader wants them.
pub(super) fn allow_only(object: &mut ObjectWriter<'_>, rule: &AllowOnly, with_limits: bool) {
    match &rule.repos {
        Repos::All => object.str("repos", "all"),
        Repos::Public => object.str("repos", "public"),
        Repos::Scopes(scopes) => object.array("repos", |array| strings(array, scopes)),
    };
    object.str("min-integrity", rule.min_integrity.as_str());
    if with_limits && !rule.tool_call_limits.is_empty() {
        object.object("tool-call-limits", |object| {
            for (tool, most) in &rule.tool_call_limits {
                object.u64(tool, *most);
            }
        });
    }
    for (field, entries) in [
        ("blocked-users", &rule.blocked_users),
        ("refusal-labels", &rule.refusal_labels),
        ("approval-labels", &rule.approval_labels),
        ("trusted-users", &rule.trusted_users),
        ("endorsement-reactions", &rule.endorsement_reactions),
        ("disapproval-reactions", &rule.disapproval_reactions),
    ] {
        if !entries.is_empty() {
            object.array(field, |array| strings(array, entries));
        }
    }
    object
        .opt_str("disapproval-integrity", rule.disapproval_integrity.map(|level| level.as_str()))
        .opt_str("endorser-min-integrity", rule.endorser_min_integrity.map(|level| level.as_str()))
        .opt_str("promotion-label", rule.promotion_label.as_deref())
        .opt_str("demotion-label", rule.demotion_label.as_deref());
}

fn write_sink(object: &mut ObjectWriter<'_>, sink: &WriteSink) {
    object.array("accept", |array| strings(array, &sink.accept));
    object.opt_str("sink-visibility", sink.visibility.map(|visibility| visibility.as_str()));
}

/// Strings, one after the other.
pub(super) fn strings(array: &mut ArrayWriter<'_>, entries: &[Box<str>]) {
    for entry in entries {
        array.str(entry);
    }
}
