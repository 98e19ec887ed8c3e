// SPDX-License-Identifier: MIT
//! What several servers offer, as one: lists put together, items renamed, capabilities joined.
//!
//! Items are copied as they came; only what is renamed in them is written anew.
//!
//! Spec: MCP 2025-11-25, server/tools, server/prompts, server/resources, and
//! server/utilities/pagination.

use std::collections::BTreeMap;

use crate::base::Span;
use crate::wire::json::scan;
use crate::wire::json::write::push_str;

/// A list that servers offer page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
    /// `tasks/list`
    Tasks,
}

/// All lists; the place of one is its number in cursors.
pub const LISTS: [List; 5] =
    [List::Tools, List::Prompts, List::Resources, List::Templates, List::Tasks];

impl List {
    /// The list that a method asks for.
    #[must_use]
    pub fn of(method: &str) -> Option<Self> {
        LISTS.into_iter().find(|list| list.method() == method)
    }

    /// The method that asks for it.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Tasks => "tasks/list",
        }
    }

    /// The member of the result that holds its items.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Tasks => "tasks",
        }
    }

    /// The capability of servers that have it.
    #[must_use]
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources | Self::Templates => "resources",
            Self::Tasks => "tasks",
        }
    }
}

/// One part of a text to be replaced.
type Edit = (Span, Vec<u8>);

/// Appends `text[whole]` with the edits in it, which may come in any order and do not overlap.
pub fn push_edited(out: &mut Vec<u8>, text: &[u8], whole: Span, mut edits: Vec<Edit>) {
    edits.sort_by_key(|(span, _)| span.start);
    let mut from = whole.start;
    for (span, bytes) in edits {
        out.extend_from_slice(Span { start: from, end: span.start }.of(text));
        out.extend_from_slice(&bytes);
        from = span.end;
    }
    out.extend_from_slice(Span { start: from, end: whole.end }.of(text));
}

/// Appends a tool or prompt under the name `name`. A description begins with `[server] ` if
/// `server` is given.
pub fn push_renamed(out: &mut Vec<u8>, text: &[u8], item: Span, name: &str, server: Option<&str>) {
    let mut edits = Vec::new();
    if let Some(span) = scan::member(text, item, "name") {
        let mut quoted = Vec::new();
        push_str(&mut quoted, name);
        edits.push((span, quoted));
    }
    let described = server.zip(scan::member(text, item, "description"));
    if let Some((server, span)) = described
        && let Some(description) = scan::string(text, span)
    {
        let mut quoted = Vec::new();
        push_str(&mut quoted, &format!("[{server}] {description}"));
        edits.push((span, quoted));
    }
    push_edited(out, text, item, edits);
}

/// The capabilities that an aggregate can stand for; what a method of their own would need is
/// left out, for nobody could tell whose it is.
const JOINED: [&str; 6] = ["completions", "logging", "prompts", "resources", "tasks", "tools"];

/// How deep capabilities are joined member by member; below, the first one wins.
const JOIN_DEPTH: usize = 6;

/// Capabilities of several servers as one: whatever one of them can do. Each is the text of an
/// object that was validated before.
#[must_use]
pub fn joined_capabilities(all: &[&[u8]]) -> Vec<u8> {
    let whole = |text: &[u8]| Span::new(0, text.len());
    let mut out = b"{".to_vec();
    for name in JOINED {
        let values: Vec<&[u8]> = all
            .iter()
            .filter_map(|text| Some(scan::member(text, whole(text), name)?.of(text)))
            .collect();
        if values.is_empty() {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        push_str(&mut out, name);
        out.push(b':');
        push_joined(&mut out, &values, JOIN_DEPTH);
    }
    out.push(b'}');
    out
}

/// Objects member by member; `true` if any is true; else the first.
fn push_joined(out: &mut Vec<u8>, values: &[&[u8]], depth: usize) {
    let Some(first) = values.first() else { return };
    if depth == 0 || !first.starts_with(b"{") {
        let any_true = values.iter().any(|value| *value == b"true");
        out.extend_from_slice(if any_true { b"true" } else { first });
        return;
    }
    out.push(b'{');
    for (index, (name, same)) in by_name(values).into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b':');
        push_joined(out, &same, depth - 1);
    }
    out.push(b'}');
}

/// The members of several objects, in the order in which their names were met, each with the
/// values that it has: of duplicates in one object the first.
fn by_name<'v>(values: &[&'v [u8]]) -> Vec<(&'v [u8], Vec<&'v [u8]>)> {
    let mut all: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    let mut places: BTreeMap<&[u8], (usize, usize)> = BTreeMap::new();
    for (value, number) in values.iter().copied().zip(0..) {
        for (name, found) in scan::members(value, Span::new(0, value.len())) {
            let (name, found) = (name.of(value), found.of(value));
            match places.get_mut(name) {
                Some((_, last)) if *last == number => {}
                Some((at, last)) => {
                    *last = number;
                    all[*at].1.push(found);
                }
                None => {
                    places.insert(name, (all.len(), number));
                    all.push((name, vec![found]));
                }
            }
        }
    }
    all
}

/// What all servers tell their clients, each part under the name of its server.
#[must_use]
pub fn joined_instructions<'s>(parts: impl Iterator<Item = (&'s str, String)>) -> String {
    let mut out = String::new();
    for (server, text) in parts.filter(|(_, text)| !text.trim().is_empty()) {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&format!("## {server}\n\n{}", text.trim()));
    }
    out
}

/// Where the next page of an aggregate begins: at each server that has more, its own cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the address that was listed.
    pub view: u16,
    /// What was listed.
    pub list: List,
    /// Servers by their numbers, with their cursors as they are spelled, quotes included.
    pub at: Vec<(u16, Box<[u8]>)>,
}

