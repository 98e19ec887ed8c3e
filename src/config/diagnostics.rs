// SPDX-License-Identifier: MIT
//! What is wrong with a configuration: where, why, and the way out; all problems at once.
//!
//! A rendered problem carries both a place for people (`--> file:line:column`, the line, a caret)
//! and the phrases that scripts look for (`Configuration error at …`, `Location:`, `Suggestion:`).
//! Values that may be secret are masked in the line that is shown.

use std::fmt;

use super::keys;
use crate::base::Span;

/// The revision of the gateway specification that the checks follow.
pub const SPECIFICATION: &str = "1.17.0";

/// The longest piece of a line that is shown, in characters.
const EXCERPT_MAX: usize = 120;

/// What sort of problem it is; decides its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The text is not TOML or JSON.
    Syntax,
    /// The shape is wrong: an unknown or missing key, a wrong type.
    Shape,
    /// A value is wrong.
    Value,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What sort.
    pub class: Class,
    /// The path of the value, such as `mcpServers.github.mounts[0]`; empty for the whole document.
    pub path: String,
    /// What is wrong, without secrets.
    pub message: String,
    /// Where; `None` if it was not said in the text.
    pub span: Option<Span>,
    /// More about it, a line each.
    pub details: Vec<String>,
    /// The way out.
    pub suggestion: Option<String>,
}

impl Problem {
    /// A wrong value.
    pub fn value(path: impl Into<String>, span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            class: Class::Value,
            path: path.into(),
            message: message.into(),
            span,
            details: Vec::new(),
            suggestion: None,
        }
    }

    /// A wrong shape.
    pub fn shape(path: impl Into<String>, span: Option<Span>, message: impl Into<String>) -> Self {
        Self { class: Class::Shape, ..Self::value(path, span, message) }
    }

    /// A text that is not `language`.
    pub fn syntax(language: &str, span: Span, message: impl Into<String>) -> Self {
        let suggestion = format!("Check the {language} syntax at this place");
        Self { class: Class::Syntax, ..Self::value(language, Some(span), message) }
            .suggest(suggestion)
    }

    /// The same with a line of details.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The same with a way out.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// All that is wrong with one configuration. Displays as the text for stderr.
#[derive(Clone)]
pub struct Diagnostics {
    /// What the text is called: a path, `stdin`.
    pub name: String,
    /// In the order of their places; never empty.
    pub problems: Vec<Problem>,
    text: String,
    masked: Vec<Span>,
}

impl Diagnostics {
    /// `problems` with `text`, which is called `name`; what lies in `masked` is never shown.
    #[must_use]
    pub fn new(name: &str, text: &str, masked: Vec<Span>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.map_or(0, |span| span.start));
        Self { name: name.to_owned(), problems, text: text.to_owned(), masked }
    }

    /// The first problem in one line, for a program to read.
    #[must_use]
    pub fn summary(&self) -> String {
        let first = self.problems.first().map(|problem| self.first_line(problem));
        format!("failed to load config: {}", first.unwrap_or_default())
    }

    /// Line and column of a byte, from one, in characters.
    fn place(&self, at: u32) -> (usize, usize) {
        let before = self.text.get(..at as usize).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    fn first_line(&self, problem: &Problem) -> String {
        let Problem { class, path, message, span, .. } = problem;
        let path = if path.is_empty() { "configuration" } else { path };
        match class {
            Class::Syntax => {
                let (line, column) = self.place(span.map_or(0, |span| span.start));
                format!("failed to parse {path} at line {line}, column {column}: {message}")
            }
            Class::Shape => format!("Configuration validation error at {path}: {message}"),
            Class::Value => format!("Configuration error at {path}: {message}"),
        }
    }

    /// The line of `span` without secrets, and the caret below it.
    fn excerpt(&self, span: Span, class: Class) -> (String, String) {
        let at = (span.start as usize).min(self.text.len());
        let start = self.text.as_bytes()[..at].iter().rposition(|&byte| byte == b'\n');
        let start = start.map_or(0, |newline| newline + 1);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let mut shown = String::new();
        let mut caret = String::new();
        let column = self.text[start..at].chars().count();
        let is_long = self.text[start..end].chars().count() > EXCERPT_MAX;
        let first = if is_long { column.saturating_sub(EXCERPT_MAX / 2) } else { 0 };
        let strings =
            if class == Class::Syntax { values_in(&self.text[start..end]) } else { vec![] };
        for (index, (offset, letter)) in self.text[start..end].char_indices().enumerate() {
            if index < first || index >= first + EXCERPT_MAX || letter == '\r' {
                continue;
            }
            let place = start + offset;
            let hidden = self.masked.iter().any(|span| holds(*span, place))
                || strings.iter().any(|span| holds(*span, offset));
            shown.push(if hidden && letter != '"' && letter != '\'' {
                '*'
            } else if letter.is_control() {
                ' '
            } else {
                letter
            });
            caret.push(if place == at || holds(span, place) { '^' } else { ' ' });
        }
        if !caret.contains('^') {
            caret.push('^');
        }
        (shown.trim_end().to_owned(), caret.trim_end().to_owned())
    }
}

