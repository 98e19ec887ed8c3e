// SPDX-License-Identifier: MIT
//! The built-in guards: the sink that is only written to, and the one that says nothing.
//!
//! Neither looks at answers, and neither gives the agent a label.

use super::rule::{Visibility, WriteSink};
use super::{Label, Labelled, Labels, Mode, Object, Operation, WILDCARD};

/// The mode of a sink, unless somebody asks for another.
pub const SINK_MODE: Mode = Mode::Filter;

/// The mode of servers without a guard, unless somebody asks for another.
pub const NOOP_MODE: Mode = Mode::Strict;

/// What a call of `tool` is to a sink whose visibility is settled.
///
/// A sink that everybody can read takes no secrets at all, whatever it says it accepts.
#[must_use]
pub fn label(tool: &str, sink: &WriteSink) -> Labelled {
    let (description, secrecy) = match sink.visibility {
        Some(Visibility::Public) => (format!("write-sink:public ({tool})"), Label::EMPTY),
        _ => (format!("write-sink ({tool})"), accepted(&sink.accept)),
    };
    Labelled {
        object: Object {
            description: description.into(),
            labels: Labels { secrecy, integrity: Label::EMPTY },
        },
        operation: Operation::Write,
    }
}

fn accepted(entries: &[Box<str>]) -> Label {
    match entries {
        [only] if **only == *WILDCARD => Label::new([WILDCARD]),
        _ => Label::new(entries.iter().map(|entry| &**entry)),
    }
}

/// What any call is to a server that nobody guards: public, and vouched for by nobody.
///
/// It may read and write, so an agent that carries any label is kept away from it.
#[must_use]
pub fn noop() -> Labelled {
    Labelled {
        object: Object {
            description: "noop resource (no restrictions)".into(),
            labels: Labels::NONE,
        },
        operation: Operation::ReadWrite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(accept: &[&str], visibility: Option<Visibility>) -> WriteSink {
        WriteSink { accept: accept.iter().map(|&entry| entry.into()).collect(), visibility }
    }

    /// Whether an agent with these secrets may write to the sink.
    fn takes(sink: &WriteSink, secrets: &[&str]) -> bool {
        Label::new(secrets.iter().copied()).flows_into(&label("t", sink).object.labels.secrecy)
    }

    #[test]
    fn t_ws_001_a_public_sink_blocks_secrecy_whatever_it_accepts() {
        let public = sink(&["*"], Some(Visibility::Public));
        assert!(!takes(&public, &["private:o/r"]));
        let labelled = label("add_comment", &public);
        assert_eq!(&*labelled.object.description, "write-sink:public (add_comment)");
        assert_eq!(labelled.operation, Operation::Write);
        assert!(labelled.object.labels.secrecy.is_empty());
    }

    #[test]
    fn t_ws_002_an_agent_without_secrets_may_write_to_any_sink() {
        for visibility in [None, Some(Visibility::Public), Some(Visibility::Private)] {
            assert!(takes(&sink(&["private:o/r"], visibility), &[]));
        }
    }

    #[test]
    fn t_ws_003_any_other_sink_takes_what_it_accepts() {
        for visibility in [None, Some(Visibility::Private), Some(Visibility::Internal)] {
            let one = sink(&["private:o/r"], visibility);
            assert!(takes(&one, &["private:o/r"]));
            assert!(!takes(&one, &["private:o/other"]) && !takes(&one, &["private:O/r"]));
            assert!(!takes(&one, &["private:o/r", "private:user"]));
            assert!(takes(&sink(&["*"], visibility), &["private:o/r", "private:user"]));
        }
        let labelled = label("t", &sink(&["private:o/r"], None));
        assert_eq!(&*labelled.object.description, "write-sink (t)");
        assert!(labelled.object.labels.integrity.is_empty());
    }

    #[test]
    fn what_nobody_guards_may_be_read_and_written_and_is_worth_nothing() {
        let noop = noop();
        assert_eq!(noop.operation, Operation::ReadWrite);
        assert_eq!(noop.object.labels, Labels::NONE);
        assert_eq!(&*noop.object.description, "noop resource (no restrictions)");
    }
}
