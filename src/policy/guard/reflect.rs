// SPDX-License-Identifier: MIT
//! What `/reflect` tells: which agent carries which labels, for who wants to see why it is denied.

use super::agents::Agents;
use super::{Label, Mode};
use crate::base::stamp::Stamp;
use crate::wire::json::write::{self, ObjectWriter};

/// The labels of all agents, the mode of the gateway and the time, as JSON; names and tags are
/// sorted.
#[must_use]
pub fn reflect(agents: &Agents, mode: Mode, unix_ms: u64) -> Vec<u8> {
    let mut stamp = Stamp::new();
    let timestamp = stamp.rfc3339(unix_ms);
    let mut out = Vec::new();
    write::object(&mut out, |answer| {
        answer.object("agents", |list| {
            for (id, labels) in agents.iter() {
                list.object(id, |agent| {
                    push_label(agent, "secrecy", &labels.secrecy);
                    push_label(agent, "integrity", &labels.integrity);
                });
            }
        });
        answer.str("mode", mode.as_str());
        answer.str("timestamp", str::from_utf8(timestamp).unwrap_or_default());
    });
    out
}

/// A member that lists the tags of a label.
pub(super) fn push_label(object: &mut ObjectWriter<'_>, name: &str, label: &Label) {
    object.array(name, |tags| {
        for tag in label.iter() {
            tags.str(tag);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Limits;
    use crate::policy::guard::Labels;

    #[test]
    fn nobody_is_an_empty_object() {
        let answer = reflect(&Agents::new(&Limits::DEFAULT), Mode::Strict, 0);
        let want = r#"{"agents":{},"mode":"strict","timestamp":"1970-01-01T00:00:00.000Z"}"#;
        assert_eq!(str::from_utf8(&answer).unwrap(), want);
    }

    #[test]
    fn agents_and_tags_are_sorted() {
        let mut agents = Agents::new(&Limits::DEFAULT);
        let secrecy = Label::new(["private:o", "internal"]);
        agents.add("b\"", &Labels { secrecy, integrity: Label::new(["none"]) }).unwrap();
        agents.add("a", &Labels::NONE).unwrap();
        let answer = reflect(&agents, Mode::Propagate, 1_787_400_000_123);
        let want = concat!(
            r#"{"agents":{"a":{"secrecy":[],"integrity":[]},"#,
            r#""b\"":{"secrecy":["internal","private:o"],"integrity":["none"]}},"#,
            r#""mode":"propagate","timestamp":"2026-08-22T12:00:00.123Z"}"#
        );
        assert_eq!(str::from_utf8(&answer).unwrap(), want);
    }
}
