// SPDX-License-Identifier: MIT
//! JSON pointers as guards write them: RFC 6901, but empty segments say nothing.
//!
//! What a pointer leads to must be beyond doubt: a member that occurs twice on the way has two
//! readers that see two things, so nothing is found there.

use std::borrow::Cow;

use crate::base::Span;
use crate::wire::json::scan;

/// The segments of a pointer, unescaped.
pub fn segments(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').filter(|segment| !segment.is_empty()).map(unescaped)
}

fn unescaped(segment: &str) -> Cow<'_, str> {
    match segment.contains('~') {
        true => segment.replace("~1", "/").replace("~0", "~").into(),
        false => segment.into(),
    }
}

/// The value that `pointer` leads to from the value at `place` in `text`, which was validated.
///
/// # Errors
///
/// A text that says at which segment it ends.
pub fn find(text: &[u8], place: Span, pointer: &str) -> Result<Span, String> {
    segments(pointer).try_fold(place, |place, segment| match first_byte(text, place) {
        b'{' => only_member(text, place, &segment)?
            .ok_or_else(|| format!("path {pointer:?} not found in response")),
        b'[' => {
            let index: i64 = segment
                .parse()
                .map_err(|_| format!("expected array index at {pointer:?}, got {segment:?}"))?;
            let at = usize::try_from(index).ok();
            at.and_then(|at| scan::elements(text, place).nth(at))
                .ok_or_else(|| format!("array index {index} out of bounds"))
        }
        _ => Err(format!("cannot navigate path {pointer:?}: unexpected type at {segment:?}")),
    })
}

/// The first byte of a value; it says what kind it is of.
pub fn first_byte(text: &[u8], place: Span) -> u8 {
    place.of(text).first().copied().unwrap_or_default()
}

/// The member `key` of `object`, if there is one.
///
/// # Errors
///
/// It occurs twice, and readers differ in which of them they see.
pub fn only_member(text: &[u8], object: Span, key: &str) -> Result<Option<Span>, String> {
    let [found] = only_members(text, object, [key])?;
    Ok(found)
}

/// The members `keys` of `object` in one pass, each as [`only_member`] finds it.
///
/// # Errors
///
/// As for that.
pub fn only_members<const N: usize>(
    text: &[u8],
    object: Span,
    keys: [&str; N],
) -> Result<[Option<Span>; N], String> {
    let mut found = [None; N];
    for (name, value) in scan::members(text, object) {
        let name = scan::string(text, name).unwrap_or_default();
        let Some(at) = keys.iter().position(|key| *key == name) else { continue };
        if found[at].replace(value).is_some() {
            return Err(twice(&name));
        }
    }
    Ok(found)
}

/// What is said of a member that occurs twice.
pub fn twice(name: &str) -> String {
    format!("member {name:?} occurs twice in response")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit::whole;

    #[track_caller]
    fn check(text: &str, pointer: &str, want: Result<&str, &str>) {
        let text = text.as_bytes();
        let found = find(text, whole(text), pointer);
        let found = found.as_ref().map(|place| str::from_utf8(place.of(text)).unwrap());
        assert_eq!(found.map_err(|error| error.as_str()), want);
    }

    #[test]
    fn pointers_lead_through_members_and_indexes() {
        let text = r#"{"a/b":[1,{"~":2,"~1":3}], "":4}"#;
        check(text, "", Ok(text));
        check(text, "/", Ok(text));
        check(text, "/a~1b/1/~0", Ok("2"));
        check(text, "a~1b//1/~01/", Ok("3"));
        check(text, "/a~1b/+1/~0", Ok("2"));
    }

    #[test]
    fn where_a_pointer_ends_is_said() {
        let text = r#"{"a":[1],"n":null}"#;
        check(text, "/b", Err(r#"path "/b" not found in response"#));
        check(text, "/a/x", Err(r#"expected array index at "/a/x", got "x""#));
        check(text, "/a/1", Err("array index 1 out of bounds"));
        check(text, "/a/-1", Err("array index -1 out of bounds"));
        check(text, "/n/x", Err(r#"cannot navigate path "/n/x": unexpected type at "x""#));
    }

    #[test]
    fn a_member_that_occurs_twice_is_not_chosen_from() {
        let text = r#"{"a":1,"\u0061":2}"#;
        check(text, "/a", Err(r#"member "a" occurs twice in response"#));
    }
}
