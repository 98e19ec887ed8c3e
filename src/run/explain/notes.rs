// SPDX-License-Identifier: MIT
//! What is seen of a call on its way, written down in the order in which it happens.

use crate::base::Message;
use crate::gateway::Gateway;
use crate::gateway::io::{EventKind, Level};
use crate::gateway::judge::piece::Verdict as Seen;
use crate::gateway::snapshot::{ServerId, Snapshot, Watch, WatchKind};
use crate::policy::auth::Principal;
use crate::policy::guard::explain::{Call, Denied, Explanation, Verdict};
use crate::policy::guard::monitor::{self, Decision};
use crate::policy::guard::{GuardError, Labelled, Labels, Need, denial, write_sink};
use crate::wire::json::{edit, scan};

/// Lines of a guard's log that are shown.
const LOGS_MAX: usize = 20;

/// What has been seen.
pub struct Notes {
    explanation: Explanation,
    server: ServerId,
    who: Principal,
    tool: Box<str>,
    has_result: bool,
    is_shadow: bool,
    /// Labels that have not been compared yet.
    labelled: Option<Labelled>,
    n_logs: usize,
    /// Items that went, and items that there were.
    removed: Option<(usize, usize)>,
    would: Option<Denied>,
}

impl Notes {
    /// What is known before anything happens.
    pub fn begin(snapshot: &Snapshot, (server, who): (ServerId, Principal), call: &Call) -> Self {
        let mut explanation = Explanation::default();
        let args = String::from_utf8_lossy(&call.args);
        let text = format!("{} of server \"{}\" with {args}", call.tool, call.server);
        explanation.step("call", text);
        let watch = snapshot.server(server).watch.as_deref();
        match watch {
            Some(watch) => watched(&mut explanation, watch),
            None => explanation.step("guard", "none: no call of this server is looked into"),
        }
        // Guards that need no worker are not seen at work.
        let labelled = watch.and_then(|watch| match &watch.kind {
            WatchKind::Noop => Some(write_sink::noop()),
            WatchKind::WriteSink(sink) => Some(write_sink::label(&call.tool, sink)),
            WatchKind::GitHub | WatchKind::Wasm { .. } => None,
        });
        Self {
            explanation,
            server,
            who,
            tool: call.tool.clone(),
            has_result: call.result.is_some(),
            is_shadow: watch.is_some_and(|watch| watch.shadow),
            labelled,
            n_logs: 0,
            removed: None,
            would: None,
        }
    }

    /// The guard needs to know something.
    pub fn need(&mut self, need: &Need) {
        let args = String::from_utf8_lossy(&need.args);
        self.explanation.step("guard asks", format!("{} with {args}", need.tool));
    }

    /// The guard has said what the call is about.
    pub fn labelled(&mut self, labelled: &Labelled) {
        self.labelled = Some(labelled.clone());
    }

    /// If there are new labels, what they mean for this agent.
    pub fn standing(&mut self, gateway: &Gateway) {
        let Some(glance) = gateway.glance(self.server, self.who) else { return };
        let Some(Labelled { object, operation }) = self.labelled.take() else { return };
        let decision = monitor::decide(&glance.labels, &object.labels, operation, glance.mode);
        let text = match &decision {
            Decision::Allow => "they fit".to_owned(),
            Decision::AllowWithPropagation(violation) => denial::propagation_text(violation),
            Decision::Deny(violation) => {
                let (rule, why) = (violation.kind.rule(), denial::reason(&object, violation));
                match monitor::goes_on_although_denied(operation) {
                    true => {
                        format!("{rule}: {why}\nIt only reads: the labels of the answer decide.")
                    }
                    false => format!("{rule}: {why}"),
                }
            }
        };
        let mut step = |title, text| self.explanation.step(title, text);
        step("mode", glance.mode.as_str().to_owned());
        step("agent", format!("{}: {}", glance.agent, labels(&glance.labels)));
        step("object", format!("{}: {}", object.description, labels(&object.labels)));
        step("operation", operation.as_str().to_owned());
        step("labels", text);
    }

