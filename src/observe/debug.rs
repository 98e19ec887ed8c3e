// SPDX-License-Identifier: MIT
//! `DEBUG`: which lines for developers are shown, and how much time lies between them.
//!
//! Does not read the environment; knows nothing of levels or files.

use std::collections::HashMap;

use crate::base::bytes;

/// The patterns of `DEBUG`: a comma-separated list of `*`, `exact`, `prefix*`, `*suffix`, `a*b`;
/// a pattern with `-` before it excludes, and wins.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    wanted: Vec<Box<str>>,
    unwanted: Vec<Box<str>>,
}

impl Patterns {
    /// Reads the list. Blanks around patterns and empty patterns are ignored.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let mut patterns = Self::default();
        for pattern in list.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
            match pattern.strip_prefix('-') {
                Some(pattern) => patterns.unwanted.push(pattern.into()),
                None => patterns.wanted.push(pattern.into()),
            }
        }
        patterns
    }

    /// Whether lines of `namespace` are shown.
    #[must_use]
    pub fn matches(&self, namespace: &str) -> bool {
        let any = |patterns: &[Box<str>]| patterns.iter().any(|p| is_match(p, namespace));
        any(&self.wanted) && !any(&self.unwanted)
    }
}

/// Whether `name` is what `pattern` says; each `*` stands for any text, also for none.
fn is_match(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

/// The time since the line before, for each namespace.
#[derive(Debug, Default)]
pub struct Elapsed {
    last_ms: HashMap<&'static str, u64>,
}

impl Elapsed {
    /// Appends the time since the last line of `namespace`, such as `+12ms`, `+1.2s` or `+3.4m`;
    /// `+0ms` for the first.
    pub fn push(&mut self, out: &mut Vec<u8>, namespace: &'static str, unix_ms: u64) {
        let last_ms = self.last_ms.insert(namespace, unix_ms).unwrap_or(unix_ms);
        let ms = unix_ms.saturating_sub(last_ms);
        out.push(b'+');
        match ms {
            0..1000 => {
                bytes::push_u64(out, ms);
                out.extend_from_slice(b"ms");
            }
            1000..60_000 => push_tenths(out, ms / 100, b's'),
            60_000..3_600_000 => push_tenths(out, ms / 6000, b'm'),
            _ => push_tenths(out, ms / 360_000, b'h'),
        }
    }
}

fn push_tenths(out: &mut Vec<u8>, tenths: u64, unit: u8) {
    bytes::push_u64(out, tenths / 10);
    out.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8, unit]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, shown: &[&str], hidden: &[&str]) {
        let patterns = Patterns::parse(list);
        for name in shown {
            assert!(patterns.matches(name), "{list:?} hides {name}");
        }
        for name in hidden {
            assert!(!patterns.matches(name), "{list:?} shows {name}");
        }
    }

    #[test]
    fn patterns_match_at_both_ends_and_exclusion_wins() {
        check("", &[], &["a:b", ""]);
        check("*", &["a:b", ""], &[]);
        check("a:b", &["a:b"], &["a:bc", "xa:b"]);
        check("a:*", &["a:b", "a:"], &["b:a:", "a"]);
        check("*:open", &["gateway:open"], &["gateway:opened"]);
        check("a*c", &["ac", "abc"], &["ab", "a"]);
        check("a*a", &["aa", "aba"], &["a"]);
        check("a*b*c", &["abc", "axbxc"], &["acb", "ac"]);
        check("*,-a:*", &["b:a"], &["a:b"]);
        check(" -a:b , a:* ,,", &["a:c"], &["a:b", "b"]);
    }

    #[test]
    fn the_time_between_lines_is_short() {
        let mut elapsed = Elapsed::default();
        let mut at = 1_000_000;
        for (after, want) in
            [(0, "+0ms"), (12, "+12ms"), (1_250, "+1.2s"), (72_000, "+1.2m"), (7_500_000, "+2.0h")]
        {
            at += after;
            let mut out = Vec::new();
            elapsed.push(&mut out, "a", at);
            assert_eq!(out, want.as_bytes());
        }
        let mut out = Vec::new();
        elapsed.push(&mut out, "b", at);
        assert_eq!(out, b"+0ms", "each name has its own time");
    }
}
