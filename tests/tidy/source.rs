// SPDX-License-Identifier: MIT
//! A source file as the rules see it: what is code, what is comment, what is test.
//!
//! This is a lexer for our own style of Rust, not for all of Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One line of a source file.
#[derive(Debug, Default)]
pub struct Line {
    /// As it is written.
    pub text: String,
    /// Without comments, and with blanks inside strings and characters.
    pub code: String,
    /// The comment, with its slashes.
    pub comment: String,
    /// Whether it belongs to tests.
    pub is_test: bool,
}

/// One source file.
#[derive(Debug)]
pub struct Source {
    /// Its path from the root of the repository.
    pub path: String,
    /// Its lines; their numbers begin at 1.
    pub lines: Vec<Line>,
}

impl Source {
    /// Reads `text` as the file at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let is_test_file = !path.starts_with("src/") || path.ends_with("/tests.rs");
        let mut lines: Vec<Line> = text
            .lines()
            .zip(code.lines())
            .zip(comments.lines())
            .map(|((text, code), comment)| Line {
                text: text.to_owned(),
                code: code.to_owned(),
                comment: comment.trim().to_owned(),
                is_test: is_test_file,
            })
            .collect();
        mark_tests(&mut lines);
        Self { path: path.to_owned(), lines }
    }

    /// The lines that ship, with their numbers.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.numbered().filter(|(_, line)| !line.is_test)
    }

    /// All lines, with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }

    /// The module under the root that the file belongs to, if it is one of the library.
    pub fn module(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        rest.split(['/', '.']).next().filter(|module| *module != "lib")
    }

    /// How deep in the tree of modules the file stands: 1 for those that `lib.rs` names.
    pub fn depth(&self) -> usize {
        let path = self.path.trim_start_matches("src/").trim_end_matches("mod.rs");
        path.trim_end_matches('/').split('/').count()
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files, read once for all rules.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let paths = files_in(&["src", "tests", "benches", "fuzz", "examples"], &["rs"]);
    paths.iter().map(|path| Source::new(path, &read(path))).collect()
});

/// The Rust files in these folders.
pub fn sources_in(folders: &[&str]) -> Vec<&'static Source> {
    let is_in = |source: &&Source| {
        let mut rests = folders.iter().filter_map(|folder| source.path.strip_prefix(folder));
        rests.any(|rest| rest.starts_with('/'))
    };
    SOURCES.iter().filter(is_in).collect()
}

/// The paths of the files in these folders that end in one of these, sorted.
pub fn files_in(folders: &[&str], endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    let mut paths: Vec<String> = found
        .iter()
        .filter(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            endings.is_empty() || endings.contains(&ending)
        })
        .map(|path| relative(path))
        .collect();
    paths.sort();
    paths
}

/// What stands in a file of the repository.
pub fn read(path: &str) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_ours = !name.to_string_lossy().starts_with('.')
            && !matches!(name.to_str(), Some("target" | "node_modules" | "artifacts" | "corpus"));
        match path.is_dir() {
            true if is_ours => walk(&path, found),
            false => found.push(path),
            _ => {}
        }
    }
}

/// What the lexer is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Code,
    LineComment,
    BlockComment(usize),
    /// With this many `#`; `None`: not raw.
    String(Option<usize>),
}

/// The code and the comments of `text`, each with blanks where the other stands.
fn split(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut state = In::Code;
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (len, next) = step(state, rest, at.checked_sub(1).map(|before| chars[before]));
        for &char in &rest[..len] {
            let blank = if char == '\n' { '\n' } else { ' ' };
            let in_comment = matches!(state, In::LineComment | In::BlockComment(_))
                || matches!(next, In::LineComment | In::BlockComment(_));
            // The quotes of a string are code, what stands between them is not.
            let is_quote = state != In::Code && next == In::Code && char == '"';
            let is_code = !in_comment && (state == In::Code || is_quote);
            code.push(if is_code { char } else { blank });
            comments.push(if in_comment && char != '\n' { char } else { blank });
        }
        if state == In::Code && next == In::Code && len > 1 {
            // A character: its quotes alone.
            let inside = code.len() - rest[..len].iter().map(|char| char.len_utf8()).sum::<usize>();
            code.truncate(inside);
            code.push_str(&" ".repeat(len));
        }
        state = next;
        at += len;
    }
    (code, comments)
}

