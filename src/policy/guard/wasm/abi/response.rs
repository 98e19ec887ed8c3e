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
    Ok(Paths { items_path, labelled, default, besides: None })
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
        items.push(Item { data: Data::Own(data.into()), object, besides: None });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::Label;

    #[track_caller]
    fn paths_of(output: &str) -> Paths {
        match parse(output.as_bytes()) {
            Ok(Findings::Paths(paths)) => paths,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(output: &str, want: Result<Findings, &str>) {
        assert_eq!(parse(output.as_bytes()), want.map_err(str::to_owned), "{output}");
    }

    #[test]
    fn nothing_is_said_in_several_ways() {
        for output in ["", "{}", r#"{"items":[]}"#, r#"{"items":{"a":1}}"#, r#"{"x":1}"#] {
            check(output, Ok(Findings::Nothing));
        }
        let unread = "failed to unmarshal label_response WASM response: ";
        check("[]", Err(&format!("{unread}it is not an object")));
        check(" ", Err(&format!("{unread}ends too early at byte 1")));
    }

    #[test]
    fn paths_are_looked_for_before_items() {
        for list in ["[]", "null"] {
            let paths = paths_of(&format!(r#"{{"items":[{{}}],"labeled_paths":{list}}}"#));
            assert_eq!(paths, Paths::default());
        }
        check(
            r#"{"labeled_paths":{}}"#,
            Err("failed to parse path labels: labeled_paths: expected a list"),
        );
    }

    #[test]
    fn a_path_names_an_element_of_the_list_or_nothing() {
        let paths = paths_of(
            r#"{"labeled_paths":[
                {"path":"/items/0","labels":{"description":"a","secrecy":["s"],"integrity":["i"]}},
                {"path":"items/1/user","labels":{"description":"b"}},
                {"path":"/itemsx/2","labels":{}},{"path":"/items","labels":{}},{"labels":{}}],
              "default_labels":{"description":"c"},"items_path":"items"}"#,
        );
        assert_eq!(&*paths.items_path, "/items");
        let found: Vec<_> =
            paths.labelled.iter().map(|(path, it)| (&**path, &*it.description)).collect();
        assert_eq!(found, [("/items/0", "a"), ("/items/1/user", "b")]);
        assert_eq!(paths.labelled[0].1.labels.secrecy, Label::new(["s"]));
        assert_eq!(&*paths.default.unwrap().description, "c");
        let root =
            paths_of(r#"{"labeled_paths":[{"path":"7","labels":{}}],"default_labels":null}"#);
        assert_eq!((&*root.items_path, &*root.labelled[0].0, root.default), ("", "/7", None));
    }

    #[test]
    fn labels_of_the_wrong_shape_are_no_labels() {
        for (entry, what) in [
            (r#"{"path":"/0"}"#, "has no labels"),
            (r#"{"path":"/0","labels":null}"#, "has no labels"),
            (r#"{"path":"/0","labels":[]}"#, "labels: expected an object"),
            (r#"{"path":0,"labels":{}}"#, "path: expected a text"),
            (r#"{"path":"/0","labels":{"secrecy":"s"}}"#, "secrecy: expected a list of texts"),
            (r#"{"path":"/0","labels":{"secrecy":[1]}}"#, "secrecy: expected a list of texts"),
            ("7", "expected an object"),
        ] {
            let want = format!("failed to parse path labels: labeled_paths[0]: {what}");
            check(&format!(r#"{{"labeled_paths":[{entry}]}}"#), Err(&want));
        }
    }

    #[test]
    fn items_are_copies_and_those_without_labels_are_for_nobody() {
        let output = r#"{"items":[7,{"data":{"n": 1.0},"labels":{"description":"d","secrecy":"x"}},
            {"data":[]},{"labels":null}]}"#;
        let Ok(Findings::Items(items)) = parse(output.as_bytes()) else { panic!("no items") };
        let own = |text: &str| Data::Own(text.as_bytes().into());
        let object = Object { description: "d".into(), ..Object::default() };
        let want = [(own(r#"{"n": 1.0}"#), Some(object)), (own("[]"), None), (own("null"), None)];
        assert_eq!(items.len(), want.len());
        for (item, (data, object)) in items.into_iter().zip(want) {
            assert_eq!((item.data, item.object), (data, object));
        }
    }
}
