// SPDX-License-Identifier: MIT
//! What is left of an answer when the items that may not be seen are gone.

use std::borrow::Cow;

use super::{Findings, Labels, Object};
use crate::base::Span;

/// How answers are cut.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Removed items that are told one by one; the others are counted.
    pub removed_max: usize,
    /// Elements that nobody has labelled are judged as public and untrusted, as the reference
    /// does, instead of being removed.
    pub compat: bool,
}

/// An answer after judgement.
#[derive(Clone, Debug)]
pub struct Redacted<'a, E> {
    /// Items that were judged; 0: the guard has found none, and the verdict on the call holds.
    pub n_items: usize,
    /// How many of them are gone.
    pub n_removed: usize,
    /// The first of those, in their order.
    pub removed: Vec<Removed<E>>,
    /// The labels of the items that stay, each once.
    pub labels_of_kept: Vec<Labels>,
    /// The new result; `None`: it may pass as it is.
    pub result: Option<Vec<u8>>,
    /// Whether there was one item, and it is gone.
    pub nothing_left_of_one: bool,
    /// Whether something went that is no item but might repeat one: another content item, or a
    /// `structuredContent` that says something else than the text.
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

impl<E> Redacted<'_, E> {
    /// The JSON of a removed item, for the audit record.
    #[must_use]
    pub fn json(&self, removed: &Removed<E>) -> &[u8] {
        match (removed.place, self.sources.findings) {
            (Place::Result, _) => self.sources.result,
            (Place::Content(span), _) => span.of(&self.sources.content),
            (Place::Own(index), Findings::Items(items)) => match items.get(index).map(|it| &it.data)
            {
                Some(super::Data::Own(json)) => json,
                _ => b"",
            },
            (Place::Own(_), _) => b"",
        }
    }
}

/// Asks `judge` of every item that `findings` name in `result`, and takes those out that it
/// refuses.
///
/// # Errors
///
/// Findings that do not fit the answer: what stands behind `response labeling failed: `, and
/// nothing of the answer may pass.
pub fn redact<'a, E>(
    result: &'a [u8],
    findings: &'a Findings,
    call: &Object,
    judge: &mut dyn FnMut(&Object) -> Result<(), E>,
    options: &Options,
) -> Result<Redacted<'a, E>, String> {
    let _ = (result, findings, call, judge, options);
    Err("failed to apply labels".to_owned())
}

/// `result` with a text item behind its `content`, which it gets if it has none.
#[must_use]
pub fn with_notice(result: &[u8], notice: &str) -> Vec<u8> {
    let _ = notice;
    result.to_vec()
}
