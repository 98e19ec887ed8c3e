// SPDX-License-Identifier: MIT
//! Which parts of a JSON value go, and the edits that make them go.
//!
//! ```text
//!  Cut ── "data" ── "issues" ── Elements [stay, go, stay]
//!                └─ "viewer" ── Gone
//! ```
//!
//! It knows places and no labels. The same cut can be made in every text that says the same.

use std::collections::{BTreeMap, BTreeSet};

use super::pointer;
use crate::base::Span;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

/// Members that say how many elements the array beside them has, or would have on all pages.
///
/// What they say would tell how much was hidden, so they say how much is there instead.
const TOTALS: [&str; 2] = ["totalCount", "total_count"];

/// What becomes of a value and of what lies in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What becomes of the value itself.
    pub end: End,
    /// What becomes of its parts, by segment of their pointers.
    parts: BTreeMap<Box<str>, Self>,
}

/// What becomes of one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It is only on the way to its parts. Of an array nothing else stays; of an object the rest
    /// is what the call is.
    #[default]
    Way,
    /// It stays, with all that is not said to go.
    Stays,
    /// It goes; which item it is.
    Goes(usize),
    /// It is an array, of which those elements go for which it says so.
    Elements(Vec<bool>),
}

/// What is left of a value.
enum Left {
    All,
    Nothing,
    /// So many elements of an array that had more.
    Some(usize),
}

impl Cut {
    /// This becomes of the value, and nothing else is said.
    pub const fn of(end: End) -> Self {
        Self { end, parts: BTreeMap::new() }
    }

    /// Lets `end` become of what `pointer` leads to. Where two differ on one value, it goes.
    ///
    /// # Errors
    ///
    /// The pointer is longer than any answer is deep.
    pub fn insert(&mut self, pointer: &str, end: End) -> Result<(), String> {
        let mut cut = self;
        for (n_before, segment) in pointer::segments(pointer).enumerate() {
            if n_before >= TREE_DEPTH_MAX {
                return Err("path is longer than any response is deep".to_owned());
            }
            cut = cut.parts.entry(segment.into()).or_default();
        }
        if !matches!(cut.end, End::Goes(_)) {
            cut.end = end;
        }
        Ok(())
    }

    /// Whether it speaks of parts, and says nothing of what holds them.
    pub fn is_way(&self) -> bool {
        self.end == End::Way && !self.parts.is_empty()
    }

    /// Whether it speaks of the value alone, and not of parts of it.
    pub fn is_whole(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether there is a part named `segment`.
    pub fn has_part(&self, segment: &str) -> bool {
        self.parts.contains_key(segment)
    }

    /// The items that go with this value: its own one, or those within.
    fn items(&self, into: &mut Vec<usize>) {
        if let End::Goes(item) = self.end {
            into.push(item);
        }
        self.parts.values().for_each(|part| part.items(into));
    }
}

/// Makes one cut in one text.
pub struct Carver<'e, 't> {
    edits: &'e mut Edits<'t>,
    /// Whether members stay that stand on the way to items and are covered by none.
    way_stays: bool,
    /// Items that went by their pointer, and their places.
    pub gone: Vec<(usize, Span)>,
    /// Elements and members that went because none of the items covers them.
    pub n_unlisted: usize,
}

impl<'e, 't> Carver<'e, 't> {
    /// Will add to `edits` what a cut takes out of their text.
    pub fn new(edits: &'e mut Edits<'t>, way_stays: bool) -> Self {
        Self { edits, way_stays, gone: Vec::new(), n_unlisted: 0 }
    }

    /// Makes `cut` in the value at `place`, which is not to go as a whole.
    ///
    /// # Errors
    ///
    /// The cut names parts that are not there: whoever asks for it has seen another answer.
    pub fn carve(&mut self, place: Span, cut: &Cut) -> Result<(), String> {
        self.value(place, cut, false).map(|_| ())
    }

    fn value(&mut self, place: Span, cut: &Cut, is_covered: bool) -> Result<Left, String> {
        let is_covered = is_covered || cut.end == End::Stays;
        match &cut.end {
            End::Goes(_) => {
                let mut items = Vec::new();
                cut.items(&mut items);
                self.gone.extend(items.into_iter().map(|item| (item, place)));
                Ok(Left::Nothing)
            }
            End::Elements(goes) => Ok(self.elements(place, goes)),
            End::Way | End::Stays if cut.parts.is_empty() => Ok(Left::All),
            End::Way | End::Stays => match pointer::first_byte(self.edits.text(), place) {
                b'{' => self.object(place, cut, is_covered),
                b'[' => self.array(place, cut, is_covered),
                _ => Err(missing(cut.parts.keys().next())),
            },
        }
    }

