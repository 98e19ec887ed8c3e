// SPDX-License-Identifier: MIT
//! The tokens of a GraphQL document.
//!
//! Blanks, line ends, commas, comments and a byte order mark stand between tokens and mean
//! nothing. Strings are decoded here; everything else is a slice of the document.
//!
//! Spec: GraphQL, October 2021, §2.1 (source text) and appendix B.

use super::{QueryError, TOKENS_MAX};

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'s> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(u8),
    /// `...`
    Spread,
    /// A name.
    Name(&'s str),
    /// A number without a fraction and an exponent, as it is spelled.
    Int(&'s str),
    /// Any other number.
    Float(&'s str),
    /// A string, decoded.
    Text(String),
    /// The end of the document.
    End,
}

/// A token and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'s> {
    /// What it is.
    pub kind: Kind<'s>,
    /// Its first byte.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
}

/// A place in a document, between tokens.
pub struct Lexer<'s> {
    text: &'s str,
    at: usize,
    n_tokens: usize,
}

impl<'s> Lexer<'s> {
    /// Before the first token.
    #[must_use]
    pub fn new(text: &'s str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, n_tokens: 0 }
    }

    /// Takes the next token; after the last one it is [`Kind::End`] for ever.
    pub fn token(&mut self) -> Result<Token<'s>, QueryError> {
        self.skip_blanks();
        self.n_tokens += 1;
        if self.n_tokens > TOKENS_MAX {
            return Err(QueryError::TooLarge);
        }
        let start = self.at;
        let kind = match self.peek(0) {
            None => Kind::End,
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => Kind::Name(self.take_while(is_word)),
            Some(b'.') if self.rest().starts_with("...") => {
                self.at += 3;
                Kind::Spread
            }
            Some(byte) if b"!$&():=@[]{|}".contains(&byte) => {
                self.at += 1;
                Kind::Punctuator(byte)
            }
            Some(_) => return Err(QueryError::Syntax(start)),
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn take_while(&mut self, is_in: impl Fn(u8) -> bool) -> &'s str {
        let len = self.rest().bytes().take_while(|byte| is_in(*byte)).count();
        let taken = &self.rest()[..len];
        self.at += len;
        taken
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b','));
            if self.peek(0) != Some(b'#') {
                return;
            }
            let rest = self.rest();
            self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
        }
    }

    /// Spec: §2.9.1 and §2.9.2: no leading zeros, and no name, digit or dot right behind.
    fn number(&mut self) -> Result<Kind<'s>, QueryError> {
        let start = self.at;
        self.at += usize::from(self.peek(0) == Some(b'-'));
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        let mut is_good = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        let mut is_int = true;
        if self.peek(0) == Some(b'.') {
            is_int = false;
            self.at += 1;
            is_good &= !self.take_while(|byte| byte.is_ascii_digit()).is_empty();
        }
        if let Some(b'e' | b'E') = self.peek(0) {
            is_int = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(0), Some(b'+' | b'-')));
            is_good &= !self.take_while(|byte| byte.is_ascii_digit()).is_empty();
        }
        is_good &= !self.peek(0).is_some_and(|byte| is_word(byte) || byte == b'.');
        let spelled = &self.text[start..self.at];
        match (is_good, is_int) {
            (false, _) => Err(QueryError::Syntax(start)),
            (true, true) => Ok(Kind::Int(spelled)),
            (true, false) => Ok(Kind::Float(spelled)),
        }
    }

    fn string(&mut self) -> Result<Kind<'s>, QueryError> {
        if self.rest().starts_with("\"\"\"") {
            return self.block();
        }
        let start = self.at;
        self.at += 1;
        let mut decoded = String::new();
        loop {
            let letter = self.rest().chars().next().ok_or(QueryError::Syntax(start))?;
            self.at += letter.len_utf8();
            match letter {
                '"' => return Ok(Kind::Text(decoded)),
                '\n' | '\r' => return Err(QueryError::Syntax(start)),
                '\\' => decoded.push(self.escape()?),
                _ => decoded.push(letter),
            }
        }
    }

    /// After a backslash. Spec: §2.9.4. A surrogate has no letter of its own here.
    fn escape(&mut self) -> Result<char, QueryError> {
        let at = self.at;
        self.at += 1;
        Ok(match self.text.as_bytes().get(at) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
                let is_hex = digits.len() == 4 && digits.bytes().all(|it| it.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
                self.at += 4;
                let code = code.ok_or(QueryError::Syntax(at))?;
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(QueryError::Syntax(at)),
        })
    }

    /// A block string, without its indentation. Spec: §2.9.4, `BlockStringValue`.
    fn block(&mut self) -> Result<Kind<'s>, QueryError> {
        let start = self.at;
        self.at += 3;
        let mut raw = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with("\"\"\"") {
                self.at += 3;
                return Ok(Kind::Text(dedented(&raw)));
            }
            if rest.starts_with("\\\"\"\"") {
                raw.push_str("\"\"\"");
                self.at += 4;
                continue;
            }
            let letter = rest.chars().next().ok_or(QueryError::Syntax(start))?;
            raw.push(letter);
            self.at += letter.len_utf8();
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The lines of `raw` without the indentation that all but the first have in common, and without
/// blank lines at both ends.
fn dedented(raw: &str) -> String {
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    let blanks = |line: &str| line.bytes().take_while(|it| matches!(it, b' ' | b'\t')).count();
    let lines: Vec<&str> = raw.split('\n').collect();
    let indents = lines.iter().skip(1).filter(|line| blanks(line) < line.len());
    let indent = indents.map(|line| blanks(line)).min().unwrap_or(0);
    let lines: Vec<&str> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { line.get(indent..).unwrap_or_default() })
        .collect();
    let is_ink = |line: &&str| blanks(line) < line.len();
    let first = lines.iter().position(is_ink).unwrap_or(lines.len());
    let last = lines.iter().rposition(is_ink).map_or(first, |last| last + 1);
    lines.get(first..last).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Result<Vec<Kind<'_>>, QueryError> {
        let mut lexer = Lexer::new(text);
        let mut kinds = Vec::new();
        loop {
            match lexer.token()?.kind {
                Kind::End => return Ok(kinds),
                kind => kinds.push(kind),
            }
        }
    }

    #[track_caller]
    fn check_text(text: &str, want: &str) {
        assert_eq!(kinds(text), Ok(vec![Kind::Text(want.to_owned())]), "{text}");
    }

    #[test]
    fn what_means_nothing_stands_between_tokens() {
        let text = "\u{feff}{,a # } b\r\n...c\t}";
        let want = [
            Kind::Punctuator(b'{'),
            Kind::Name("a"),
            Kind::Spread,
            Kind::Name("c"),
            Kind::Punctuator(b'}'),
        ];
        assert_eq!(kinds(text).unwrap(), want);
    }

    #[test]
    fn numbers_are_those_of_the_grammar() {
        assert_eq!(
            kinds("-0 12 1.5e+3").unwrap(),
            [Kind::Int("-0"), Kind::Int("12"), Kind::Float("1.5e+3")]
        );
        for bad in ["01", "1a", "1.", "1.a", "-", "1e", "1.2.3", "0x1"] {
            assert!(kinds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn strings_are_decoded() {
        check_text(r#""a\"\\\/\b\f\n\r\t\u00e9""#, "a\"\\/\u{8}\u{c}\n\r\té");
        check_text(r#""""#, "");
        check_text("\"# no comment {\"", "# no comment {");
        for bad in ["\"a", "\"a\nb\"", r#""\x""#, r#""\u12""#, r#""\u+123""#, "\"\"\"a\"\""] {
            assert!(kinds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn block_strings_lose_their_indentation() {
        check_text("\"\"\"\n    a\n      b\n\n    c \\\"\"\"\n  \"\"\"", "a\n  b\n\nc \"\"\"");
        check_text("\"\"\"x\"\"\"", "x");
        check_text("\"\"\"  \"\"\"", "");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for bad in [";", "..", "'a'", "é", "\u{0}", "\u{a0}", "?"] {
            assert!(matches!(kinds(bad), Err(QueryError::Syntax(0))), "{bad}");
        }
        assert_eq!(kinds(&"a ".repeat(TOKENS_MAX + 1)), Err(QueryError::TooLarge));
    }
}
