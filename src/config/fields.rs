// SPDX-License-Identifier: MIT
//! Reads one table by the key table: unknown keys, wrong types and wrong ranges become problems,
//! what remains can be asked for by name.

use std::time::Duration;

use super::diagnostics::{Problem, Report};
use super::env;
use super::keys::{self, Effect, Key, Kind, Place, Section, Transports};
use super::raw::{Format, Item, Member, Sourced, Value, join};
use super::size;
use crate::base::Span;

/// The good entries of one table.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The path of the table.
    pub path: String,
    /// Where the table lies.
    pub span: Span,
    section: Section,
    found: Vec<Found<'a>>,
}

#[derive(Debug)]
struct Found<'a> {
    key: &'static Key,
    member: &'a Member,
    path: String,
    /// The value, where it is a number.
    whole: i64,
}

impl<'a> Fields<'a> {
    /// Reads `item`, which should be a table of the given sort.
    pub fn read(item: &'a Item, place: Place<'_>, report: &mut Report) -> Self {
        let mut fields = Self {
            path: place.path.to_owned(),
            span: item.span,
            section: place.section,
            found: Vec::new(),
        };
        let Some(members) = item.as_table() else {
            report.add(wrong_type(place.path, item, "object"));
            return fields;
        };
        for member in members {
            let known = keys::KEYS.iter().find(|key| {
                key.section == place.section && key.is_spelled(&member.name, place.format)
            });
            match known {
                None => unknown(place, member, report),
                Some(key) => fields.take(key, member, place, report),
            }
        }
        fields
    }

    fn take(&mut self, key: &'static Key, member: &'a Member, place: Place<'_>, r: &mut Report) {
        let path = join(&self.path, &member.name);
        if let Some(at) = self.found.iter().position(|found| found.key == key) {
            // The reference lets `toolTimeout` win over `tool_timeout`.
            let same = self.found[at].member.name == member.name;
            if same || place.format == Format::Toml {
                let message = format!("'{}' is said twice", key.name);
                return r.add(Problem::shape(path, Some(member.name_span), message));
            }
            if member.name != key.json {
                return;
            }
            self.found.remove(at);
        }
        match key.effect {
            Effect::Refused if !member.item.is_empty() => {
                return r.refuse(&path, Some(member.name_span), &format!("'{}'", member.name));
            }
            Effect::Refused => return,
            Effect::Ignored => r.ignored.push(path.clone()),
            Effect::Used | Effect::Silent => {}
        }
        match check(key, &member.name, &path, &member.item) {
            Ok(whole) => self.found.push(Found { key, member, path, whole }),
            Err(problem) => r.add(*problem),
        }
    }

