// SPDX-License-Identifier: MIT
//! The target of a request as GitHub reads it: decoded segments and parameters.
//!
//! What different readers take apart differently has no reading here ([`Odd`]): what is judged has
//! to be what is asked for.

/// A path and its parameters, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// What stands between slashes; a last empty one is left out.
    pub segments: Vec<String>,
    /// Names and values, in their order.
    pub params: Vec<(String, String)>,
}

/// Why a target has more than one reading, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// The path does not begin with a slash.
    NoPath,
    /// A percent sign is not followed by two digits, or what is decoded is no text.
    Encoding,
    /// A segment is empty, or one that would be resolved away: `.` or `..`.
    Segment,
    /// A character that some readers take for a separator: a backslash, a control character, and
    /// in the query a semicolon.
    Separator,
}

impl Target {
    /// Reads `target`, a path with perhaps a query.
    ///
    /// # Errors
    ///
    /// Why it is [`Odd`].
    pub fn parse(target: &str) -> Result<Self, Odd> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix('/').ok_or(Odd::NoPath)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = Vec::new();
        if !path.is_empty() {
            for segment in path.split('/') {
                segments.push(checked(decoded(segment, false)?)?);
            }
        }
        Ok(Self { segments, params: params(query)? })
    }

    /// The parameter `name`, if it is there and not empty.
    ///
    /// # Errors
    ///
    /// It is there twice, with different values: readers differ in which one they take.
    pub fn param(&self, name: &str) -> Result<Option<&str>, Odd> {
        let mut values = self.params.iter().filter(|(known, _)| known == name).map(|(_, it)| it);
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|other| other != first) {
            return Err(Odd::Separator);
        }
        Ok(Some(first.as_str()).filter(|value| !value.is_empty()))
    }
}

fn params(query: &str) -> Result<Vec<(String, String)>, Odd> {
    // A semicolon was a separator once, and for some readers still is.
    if query.contains(';') {
        return Err(Odd::Separator);
    }
    let mut params = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        params.push((decoded(name, true)?, decoded(value, true)?));
    }
    Ok(params)
}

/// A segment that cannot be resolved away, also by those who decode slashes first.
fn checked(segment: String) -> Result<String, Odd> {
    if segment.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Odd::Segment);
    }
    if segment.contains(|letter: char| letter == '\\' || letter.is_control()) {
        return Err(Odd::Separator);
    }
    Ok(segment)
}

fn decoded(text: &str, is_query: bool) -> Result<String, Odd> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || {
                    let digit = char::from(bytes.next().unwrap_or_default());
                    digit.to_digit(16).ok_or(Odd::Encoding)
                };
                (digit()? << 4 | digit()?) as u8
            }
            b'+' if is_query => b' ',
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| Odd::Encoding)
}

/// Fuzz body: what is read has no segment that could be resolved away.
pub fn fuzz(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(target) = Target::parse(text) else { return };
    for segment in &target.segments {
        assert!(!segment.is_empty() && segment != "..");
        assert!(!segment.contains('\\') && !segment.contains('\0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_parameters_are_decoded() {
        let target = Target::parse("/repos/a%2Db/c/contents/x%2Fy%20z/?q=a+b%2B&ref=&r%65f=dev");
        let target = target.unwrap();
        assert_eq!(target.segments, ["repos", "a-b", "c", "contents", "x/y z"]);
        assert_eq!(target.param("q"), Ok(Some("a b+")));
        assert_eq!(target.param("x"), Ok(None));
        assert_eq!(Target::parse("/").unwrap(), Target::default());
    }

    #[test]
    fn a_parameter_with_two_values_has_none() {
        let target = Target::parse("/a?ref=main&%72ef=dev&sha=1&sha=1").unwrap();
        assert_eq!(target.param("ref"), Err(Odd::Separator));
        assert_eq!(target.param("sha"), Ok(Some("1")));
    }

    #[test]
    fn what_has_two_readings_is_odd() {
        for (text, want) in [
            ("repos", Odd::NoPath),
            ("", Odd::NoPath),
            ("/a//b", Odd::Segment),
            ("//a", Odd::Segment),
            ("/a/../b", Odd::Segment),
            ("/a/%2e%2E/b", Odd::Segment),
            ("/a/x%2F..%2Fb", Odd::Segment),
            ("/a/%2Fb", Odd::Segment),
            ("/a/.", Odd::Segment),
            ("/a%5Cb", Odd::Separator),
            ("/a%00", Odd::Separator),
            ("/a?q=x;ref=dev", Odd::Separator),
            ("/a%2", Odd::Encoding),
            ("/a%zz", Odd::Encoding),
            ("/a%ff", Odd::Encoding),
        ] {
            assert_eq!(Target::parse(text), Err(want), "{text}");
            fuzz(text.as_bytes());
        }
        fuzz(b"/a/b?c=d");
    }

    #[test]
    fn the_samples_of_the_fuzzer_pass() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/proxy_target");
        for entry in std::fs::read_dir(folder).unwrap() {
            fuzz(&std::fs::read(entry.unwrap().path()).unwrap());
        }
    }
}