    fn elements(&mut self, array: Span, goes: &[bool]) -> Left {
        let mut goes = goes.iter();
        let mut list = List::default();
        for element in scan::elements(self.edits.text(), array) {
            list.add(self.edits, element, goes.next() != Some(&true));
        }
        list.end(self.edits)
    }

    fn object(&mut self, object: Span, cut: &Cut, is_covered: bool) -> Result<Left, String> {
        let text = self.edits.text();
        let (mut list, mut totals, mut n_left) = (List::default(), Vec::new(), None);
        let mut unseen: BTreeSet<&str> = cut.parts.keys().map(|name| &**name).collect();
        for (name, value) in scan::members(text, object) {
            let decoded = scan::string(text, name).unwrap_or_default();
            let member = Span { start: name.start, end: value.end };
            let Some(part) = cut.parts.get(&*decoded) else {
                let stays = is_covered || self.way_stays;
                if stays && TOTALS.contains(&&*decoded) && is_number(text, value) {
                    totals.push(value);
                }
                self.n_unlisted += usize::from(!stays);
                list.add(self.edits, member, stays);
                continue;
            };
            if !unseen.remove(&*decoded) {
                return Err(pointer::twice(&decoded));
            }
            let left = self.value(value, part, is_covered)?;
            if let Left::Some(n) = left {
                n_left = Some(n_left.unwrap_or(0) + n);
            }
            list.add(self.edits, member, !matches!(left, Left::Nothing));
        }
        if let Some(name) = unseen.first() {
            return Err(missing(Some(name)));
        }
        if let Some(n_left) = n_left {
            for total in totals {
                self.edits.replace(total, n_left.to_string().into_bytes());
            }
        }
        list.end(self.edits);
        Ok(Left::All)
    }

    fn array(&mut self, array: Span, cut: &Cut, is_covered: bool) -> Result<Left, String> {
        let mut wanted = Vec::with_capacity(cut.parts.len());
        for (segment, part) in &cut.parts {
            let index: usize =
                segment.parse().map_err(|_| format!("expected array index, got {segment:?}"))?;
            wanted.push((index, part));
        }
        wanted.sort_by_key(|(index, _)| *index);
        let (mut wanted, mut list) = (wanted.into_iter().peekable(), List::default());
        for (index, element) in scan::elements(self.edits.text(), array).enumerate() {
            let stays = match wanted.next_if(|(other, _)| *other == index) {
                Some((_, part)) => !matches!(self.value(element, part, is_covered)?, Left::Nothing),
                None => {
                    self.n_unlisted += usize::from(!is_covered);
                    is_covered
                }
            };
            list.add(self.edits, element, stays);
        }
        match wanted.next() {
            Some((index, _)) => Err(format!("array index {index} out of bounds")),
            None => Ok(list.end(self.edits)),
        }
    }
}

fn missing(name: Option<impl AsRef<str>>) -> String {
    let name = name.as_ref().map_or("", |name| name.as_ref());
    format!("path {:?} not found in response", format!("/{name}"))
}

fn is_number(text: &[u8], place: Span) -> bool {
    matches!(pointer::first_byte(text, place), b'-' | b'0'..=b'9')
}

/// Members or elements, one after the other, of which some go: runs of them, each with one comma.
#[derive(Default)]
struct List {
    /// After the last one that stays.
    kept_end: Option<u32>,
    /// What goes since then.
    run: Option<Span>,
    n_kept: usize,
    n_gone: usize,
}

impl List {
    fn add(&mut self, edits: &mut Edits<'_>, item: Span, stays: bool) {
        if !stays {
            self.n_gone += 1;
            let start = self.run.map_or(item.start, |run| run.start);
            self.run = Some(Span { start, end: item.end });
            return;
        }
        if let Some(run) = self.run.take() {
            // The first ones go with the comma behind them, all others with the one before.
            match self.kept_end {
                None => edits.replace(Span { start: run.start, end: item.start }, &b""[..]),
                Some(start) => edits.replace(Span { start, end: run.end }, &b""[..]),
            }
        }
        self.n_kept += 1;
        self.kept_end = Some(item.end);
    }

