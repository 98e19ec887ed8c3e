// SPDX-License-Identifier: MIT
//! What is left of a JSON text when a guard has labelled what it holds.
//!
//! ```text
//!  text ──> as a tool would give it ──> guard: findings ──> monitor, per item ──> Left
//! ```

use super::facts::wrapped;
use crate::base::{Message, Span};
use crate::policy::guard::monitor::{self, Decision, Violation};
use crate::policy::guard::records::Filtered;
use crate::policy::guard::redact::{self, Place, Redacted};
use crate::policy::guard::{Findings, GuardError, Labelled, Labels, Mode, Operation};
use crate::wire::json::{edit, scan};

/// Removed items that are recorded one by one.
const RECORDS_MAX: usize = 64;

/// Why an item goes of which the guard has said nothing.
static UNLABELLED: Violation = Violation::UNLABELLED;

/// Who wants to see it.
#[derive(Clone)]
pub struct Reader {
    /// What it carries.
    pub labels: Labels,
    /// What happens where labels do not fit.
    pub mode: Mode,
    /// Whether the reference's holes are kept open.
    pub compat: bool,
}

/// What stays of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it.
    All,
    /// Nothing of it: an item, or all items, may not be seen.
    Nothing,
    /// Nothing of it: no item is known, and the call may not be seen.
    NothingByCall,
    /// All but these places.
    Without(Vec<Span>),
    /// This text in its place.
    Instead(Vec<u8>),
}

/// What was judged, and what came of it.
pub struct Judged {
    /// What stays.
    pub left: Left,
    /// Items that were judged.
    pub n_items: usize,
    /// Those of them that go.
    pub n_removed: usize,
    /// The first of these.
    pub records: Vec<Filtered>,
    /// The labels of all others.
    pub kept: Vec<Labels>,
}

impl Judged {
    /// Nothing was there to judge.
    pub const NONE: Self =
        Self { left: Left::All, n_items: 0, n_removed: 0, records: Vec::new(), kept: Vec::new() };
}

impl Reader {
    /// Why something with these labels may not be read; `None`: it may.
    #[must_use]
    pub fn refuses(&self, labels: &Labels) -> Option<Violation> {
        match monitor::decide(&self.labels, labels, Operation::Read, self.mode) {
            Decision::Deny(violation) => Some(violation),
            Decision::Allow | Decision::AllowWithPropagation(_) => None,
        }
    }

    /// The labels of the call hold for all of its answer.
    #[must_use]
    pub fn by_call(&self, labelled: &Labelled) -> Judged {
        let labels = &labelled.object.labels;
        match self.refuses(labels) {
            None => Judged { kept: vec![labels.clone()], ..Judged::NONE },
            Some(violation) => Judged {
                left: Left::NothingByCall,
                records: vec![Filtered::of(b"", &labelled.object, &violation)],
                ..Judged::NONE
            },
        }
    }

    /// What of `text`, which is JSON, may be seen. `guard` labels it as the result of a tool.
    ///
    /// # Errors
    ///
    /// There are no labels, or they do not fit: nothing of it may pass.
    pub fn judge(
        &self,
        text: &[u8],
        labelled: &Labelled,
        guard: impl FnOnce(Message) -> Result<Findings, GuardError>,
    ) -> Result<Judged, Box<str>> {
        let result = wrapped(text);
        let findings = guard(result.clone()).map_err(|error| error.text)?;
        // Whatever the guard calls it, what is shown is read.
        let operation = match labelled.operation {
            Operation::ReadWrite => Operation::ReadWrite,
            Operation::Read | Operation::Write => Operation::Read,
        };
        let mut judge = |object: &crate::policy::guard::Object| match monitor::decide(
            &self.labels,
            &object.labels,
            operation,
            self.mode,
        ) {
            Decision::Deny(violation) => Err(violation),
            Decision::Allow | Decision::AllowWithPropagation(_) => Ok(()),
        };
        let options = redact::Options { removed_max: usize::MAX, compat: self.compat };
        let redacted = redact::redact(&result, &findings, &labelled.object, &mut judge, &options)?;
        if !redacted.is_labelled {
            return Ok(self.by_call(labelled));
        }
        Ok(Judged {
            left: left(text, &redacted),
            n_items: redacted.n_items,
            n_removed: redacted.n_removed,
            records: records(&redacted),
            kept: redacted.labels_of_kept.clone(),
        })
    }
}