    fn get(&self, name: &str) -> Option<&Found<'a>> {
        debug_assert!(keys::find(self.section, name).is_some(), "{name} has no row");
        self.found.iter().find(|found| found.key.name == name)
    }

    fn sourced<T>(
        &self,
        name: &str,
        value: impl FnOnce(&Found<'a>) -> Option<T>,
    ) -> Option<Sourced<T>> {
        let found = self.get(name)?;
        let value = value(found)?;
        Some(Sourced { value, span: found.member.item.span, path: found.path.clone() })
    }

    /// The value of `name` as it was said.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<Sourced<&'a Item>> {
        self.sourced(name, |found| Some(&found.member.item))
    }

    /// A string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Sourced<&'a str>> {
        self.sourced(name, |found| found.member.item.as_text())
    }

    /// A truth value.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)?.member.item.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn whole(&self, name: &str) -> Option<Sourced<i64>> {
        self.sourced(name, |found| Some(found.whole))
    }

    /// Seconds or a duration; zero, where it is allowed, counts as not said.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let found = self.get(name)?;
        match found.key.kind {
            Kind::Duration => env::parse_duration(found.member.item.as_text()?),
            _ => u64::try_from(found.whole).ok().filter(|&s| s > 0).map(Duration::from_secs),
        }
    }

    /// A number of bytes.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        u64::try_from(self.get(name)?.whole).ok()
    }

    /// A table of seconds by name.
    #[must_use]
    pub fn seconds_map(&self, name: &str) -> Vec<(&'a str, Sourced<Duration>)> {
        let Some(found) = self.get(name) else { return Vec::new() };
        let sourced = |member: &'a Member| {
            let path = join(&found.path, &member.name);
            let value = Duration::from_secs(u64::try_from(whole(&member.item)?).ok()?);
            Some((member.name.as_str(), Sourced { value, span: member.item.span, path }))
        };
        found.member.item.as_table().unwrap_or_default().iter().filter_map(sourced).collect()
    }

    /// A list of strings, each with its place.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<Sourced<&'a str>> {
        let Some(found) = self.get(name) else { return Vec::new() };
        let Value::List(items) = &found.member.item.value else { return Vec::new() };
        let sourced = |(index, item): (usize, &'a Item)| {
            let path = format!("{}[{index}]", found.path);
            Some(Sourced { value: item.as_text()?, span: item.span, path })
        };
        items.iter().enumerate().filter_map(sourced).collect()
    }

    /// A table of strings: names, values and whether a variable was expanded in them.
    #[must_use]
    pub fn text_map(&self, name: &str) -> Vec<(&'a str, Sourced<&'a str>, bool)> {
        let Some(found) = self.get(name) else { return Vec::new() };
        let sourced = |member: &'a Member| {
            let path = join(&found.path, &member.name);
            let value = member.item.as_text()?;
            let value = Sourced { value, span: member.item.span, path };
            Some((member.name.as_str(), value, member.item.expanded))
        };
        found.member.item.as_table().unwrap_or_default().iter().filter_map(sourced).collect()
    }

    /// Adds a problem for every key that is not meant for servers of this kind.
    pub fn only_for(&self, transport: Transports, report: &mut Report) {
        for Found { key, member, path, .. } in &self.found {
            if key.on == Transports::Any || key.on == transport {
                continue;
            }
            let problem = match (key.on, key.name) {
                (_, "mounts") => {
                    "mounts are only supported for stdio (containerized) servers".to_owned()
                }
                (Transports::Http, _) => {
                    format!("'{}' is only supported for HTTP servers", member.name)
                }
                _ => format!("'{}' is only supported for stdio servers", member.name),
            };
            report.add(
                Problem::shape(path, Some(member.name_span), problem)
                    .detail(format!("Unexpected field(s): \"{}\"", member.name))
                    .suggest(format!("Remove '{}' or change the server's type", member.name)),
            );
        }
    }
}

/// A key without a row, or one that only the other language knows.
fn unknown(place: Place<'_>, member: &Member, report: &mut Report) {
    if place.format == Format::Json && place.section == Section::Server && member.name == "command"
    {
        let path = join(place.path, &member.name);
        report.add(
            Problem::shape(path, Some(member.name_span), "'command' is not supported in JSON")
                .detail("Unexpected field(s): \"command\"")
                .suggest("Use 'container' with an image, or a TOML file with --config"),
        );
        return;
    }
    report.unknown_key(place, &member.name, member.name_span);
}

/// A value of the wrong type.
pub fn wrong_type(path: &str, item: &Item, expected: &str) -> Problem {
    let got = item.kind();
    Problem::shape(path, Some(item.span), format!("expected {expected}, got {got}"))
        .detail(format!("Type mismatch - expected {expected}, got {got}"))
        .suggest("Verify the value is the correct type (string, number, boolean, object, array)")
}

/// Type and range of one value; gives the number if it is one.
fn check(key: &Key, said: &str, path: &str, item: &Item) -> Result<i64, Box<Problem>> {
    let span = Some(item.span);
    let value = |message: String| Problem::value(path, span, message);
    let typed = |expected: &str| Box::new(wrong_type(path, item, expected));
    match key.kind {
        Kind::Any => {}
        Kind::Table if item.as_table().is_none() => return Err(typed("object")),
        Kind::Table => {}
        Kind::Flag if !matches!(item.value, Value::Flag(_)) => return Err(typed("boolean")),
        Kind::Flag => {}
        Kind::Text | Kind::Word | Kind::OneOf(_) | Kind::Duration => {
            let text = item.as_text().ok_or_else(|| typed("string"))?;
            let said = if matches!(key.kind, Kind::OneOf(_)) { path } else { said };
            check_text(key.kind, said, text)
                .map_err(|(message, suggestion)| Box::new(value(message).suggest(suggestion)))?;
        }
        Kind::Size => return check_size(said, path, item),
        Kind::Texts | Kind::Words => check_list(key.kind, said, path, item)?,
        Kind::TextMap => {
            for member in item.as_table().ok_or_else(|| typed("object"))? {
                if member.item.as_text().is_none() {
                    let path = join(path, &member.name);
                    return Err(Box::new(wrong_type(&path, &member.item, "string")));
                }
            }
        }
        Kind::SecondsMap(least) => {
            for member in item.as_table().ok_or_else(|| typed("object"))? {
                let path = join(path, &member.name);
                check(
                    &Key { kind: Kind::Seconds(least), ..*key },
                    &member.name,
                    &path,
                    &member.item,
                )?;
            }
        }
        Kind::Port | Kind::Seconds(_) | Kind::SecondsOrZero(_) | Kind::Whole(..) => {
            let whole = whole(item).ok_or_else(|| typed("integer"))?;
            check_range(key.kind, said, whole).map_err(|(message, suggestion)| {
                let problem = value(message);
                Box::new(match suggestion {
                    Some(suggestion) => problem.suggest(suggestion),
                    None => problem,
                })
            })?;
            return Ok(whole);
        }
    }
    Ok(0)
}