    fn end(self, edits: &mut Edits<'_>) -> Left {
        if let Some(run) = self.run {
            let start = self.kept_end.unwrap_or(run.start);
            edits.replace(Span { start, end: run.end }, &b""[..]);
        }
        if self.n_gone > 0 { Left::Some(self.n_kept) } else { Left::All }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::edit::whole;

    fn carve(text: &str, parts: &[(&str, End)]) -> Result<(String, usize), String> {
        carve_with(text, parts, true)
    }

    fn carve_with(
        text: &str,
        parts: &[(&str, End)],
        way_stays: bool,
    ) -> Result<(String, usize), String> {
        let (text, mut cut) = (text.as_bytes(), Cut::default());
        for (pointer, end) in parts {
            cut.insert(pointer, end.clone())?;
        }
        let mut edits = Edits::of(text);
        let mut carver = Carver::new(&mut edits, way_stays);
        carver.carve(whole(text), &cut)?;
        let n_unlisted = carver.n_unlisted;
        Ok((String::from_utf8(edits.apply()).unwrap(), n_unlisted))
    }

    #[track_caller]
    fn check(text: &str, parts: &[(&str, End)], want: &str) {
        assert_eq!(carve(text, parts), Ok((want.to_owned(), 0)));
    }

    fn elements(goes: &str) -> End {
        End::Elements(goes.bytes().map(|byte| byte == b'x').collect())
    }

    #[test]
    fn elements_go_in_runs_with_their_commas() {
        let text = "[ 1 , 2 ,3, 4 ]";
        check(text, &[("", elements("...."))], text);
        check(text, &[("", elements("x..."))], "[ 2 ,3, 4 ]");
        check(text, &[("", elements("xx.."))], "[ 3, 4 ]");
        check(text, &[("", elements(".xx."))], "[ 1, 4 ]");
        check(text, &[("", elements("x.x."))], "[ 2, 4 ]");
        check(text, &[("", elements("..xx"))], "[ 1 , 2 ]");
        check(text, &[("", elements("xxxx"))], "[  ]");
    }

    #[test]
    fn totals_beside_a_shorter_array_say_what_is_there() {
        let text = r#"{"a":{"total_count":70,"totalCount":"7","issues":[1,2]},"totalCount":9}"#;
        let want = r#"{"a":{"total_count":1,"totalCount":"7","issues":[2]},"totalCount":9}"#;
        check(text, &[("/a/issues", elements("x."))], want);
        check(text, &[("/a/issues", elements(".."))], text);
    }

    #[test]
    fn parts_go_from_where_they_are() {
        let text = r#"{"a":1, "b":{"c":[1,2,3],"d":4}}"#;
        check(text, &[("/a", End::Goes(0))], r#"{"b":{"c":[1,2,3],"d":4}}"#);
        check(text, &[("/b/d", End::Goes(0))], r#"{"a":1, "b":{"c":[1,2,3]}}"#);
        check(text, &[("/b", End::Goes(0)), ("/b/d", End::Stays)], r#"{"a":1}"#);
        check(text, &[("/b", End::Goes(0)), ("/b", End::Stays)], r#"{"a":1}"#);
        check(text, &[("/b", End::Stays), ("/b/c/1", End::Goes(0))], {
            r#"{"a":1, "b":{"c":[1,3],"d":4}}"#
        });
    }

    #[test]
    fn what_stands_among_listed_elements_and_is_not_listed_goes() {
        let parts = [("/l/0", End::Stays), ("/l/2", End::Stays)];
        let got = carve(r#"{"l":[1,2,3,4],"total_count":4}"#, &parts);
        assert_eq!(got, Ok((r#"{"l":[1,3],"total_count":2}"#.to_owned(), 2)));
    }

    #[test]
    fn the_way_to_items_can_be_bared() {
        let text = r#"{"x":1,"a":{"total_count":2,"b":{"y":1}},"l":[1],"z":2}"#;
        let got = carve_with(text, &[("/a/b", End::Stays), ("/l/0", End::Stays)], false);
        assert_eq!(got, Ok((r#"{"a":{"b":{"y":1}},"l":[1]}"#.to_owned(), 3)));
        let got = carve_with(text, &[("", End::Stays), ("/a/b", End::Goes(0))], false);
        assert_eq!(got.map(|(_, n_unlisted)| n_unlisted), Ok(0));
    }

    #[test]
    fn an_item_within_another_one_is_found_at_its_place() {
        let text = br#"{"a":{"b":1}}"#;
        let mut cut = Cut::default();
        cut.insert("/a", End::Goes(0)).unwrap();
        cut.insert("/a/b", End::Goes(1)).unwrap();
        let mut edits = Edits::of(text);
        let mut carver = Carver::new(&mut edits, true);
        carver.carve(whole(text), &cut).unwrap();
        assert_eq!(carver.gone, [(0, Span::new(5, 12)), (1, Span::new(5, 12))]);
    }

    #[test]
    fn a_cut_that_does_not_fit_is_refused() {
        #[track_caller]
        fn check(pointer: &str, want: &str) {
            let text = r#"{"a":[1],"b":2,"b":3}"#;
            assert_eq!(carve(text, &[(pointer, End::Stays)]), Err(want.to_owned()));
        }
        check("/c", r#"path "/c" not found in response"#);
        check("/a/1", "array index 1 out of bounds");
        check("/a/x", r#"expected array index, got "x""#);
        check("/a/0/x", r#"path "/x" not found in response"#);
        check("/b", r#"member "b" occurs twice in response"#);
        check(&"/x".repeat(TREE_DEPTH_MAX + 1), "path is longer than any response is deep");
    }
}
