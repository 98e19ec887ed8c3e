// SPDX-License-Identifier: MIT
//! Results put together again from what may be seen of them.

use std::borrow::Cow;

use super::super::content::{self, Content, Texts};
use super::super::cut::{Carver, Cut, End};
use super::super::pointer;
use crate::base::Span;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;
use crate::wire::json::write;

/// Members of a result that hold a list, in the methods that are judged.
const LISTS: [&str; 3] = ["content", "contents", "messages"];

/// Members that say what kind of result it is.
const KIND: [&str; 2] = ["resultType", "isError"];

/// What a list of items looks like of which none is left.
const NO_ITEMS: &[u8] = b"[]";

/// What stands in a result beside its items, where no item covers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Content items.
    pub items: bool,
    /// The `structuredContent`.
    pub structured: bool,
}

/// What stands beside the items of `cut`; `None`: nothing.
pub fn others(content: &Content<'_>, cut: &Cut) -> Option<Others> {
    let others = match &content.texts {
        Some(texts) => Others {
            items: texts.n_others > 0,
            structured: content.structured.is_some() && content.twin().is_none(),
        },
        None if cut.is_whole() => Others::default(),
        None => Others {
            items: !cut.has_part("content") && !is_empty_list(content),
            structured: !cut.has_part("structuredContent") && content.structured.is_some(),
        },
    };
    (others != Others::default()).then_some(others)
}

fn is_empty_list(content: &Content<'_>) -> bool {
    let list = scan::member(content.result, content.whole, "content");
    list.is_none_or(|list| scan::elements(content.result, list).next().is_none())
}

/// The result with `json` as its content (`None`: the content stays), without `others`. The cut,
/// and whether what is on the way to its parts stays, are those that have made `json`.
pub fn rest(
    content: &Content<'_>,
    cut: (&Cut, bool),
    json: Option<Vec<u8>>,
    others: Others,
) -> Result<Vec<u8>, String> {
    match &content.texts {
        Some(texts) => with_text(content, texts, cut, json, others),
        None => Ok(alone(content, json, others)),
    }
}

/// The same for a content that is text in content items.
fn with_text(
    content: &Content<'_>,
    texts: &Texts,
    (cut, way_stays): (&Cut, bool),
    json: Option<Vec<u8>>,
    others: Others,
) -> Result<Vec<u8>, String> {
    let mut edits = Edits::of(content.result);
    match json {
        Some(json) => {
            let mut text = Vec::with_capacity(json.len() + json.len() / 8);
            write::push_str(&mut text, &String::from_utf8_lossy(&json));
            edits.replace(texts.text, text);
            // All texts are one now, and what else there is may repeat what has gone.
            edits.array(texts.array, |item| item == texts.item);
            if let Some(twin) = content.twin() {
                Carver::new(&mut edits, way_stays).carve(twin, cut)?;
            }
        }
        None if others.items => {
            edits.array(texts.array, |item| content::has_text(content.result, item));
        }
        None => {}
    }
    if others.structured {
        edits.object(content.whole, |name, _| name != "structuredContent", &[]);
    }
    Ok(edits.apply())
}

/// The same for a content that is the result itself.
fn alone(content: &Content<'_>, json: Option<Vec<u8>>, others: Others) -> Vec<u8> {
    let mut result = json.map_or(Cow::Borrowed(content.result), Cow::Owned);
    if others.items {
        let list = scan::member(&result, edit::whole(&result), "content");
        let mut edits = Edits::of(&result);
        if let Some(list) = list {
            edits.replace(list, NO_ITEMS);
        }
        result = Cow::Owned(edits.apply());
    }
    if others.structured {
        result =
            Cow::Owned(edit::without_member(&result, edit::whole(&result), "structuredContent"));
    }
    result.into_owned()
}

/// A result of the same kind with nothing in it.
pub fn withheld(content: &Content<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        let list = LISTS.into_iter().find(|list| member(content, list).is_some());
        frame(content, object);
        match list {
            Some(list @ ("contents" | "messages")) => object.raw(list, NO_ITEMS),
            _ => push_text(object, NO_ITEMS),
        };
    });
    out
}

/// A result whose one text is `json`.
pub fn listed(content: &Content<'_>, json: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        frame(content, object);
        push_text(object, json);
        if let Some(meta) = member(content, "_meta") {
            object.raw("_meta", meta.of(content.result));
        }
    });
    out
}

fn push_text<'o, 'w>(
    object: &'o mut write::ObjectWriter<'w>,
    json: &[u8],
) -> &'o mut write::ObjectWriter<'w> {
    object.array("content", |list| {
        list.object(|item| {
            item.str("type", "text").str("text", &String::from_utf8_lossy(json));
        });
    })
}

/// Lets the members stay that say what kind of result it is, where the result itself is cut.
pub fn keep_kind(content: &Content<'_>, cut: &mut Cut) -> Result<(), String> {
    let is_there = |name: &&str| content.texts.is_none() && member(content, name).is_some();
    KIND.into_iter().filter(is_there).try_for_each(|name| cut.insert(name, End::Stays))
}

/// The members that say what kind of result it is, and cannot say more.
fn frame(content: &Content<'_>, object: &mut write::ObjectWriter<'_>) {
    if member(content, "resultType").is_some() {
        object.str("resultType", "complete");
    }
    if let Some(is_error @ (b"true" | b"false")) =
        member(content, "isError").map(|place| place.of(content.result))
    {
        object.raw("isError", is_error);
    }
}

fn member(content: &Content<'_>, name: &str) -> Option<Span> {
    scan::member(content.result, content.whole, name)
}

/// `result` with a text item behind its `content`, which it gets if it has none. What is no object
/// stays as it is.
#[must_use]
pub fn with_notice(result: &[u8], notice: &str) -> Vec<u8> {
    let whole = edit::whole(result);
    let mut item = Vec::new();
    write::object(&mut item, |item| {
        item.str("type", "text").str("text", notice);
    });
    let list = scan::member(result, whole, "content");
    let Some(list) = list.filter(|list| pointer::first_byte(result, *list) == b'[') else {
        return edit::insert_member(result, whole, "content", &[b"[", &*item, b"]"].concat());
    };
    let (at, comma) = match scan::elements(result, list).last() {
        Some(last) => (last.end, &b","[..]),
        None => (list.start + 1, &b""[..]),
    };
    let mut edits = Edits::of(result);
    edits.replace(Span { start: at, end: at }, [comma, &*item].concat());
    edits.apply()
}
