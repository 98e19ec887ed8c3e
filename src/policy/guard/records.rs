// SPDX-License-Identifier: MIT
//! The record of an item that was not shown: what it was, why, and whose it is.
//!
//! Of the item itself only five members are taken over, which say where to find it; none of them
//! is its content. Each is foreign text and is cut to a length.

use super::monitor::Violation;
use super::reflect::push_label;
use super::{Label, Object, denial};
use crate::base::Span;
use crate::wire::json::{edit, scan, write};

/// What each text of a record is cut to.
const TEXT_BYTES_MAX: usize = 1024;

/// Tags of a label that are recorded; of more, the first ones.
const TAGS_MAX: usize = 64;

/// From here on a number has no neighbours, so whether it is whole says nothing: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// One item that was not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filtered {
    /// What it was, in the words of the guard.
    pub description: Box<str>,
    /// Why, as the agent reads it.
    pub reason: Box<str>,
    /// Its secrecy.
    pub secrecy: Label,
    /// Its integrity.
    pub integrity: Label,
    /// How its author stands to the repository: `OWNER`, `NONE`.
    pub author_association: Option<Box<str>>,
    /// The name of its author.
    pub author_login: Option<Box<str>>,
    /// Where people look at it.
    pub html_url: Option<Box<str>>,
    /// The number of an issue or a pull request.
    pub number: Option<Box<str>>,
    /// The name of a commit.
    pub sha: Option<Box<str>>,
}

impl Filtered {
    /// The record of `item`, a JSON text, or anything else: then there are no members.
    #[must_use]
    pub fn of(item: &[u8], object: &Object, violation: &Violation) -> Self {
        let judged = Self {
            description: cut(&object.description).into(),
            reason: cut(&denial::reason(object, violation)).into(),
            secrecy: cut_label(&object.labels.secrecy),
            integrity: cut_label(&object.labels.integrity),
            ..Self::default()
        };
        // Nothing calls itself here, so any depth will do.
        let is_span = u32::try_from(item.len()).is_ok();
        if !is_span || scan::validate(item, usize::MAX).is_err() {
            return judged;
        }
        let item = Members { text: item, span: edit::whole(item) };
        // The first that is a string counts, even if it is empty.
        let author = item.at("user").text("login").or_else(|| item.at("author").text("login"));
        let association =
            item.text("author_association").or_else(|| item.text("authorAssociation"));
        let full = |text: Option<Box<str>>| text.filter(|text| !text.is_empty());
        Self {
            author_association: full(association),
            author_login: full(author),
            html_url: full(item.text("html_url")),
            number: item.whole_number("number"),
            sha: full(item.text("sha")),
            ..judged
        }
    }
}

/// The record as one line of JSON, `difc-filtered/v2`.
#[must_use]
pub fn to_json(record: &Filtered, server: &str, tool: &str, timestamp: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |line| {
        line.str("timestamp", timestamp);
        line.str("event", "difc_filtered").str("_schema", "difc-filtered/v2");
        line.str("server_id", server).str("tool_name", tool);
        line.str("description", &record.description).str("reason", &record.reason);
        push_label(line, "secrecy_tags", &record.secrecy);
        push_label(line, "integrity_tags", &record.integrity);
        line.opt_str("author_association", record.author_association.as_deref());
        line.opt_str("author_login", record.author_login.as_deref());
        line.opt_str("html_url", record.html_url.as_deref());
        line.opt_str("number", record.number.as_deref());
        line.opt_str("sha", record.sha.as_deref());
    });
    out
}

/// A value in a JSON text that was validated before.
#[derive(Clone, Copy)]
struct Members<'t> {
    text: &'t [u8],
    span: Span,
}

impl Members<'_> {
    /// The member called `name`; a place without members if there is none.
    fn at(self, name: &str) -> Self {
        let span = scan::member(self.text, self.span, name).unwrap_or_default();
        Self { span, ..self }
    }

    /// The string called `name`.
    fn text(self, name: &str) -> Option<Box<str>> {
        let text = scan::string(self.text, self.at(name).span)?;
        Some(cut(&text).into())
    }

    /// The number called `name`, if it is whole: `7`, and not `7.5`.
    fn whole_number(self, name: &str) -> Option<Box<str>> {
        let spelled = str::from_utf8(self.at(name).span.of(self.text)).ok()?;
        if !spelled.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return None;
        }
        if let Ok(number) = spelled.parse::<i64>() {
            return Some(number.to_string().into());
        }
        let number = spelled.parse::<f64>().ok()?;
        let is_whole = number.fract() == 0.0 && number.abs() < WHOLE_MAX;
        is_whole.then(|| (number as i64).to_string().into())
    }
}

/// As much of a text as fits, in whole letters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

fn cut_label(label: &Label) -> Label {
    let is_short = label.len() <= TAGS_MAX && label.iter().all(|tag| tag.len() <= TEXT_BYTES_MAX);
    if is_short {
        return label.clone();
    }
    Label::new(label.iter().take(TAGS_MAX).map(|tag| cut(tag)))
}

/// Fuzz body: whatever the item is, the record is one line of JSON within bounds, and its members
/// are those that the tree finds.
pub fn fuzz(input: &[u8]) {
    use crate::wire::json::tree;
    const DEPTH_MAX: usize = 64;
    // Five texts, in which each byte may become an escape of six.
    const RECORD_BYTES_MAX: usize = 64 * 1024;
    let record = Filtered::of(input, &Object::default(), &Violation::UNLABELLED);
    let line = to_json(&record, "server", "tool", "now");
    assert!(line.len() <= RECORD_BYTES_MAX && !line.contains(&b'\n'));
    let line = tree::parse(&line, 2).expect("what is written is JSON");
    let Ok(item) = tree::parse(input, DEPTH_MAX) else { return };
    let said = |name: &str| line.get(name).and_then(|it| it.as_str()).unwrap_or_default();
    for name in ["html_url", "sha"] {
        let text = item.get(name).and_then(|it| it.as_str()).unwrap_or_default();
        assert_eq!(said(name), cut(text), "{name}");
    }
}

#[cfg(test)]
mod tests;
