// SPDX-License-Identifier: MIT
//! What a guard says of an answer: nothing, labels for places in it, or labelled copies.

use super::labels::{self, Reading, member_object};
use super::{is_array, is_null, is_object};
use crate::base::Span;
use crate::policy::guard::{Data, Findings, Item, Object, Paths};
use crate::wire::json::scan;

/// The forms, in the order in which they are looked for.
pub(super) fn parse(output: &[u8]) -> Result<Findings, String> {
    if output.is_empty() {
        return Ok(Findings::Nothing);
    }
    let whole = super::object(output)
        .map_err(|what| format!("failed to unmarshal label_response WASM response: {what}"))?;
    let (mut labelled, mut items) = (None, None);
    for (name, value) in scan::members(output, whole) {
        match scan::string(output, name).as_deref() {
            Some("labeled_paths") => labelled = Some(value),
            Some("items") => items = Some(value),
            _ => {}
        }
    }
    if let Some(labelled) = labelled {
        let paths = paths(output, whole, labelled)
            .map_err(|what| format!("failed to parse path labels: {what}"))?;
        return Ok(Findings::Paths(paths));
    }
    match items {
        Some(items) if scan::elements(output, items).next().is_some() => {
            Ok(Findings::Items(copies(output, items)?))
        }
        _ => Ok(Findings::Nothing),
    }
}

/// `{"labeled_paths":[{"path":"/items/0","labels":{…}}],"default_labels":{…},
/// "items_path":"/items"}`
fn paths(output: &[u8], whole: Span, list: Span) -> Result<Paths, String> {
    let items_path = labels::string(output, whole, "items_path", Reading::Strict)?;
    let items_path = pointer(&items_path.unwrap_or_default());
    if !is_array(output, list) && !is_null(output, list) {
        return Err("labeled_paths: expected a list".to_owned());
    }
    let mut labelled = Vec::new();
    for (index, entry) in scan::elements(output, list).enumerate() {
        let at = |what: String| format!("labeled_paths[{index}]: {what}");
        if !is_object(output, entry) {
            return Err(at("expected an object".to_owned()));
        }
        let path = labels::string(output, entry, "path", Reading::Strict).map_err(at)?;
        let path = pointer(&path.unwrap_or_default());
        let object = member_object(output, entry, "labels").map_err(at)?;
        // Without labels it would be public, which the guard has not said.
        let object = object.ok_or_else(|| at("has no labels".to_owned()))?;
        let object = labels::object(output, object, Reading::Strict).map_err(at)?;
        // What does not lie in the list is about nothing.
        if path.strip_prefix(&*items_path).is_some_and(|rest| rest.starts_with('/')) {
            labelled.push((path, object));
        }
    }
    let default = member_object(output, whole, "default_labels")?;
    let default = default.map(|it| labels::object(output, it, Reading::Strict)).transpose()?;
    Ok(Paths { items_path, labelled, default })
}

/// A pointer begins with a slash, also if the guard has left it out. The empty one stays.
fn pointer(spelled: &str) -> Box<str> {
    if spelled.is_empty() || spelled.starts_with('/') {
        spelled.into()
    } else {
        format!("/{spelled}").into()
    }
}

/// `{"items":[{"data":…,"labels":{…}}]}`
fn copies(output: &[u8], list: Span) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for entry in scan::elements(output, list).filter(|entry| is_object(output, *entry)) {
        let (mut data, mut object) = (&b"null"[..], None);
        for (name, value) in scan::members(output, entry) {
            match scan::string(output, name).as_deref() {
                Some("data") => data = value.of(output),
                Some("labels") => object = labels_of(output, value)?,
                _ => {}
            }
        }
        items.push(Item { data: Data::Own(data.into()), object });
    }
    Ok(items)
}

/// Labels that are none are not said, and then nobody may see the item.
fn labels_of(output: &[u8], place: Span) -> Result<Option<Object>, String> {
    let place = Some(place).filter(|place| is_object(output, *place));
    place.map(|place| labels::object(output, place, Reading::Lenient)).transpose()
}

/// For the fuzz body: what holds of all findings.
pub(super) fn check(findings: &Findings) {
    match findings {
        Findings::Paths(paths) => {
            let starts = |path: &str| path.starts_with(&*paths.items_path);
            assert!(paths.labelled.iter().all(|(path, _)| starts(path) && path.starts_with('/')));
        }
        Findings::Items(items) => {
            for item in items {
                let Data::Own(data) = &item.data else { panic!("a copy is a copy") };
                assert!(scan::validate(data, crate::wire::json::tree::TREE_DEPTH_MAX).is_ok());
            }
        }
        Findings::Nothing => {}
    }
}
