// SPDX-License-Identifier: MIT
//! What is left of a list of things to ask for: resources, templates, prompts.
//!
//! Entries are small and each is labelled by its own, so there are no findings here, only one
//! object per entry. Cursors and all else stay.

use super::cut::{Carver, Cut, End};
use super::{Object, pointer};
use crate::base::Span;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

/// A list after judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Entries that were judged.
    pub n_entries: usize,
    /// How many of them are gone.
    pub n_removed: usize,
    /// The new result; `None`: it may pass as it is.
    pub result: Option<Vec<u8>>,
}

/// The places of the entries of `list`, such as `resources`, in the result of a list method.
///
/// # Errors
///
/// The result is no JSON, has the list twice, or has another thing in its place. Nothing of it may
/// pass then.
pub fn entries(result: &[u8], list: &str) -> Result<Vec<Span>, String> {
    let array = array(result, list)?;
    Ok(array.map(|array| scan::elements(result, array).collect()).unwrap_or_default())
}

fn array(result: &[u8], list: &str) -> Result<Option<Span>, String> {
    scan::validate(result, TREE_DEPTH_MAX)
        .map_err(|error| format!("failed to parse response: {error}"))?;
    match pointer::only_member(result, edit::whole(result), list)? {
        Some(array) if pointer::first_byte(result, array) != b'[' => {
            Err(format!("member {list:?} is not an array"))
        }
        array => Ok(array),
    }
}

/// Takes the entries out of `list` that `judge` refuses. `objects` say what the entries are, one
/// by one; an entry of which nothing is said goes.
///
/// # Errors
///
/// As for [`entries`].
pub fn redact<E>(
    result: &[u8],
    list: &str,
    objects: &[Option<Object>],
    judge: &mut dyn FnMut(&Object) -> Result<(), E>,
) -> Result<Listing, String> {
    let Some(array) = array(result, list)? else {
        return Ok(Listing { n_entries: 0, n_removed: 0, result: None });
    };
    let mut objects = objects.iter();
    let goes: Vec<bool> = scan::elements(result, array)
        .map(|_| objects.next().and_then(Option::as_ref).is_none_or(|it| judge(it).is_err()))
        .collect();
    let (n_entries, n_removed) = (goes.len(), goes.iter().filter(|goes| **goes).count());
    let mut edits = Edits::of(result);
    Carver::new(&mut edits, true).carve(array, &Cut::of(End::Elements(goes)))?;
    let result = (n_removed > 0).then(|| edits.apply());
    Ok(Listing { n_entries, n_removed, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(object: &Object) -> Result<(), ()> {
        if &*object.description == "!" { Err(()) } else { Ok(()) }
    }

    #[track_caller]
    fn check(result: &str, says: &[&str], want: Result<Option<&str>, &str>) {
        let object = |says: &&str| {
            (*says != "?").then(|| Object { description: (*says).into(), ..Object::default() })
        };
        let objects: Vec<_> = says.iter().map(object).collect();
        let got = redact(result.as_bytes(), "resources", &objects, &mut judge);
        let got = got.map(|it| it.result.map(|result| String::from_utf8(result).unwrap()));
        let got = got.as_ref().map(Option::as_deref).map_err(|error| error.as_str());
        assert_eq!(got, want);
    }

    #[test]
    fn refused_entries_go_and_so_do_those_that_nobody_knows() {
        let result =
            r#"{"resources":[{"uri":"a:1"}, {"uri":"a:2"},{"uri":"a:3"}],"nextCursor":"c"}"#;
        check(result, &["a", "b", "c"], Ok(None));
        let want = r#"{"resources":[{"uri":"a:1"}],"nextCursor":"c"}"#;
        check(result, &["a", "!", "?"], Ok(Some(want)));
        check(result, &["a"], Ok(Some(want)));
        check(result, &[], Ok(Some(r#"{"resources":[],"nextCursor":"c"}"#)));
        assert_eq!(entries(result.as_bytes(), "resources").map(|it| it.len()), Ok(3));
    }

    #[test]
    fn a_list_that_is_none_has_no_entries_or_lets_nothing_pass() {
        check(r#"{"prompts":[1]}"#, &[], Ok(None));
        check("[]", &[], Ok(None));
        check(r#"{"resources":{}}"#, &[], Err(r#"member "resources" is not an array"#));
        check(r#"{"resources":[],"resources":[1]}"#, &[], {
            Err(r#"member "resources" occurs twice in response"#)
        });
        check("{", &[], Err("failed to parse response: ends too early at byte 1"));
    }
}