/// How many characters of `rest` belong together, and what the lexer is in behind them.
fn step(state: In, rest: &[char], before: Option<char>) -> (usize, In) {
    let starts = |text: &str| text.chars().zip(rest).filter(|(a, b)| a == *b).count() == text.len();
    match state {
        In::Code if starts("//") => (2, In::LineComment),
        In::Code if starts("/*") => (2, In::BlockComment(1)),
        In::Code if rest[0] == '"' => (1, In::String(None)),
        In::Code if rest[0] == 'r' && !before.is_some_and(is_word) || starts("br") => {
            let skip = if rest[0] == 'b' { 2 } else { 1 };
            let hashes = rest[skip..].iter().take_while(|char| **char == '#').count();
            match rest.get(skip + hashes) {
                Some('"') => (skip + hashes + 1, In::String(Some(hashes))),
                _ => (1, In::Code),
            }
        }
        In::Code if rest[0] == '\'' => (char_len(rest).min(rest.len()), In::Code),
        In::LineComment if rest[0] == '\n' => (1, In::Code),
        In::BlockComment(depth) if starts("/*") => (2, In::BlockComment(depth + 1)),
        In::BlockComment(1) if starts("*/") => (2, In::Code),
        In::BlockComment(depth) if starts("*/") => (2, In::BlockComment(depth - 1)),
        In::String(None) if rest[0] == '\\' => (2.min(rest.len()), state),
        In::String(None) if rest[0] == '"' => (1, In::Code),
        In::String(Some(hashes)) if rest[0] == '"' => {
            let closing = rest[1..].iter().take_while(|char| **char == '#').count();
            if closing >= hashes { (1 + hashes, In::Code) } else { (1, state) }
        }
        _ => (1, state),
    }
}

/// The length of the character that begins at the quote `rest[0]`; 1 if it is a lifetime.
fn char_len(rest: &[char]) -> usize {
    match rest {
        // The escaped character itself may be a quote.
        ['\'', '\\', _, tail @ ..] => 4 + tail.iter().take_while(|char| **char != '\'').count(),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Marks what stands behind `#[cfg(test)]`, up to the end of that item.
fn mark_tests(lines: &mut [Line]) {
    let mut depth = 0_i32;
    let mut is_open = false;
    for line in lines {
        if depth == 0 && !is_open && line.code.trim_start().starts_with("#[cfg(test)]") {
            is_open = true;
        }
        if !is_open {
            continue;
        }
        line.is_test = true;
        let mut ends = false;
        for char in line.code.chars() {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            ends |= depth == 0 && matches!(char, '}' | ';');
        }
        is_open = !ends;
    }
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text =
        "let a = \"x // y\"; // z \"q\"\nlet b = '\"'; /* c\nd */ e<'a>(r#\"f\"g\"#, b'\\'')";
    let source = Source::new("src/a.rs", text);
    let code: Vec<_> = source.lines.iter().map(|line| line.code.trim_end()).collect();
    assert_eq!(code[0], "let a = \"      \";");
    assert_eq!(code[1].split_whitespace().collect::<Vec<_>>(), ["let", "b", "=", ";"]);
    assert!(code[2].contains("e<'a>(") && !code[2].contains(['f', 'g', 'd']), "{}", code[2]);
    let raw = Source::new("src/a.rs", "f(r#\"a \"b\" c\"#, \"d\\\"e\")");
    assert_eq!(raw.lines[0].code, "f(r#\"       \" , \"    \")");
    assert_eq!(source.lines[0].comment, "// z \"q\"");
    assert_eq!(source.lines[2].comment, "d */");
}

#[test]
fn what_stands_behind_cfg_test_is_test() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n\
                #[cfg(test)]\nmod tests;\nfn d() {}\n";
    let source = Source::new("src/a.rs", text);
    let shipped: Vec<_> = source.shipped().map(|(number, _)| number).collect();
    assert_eq!(shipped, [1, 7, 10]);
    assert!(Source::new("src/a/tests.rs", "fn a() {}").lines[0].is_test);
}

#[test]
fn a_file_knows_its_module_and_depth() {
    let place = |path: &str| {
        let source = Source::new(path, "");
        (source.module().map(str::to_owned), source.depth())
    };
    assert_eq!(place("src/gateway/mod.rs"), (Some("gateway".to_owned()), 1));
    assert_eq!(place("src/gateway/exchange/mod.rs"), (Some("gateway".to_owned()), 2));
    assert_eq!(place("src/gateway/exchange/open.rs"), (Some("gateway".to_owned()), 3));
    assert_eq!(place("src/serve.rs"), (Some("serve".to_owned()), 1));
    assert_eq!(place("src/lib.rs"), (None, 1));
}