fn holds(span: Span, at: usize) -> bool {
    (span.start as usize..span.end as usize).contains(&at)
}

/// The quoted values in a line that could not be parsed: any of them may be a secret.
fn values_in(line: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    let mut after_key = false;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'"' || byte == b'\'' {
            let rest = &bytes[at + 1..];
            let length = rest.iter().position(|&other| other == byte).unwrap_or(rest.len());
            if after_key {
                spans.push(Span::new(at + 1, at + 1 + length));
            }
            at += length + 1;
        } else if byte == b':' || byte == b'=' {
            after_key = true;
        } else if byte == b',' || byte == b'{' {
            after_key = false;
        }
        at += 1;
    }
    spans
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(f, "failed to load config: {count} {noun}; nothing was started")?;
        for problem in &self.problems {
            writeln!(f, "\n{}", self.first_line(problem))?;
            if let Some(span) = problem.span {
                let (line, column) = self.place(span.start);
                let (shown, caret) = self.excerpt(span, problem.class);
                let margin = " ".repeat(line.to_string().len());
                writeln!(f, "  --> {}:{line}:{column}", self.name)?;
                writeln!(f, " {margin} |\n {line} | {shown}\n {margin} | {caret}")?;
            }
            if problem.class != Class::Syntax {
                let path = if problem.path.is_empty() { "<root>" } else { &problem.path };
                writeln!(f, "Location: {path}")?;
            }
            for detail in &problem.details {
                writeln!(f, "Details: {detail}")?;
            }
            if let Some(suggestion) = &problem.suggestion {
                writeln!(f, "Suggestion: {suggestion}")?;
            }
        }
        write!(f, "\nChecked against MCP Gateway specification {SPECIFICATION}")?;
        write!(f, " (MCP Gateway version: {})", super::VERSION)
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

/// The one of `known` that `said` was probably meant to be.
#[must_use]
pub fn nearest<'k>(said: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |name: &str| name.replace(['_', '-', ' '], "").to_lowercase();
    let said = plain(said);
    known
        .map(|name| (distance(&said, &plain(name)), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out, replaced or swapped to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) =
        (left.chars().take(64).collect(), right.chars().take(64).collect());
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

/// What is gathered while a configuration is read.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What somebody should know, a line each, without secrets.
    pub notices: Vec<String>,
    /// Paths of keys that are accepted and have no effect.
    pub ignored: Vec<String>,
    /// Values that must never be logged.
    pub secrets: Vec<String>,
    /// Where the text holds values that must not be shown.
    pub masked: Vec<Span>,
    /// Values with a variable that is not set: what else is wrong with them is only echo.
    pub unexpanded: Vec<Span>,
}

