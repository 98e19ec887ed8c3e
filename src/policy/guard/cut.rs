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

use super::envelope::{self, Known};
use super::pointer;
use crate::base::Span;
use crate::wire::json::edit::Edits;
use crate::wire::json::scan;
use crate::wire::json::tree::TREE_DEPTH_MAX;

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
    /// It is what the call is, all of it but its parts.
    Call,
    /// It goes; which item it is.
    Goes(usize),
    /// It is an array, of which those elements go for which it says so.
    Elements(Vec<bool>),
}

/// What is left of a value.
enum Left {
    All,
    Nothing,
    /// So many elements of an array, and whether it had more.
    Elements(usize, bool),
}

/// What says whether the parts of a value may be seen of which nothing is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// Nothing for elements, and the call for members.
    Nobody,
    /// The call.
    Call,
    /// An item that stays.
    Item,
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
    /// Whether the call may be seen, and so what is covered by no item but is what the call is.
    way_stays: bool,
    /// Items that went by their pointer, and their places.
    pub gone: Vec<(usize, Span)>,
    /// Elements and members that went because none of the items covers them.
    pub n_unlisted: usize,
    /// Whether more would have stayed if the call could be seen.
    pub is_bared: bool,
}

impl<'e, 't> Carver<'e, 't> {
    /// Will add to `edits` what a cut takes out of their text.
    pub fn new(edits: &'e mut Edits<'t>, way_stays: bool) -> Self {
        Self { edits, way_stays, gone: Vec::new(), n_unlisted: 0, is_bared: false }
    }

    /// Makes `cut` in the value at `place`, which is not to go as a whole.
    ///
    /// # Errors
    ///
    /// The cut names parts that are not there: whoever asks for it has seen another answer.
    pub fn carve(&mut self, place: Span, cut: &Cut) -> Result<(), String> {
        self.value(place, cut, Cover::Nobody).map(|_| ())
    }

    fn value(&mut self, place: Span, cut: &Cut, cover: Cover) -> Result<Left, String> {
        let cover = match &cut.end {
            End::Stays => Cover::Item,
            End::Call => Cover::Call,
            _ => cover,
        };
        match &cut.end {
            End::Goes(_) => {
                let mut items = Vec::new();
                cut.items(&mut items);
                self.gone.extend(items.into_iter().map(|item| (item, place)));
                Ok(Left::Nothing)
            }
            End::Elements(goes) => Ok(self.elements(place, goes)),
            _ if cut.parts.is_empty() => Ok(Left::All),
            _ => match pointer::first_byte(self.edits.text(), place) {
                b'{' => self.object(place, cut, cover),
                b'[' => self.array(place, cut, cover),
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

    fn object(&mut self, object: Span, cut: &Cut, cover: Cover) -> Result<Left, String> {
        let text = self.edits.text();
        let rest_stays = cover == Cover::Item || self.way_stays;
        let (mut members, mut totals, mut count) = (Vec::new(), Vec::new(), Count::default());
        let mut unseen: BTreeSet<&str> = cut.parts.keys().map(|name| &**name).collect();
        for (name, value) in scan::members(text, object) {
            let decoded = scan::string(text, name).unwrap_or_default();
            let member = Span { start: name.start, end: value.end };
            let Some(part) = cut.parts.get(&*decoded) else {
                let known = envelope::known(text, &decoded, value);
                match known {
                    Known::Total => totals.push((members.len(), value)),
                    Known::Page if !rest_stays => self.page(value),
                    _ => {}
                }
                members.push((member, rest_stays || known != Known::Nothing));
                continue;
            };
            if !unseen.remove(&*decoded) {
                return Err(pointer::twice(&decoded));
            }
            let left = self.value(value, part, cover)?;
            count.add(&left);
            // Whether a part stays, its own end says.
            let stays = !matches!(left, Left::Nothing);
            members.push((member, stays));
            count.n_parts_gone += usize::from(!stays);
        }
        if let Some(name) = unseen.first() {
            return Err(missing(Some(name)));
        }
        for (at, total) in totals {
            members[at].1 = self.total(total, &count, rest_stays);
        }
        self.members(&members, count.n_parts_gone);
        Ok(Left::All)
    }

    /// Takes out those of `members` that do not stay; so many of these are parts of the cut.
    fn members(&mut self, members: &[(Span, bool)], n_parts: usize) {
        let mut list = List::default();
        for (member, stays) in members {
            list.add(self.edits, *member, *stays);
        }
        let n_unlisted = list.n_gone - n_parts;
        self.n_unlisted += n_unlisted;
        self.is_bared |= n_unlisted > 0;
        list.end(self.edits);
    }

    /// Corrects a total; whether it stays. Beside what is no array nobody knows what it counts.
    fn total(&mut self, total: Span, count: &Count, rest_stays: bool) -> bool {
        let n = match (rest_stays, count.n_of_shorter, count.n_of_all) {
            (true, Some(n), _) | (false, _, Some(n)) => n.to_string().into_bytes(),
            (true, None, _) => return true,
            (false, _, None) => return false,
        };
        let is_right = n == total.of(self.edits.text());
        let is_same = count.n_of_shorter == count.n_of_all;
        self.is_bared |= !rest_stays && !is_same && (!is_right || count.n_of_shorter.is_some());
        if !is_right {
            self.edits.replace(total, n);
        }
        true
    }

    /// Lets of an object of cursors only the cursors stay.
    fn page(&mut self, page: Span) {
        let text = self.edits.text();
        let members: Vec<_> = scan::members(text, page)
            .map(|(name, value)| {
                let decoded = scan::string(text, name).unwrap_or_default();
                let member = Span { start: name.start, end: value.end };
                (member, envelope::is_cursor(text, &decoded, value))
            })
            .collect();
        self.members(&members, 0);
    }

    fn array(&mut self, array: Span, cut: &Cut, cover: Cover) -> Result<Left, String> {
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
                Some((_, part)) => !matches!(self.value(element, part, cover)?, Left::Nothing),
                None => self.is_covered(cover),
            };
            list.add(self.edits, element, stays);
        }
        match wanted.next() {
            Some((index, _)) => Err(format!("array index {index} out of bounds")),
            None => Ok(list.end(self.edits)),
        }
    }

    /// Whether an element stays of which nothing is said.
    fn is_covered(&mut self, cover: Cover) -> bool {
        let stays = cover == Cover::Item || (cover == Cover::Call && self.way_stays);
        self.n_unlisted += usize::from(!stays);
        self.is_bared |= !stays && cover == Cover::Call;
        stays
    }
}

/// How many elements the arrays in an object have that are parts of a cut.
#[derive(Default)]
struct Count {
    n_of_all: Option<usize>,
    /// Those arrays alone that had more.
    n_of_shorter: Option<usize>,
    n_parts_gone: usize,
}

impl Count {
    fn add(&mut self, left: &Left) {
        let Left::Elements(n, is_shorter) = left else { return };
        for (sum, counts) in [(&mut self.n_of_all, true), (&mut self.n_of_shorter, *is_shorter)] {
            if counts {
                *sum = Some(sum.unwrap_or(0) + n);
            }
        }
    }
}

fn missing(name: Option<impl AsRef<str>>) -> String {
    let name = name.as_ref().map_or("", |name| name.as_ref());
    format!("path {:?} not found in response", format!("/{name}"))
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
        Left::Elements(self.n_kept, self.n_gone > 0)
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
