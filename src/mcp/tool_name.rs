// SPDX-License-Identifier: MIT
//! Names of tools and prompts: with their server before them, and fit for the interfaces of models.
//!
//! A server may call its tools as it likes; models and clients accept less. A name that does not
//! fit is published as another one that ends in a hash of the original: the same in every process
//! and on every machine. Nobody can compute the original back, so a [`NameMap`] remembers it.
//!
//! Spec: MCP 2025-11-25, server/tools, "Tool Names"; the written gateway specification, "Tools".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Between the name of a server and what it calls a tool.
pub const SEPARATOR: &str = "___";

/// More names that do not fit are passed on as they are: nobody has so many but a server that lies.
pub const NAMES_MAX: usize = 16_384;

/// `_` and eight digits behind what is left of the name.
const SUFFIX_BYTES: usize = 9;

/// A name that takes so many attempts to find is given up; each one collides with a chance of one
/// in four thousand million.
const ATTEMPTS: u32 = 16;

/// The name under which a tool of `server` is known where many servers share one address.
#[must_use]
pub fn join(server: &str, tool: &str) -> String {
    [server, SEPARATOR, tool].concat()
}

/// The server and the tool that `name` means: divided at the first separator before which a known
/// server stands. `None`: there is no such server.
#[must_use]
pub fn split(name: &str, is_server: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    // Separators may overlap: `a____b` is `a` and `_b`, or `a_` and `b`.
    let ends =
        (0..name.len()).filter(|at| name.as_bytes()[*at..].starts_with(SEPARATOR.as_bytes()));
    let mut parts = ends.map(|at| (&name[..at], &name[at + SEPARATOR.len()..]));
    parts.find(|(server, _)| is_server(server))
}

/// Whether `pattern` means `name`: as it is, with `*` for any characters, also none.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        // The last part has to stand at the end; each other one may stand as early as it can.
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// What a name must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// In bytes, which are characters here: all that is allowed is ASCII.
    pub length_max: usize,
    /// Allowed beside letters and digits.
    pub signs: &'static [u8],
}

impl Rule {
    /// What MCP recommends.
    pub const MCP: Self = Self { length_max: 128, signs: b"_-." };
    /// What the interfaces of all models accept that we know of.
    pub const MODEL: Self = Self { length_max: 64, signs: b"_-" };

    /// Whether `name` may stay as it is.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        (1..=self.length_max).contains(&name.len()) && name.bytes().all(|byte| self.has(byte))
    }

    fn has(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || self.signs.contains(&byte)
    }

    /// A name that this rule allows, made from one that it need not allow: `…_a1b2c3d4`.
    ///
    /// What is not allowed becomes `_`; what is too long is cut. The end is a hash of all of `name`
    /// and of `attempt`.
    #[must_use]
    pub fn shortened(&self, name: &str, attempt: u32) -> String {
        let room = self.length_max.saturating_sub(SUFFIX_BYTES);
        let fit = |char: char| match u8::try_from(char) {
            Ok(byte) if self.has(byte) => char,
            _ => '_',
        };
        let head: String = name.chars().map(fit).take(room).collect();
        format!("{head}_{:08x}", hash(name, attempt))
    }
}

/// Which names are published otherwise than their servers say them, both ways.
///
/// Invariant: no two names are published as the same one.
#[derive(Clone, Debug)]
pub struct NameMap {
    rule: Rule,
    /// By original; also those that stay as they are but look as if they had been shortened.
    published: BTreeMap<Box<str>, Box<str>>,
    originals: BTreeMap<Box<str>, Box<str>>,
}

impl NameMap {
    /// Without names.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self { rule, published: BTreeMap::new(), originals: BTreeMap::new() }
    }

    /// With all of `names`, the same in whatever order they come.
    #[must_use]
    pub fn of<'n>(rule: Rule, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut map = Self::new(rule);
        map.extend(names);
        map
    }

    /// Adds all of `names`: what may stay as it is comes first, so nothing takes its place.
    pub fn extend<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable_by_key(|name| (!self.rule.allows(name), *name));
        for name in names {
            self.publish(name);
        }
    }

    /// The name under which `original` is published, from now on and always.
    ///
    /// It is borrowed if it fits; only names that are changed, or could be mistaken for one that
    /// was, take room here. Beyond [`NAMES_MAX`] of them names stay as they are.
    pub fn publish<'n>(&mut self, original: &'n str) -> Cow<'n, str> {
        let fits = self.rule.allows(original);
        if fits && !looks_shortened(original) {
            return Cow::Borrowed(original);
        }
        if let Some(known) = self.published.get(original) {
            return Cow::Owned(known.to_string());
        }
        if self.published.len() >= NAMES_MAX {
            return Cow::Borrowed(original);
        }
        let own = fits.then(|| original.to_owned());
        let made = (0..ATTEMPTS).map(|attempt| self.rule.shortened(original, attempt));
        for name in own.into_iter().chain(made) {
            if let Entry::Vacant(place) = self.originals.entry(name.as_str().into()) {
                place.insert(original.into());
                self.published.insert(original.into(), name.as_str().into());
                return Cow::Owned(name);
            }
        }
        Cow::Borrowed(original)
    }

    /// What the server calls the tool that is published as `name`; `None`: the same.
    #[must_use]
    pub fn original(&self, name: &str) -> Option<&str> {
        self.originals.get(name).map(|original| &**original).filter(|original| *original != name)
    }

    /// The names that are published otherwise: original, published; in alphabetical order.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.published.iter().map(|(original, name)| (&**original, &**name));
        pairs.filter(|(original, name)| original != name)
    }

    /// Whether no name is published otherwise.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.published.is_empty()
    }
}

