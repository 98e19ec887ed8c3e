// SPDX-License-Identifier: MIT
//! Tags and labels, as guards spell them.

use std::borrow::Cow;

use super::{is_array, is_null, is_object};
use crate::base::Span;
use crate::policy::guard::{Label, Labels, Object};
use crate::wire::json::scan;

/// How a list of tags is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// What is no text is skipped, and what is no list is empty.
    Lenient,
    /// What is neither a list of texts nor absent is an error.
    Strict,
}

/// `{"description":"…","secrecy":[…],"integrity":[…]}`
pub(super) fn object(text: &[u8], place: Span, reading: Reading) -> Result<Object, String> {
    let description = string(text, place, "description", reading)?;
    let labels = labels(text, place, reading, |tag| Some(tag.into()))?;
    Ok(Object { description: description.unwrap_or_default().into(), labels })
}

/// The two lists of tags of the object at `place`, each tag as `spell` says; `None` drops it.
pub(super) fn labels(
    text: &[u8],
    place: Span,
    reading: Reading,
    spell: impl Fn(&str) -> Option<Box<str>>,
) -> Result<Labels, String> {
    let label = |name: &str| match scan::member(text, place, name) {
        Some(list) => tags(text, list, reading, &spell).map_err(|what| format!("{name}: {what}")),
        None => Ok(Label::EMPTY),
    };
    Ok(Labels { secrecy: label("secrecy")?, integrity: label("integrity")? })
}

fn tags(
    text: &[u8],
    list: Span,
    reading: Reading,
    spell: impl Fn(&str) -> Option<Box<str>>,
) -> Result<Label, String> {
    if reading == Reading::Strict && !is_array(text, list) && !is_null(text, list) {
        return Err("expected a list of texts".to_owned());
    }
    let mut tags = Vec::new();
    for element in scan::elements(text, list) {
        match scan::string(text, element) {
            Some(tag) => tags.extend(spell(&tag)),
            None if reading == Reading::Strict && !is_null(text, element) => {
                return Err("expected a list of texts".to_owned());
            }
            None => {}
        }
    }
    Ok(Label::new(tags))
}

/// The text that is the member `name`; absent or `null`: nothing.
pub(super) fn string<'t>(
    text: &'t [u8],
    object: Span,
    name: &str,
    reading: Reading,
) -> Result<Option<Cow<'t, str>>, String> {
    let Some(place) = scan::member(text, object, name).filter(|place| !is_null(text, *place))
    else {
        return Ok(None);
    };
    match scan::string(text, place) {
        None if reading == Reading::Strict => Err(format!("{name}: expected a text")),
        string => Ok(string),
    }
}

/// The object that is the member `name`; absent or `null`: nothing.
pub(super) fn member_object(text: &[u8], object: Span, name: &str) -> Result<Option<Span>, String> {
    match scan::member(text, object, name).filter(|place| !is_null(text, *place)) {
        Some(place) if !is_object(text, place) => Err(format!("{name}: expected an object")),
        place => Ok(place),
    }
}