impl Report {
    /// Adds a problem.
    pub fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether a key of the table at `path` was probably meant to be one of `names`, so that saying
    /// that they are missing would be an echo.
    #[must_use]
    pub fn is_misspelled(&self, path: &str, names: &[&str]) -> bool {
        self.problems.iter().any(|problem| {
            let suggestion = problem.suggestion.as_deref().unwrap_or_default();
            let key = problem.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
            key.is_some_and(|key| {
                names
                    .iter()
                    .any(|name| key == *name || suggestion == format!("did you mean '{name}'?"))
            })
        })
    }

    /// Remembers a value that must never be logged.
    pub fn keep_secret(&mut self, value: &str) {
        self.secrets.push(value.to_owned());
    }

    /// Adds a notice, once.
    pub fn notice(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notices.contains(&text) {
            self.notices.push(text);
        }
    }

    /// A key that protects something and that we cannot honour.
    pub fn refuse(&mut self, path: &str, span: Option<Span>, what: &str) {
        self.add(
            Problem::value(path, span, format!("{what} is not supported by this version")).suggest(
                "Remove it if nothing depends on it; it is refused rather than ignored because \
                 it protects something",
            ),
        );
    }

    /// A key that nobody knows.
    pub fn unknown_key(&mut self, place: keys::Place<'_>, name: &str, span: Span) {
        let path = super::raw::join(place.path, name);
        let message =
            format!("Unknown configuration key '{path}' - check for typos or deprecated options");
        let problem = Problem::shape(&path, Some(span), message).detail(match place.format {
            super::Format::Json => format!("Unexpected field(s): \"{name}\""),
            super::Format::Toml => {
                format!("configuration contains unrecognized field(s): {path}")
            }
        });
        let known = keys::spellings(place.section, place.format);
        self.add(match nearest(name, known.iter().map(String::as_str)) {
            Some(meant) => problem.suggest(format!("did you mean '{meant}'?")),
            None => problem.suggest("Check for typos in field names or remove unsupported fields"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_points_at_its_line_and_masks_secrets() {
        let text = "[a]\nkey = \"s3cret\" # é\nport = 0\n";
        let at = text.find("port").unwrap();
        let span = Span::new(at, at + 4);
        let secret = text.find("s3cret").unwrap();
        let problem = Problem::value("a.port", Some(span), "no").suggest("yes");
        let masked = vec![Span::new(secret - 1, secret + 7)];
        let hidden = Problem::value("a.key", Some(masked[0]), "no");
        let diagnostics = Diagnostics::new("f.toml", text, masked, vec![problem, hidden]);
        let shown = diagnostics.to_string();
        assert!(shown.contains("--> f.toml:3:1\n   |\n 3 | port = 0\n   | ^^^^\n"), "{shown}");
        assert!(shown.contains("\"******\""), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn values_in_a_line_that_cannot_be_parsed_are_masked() {
        let text = "{\"apiKey\": \"s3cret\" \"x\": 1}";
        let problem = Problem::syntax("JSON", Span::new(20, 21), "expected a comma");
        let shown = Diagnostics::new("stdin", text, vec![], vec![problem]).to_string();
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("\"apiKey\""), "{shown}");
        assert!(shown.contains("failed to parse JSON at line 1, column 21"), "{shown}");
    }

    #[test]
    fn the_nearest_name_is_found_and_strangers_are_not() {
        let known = ["container", "command", "tool_timeout"];
        let check = |said: &str, want: Option<&str>| {
            assert_eq!(nearest(said, known.into_iter()), want, "{said}");
        };
        check("contianer", Some("container"));
        check("toolTimeout", Some("tool_timeout"));
        check("comand", Some("command"));
        check("zebra", None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let span = Span::new(500, 504);
        let problem = Problem::value("x", Some(span), "no");
        let shown = Diagnostics::new("stdin", &text, vec![], vec![problem]).to_string();
        assert!(shown.contains("aaHEREbb") && shown.lines().all(|line| line.len() < 140));
    }
}
