// SPDX-License-Identifier: MIT
//! The items that findings name in an answer, and what becomes of each.
//!
//! ```text
//!  Findings ──> places in the content ──> judge, item by item ──> Plan: what goes
//! ```

use std::collections::{BTreeMap, HashSet};

use super::content::Content;
use super::cut::{Cut, End};
use super::redact::{Options, Place, Removed};
use super::{Data, Item, Labels, Object, Paths, pointer};
use crate::base::Span;
use crate::wire::json::same::is_same;
use crate::wire::json::tree::TREE_DEPTH_MAX;
use crate::wire::json::{edit, scan};

/// What the description of an item is that nobody has labelled.
const UNLABELLED: &str = "unlabeled";

/// Asks of one item after the other whether it may be seen, and keeps the minutes.
pub struct Judging<'j, E> {
    judge: &'j mut dyn FnMut(&Object) -> Result<(), E>,
    options: &'j Options,
    unlabelled: Object,
    /// Items so far.
    pub n_items: usize,
    /// Those that may not be seen.
    pub n_removed: usize,
    /// The first of these.
    pub removed: Vec<Removed<E>>,
    /// The labels of all others, each once.
    pub kept: Vec<Labels>,
    known: HashSet<Labels>,
}

impl<'j, E> Judging<'j, E> {
    /// Nothing has been asked yet.
    pub fn new(judge: &'j mut dyn FnMut(&Object) -> Result<(), E>, options: &'j Options) -> Self {
        let unlabelled = Object { description: UNLABELLED.into(), labels: Labels::NONE };
        let (removed, kept, known) = (Vec::new(), Vec::new(), HashSet::new());
        Self { judge, options, unlabelled, n_items: 0, n_removed: 0, removed, kept, known }
    }

    /// Whether the next item may be seen, which is all of `objects` at once. Without any it may
    /// not.
    fn item<'o>(&mut self, objects: impl IntoIterator<Item = &'o Object>, place: Place) -> bool {
        let index = self.n_items;
        self.n_items += 1;
        let mut labels = Vec::new();
        for object in objects {
            if let Err(refusal) = (self.judge)(object) {
                self.remove(index, object.clone(), Some(refusal), place);
                return false;
            }
            labels.push(&object.labels);
        }
        if labels.is_empty() {
            self.remove(index, self.unlabelled.clone(), None, place);
            return false;
        }
        labels.into_iter().for_each(|labels| self.keep(labels));
        true
    }

    /// Whether answers are cut as the reference cuts them.
    pub const fn is_compat(&self) -> bool {
        self.options.compat
    }

    /// Whether what is no item may be seen, as far as the labels of the call say so.
    pub fn others(&mut self, call: &Object) -> bool {
        if self.options.compat {
            return true;
        }
        let may_be_seen = (self.judge)(call).is_ok();
        if may_be_seen {
            self.keep(&call.labels);
        }
        may_be_seen
    }

    fn keep(&mut self, labels: &Labels) {
        if !self.known.contains(labels) {
            self.known.insert(labels.clone());
            self.kept.push(labels.clone());
        }
    }

    fn remove(&mut self, index: usize, object: Object, refusal: Option<E>, place: Place) {
        self.n_removed += 1;
        if self.removed.len() < self.options.removed_max {
            self.removed.push(Removed { index, object, refusal, place });
        }
    }
}

/// What is to become of an answer.
#[derive(Debug)]
pub enum Plan {
    /// One item is the whole result; whether it stays.
    Whole(bool),
    /// This goes from the content.
    Cut(Cut),
    /// All of it goes but the items that stay: this JSON array of them.
    List(Vec<u8>),
}

/// Judges the elements of an array.
///
/// Where the guard expects an array at the root and there is none, the whole result is one item.
/// It then has to be what all elements are, those with labels of their own included: they are
/// somewhere in it.
pub fn paths<E>(
    content: &Content<'_>,
    paths: &Paths,
    judging: &mut Judging<'_, E>,
) -> Result<Plan, String> {
    let items_path = paths.items_path.trim_end_matches('/');
    let array = pointer::find(&content.json, content.place, items_path)?;
    let is_array = pointer::first_byte(&content.json, array) == b'[';
    if !is_array && !items_path.is_empty() {
        return Err(format!("items_path {items_path:?} does not point to an array"));
    }
    let unlabelled = judging.unlabelled.clone();
    let default = paths.default.as_ref().or(judging.options.compat.then_some(&unlabelled));
    if !is_array {
        // Elements that are something besides cannot be found in it.
        let default = default.filter(|_| paths.besides.is_none());
        let own = paths.labelled.iter().map(|(_, object)| object);
        let objects = default.into_iter().chain(own.filter(|_| default.is_some()));
        return Ok(Plan::Whole(judging.item(objects, Place::Result)));
    }
    let own = by_index(items_path, &paths.labelled);
    let besides = paths.besides.as_ref().map(|besides| by_index(items_path, besides));
    let goes = scan::elements(&content.json, array)
        .enumerate()
        .map(|(index, element)| {
            let objects = match (own.get(&index), &besides) {
                (Some(own), _) => [Some(*own), None],
                (None, None) => [default, None],
                (None, Some(besides)) => match besides.get(&index) {
                    // The more telling description first.
                    Some(besides) => [Some(*besides), default],
                    None => [None, None],
                },
            };
            !judging.item(objects.into_iter().flatten(), Place::Content(element))
        })
        .collect();
    elements(items_path, goes)
}