fn records(redacted: &Redacted<'_, Violation>) -> Vec<Filtered> {
    let removed = redacted.removed.iter().take(RECORDS_MAX);
    let record = |one: &redact::Removed<Violation>| {
        let violation = one.refusal.as_ref().unwrap_or(&UNLABELLED);
        Filtered::of(redacted.json(one), &one.object, violation)
    };
    removed.map(record).collect()
}

/// What is left, in places of `text`: the content of the wrapped result has the same ones.
fn left(text: &[u8], redacted: &Redacted<'_, Violation>) -> Left {
    if redacted.n_removed == 0 && redacted.result.is_none() {
        return Left::All;
    }
    if redacted.lost_others {
        // What is no item has gone too, which no place says.
        return redacted.result.as_deref().and_then(unwrapped).map_or(Left::Nothing, Left::Instead);
    }
    let mut places = Vec::new();
    for one in &redacted.removed {
        match one.place {
            Place::Content(span) if span != edit::whole(text) => places.push(span),
            // What the guard has made itself is nowhere in the text.
            _ => return Left::Nothing,
        }
    }
    if places.is_empty() { Left::Nothing } else { Left::Without(places) }
}

/// The text in a wrapped result.
fn unwrapped(result: &[u8]) -> Option<Vec<u8>> {
    let content = scan::member(result, edit::whole(result), "content")?;
    let item = scan::elements(result, content).next()?;
    let text = scan::string(result, scan::member(result, item, "text")?)?;
    Some(text.into_owned().into_bytes())
}

/// The places as JSON pointers into `text`; `None` if one of them is nowhere.
#[must_use]
pub fn pointers(text: &[u8], places: &[Span]) -> Option<Vec<String>> {
    let mut wanted: Vec<Span> = places.to_vec();
    wanted.sort_unstable_by_key(|span| (span.start, span.end));
    wanted.dedup();
    let mut found = Vec::new();
    search(text, edit::whole(text), &wanted, &mut String::new(), &mut found);
    (found.len() == wanted.len()).then_some(found)
}

/// Looks for `wanted`, sorted places, in the value at `place`. It descends only where there is one,
/// and no deeper than a text is nested.
fn search(
    text: &[u8],
    place: Span,
    wanted: &[Span],
    pointer: &mut String,
    found: &mut Vec<String>,
) {
    let from = wanted.partition_point(|span| span.start < place.start);
    let to = wanted.partition_point(|span| span.start < place.end);
    let mut inner = &wanted[from..to.max(from)];
    if let Some((first, others)) = inner.split_first()
        && *first == place
    {
        found.push(pointer.clone());
        inner = others;
    }
    if inner.is_empty() {
        return;
    }
    let length = pointer.len();
    let mut step = |name: &str, value: Span, pointer: &mut String| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        search(text, value, inner, pointer, found);
        pointer.truncate(length);
    };
    for (name, value) in scan::members(text, place) {
        let name = scan::string(text, name).unwrap_or_default();
        step(&name, value, pointer);
    }
    for (at, value) in scan::elements(text, place).enumerate() {
        step(&at.to_string(), value, pointer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span_of(text: &str, part: &str) -> Span {
        let start = text.find(part).unwrap();
        Span::new(start, start + part.len())
    }

    #[test]
    fn places_have_pointers() {
        let text = r#"{"a~/b":[{"x":1},{"y":[2,33]}],"c":44}"#;
        let check = |parts: &[&str], want: &[&str]| {
            let places: Vec<Span> = parts.iter().map(|part| span_of(text, part)).collect();
            assert_eq!(pointers(text.as_bytes(), &places).unwrap(), want);
        };
        check(&["44", r#"{"x":1}"#], &["/a~0~1b/0", "/c"]);
        check(&["33"], &["/a~0~1b/1/y/1"]);
        check(&[r#"{"y":[2,33]}"#, "33"], &["/a~0~1b/1", "/a~0~1b/1/y/1"]);
        check(&[text], &[""]);
        assert_eq!(pointers(text.as_bytes(), &[Span::new(3, 4)]), None);
    }
}
