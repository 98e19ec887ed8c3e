// SPDX-License-Identifier: MIT
//! The schemas of tools, made fit for those who read them.
//!
//! A client refuses a whole list because of one schema that it does not understand, and the
//! interface of its model refuses even more. So each schema is mended on its way, as little as the
//! [`Care`] of the client demands, and what cannot be mended costs one tool and no other.
//! A schema that needs nothing leaves byte for byte. Nothing is ever fetched: a reference that
//! leads out of its schema is a flaw.
//!
//! ```text
//!              reference ─> normalise ───────────────────────────┐
//! schema ──┬─> verbatim ─────────────────────────────────────────┴─> the same, or new bytes
//!          └─> copilot, claude, strict ─> inline ─> reshape ─> normalise ─┘
//!                                            └─ reference: `$ref`
//! ```
//!
//! Spec: the written gateway specification, "Input schema normalisation"; JSON Schema 2020-12.

mod inline;
mod keyword;
mod node;
mod normalise;
mod profile;
mod reference;
mod reshape;
#[cfg(test)]
mod tests;

use std::fmt;

use super::tool_name::Rule;
use crate::base::Span;
use profile::Profile;

/// How much is done about the schemas and names of tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Care {
    /// What the reference gateway does: every input schema is one of an object.
    #[default]
    Reference,
    /// Nothing.
    Verbatim,
    /// For clients that resolve no `$ref` and want `items` in arrays.
    Copilot,
    /// For clients that want JSON Schema 2020-12, without choices at the top.
    Claude,
    /// For clients that know only the keywords of strict tool calls.
    Strict,
}

impl Care {
    /// Every spelling in a configuration, and what it means.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("reference", Self::Reference),
        ("verbatim", Self::Verbatim),
        ("copilot", Self::Copilot),
        ("claude", Self::Claude),
        ("strict", Self::Strict),
    ];

    /// From its spelling in a configuration.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(own, _)| *own == word).map(|(_, care)| *care)
    }

    /// What names of tools have to look like; `None`: they stay as they are.
    #[must_use]
    pub fn names(self) -> Option<Rule> {
        self.profile().map(|_| Rule::MODEL)
    }

    /// Whether a keyword of somebody else's making stays in a schema.
    #[must_use]
    pub fn keeps(self, keyword: &str) -> bool {
        let known = self.profile().and_then(|profile| profile.keywords);
        known.is_none_or(|known| known.contains(&keyword))
    }

    fn profile(self) -> Option<&'static Profile> {
        match self {
            Self::Reference | Self::Verbatim => None,
            Self::Copilot => Some(&profile::COPILOT),
            Self::Claude => Some(&profile::CLAUDE),
            Self::Strict => Some(&profile::STRICT),
        }
    }
}

/// Why a schema cannot be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no JSON object.
    NotAnObject,
    /// Its `type` is this, and not `"object"`.
    Type(Box<str>),
    /// This `$ref` leads nowhere.
    Dangling(Box<str>),
    /// This `$ref` leads out of the schema; nothing is fetched.
    Remote(Box<str>),
    /// A property has a name that the client refuses.
    Property(Box<str>),
    /// It is nested too deeply.
    TooDeep,
    /// It is too large, or becomes so when its references are written out.
    TooLarge,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("its schema is no object"),
            Self::Type(found) => write!(f, "the type of its schema is {found}, not \"object\""),
            Self::Dangling(to) => write!(f, "its schema refers to '{to}', which is not there"),
            Self::Remote(to) => {
                write!(f, "its schema refers to '{to}', which is elsewhere and is not fetched")
            }
            Self::Property(name) => {
                write!(f, "its property '{name}' has a name that this client refuses")
            }
            Self::TooDeep => f.write_str("its schema is nested too deeply"),
            Self::TooLarge => {
                f.write_str("its schema is too large when its references are written out")
            }
        }
    }
}

/// At most so much of what a server says is repeated in a [`Flaw`].
const EXCERPT_CHARS: usize = 80;

fn excerpt(text: &str) -> Box<str> {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The schema of a tool's arguments as it is published; `None`: as it is. `schema` is a place in
/// `text`, JSON that was validated, or nothing if the tool has none.
///
/// Errors: [`Flaw`], final; the tool cannot be shown to this client.
pub fn input(text: &[u8], schema: Option<Span>, care: Care) -> Result<Option<Vec<u8>>, Flaw> {
    if care == Care::Verbatim {
        return Ok(None);
    }
    let Some(profile) = care.profile() else { return normalise::arguments(text, schema) };
    let schema = schema.filter(|place| place.of(text) != b"null");
    let mended = match schema {
        Some(place) => mend(text, place, profile)?,
        None => b"{}".to_vec(),
    };
    let whole = |text: &[u8]| Span::new(0, text.len());
    let mended = match normalise::arguments(&mended, Some(whole(&mended)))? {
        // What was added has to be understood as well.
        Some(normal) => mend(&normal, whole(&normal), profile)?,
        None => mended,
    };
    Ok(schema.is_none_or(|place| mended != place.of(text)).then_some(mended))
}

/// The schema of a tool's structured results as it is published; `None`: as it is. `as_object`:
/// whether the client's revision demands one of an object.
///
/// Errors: [`Flaw`], final; the schema is left out, and the tool can be shown without it.
pub fn output(
    text: &[u8],
    schema: Span,
    care: Care,
    as_object: bool,
) -> Result<Option<Vec<u8>>, Flaw> {
    if care == Care::Verbatim {
        return Ok(None);
    }
    let is_boolean = [&b"true"[..], b"false"].contains(&schema.of(text));
    if as_object {
        normalise::results(text, schema)?;
    } else if !(is_boolean || schema.of(text).starts_with(b"{")) {
        return Err(Flaw::NotAnObject);
    }
    let Some(profile) = care.profile().filter(|_| !is_boolean) else { return Ok(None) };
    let mended = mend(text, schema, &profile.for_results())?;
    Ok((mended != schema.of(text)).then_some(mended))
}

fn mend(text: &[u8], schema: Span, profile: &Profile) -> Result<Vec<u8>, Flaw> {
    if !schema.of(text).starts_with(b"{") {
        return Err(Flaw::NotAnObject);
    }
    let mut node = inline::inline(text, schema)?;
    reshape::reshape(text, &mut node, profile)?;
    let mut out = Vec::with_capacity(schema.len());
    node.encode(text, &mut out);
    Ok(out)
}

/// Any JSON is a schema, and what is published is JSON, normal, and the same when done twice.
pub fn fuzz(input: &[u8]) {
    use crate::wire::json::scan;
    /// Deep enough for the bound on nesting to be met.
    const DEPTH_MAX: usize = 256;
    if scan::validate(input, DEPTH_MAX).is_err() || !input.starts_with(b"{") {
        return;
    }
    let end = input.len() - input.iter().rev().take_while(|byte| **byte != b'}').count();
    let schema = Span::new(0, end);
    for (_, care) in Care::WORDS {
        for mended in [self::input(input, Some(schema), care), output(input, schema, care, false)] {
            let Ok(Some(once)) = mended else { continue };
            assert!(scan::validate(&once, DEPTH_MAX + 2).is_ok(), "{}", once.escape_ascii());
        }
        let Ok(Some(once)) = self::input(input, Some(schema), care) else { continue };
        let again = self::input(&once, Some(Span::new(0, once.len())), care);
        assert_eq!(again, Ok(None), "{care:?}: {}", once.escape_ascii());
    }
}
