// SPDX-License-Identifier: MIT
//! What is left of an answer when the items that may not be seen are gone.
//!
//! ```text
//!  result + findings ──> content ──> items ──judge──> cut ──> edits in the text of the content,
//!                                                             and in its twin `structuredContent`
//! ```
//!
//! All that stays does so byte for byte. What no item covers is judged by the labels of the call,
//! for no guard has looked at it: members around the items but those that hold no content (see
//! `envelope`), `_meta` and members of the result that we do not know, annotations of texts, other
//! content items, and a `structuredContent` that does not say what the text says. With hidden
//! items, since they may repeat them, totals are set to what is there, and the last three go
//! whatever the call is; with that `structuredContent` go `_meta` and unknown members.
//!
//! It decides nothing: whether an item may be seen says the caller's judge.

mod rest;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::content::Content;
use super::cut::{Carver, Cut, End};
use super::items::{self, Judging, Plan};
use super::{Data, Findings, Item, Labels, Object, Paths};
use crate::base::Span;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

pub use rest::with_notice;
use rest::{Care, Others};

/// How answers are cut.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Removed items that are told one by one; the others are counted.
    pub removed_max: usize,
    /// As the reference has it: elements that nobody has labelled are judged as public and
    /// untrusted, and what is no item passes with items that do.
    pub compat: bool,
}

/// An answer after judgement.
#[derive(Clone, Debug)]
pub struct Redacted<'a, E> {
    /// Whether the guard has said anything of the answer. If not, the verdict on the call holds;
    /// an empty list of which it has spoken has no items, and passes.
    pub is_labelled: bool,
    /// Items that were judged.
    pub n_items: usize,
    /// How many of them are gone.
    pub n_removed: usize,
    /// The first of those, in their order.
    pub removed: Vec<Removed<E>>,
    /// The labels of what stays, each once.
    pub labels_of_kept: Vec<Labels>,
    /// The new result; `None`: it may pass as it is.
    pub result: Option<Vec<u8>>,
    /// Whether there was one item, and it is gone.
    pub nothing_left_of_one: bool,
    /// Whether something went that is no item: another content item, a `structuredContent` that
    /// says something else than the text, elements and members that no item covers.
    pub lost_others: bool,
    sources: Sources<'a>,
}

/// The texts in which items lie.
#[derive(Clone, Debug)]
struct Sources<'a> {
    result: &'a [u8],
    content: Cow<'a, [u8]>,
    findings: &'a Findings,
}

/// An item that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed<E> {
    /// Its place among the items.
    pub index: usize,
    /// What it is.
    pub object: Object,
    /// Why it may not be seen; `None`: nobody has labelled it.
    pub refusal: Option<E>,
    /// Where its JSON lies; [`Redacted::json`] reads it.
    pub place: Place,
}

/// Where the JSON of an item lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the whole result.
    Result,
    /// In the content.
    Content(Span),
    /// The guard has made it; its index among the items.
    Own(usize),
}

/// What became of a result.
#[derive(Debug, Default)]
struct Outcome {
    result: Option<Vec<u8>>,
    lost_others: bool,
    /// Items that went by their pointer, and their places in the content.
    gone: Vec<(usize, Span)>,
}

impl<E> Redacted<'_, E> {
    /// The JSON of a removed item, for the audit record.
    #[must_use]
    pub fn json(&self, removed: &Removed<E>) -> &[u8] {
        match (removed.place, self.sources.findings) {
            (Place::Result, _) => self.sources.result,
            (Place::Content(span), _) => span.of(&self.sources.content),
            (Place::Own(index), Findings::Items(items)) => {
                match items.get(index).map(|item| &item.data) {
                    Some(Data::Own(json)) => json,
                    _ => b"",
                }
            }
            (Place::Own(_), _) => b"",
        }
    }
}

