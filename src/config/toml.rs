// SPDX-License-Identifier: MIT
//! A TOML 1.1 file as a tree of what was said. Knows no key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::Problem;
use super::raw::{Item, Member, Value};
use crate::base::Span;

/// Problems that are reported for one text; what follows the first few is mostly echo.
const PROBLEMS_MAX: usize = 3;

/// Reads `text` as one TOML document.
///
/// Errors: the first places at which it is not TOML, at most one for each line.
pub fn parse(text: &str) -> Result<Item, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Item::new(Span::new(0, text.len()), table(root.into_inner())));
    }
    let mut problems: Vec<Problem> = Vec::new();
    let mut last_line = None;
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        let start = range.start.min(text.len());
        let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count();
        if last_line.replace(line) != Some(line) && problems.len() < PROBLEMS_MAX {
            let span = Span::new(start, range.end.clamp(start, text.len()));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            problems.push(Problem::syntax("TOML", span, message));
        }
    }
    Err(problems)
}

/// The parser sorts its tables by key; we want the order of the file.
fn table(table: DeTable<'_>) -> Value {
    let mut members: Vec<Member> = table
        .into_iter()
        .map(|(name, value)| Member {
            name_span: Span::new(name.span().start, name.span().end),
            name: name.into_inner().into_owned(),
            item: item(value),
        })
        .collect();
    members.sort_by_key(|member| member.name_span.start);
    Value::Table(members)
}

fn item(value: Spanned<DeValue<'_>>) -> Item {
    let span = Span::new(value.span().start, value.span().end);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(whole) => Value::Whole(whole),
            Err(_) => Value::Other(number.to_string()),
        },
        DeValue::Float(number) => Value::Other(number.to_string()),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(date) => Value::Other(date.to_string()),
        DeValue::Array(values) => Value::List(values.into_iter().map(item).collect()),
        DeValue::Table(members) => table(members),
    };
    Item::new(span, value)
}

/// Any bytes as a TOML configuration: loaded, or refused with a place for every problem.
pub fn fuzz(input: &[u8]) {
    super::fuzz(input, super::Format::Toml);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_the_order_of_the_file() {
        let text = "[servers.zeta]\ncommand = 'z'\n[servers.alpha]\nb = 1\na = 0x10\n";
        let root = parse(text).unwrap();
        let servers = root.get("servers").unwrap().as_table().unwrap();
        assert_eq!(servers[0].name, "zeta");
        assert_eq!(servers[1].item.as_table().unwrap()[0].name, "b");
        assert_eq!(servers[1].item.get("a").unwrap().value, Value::Whole(16));
        assert_eq!(servers[0].item.get("command").unwrap().span.of(text.as_bytes()), b"'z'");
    }

    #[test]
    fn inline_tables_may_span_lines() {
        let root = parse("env = {\n  A = 'x',\n  B = 'y',\n}\n").unwrap();
        assert_eq!(root.get("env").unwrap().as_table().unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_toml_has_a_place() {
        let problems = parse("[gateway]\nport 3000\n").unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].span.unwrap().start >= 10);
    }
}