    /// The guard has labelled the answer.
    pub fn verdict(&mut self, verdict: &Seen) {
        let (n, gone) = (verdict.n_items, verdict.n_filtered);
        let text = match n {
            0 => "the guard has found no items in it: the labels of the call hold".to_owned(),
            _ => format!("{n} items, of which {} may be read", n.saturating_sub(gone)),
        };
        self.explanation.step("answer", text);
        for one in &verdict.filtered {
            let what = if one.description.is_empty() { "an item" } else { &one.description };
            let labels = format!("secrecy {}, integrity {}", one.secrecy, one.integrity);
            self.explanation.step("not shown", format!("{what}: {labels}\n{}", one.reason));
        }
        if gone > 0 {
            self.removed = Some((gone, n.max(gone)));
        }
    }

    /// The guard has failed.
    pub fn failed(&mut self, error: &GuardError) {
        self.explanation.step("guard failed", &*error.text);
    }

    /// What the guard has logged.
    pub fn logs(&mut self, logs: &[(u32, String)]) {
        for (_, line) in logs.iter().take(LOGS_MAX.saturating_sub(self.n_logs)) {
            self.n_logs += 1;
            self.explanation.step("guard says", line.as_str());
        }
    }

    /// The gateway has something for the log: in shadow mode, what it would have denied.
    pub fn event(&mut self, kind: &EventKind) {
        let EventKind::Note { level: Level::Warn, category: "guard", text } = kind else { return };
        let would = text.strip_prefix(&format!("would deny {} by ", self.tool));
        if let Some((rule, reason)) = would.and_then(|rest| rest.split_once(": ")) {
            let (reason, allowed) = (reason.to_owned(), String::new());
            self.would.get_or_insert(Denied { rule: rule.into(), reason, allowed });
        }
    }

    /// The gateway has answered the call.
    pub fn answered(&mut self, message: &Message) {
        if let Some(denied) = denied(message) {
            self.explanation.verdict = Verdict::Denied(denied);
            return;
        }
        if !self.has_result {
            let text = "the file has no 'result': an empty one was judged";
            self.explanation.step("answer", text);
        }
        self.explanation.verdict = match (self.would.take(), self.removed) {
            (Some(denied), _) => Verdict::Shadowed(denied),
            (None, Some((removed, of))) if self.is_shadow => Verdict::Shadowed(Denied {
                rule: "difc.items".into(),
                reason: format!("{removed} of {of} items may not be read."),
                allowed: String::new(),
            }),
            (None, Some((removed, of))) => Verdict::Filtered { removed, of },
            (None, None) => Verdict::Allowed,
        };
    }

    /// All of it.
    pub fn end(self) -> Explanation {
        self.explanation
    }
}

/// What an answer says of its denial, if it is one.
fn denied(message: &Message) -> Option<Denied> {
    let error = scan::member(message, edit::whole(message), "error")?;
    let text_of = |object, name| {
        let span = scan::member(message, object, name)?;
        scan::string(message, span).map(|text| text.into_owned())
    };
    let data = scan::member(message, error, "data");
    let data_of = |name| text_of(data?, name);
    Some(Denied {
        rule: data_of("rule").unwrap_or_else(|| "the gateway, not by a guard".to_owned()).into(),
        reason: data_of("reason").or_else(|| text_of(error, "message")).unwrap_or_default(),
        allowed: data_of("allowed").unwrap_or_default(),
    })
}

fn watched(explanation: &mut Explanation, watch: &Watch) {
    let policy = watch.policy.as_ref().map_or("none".to_owned(), |policy| {
        let source = watch.source.map_or("", |source| source.as_str());
        format!("{} (source: {source})", String::from_utf8_lossy(&policy.to_json()))
    });
    let guard = match &watch.kind {
        WatchKind::Noop => "none: everything is public, and nobody vouches for it".to_owned(),
        WatchKind::WriteSink(_) => "the built-in one for sinks".to_owned(),
        WatchKind::GitHub => "the built-in one for GitHub".to_owned(),
        WatchKind::Wasm { name, path, .. } => format!("the module \"{name}\": {path}"),
    };
    explanation.step("policy", policy);
    explanation.step("guard", guard);
    if watch.shadow {
        explanation.step("enforcement", "shadow: what would be denied is only written down");
    }
}

fn labels(labels: &Labels) -> String {
    format!("secrecy {}, integrity {}", labels.secrecy, labels.integrity)
}