fn elements(pointer: &str, goes: Vec<bool>) -> Result<Plan, String> {
    let mut cut = Cut::of(End::Call);
    cut.insert(pointer, End::Elements(goes))?;
    Ok(Plan::Cut(cut))
}

/// The labelled elements by index. Paths to elsewhere are none; of two for one element the later
/// one counts.
fn by_index<'p>(
    items_path: &str,
    labelled: &'p [(Box<str>, Object)],
) -> BTreeMap<usize, &'p Object> {
    let items_path = items_path.strip_prefix('/').unwrap_or(items_path);
    labelled
        .iter()
        .filter_map(|(path, object)| {
            let path = path.strip_prefix('/').unwrap_or(path);
            let path = match items_path {
                "" => path,
                _ => path.strip_prefix(items_path)?.strip_prefix('/')?,
            };
            let index = path.split('/').next()?.parse().ok()?;
            Some((index, object))
        })
        .collect()
}

/// Judges items by their values.
pub fn items<E>(
    content: &Content<'_>,
    items: &[Item],
    judging: &mut Judging<'_, E>,
) -> Result<Plan, String> {
    let own: Option<Vec<&[u8]>> = items.iter().map(own_json).collect();
    if let Some(own) = own {
        for json in &own {
            scan::validate(json, TREE_DEPTH_MAX)
                .map_err(|error| format!("failed to parse item data: {error}"))?;
        }
        if let Some(origin) = origin(content, &own) {
            return from_origin(content, &origin, items, judging);
        }
        return Ok(list(&own, items, judging));
    }
    if items.iter().any(|item| own_json(item).is_some()) {
        return Err("items are places and data at once".to_owned());
    }
    parts(content, items, judging)
}

fn own_json(item: &Item) -> Option<&[u8]> {
    if let Data::Own(json) = &item.data { Some(json) } else { None }
}

/// Items that are places in the answer.
fn parts<E>(
    content: &Content<'_>,
    items: &[Item],
    judging: &mut Judging<'_, E>,
) -> Result<Plan, String> {
    let (mut cut, mut whole_stays) = (Cut::default(), None);
    for (index, item) in items.iter().enumerate() {
        match &item.data {
            Data::Content(pointer) => {
                let stays = judging.item(item.objects(), Place::Content(content.place));
                cut.insert(pointer, if stays { End::Stays } else { End::Goes(index) })?;
            }
            _ => {
                let stays = judging.item(item.objects(), Place::Result);
                whole_stays = Some(whole_stays.unwrap_or(true) && stays);
            }
        }
    }
    match whole_stays {
        Some(false) => return Ok(Plan::Whole(false)),
        Some(true) if cut == Cut::default() => return Ok(Plan::Whole(true)),
        Some(true) if !matches!(cut.end, End::Goes(_)) => cut.end = End::Stays,
        _ => {}
    }
    Ok(Plan::Cut(cut))
}

/// What in an answer the copies are copies of.
enum Origin {
    /// One of the whole result.
    Result,
    /// One of the content.
    Content,
    /// One of each element of an array in the content.
    Elements(String, Vec<Span>),
}

/// Finds what `copies` are copies of, all of them and in their order.
fn origin(content: &Content<'_>, copies: &[&[u8]]) -> Option<Origin> {
    if let [copy] = copies {
        let place = edit::whole(copy);
        if is_same(copy, place, &content.json, content.place) {
            return Some(Origin::Content);
        }
        if is_same(copy, place, content.result, content.whole) {
            return Some(Origin::Result);
        }
    }
    let json = &content.json;
    let is_same =
        |(copy, element): (&&[u8], &Span)| is_same(copy, edit::whole(copy), json, *element);
    let elements = |array: Span| {
        let found: Vec<Span> = scan::elements(json, array).take(copies.len() + 1).collect();
        let is_origin = found.len() == copies.len() && copies.iter().zip(&found).all(is_same);
        is_origin.then_some(found)
    };
    if let Some(found) = elements(content.place) {
        return Some(Origin::Elements(String::new(), found));
    }
    scan::members(json, content.place).find_map(|(name, value)| {
        let name = scan::string(json, name)?;
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        (!name.is_empty()).then(|| elements(value))?.map(|found| Origin::Elements(pointer, found))
    })
}

fn from_origin<E>(
    content: &Content<'_>,
    origin: &Origin,
    items: &[Item],
    judging: &mut Judging<'_, E>,
) -> Result<Plan, String> {
    let mut all = |place: Place| items.iter().all(|item| judging.item(item.objects(), place));
    match origin {
        Origin::Result => Ok(Plan::Whole(all(Place::Result))),
        Origin::Content => {
            let stays = all(Place::Content(content.place));
            let end = if stays { End::Stays } else { End::Goes(0) };
            Ok(Plan::Cut(Cut::of(end)))
        }
        Origin::Elements(pointer, found) => {
            let goes = items
                .iter()
                .zip(found)
                .map(|(item, element)| !judging.item(item.objects(), Place::Content(*element)));
            elements(pointer, goes.collect())
        }
    }
}

/// The items that stay, as the guard has made them.
fn list<E>(copies: &[&[u8]], items: &[Item], judging: &mut Judging<'_, E>) -> Plan {
    let mut list = vec![b'['];
    for (index, (copy, item)) in copies.iter().zip(items).enumerate() {
        if judging.item(item.objects(), Place::Own(index)) {
            if list.len() > 1 {
                list.push(b',');
            }
            list.extend_from_slice(edit::whole(copy).of(copy));
        }
    }
    list.push(b']');
    Plan::List(list)
}