/// Asks `judge` of every item that `findings` name in `result`, and takes those out that it
/// refuses. `call` is what the call itself is about.
///
/// Takes one pass or a few over the result, however many items there are.
///
/// # Errors
///
/// Findings that do not fit the answer: what stands behind `response labeling failed: `. Nothing
/// of the answer may pass then.
pub fn redact<'a, E>(
    result: &'a [u8],
    findings: &'a Findings,
    call: &Object,
    judge: &mut dyn FnMut(&Object) -> Result<(), E>,
    options: &Options,
) -> Result<Redacted<'a, E>, String> {
    let mut judging = Judging::new(judge, options);
    let (outcome, content) = match findings {
        Findings::Items(items) if items.is_empty() => (None, Cow::Borrowed(result)),
        Findings::Nothing => (None, Cow::Borrowed(result)),
        _ => {
            let content = Content::of(result)?;
            let outcome = outcome(&content, findings, call, &mut judging).map_err(|error| {
                let what = what_failed(findings);
                format!("{what}: {error}")
            })?;
            (Some(outcome), content.json)
        }
    };
    let is_labelled = outcome.is_some();
    let outcome = outcome.unwrap_or_default();
    Ok(Redacted {
        is_labelled,
        n_items: judging.n_items,
        n_removed: judging.n_removed,
        removed: placed(judging.removed, &outcome.gone),
        labels_of_kept: judging.kept,
        nothing_left_of_one: judging.n_items == 1 && judging.n_removed == 1,
        result: outcome.result,
        lost_others: outcome.lost_others,
        sources: Sources { result, content, findings },
    })
}

const fn what_failed(findings: &Findings) -> &'static str {
    match findings {
        Findings::Paths(_) => "failed to apply path labels: failed to resolve path labels",
        _ => "failed to apply item labels",
    }
}

fn outcome<E>(
    content: &Content<'_>,
    findings: &Findings,
    call: &Object,
    judging: &mut Judging<'_, E>,
) -> Result<Outcome, String> {
    let plan = match findings {
        Findings::Nothing => return Ok(Outcome::default()),
        Findings::Paths(paths) => items::paths(content, paths, judging)?,
        Findings::Items(items) => items::items(content, items, judging)?,
    };
    match plan {
        Plan::Whole(true) => Ok(Outcome::default()),
        Plan::Whole(false) | Plan::Cut(Cut { end: End::Goes(_), .. }) => {
            Ok(Outcome { result: Some(rest::withheld(content)), ..Outcome::default() })
        }
        Plan::List(json) => Ok(listed(content, &json, call, judging)),
        Plan::Cut(cut) => carved(content, &cut, call, judging),
    }
}

/// The items that stay instead of the answer, with its `_meta` if that may be seen.
fn listed<E>(
    content: &Content<'_>,
    json: &[u8],
    call: &Object,
    judging: &mut Judging<'_, E>,
) -> Outcome {
    let has_meta = rest::has_meta(content);
    let may_stay = judging.is_compat() || content.structured.is_none();
    let meta_stays = has_meta && may_stay && judging.others(call);
    let result = Some(rest::listed(content, json, meta_stays));
    Outcome { result, lost_others: has_meta && !meta_stays, ..Outcome::default() }
}

/// Makes the cut in the content, and puts what is left back into the result.
///
/// The call is only asked for if something depends on it: what does not brings no labels.
fn carved<E>(
    content: &Content<'_>,
    cut: &Cut,
    call: &Object,
    judging: &mut Judging<'_, E>,
) -> Result<Outcome, String> {
    let is_compat = judging.is_compat();
    let mut answer = None;
    let mut call_stays = || *answer.get_or_insert_with(|| judging.others(call));
    let bare = Carved::of(content, cut, false)?;
    let way_stays = bare.is_bared && call_stays();
    let carved = if way_stays { Carved::of(content, cut, true)? } else { bare };
    let (others, is_cut) = (rest::others(content, cut, is_compat), carved.json.is_some());
    let structured = others.structured && (is_cut || !call_stays());
    let others = Others {
        items: others.items && (is_cut || !call_stays()),
        structured,
        members: others.members && (structured || !call_stays()),
    };
    let lost_others = carved.n_unlisted > 0 || others != Others::default();
    let gone = carved.gone;
    if !is_cut && !lost_others {
        return Ok(Outcome { gone, ..Outcome::default() });
    }
    let care = Care { way_stays, is_compat };
    let result = rest::rest(content, cut, carved.json, others, care)?;
    Ok(Outcome { result: Some(result), lost_others, gone })
}

/// What a cut makes of the content.
struct Carved {
    /// `None`: it stays as it is.
    json: Option<Vec<u8>>,
    gone: Vec<(usize, Span)>,
    n_unlisted: usize,
    is_bared: bool,
}