/// A whole number; also one that a variable has put into a string.
fn whole(item: &Item) -> Option<i64> {
    match &item.value {
        Value::Whole(whole) => Some(*whole),
        Value::Text(digits) if item.expanded => digits.parse().ok(),
        _ => None,
    }
}

fn check_size(said: &str, path: &str, item: &Item) -> Result<i64, Box<Problem>> {
    let (size, spelled) = match &item.value {
        Value::Whole(bytes) => (Some(*bytes).filter(|bytes| *bytes >= 0), bytes.to_string()),
        Value::Text(text) => (size::parse(text), text.clone()),
        _ => return Err(Box::new(wrong_type(path, item, "integer or string"))),
    };
    size.ok_or_else(|| {
        let message = format!("{said} '{spelled}' is not a number of bytes");
        let problem = Problem::value(path, Some(item.span), message);
        Box::new(problem.suggest("Write it as in 2048, \"10MB\" or \"64KiB\""))
    })
}

fn check_text(kind: Kind, said: &str, text: &str) -> Result<(), (String, String)> {
    match kind {
        Kind::Word if text.trim().is_empty() => Err((
            format!("{said} cannot be empty or whitespace only"),
            format!("Give '{said}' a value or remove it"),
        )),
        Kind::OneOf(words) if !words.contains(&text) => Err((
            format!("{said} must be one of: {} (got: \"{text}\")", words.join(", ")),
            "Use one of the allowed values listed above".to_owned(),
        )),
        Kind::Duration if env::parse_duration(text).is_none_or(|d| d.is_zero()) => Err((
            format!("{said} '{text}' is not a duration above zero"),
            "Write it as in 90s, 30m or 1h30m".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn check_list(kind: Kind, said: &str, path: &str, item: &Item) -> Result<(), Box<Problem>> {
    let Value::List(items) = &item.value else {
        return Err(Box::new(wrong_type(path, item, "array")));
    };
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match item.as_text() {
            None => return Err(Box::new(wrong_type(&path, item, "string"))),
            Some(text) if kind == Kind::Words && text.trim().is_empty() => {
                let message = format!("{said}[{index}] must be a non-empty string");
                return Err(Box::new(Problem::value(path, Some(item.span), message)));
            }
            Some(_) => {}
        }
    }
    if kind == Kind::Words && items.is_empty() {
        let message = format!("{said} must be a non-empty array when present");
        return Err(Box::new(Problem::value(path, Some(item.span), message)));
    }
    Ok(())
}

fn check_range(kind: Kind, said: &str, got: i64) -> Result<(), (String, Option<String>)> {
    let seconds = |least: i64| Some(format!("Use a value of at least {least} seconds"));
    match kind {
        Kind::Port if !(1..=65_535).contains(&got) => Err((
            format!("port must be between 1 and 65535, got {got}"),
            Some("Use a port number from 1 to 65535".to_owned()),
        )),
        Kind::Seconds(1) | Kind::Whole(1, _) if got < 1 => {
            Err((format!("{said} must be a positive integer (>= 1), got {got}"), None))
        }
        Kind::SecondsOrZero(least) if got != 0 && got < least => {
            Err((format!("{said} must be at least {least}, got {got}"), seconds(least)))
        }
        Kind::Seconds(least) if got < least => {
            Err((format!("{said} must be at least {least}, got {got}"), seconds(least)))
        }
        Kind::Whole(least, _) if got < least => {
            Err((format!("{said} must be at least {least}, got {got}"), None))
        }
        Kind::Whole(_, most) if got > most => {
            Err((format!("{said} must be at most {most}, got {got}"), None))
        }
        // A year is more than anyone waits, and keeps sums of durations from overflowing.
        Kind::Seconds(_) | Kind::SecondsOrZero(_) if got > 31_536_000 => {
            Err((format!("{said} must be at most 31536000, got {got}"), None))
        }
        _ => Ok(()),
    }
}