/// The first byte of a cursor that this version understands.
const PLACE_VERSION: u8 = 1;

impl Place {
    /// As bytes, to be sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let list = LISTS.iter().zip(0u8..).find(|(list, _)| **list == self.list);
        let mut out = vec![PLACE_VERSION, list.map_or(0, |(_, number)| number)];
        out.extend_from_slice(&self.view.to_be_bytes());
        for (server, cursor) in &self.at {
            out.extend_from_slice(&server.to_be_bytes());
            out.extend_from_slice(&u32::try_from(cursor.len()).unwrap_or(0).to_be_bytes());
            out.extend_from_slice(cursor);
        }
        out
    }

    /// From bytes; `None` if they are not what [`Place::encode`] makes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[version, list], rest) = bytes.split_first_chunk::<2>()?;
        let list = *LISTS.get(usize::from(list)).filter(|_| version == PLACE_VERSION)?;
        let (view, mut rest) = rest.split_first_chunk::<2>()?;
        let mut at: Vec<(u16, Box<[u8]>)> = Vec::new();
        while !rest.is_empty() {
            let (server, behind) = rest.split_first_chunk::<2>()?;
            let (length, behind) = behind.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (cursor, behind) = behind.split_at_checked(length)?;
            let server = u16::from_be_bytes(*server);
            scan::validate(cursor, 1).ok().filter(|()| cursor.starts_with(b"\""))?;
            if at.iter().any(|(other, _)| *other >= server) {
                return None;
            }
            at.push((server, cursor.into()));
            rest = behind;
        }
        Some(Self { view: u16::from_be_bytes(*view), list, at })
    }
}

/// Any bytes are a place or none; one that is read is written as it was.
pub fn fuzz(input: &[u8]) {
    if let Some(place) = Place::decode(input) {
        assert_eq!(place.encode(), input);
    }
    let half = input.len() / 2;
    let (one, other) = input.split_at(half);
    if let (Ok(template), Ok(uri)) = (str::from_utf8(one), str::from_utf8(other)) {
        let is_plain = !template.contains(['{', '}']);
        assert_eq!(
            is_plain && super::pattern::fits_template(template, uri),
            is_plain && template == uri
        );
    }
    if scan::validate(one, 64).is_ok() && scan::validate(other, 64).is_ok() {
        let joined = joined_capabilities(&[one, other]);
        assert!(scan::validate(&joined, 64).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_found_by_its_method() {
        for list in LISTS {
            assert_eq!(List::of(list.method()), Some(list));
        }
        assert_eq!(List::of("tools/call"), None);
    }

    #[test]
    fn a_renamed_item_keeps_every_other_byte() {
        let text =
            br#"{ "x-a":1.0, "description":"Says \"hi\"","name" : "say","inputSchema":{"n":1e3}}"#;
        let mut out = Vec::new();
        push_renamed(&mut out, text, Span::new(0, text.len()), "a___say", Some("a"));
        let want = br#"{ "x-a":1.0, "description":"[a] Says \"hi\"","name" : "a___say","inputSchema":{"n":1e3}}"#;
        assert_eq!(out, want);
    }

    #[test]
    fn capabilities_are_joined_by_what_any_can_do() {
        let all: [&[u8]; 3] = [
            br#"{"tools":{},"experimental":{"x":{}},"resources":{"subscribe":false}}"#,
            br#"{"tools":{"listChanged":true},"logging":{},"resources":{"subscribe":true,"listChanged":false}}"#,
            br#"{"tools":{"listChanged":false},"tasks":{"list":{},"requests":{"tools":{"call":{}}}}}"#,
        ];
        let joined = String::from_utf8(joined_capabilities(&all)).unwrap();
        let want = r#"{"logging":{},"resources":{"subscribe":true,"listChanged":false},"tasks":{"list":{},"requests":{"tools":{"call":{}}}},"tools":{"listChanged":true}}"#;
        assert_eq!(joined, want);
        assert_eq!(joined_capabilities(&[]), b"{}");
    }

    #[test]
    fn as_many_members_as_a_message_holds_are_joined_at_once() {
        let all: Vec<String> = (0..50_000).map(|n| format!("\"{n}\":{{}}")).collect();
        let text = format!("{{\"tools\":{{{}}}}}", all.join(","));
        let start = std::time::Instant::now();
        assert_eq!(joined_capabilities(&[text.as_bytes(), text.as_bytes()]), text.as_bytes());
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }

    #[test]
    fn instructions_say_whose_they_are() {
        let parts = [("a", " Use a. ".to_owned()), ("b", String::new()), ("c", "See c.".into())];
        assert_eq!(joined_instructions(parts.into_iter()), "## a\n\nUse a.\n\n## c\n\nSee c.");
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor = |text: &str| Box::from(text.as_bytes());
        let at = vec![(0, cursor("\"\"")), (7, cursor("\"p\\u0032\""))];
        let place = Place { view: 3, list: List::Templates, at };
        let bytes = place.encode();
        assert_eq!(Place::decode(&bytes), Some(place));
        for end in 0..bytes.len() {
            let whole_entries = [4, 12];
            assert_eq!(Place::decode(&bytes[..end]).is_some(), whole_entries.contains(&end));
        }
        assert_eq!(Place::decode(b"\x02\0\0\0"), None);
        assert_eq!(Place::decode(b"\x01\x05\0\0"), None);
    }

    #[test]
    fn samples_hold() {
        for sample in [
            &include_bytes!("../../tests/data/catalogue/place_with_an_empty_cursor.bin")[..],
            &include_bytes!("../../tests/data/catalogue/template_and_uri.txt")[..],
            &include_bytes!("../../tests/data/catalogue/two_capabilities.json")[..],
        ] {
            fuzz(sample);
        }
    }
}