/// Whether a name ends like those that [`Rule::shortened`] makes.
fn looks_shortened(name: &str) -> bool {
    let Some(start) = name.len().checked_sub(SUFFIX_BYTES) else { return false };
    let [mark, digits @ ..] = &name.as_bytes()[start..] else { return false };
    *mark == b'_' && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// FNV-1a over the name and the attempt, mixed and folded: stable for ever, and no secret.
fn hash(name: &str, attempt: u32) -> u32 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = name.bytes().chain(attempt.to_le_bytes());
    let sum = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(PRIME));
    let mixed = (sum ^ (sum >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed >> 32) as u32
}

/// Whatever the names are: they are published legally, differently, always alike, and come back.
pub fn fuzz(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let names: Vec<&str> = text.split('\n').collect();
    for rule in [Rule::MODEL, Rule::MCP] {
        let mut map = NameMap::of(rule, names.iter().copied());
        for name in &names {
            let published = map.publish(name).into_owned();
            assert!(rule.allows(&published), "{name} became {published}");
            assert_eq!(map.original(&published).unwrap_or(&published), *name);
        }
        let again = NameMap::of(rule, names.iter().rev().copied());
        assert!(map.changed().eq(again.changed()), "the order of the names matters");
    }
    for name in &names {
        let (server, tool) = name.split_at(name.floor_char_boundary(name.len() / 2));
        let joined = join(server, tool);
        let first = split(&joined, |known| known == server);
        assert!(first.is_some_and(|(known, _)| known == server), "{joined}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Checklist 116.
    #[test]
    fn a_name_is_divided_where_a_known_server_ends() {
        let known = |server: &str| ["a", "a_", "git", "git___hub"].contains(&server);
        assert_eq!(split("git___status", known), Some(("git", "status")));
        assert_eq!(split("git___hub___x", known), Some(("git", "hub___x")));
        assert_eq!(split("a____b", known), Some(("a", "_b")));
        assert_eq!(split("a_____b", |server| server == "a_"), Some(("a_", "_b")));
        assert_eq!(split("svn___x", known), None);
        assert_eq!(split("git__x", known), None);
        assert_eq!(split("git___", known), Some(("git", "")));
        assert_eq!(split("é___x", |server| server == "é"), Some(("é", "x")));
        assert_eq!(join("git", "status"), "git___status");
    }

    #[test]
    fn a_name_that_fits_stays_and_any_other_ends_in_its_hash() {
        let mut map = NameMap::new(Rule::MODEL);
        assert_eq!(map.publish("get_issue"), "get_issue");
        assert!(map.is_empty());
        let long = "x".repeat(120);
        let short = map.publish(&long).into_owned();
        assert_eq!(short, format!("{}_{:08x}", "x".repeat(55), hash(&long, 0)));
        assert_eq!(map.original(&short), Some(long.as_str()));
        // The same for ever: clients write these names down.
        assert_eq!(map.publish("files/read all"), "files_read_all_0d2afb0d");
        assert_eq!(map.publish(""), "_2cc9946c");
        assert_eq!(map.original("get_issue"), None);
        assert_eq!(map.changed().count(), 3);
    }

    #[test]
    fn a_tool_that_is_really_called_like_a_shortened_one_keeps_its_name() {
        let taken = Rule::MODEL.shortened("a b", 0);
        for names in [["a b", &taken], [taken.as_str(), "a b"]] {
            let mut map = NameMap::of(Rule::MODEL, names);
            assert_eq!(map.publish(&taken), taken);
            assert_eq!(map.publish("a b"), Rule::MODEL.shortened("a b", 1));
            assert_eq!(map.original(&taken), None);
        }
    }

    #[test]
    fn the_samples_come_back() {
        fuzz(include_bytes!("../../tests/data/tool_name/long_and_illegal.txt"));
    }

    #[test]
    fn dots_are_for_mcp_and_not_for_models() {
        assert!(Rule::MCP.allows("a.b-c_D9") && !Rule::MODEL.allows("a.b"));
        assert!(Rule::MCP.allows(&"x".repeat(128)) && !Rule::MCP.allows(&"x".repeat(129)));
        assert!(!Rule::MCP.allows("") && !Rule::MCP.allows("é") && !Rule::MCP.allows("a b"));
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, want) in [
            ("get_issue", "get_issue", true),
            ("get_issue", "get_issues", false),
            ("get_*", "get_", true),
            ("get_*", "forget_x", false),
            ("*_issue", "get_issue", true),
            ("*_issue", "get_issue_", false),
            ("a*b*a", "aba", true),
            ("a*b*a", "ab", false),
            ("a*a", "a", false),
            ("*x*y*", "__x__y", true),
            ("*x*y*", "yx", false),
            ("**", "é", true),
            ("", "", true),
            ("?", "a", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn the_map_ends_somewhere() {
        let mut map = NameMap::new(Rule::MODEL);
        for number in 0..NAMES_MAX {
            map.publish(&format!("tool {number}"));
        }
        assert_eq!(map.publish("one more"), "one more");
        assert_eq!(map.changed().count(), NAMES_MAX);
    }

    proptest! {
        #[test]
        fn names_are_legal_different_alike_and_come_back(
            names in prop::collection::vec("[a-zA-Z0-9_. /é-]{0,140}", 0..20),
        ) {
            fuzz(names.join("\n").as_bytes());
        }
    }
}
