// SPDX-License-Identifier: MIT
//! Results put together again from what may be seen of them.

use std::borrow::Cow;

use super::super::content::{self, Content, Texts};
use super::super::cut::{Carver, Cut};
use super::super::envelope;
use super::super::pointer;
use crate::base::Span;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;
use crate::wire::json::write;

/// Members of a result that hold a list, in the methods that are judged.
const LISTS: [&str; 3] = ["content", "contents", "messages"];

/// Room for what stands around the text in a content item.
const TEXT_ITEM_BYTES: usize = 32;

/// What a list of items looks like of which none is left.
const NO_ITEMS: &[u8] = b"[]";

/// What stands in a result beside its items, where no item covers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Content items, and what those say that have a text beside it.
    pub items: bool,
    /// The `structuredContent`.
    pub structured: bool,
    /// `_meta` and members that we do not know.
    pub members: bool,
}

/// How a result is put together again.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// Whether what is on the way to items stays.
    pub way_stays: bool,
    /// Whether what stands beside a text in its content item stays with the text.
    pub is_compat: bool,
}

/// What stands beside the items of `cut`, as far as it is asked about.
pub fn others(content: &Content<'_>, cut: &Cut, is_compat: bool) -> Others {
    let Some(texts) = &content.texts else {
        return others_of_result(content, cut, is_compat);
    };
    let result = content.result;
    let is_bare = |item| {
        is_compat || !content::has_text(result, item) || envelope::is_bare_text(result, item)
    };
    Others {
        items: texts.n_others > 0 || !scan::elements(result, texts.array).all(is_bare),
        structured: content.structured.is_some() && content.twin().is_none(),
        members: !is_compat && has_members(content, |name| name == "content"),
    }
}

/// The same for a content that is the result itself. The cut itself bares it of what the call is,
/// so members only matter if they may repeat a `structuredContent` that goes.
fn others_of_result(content: &Content<'_>, cut: &Cut, is_compat: bool) -> Others {
    if cut.is_whole() {
        return Others::default();
    }
    let structured = !cut.has_part("structuredContent") && content.structured.is_some();
    let members = structured
        && !is_compat
        && has_members(content, |name| is_list(name) || cut.has_part(name));
    let items = !cut.has_part("content") && !is_empty_list(content);
    Others { items, structured, members }
}

/// Whether there are members that may say anything, but the `structuredContent` and those for which
/// `is_other` says so.
fn has_members(content: &Content<'_>, is_other: impl Fn(&str) -> bool) -> bool {
    let result = content.result;
    scan::members(result, content.whole).any(|(name, value)| {
        let name = scan::string(result, name).unwrap_or_default();
        name != "structuredContent" && !is_other(&name) && !envelope::is_frame(result, &name, value)
    })
}

fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

fn is_empty_list(content: &Content<'_>) -> bool {
    let list = scan::member(content.result, content.whole, "content");
    list.is_none_or(|list| scan::elements(content.result, list).next().is_none())
}

/// The result with `json` as its content (`None`: the content stays), without `others`. The cut is
/// the one that has made `json`.
pub fn rest(
    content: &Content<'_>,
    cut: &Cut,
    json: Option<Vec<u8>>,
    others: Others,
    care: Care,
) -> Result<Vec<u8>, String> {
    match &content.texts {
        Some(texts) => with_text(content, texts, (cut, json), others, care),
        None => Ok(alone(content, cut, json, others)),
    }
}

/// The same for a content that is text in content items.
fn with_text(
    content: &Content<'_>,
    texts: &Texts,
    (cut, json): (&Cut, Option<Vec<u8>>),
    others: Others,
    care: Care,
) -> Result<Vec<u8>, String> {
    let result = content.result;
    let mut edits = Edits::of(result);
    match json {
        Some(json) => {
            let mut text = Vec::with_capacity(json.len() + json.len() / 8);
            write::push_str(&mut text, &String::from_utf8_lossy(&json));
            match care.is_compat || envelope::is_bare_text(result, texts.item) {
                true => edits.replace(texts.text, text),
                false => edits.replace(texts.item, text_item(&text)),
            }
            // All texts are one now, and what else there is may repeat what has gone.
            edits.array(texts.array, |item| item == texts.item);
            if let Some(twin) = content.twin() {
                Carver::new(&mut edits, care.way_stays).carve(twin, cut)?;
            }
        }
        None if others.items => bare_texts(&mut edits, texts.array),
        None => {}
    }
    let goes = |name: &str, value| match name {
        "content" => false,
        "structuredContent" => others.structured,
        _ => others.members && !envelope::is_frame(result, name, value),
    };
    if others.structured || others.members {
        edits.object(content.whole, |name, value| !goes(name, value), &[]);
    }
    Ok(edits.apply())
}

/// Lets of content items only the texts stay.
fn bare_texts(edits: &mut Edits<'_>, array: Span) {
    let result = edits.text();
    for item in scan::elements(result, array) {
        if let Some(text) = content::text_of(result, item).ok().flatten()
            && !envelope::is_bare_text(result, item)
        {
            edits.replace(item, text_item(text.of(result)));
        }
    }
    edits.array(array, |item| content::has_text(result, item));
}

/// A content item that holds a text, which is a string in JSON, and no more.
fn text_item(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + TEXT_ITEM_BYTES);
    write::object(&mut out, |item| {
        item.str("type", "text").raw("text", text);
    });
    out
}

/// The same for a content that is the result itself.
fn alone(content: &Content<'_>, cut: &Cut, json: Option<Vec<u8>>, others: Others) -> Vec<u8> {
    let mut result = json.map_or(Cow::Borrowed(content.result), Cow::Owned);
    match scan::member(&result, edit::whole(&result), "content") {
        Some(list) if others.items => {
            let mut edits = Edits::of(&result);
            edits.replace(list, NO_ITEMS);
            result = Cow::Owned(edits.apply());
        }
        // Results of tools have a list, be it empty.
        None if member(content, "content").is_some() => {
            let whole = edit::whole(&result);
            result = Cow::Owned(edit::insert_member(&result, whole, "content", NO_ITEMS));
        }
        _ => {}
    }
    let keep = |name: &str, value| match name {
        "structuredContent" => !others.structured,
        _ if is_list(name) || cut.has_part(name) => true,
        _ => !others.members || envelope::is_frame(&result, name, value),
    };
    let mut edits = Edits::of(&result);
    if others.structured || others.members {
        edits.object(edit::whole(&result), keep, &[]);
    }
    edits.apply()
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

/// A result whose one text is `json`, with the `_meta` it had if that stays.
pub fn listed(content: &Content<'_>, json: &[u8], meta_stays: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        frame(content, object);
        push_text(object, json);
        if let Some(meta) = member(content, "_meta").filter(|_| meta_stays) {
            object.raw("_meta", meta.of(content.result));
        }
    });
    out
}

/// Whether there is a `_meta`.
pub fn has_meta(content: &Content<'_>) -> bool {
    member(content, "_meta").is_some()
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
