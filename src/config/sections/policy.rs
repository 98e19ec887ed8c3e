// SPDX-License-Identifier: MIT
//! A guard policy in a configuration: handed on as JSON, and pointed at where it is wrong.

use crate::base::Span;
use crate::config::diagnostics::{Problem, Report};
use crate::config::raw::{Item, Value, join};
use crate::wire::json::{Node, tree, write};

/// What was said, as a JSON value; its spans mean nothing in the text of the configuration.
pub fn node(item: &Item) -> Option<Node> {
    let mut text = Vec::new();
    push(item, &mut text);
    tree::parse(&text, tree::TREE_DEPTH_MAX).ok()
}

fn push(item: &Item, out: &mut Vec<u8>) {
    match &item.value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Whole(whole) => out.extend_from_slice(whole.to_string().as_bytes()),
        // Dates and what else JSON has no word for become strings, which no policy takes there.
        Value::Other(spelled) if tree::parse(spelled.as_bytes(), 1).is_err() => {
            write::push_str(out, spelled);
        }
        Value::Other(spelled) => out.extend_from_slice(spelled.as_bytes()),
        Value::Text(text) => write::push_str(out, text),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"" } else { b"," });
                push(item, out);
            }
            out.push(b']');
        }
        Value::Table(members) => {
            out.push(b'{');
            for (at, member) in members.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"" } else { b"," });
                write::push_str(out, &member.name);
                out.push(b':');
                push(&member.item, out);
            }
            out.push(b'}');
        }
    }
}

/// Adds the problem of a policy that lies at `path`, at the field that it names if there is one.
pub fn refuse(message: &str, path: &str, item: &Item, report: &mut Report) {
    let (path, span) = place(message, path, item).unwrap_or((path.to_owned(), item.span));
    let (first, rest) = message.split_once("\nSuggestion: ").unwrap_or((message, FORMS));
    report.add(Problem::value(path, Some(span), first).suggest(rest));
}

const FORMS: &str = "Write {\"allow-only\": {\"repos\": …, \"min-integrity\": …}} or \
                     {\"write-sink\": {\"accept\": […]}}";

/// The member that a message is about: `allow-only.repos`, `unsupported field "x"`.
fn place(message: &str, path: &str, item: &Item) -> Option<(String, Span)> {
    for member in item.as_table()? {
        let path = join(path, &member.name);
        let name = member.name.to_ascii_lowercase();
        let is_meant = ["allow-only.", "write-sink."]
            .iter()
            .filter_map(|rule| message.split_once(rule))
            .any(|(_, rest)| is_word(rest, &name))
            || message.contains(&format!("field \"{}\"", member.name));
        if is_meant {
            return Some((path, member.item.span));
        }
        if let Some(found) = place(message, &path, &member.item) {
            return Some(found);
        }
    }
    None
}

/// Whether `text` begins with this very word.
fn is_word(text: &str, word: &str) -> bool {
    let rest = text.strip_prefix(word);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
}