impl Carved {
    fn of(content: &Content<'_>, cut: &Cut, way_stays: bool) -> Result<Self, String> {
        let mut edits = Edits::of(&content.json);
        let mut carver = Carver::new(&mut edits, way_stays);
        carver.carve(content.place, cut)?;
        let Carver { gone, n_unlisted, is_bared, .. } = carver;
        let json = (!edits.is_empty()).then(|| edits.apply());
        Ok(Self { json, gone, n_unlisted, is_bared })
    }
}

/// `removed` with the places at which they were found.
fn placed<E>(mut removed: Vec<Removed<E>>, gone: &[(usize, Span)]) -> Vec<Removed<E>> {
    for (item, place) in gone {
        if let Ok(at) = removed.binary_search_by_key(item, |removed| removed.index) {
            removed[at].place = Place::Content(*place);
        }
    }
    removed
}

/// Fuzz body: whatever the answer and the findings, what comes out is JSON from which refused items
/// are gone, also where it says things twice.
///
/// First the findings, a line for each part, then an empty line and the result. A part that ends
/// with a bang is refused.
pub fn fuzz(input: &[u8]) {
    let Some(at) = input.windows(2).position(|two| two == b"\n\n") else { return };
    let (Ok(said), result) = (str::from_utf8(&input[..at]), &input[at + 2..]) else { return };
    let mut judge = |object: &Object| if &*object.description == "!" { Err(()) } else { Ok(()) };
    let call = fuzz_object(if said.starts_with(['q', 'j']) { "!" } else { "" });
    let findings = fuzz_findings(said);
    let options = Options { removed_max: 4, compat: said.contains('c') };
    let Ok(left) = redact(result, &findings, &call, &mut judge, &options) else { return };
    assert!(left.n_removed <= left.n_items && left.removed.len() <= left.n_removed);
    for removed in &left.removed {
        assert!(scan::validate(left.json(removed), TREE_DEPTH_MAX).is_ok());
    }
    let Some(rest) = &left.result else {
        return assert_eq!(left.n_removed, 0);
    };
    let rest = with_notice(rest, "n");
    let now = Content::of(left.result.as_deref().unwrap_or_default()).expect("it is still JSON");
    assert!(Content::of(&rest).is_ok());
    let (Ok(Content { texts: Some(_), .. }), Findings::Paths(paths)) =
        (Content::of(result), &findings)
    else {
        return;
    };
    assert!(left.n_removed == 0 || now.structured.is_none() || now.twin().is_some());
    if left.lost_others && paths.items_path.contains(|one: char| one.is_ascii_digit()) {
        // What stood before the items in an array may be gone, so they are elsewhere.
        return;
    }
    let default = Some(fuzz_object(""));
    let all = Paths { default, labelled: Vec::new(), besides: None, ..paths.clone() };
    let all = Findings::Paths(all);
    let again = redact(now.result, &all, &call, &mut judge, &options);
    assert_eq!(again.map(|again| again.n_items).ok(), Some(left.n_items - left.n_removed));
}

fn fuzz_object(part: &str) -> Object {
    let description = if part.ends_with('!') { "!" } else { "" };
    Object { description: description.into(), labels: Labels::NONE }
}

fn fuzz_findings(said: &str) -> Findings {
    let mut parts = said.split('\n');
    let kind = parts.next().unwrap_or_default();
    let path = |part: &str| part.strip_suffix('!').unwrap_or(part).into();
    if kind.starts_with(['p', 'q']) {
        let items_path = path(parts.next().unwrap_or_default());
        let mut labelled: Vec<_> = parts.map(|part| (path(part), fuzz_object(part))).collect();
        let default = kind.contains('d').then(|| fuzz_object(kind));
        let besides = kind.contains('b').then(|| labelled.split_off(labelled.len() / 2));
        return Findings::Paths(Paths { items_path, labelled, default, besides });
    }
    let data = |part: &str| match path(part) {
        part if &*part == "*" => Data::Whole,
        part if part.is_empty() || part.starts_with('/') => Data::Content(part),
        part => Data::Own(part.into_boxed_bytes()),
    };
    let item = |part| Item { data: data(part), object: Some(fuzz_object(part)), besides: None };
    Findings::Items(parts.map(item).collect())
}
