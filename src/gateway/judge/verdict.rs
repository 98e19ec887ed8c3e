// SPDX-License-Identifier: MIT
//! What labels mean for an answer: which of its items go, what is told of them, and whether
//! anything is shown at all.

use std::borrow::Cow;

use super::deny::Denial;
use super::piece::{AnswerCase, Verdict};
use crate::policy::guard::monitor::{self, Check, Decision, Violation};
use crate::policy::guard::records::Filtered;
use crate::policy::guard::redact::{self, Redacted};
use crate::policy::guard::{Findings, Labels, Mode, Object, Operation, denial};

/// Removed items that are told one by one; of the others only their number is told.
const REMOVED_TOLD_MAX: usize = 64;

/// How guards describe what they take for words of the server itself.
const OF_THE_SERVER: &str = "metadata:";

/// Tools with these beginnings have lists for answers, even if there is one item in them.
const LISTING: [&str; 2] = ["list_", "search_"];

/// Why an item goes of which the guard has said nothing.
static UNLABELLED: Violation = Violation::UNLABELLED;

impl AnswerCase {
    /// What becomes of the answer.
    ///
    /// # Errors
    ///
    /// The labels do not fit the answer; nothing of it may be shown.
    pub fn verdict(&self, findings: &Findings) -> Result<Verdict, String> {
        let call = &self.labelled.object;
        let operation = self.labelled.operation;
        let mut is_doubted = false;
        let mut judge = |object: &Object| {
            let labels = self.at_least(object);
            is_doubted |= matches!(labels, Cow::Owned(_));
            match monitor::decide(&self.agent, &labels, operation, self.mode) {
                Decision::Deny(violation) => Err(violation),
                _ => Ok(()),
            }
        };
        let options = redact::Options { removed_max: REMOVED_TOLD_MAX, compat: self.compat };
        let redacted = redact::redact(&self.result, findings, call, &mut judge, &options)?;
        if !redacted.is_labelled {
            return Ok(self.by_call());
        }
        let mut verdict = Verdict { n_items: redacted.n_items, ..self.by_items(&redacted) };
        if is_doubted {
            // Whoever reads it carries what it is, and not what its guard takes it for.
            verdict.kept.push(call.labels.clone());
        }
        Ok(verdict)
    }

    /// The guard has found no items: what holds for the call holds for all of its answer.
    fn by_call(&self) -> Verdict {
        if self.compat {
            return Verdict::default();
        }
        let object = &self.labelled.object;
        match monitor::decide(&self.agent, &object.labels, Operation::Read, self.mode) {
            Decision::Allow | Decision::AllowWithPropagation(_) => {
                let accumulates = self.mode == Mode::Propagate;
                Verdict { kept: vec![object.labels.clone()], accumulates, ..Verdict::default() }
            }
            Decision::Deny(violation) => {
                self.denied(denial_of_one(object, &violation), Vec::new(), 1)
            }
        }
    }

    fn by_items(&self, redacted: &Redacted<'_, Violation>) -> Verdict {
        let filtered: Vec<_> = redacted
            .removed
            .iter()
            .map(|one| {
                let violation = one.refusal.as_ref().unwrap_or(&UNLABELLED);
                Filtered::of(redacted.json(one), &one.object, violation)
            })
            .collect();
        let n = redacted.n_removed;
        let kept = redacted.labels_of_kept.clone();
        let accumulates = monitor::accumulates(self.labelled.operation, self.mode);
        let shadow = self.shadow;
        if n == 0 {
            // What stands beside the items may have gone all the same.
            let result = redacted.result.clone().filter(|_| !shadow);
            return Verdict { kept, accumulates, result, shadow, ..Verdict::default() };
        }
        if monitor::withholds_all(self.mode, n) {
            let text = denial::strict_text(n, redacted.n_items, &self.agent_name);
            let allowed = "answers whose items may all be read, or the mode filter";
            return self.denied(Denial::new("difc.items", &text, allowed), filtered, n);
        }
        let is_listing = LISTING.iter().any(|one| self.tool.starts_with(one));
        if redacted.nothing_left_of_one
            && !is_listing
            && let Some(one) = redacted.removed.first()
        {
            let violation = one.refusal.as_ref().unwrap_or(&UNLABELLED);
            let denial = match self.compat || self.may_know_of(&one.object) {
                true => denial_of_one(&one.object, violation),
                false => denial_of_secret(&self.labelled.object),
            };
            return self.denied(denial, filtered, n);
        }
        let told: Vec<_> = redacted
            .removed
            .iter()
            .filter(|one| self.compat || self.may_know_of(&one.object))
            .filter_map(|one| Some((&one.object, one.refusal.as_ref()?)))
            .collect();
        let notice = denial::notice(&told, n);
        let result = redacted.result.as_deref().unwrap_or(&self.result);
        let result = Some(redact::with_notice(result, &notice)).filter(|_| !shadow);
        let told = Verdict { result, filtered, n_filtered: n, ..Verdict::default() };
        Verdict { kept, accumulates, shadow, ..told }
    }

    /// What an item is labelled. Published guards take any text that is no JSON for what a server
    /// says of itself, and call it public and approved; but it is as secret as what was asked for,
    /// and no more trusted.
    fn at_least<'o>(&self, object: &'o Object) -> Cow<'o, Labels> {
        if self.compat || !object.description.starts_with(OF_THE_SERVER) {
            return Cow::Borrowed(&object.labels);
        }
        let call = &self.labelled.object.labels;
        Cow::Owned(Labels {
            secrecy: object.labels.secrecy.union(&call.secrecy),
            integrity: object.labels.integrity.intersection(&call.integrity),
        })
    }

    /// Whether the agent may learn that there is such an object: that it is not trusted enough does
    /// not make it a secret.
    fn may_know_of(&self, object: &Object) -> bool {
        object.labels.secrecy.flows_into(&self.agent.secrecy)
    }

    fn denied(&self, denial: Denial, filtered: Vec<Filtered>, n: usize) -> Verdict {
        let denial = Some(denial).filter(|_| !self.shadow);
        Verdict { denial, filtered, n_filtered: n, shadow: self.shadow, ..Verdict::default() }
    }
}

/// The one thing that was asked for is there, and may not be seen.
pub(super) fn denial_of_one(object: &Object, violation: &Violation) -> Denial {
    let reason = denial::reason(object, violation);
    let text = denial::filtered_single(object, violation);
    Denial::new(violation.kind.rule(), &reason, &denial::allowed(violation)).with_text(text)
}

/// What was asked for is there, and the agent may not even learn what it is.
fn denial_of_secret(asked: &Object) -> Denial {
    let what = if asked.description.is_empty() { "resource" } else { &asked.description };
    let reason = "it is more secret than what this agent may read";
    let text = format!(
        "[Filtered] {what} exists but is not accessible — filtered by secrecy policy ({reason})"
    );
    let rule = Check::ReadSecrecy.rule();
    Denial::new(rule, reason, "reading what is less secret").with_text(text)
}
