// SPDX-License-Identifier: MIT
//! Arguments that a tool wants mirrored in header fields: which, what they say, and whether a
//! request agrees with its body.
//!
//! ```text
//!   inputSchema ── rules ──> ParamRule: Mcp-Param-{header} mirrors the argument at {path}
//!   a client's request ── check ──>  |  <── build ── a request of ours
//! ```
//!
//! Spec: MCP 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".

use std::borrow::Cow;
use std::fmt;

use super::{Fields, Mirror, MirrorError, check_value, decode, differs, encode, missing};
use super::{param_field, shown};
use crate::base::bytes::contains;
use crate::base::{Message, Span};
use crate::wire::http1::chunked::is_token;
use crate::wire::json::{Node, Value, scan, tree};

/// The deepest place of a mirrored argument; a tool that wants a deeper one is invalid for us.
const PATH_MAX: usize = 16;

/// Mirrored arguments of one tool, as many as a head may have fields; a tool that wants more is
/// invalid for us.
const RULES_MAX: usize = 64;

/// One argument that is mirrored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamRule {
    /// What stands behind `Mcp-Param-` in the name of the field: a token.
    pub header: Box<str>,
    /// The names of members that lead to the argument, from the outermost one; at least one.
    pub path: Vec<Box<str>>,
}

/// Why a tool cannot be called over HTTP: its schema asks for fields that nobody can send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// An annotation at a place that no chain of `properties` leads to.
    Unreachable,
    /// The name is no token, or no text at all.
    Name(Box<str>),
    /// The annotated property is neither a string nor an integer nor a boolean.
    Type(Box<str>),
    /// Two properties want the same field.
    Repeated(Box<str>),
    /// More of them, or deeper in the arguments, than we follow.
    TooMany,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("x-mcp-header where `properties` alone do not lead"),
            Self::Name(name) => write!(f, "x-mcp-header '{name}' is no name of a header"),
            Self::Type(name) => {
                write!(f, "x-mcp-header '{name}' at neither a string, an integer nor a boolean")
            }
            Self::Repeated(name) => write!(f, "x-mcp-header '{name}' twice"),
            Self::TooMany => f.write_str("more x-mcp-header than we follow, or deeper ones"),
        }
    }
}

impl std::error::Error for RuleError {}

/// The keyword that says where an argument is mirrored.
pub const ANNOTATION: &str = "x-mcp-header";

/// The arguments that a tool with this `inputSchema`, a place in the valid JSON `text`, wants
/// mirrored; mostly none, which is seen in one sweep over the bytes.
///
/// Errors: the schema breaks a rule, and clients leave the tool out; trying again does not help.
pub fn rules(text: &[u8], schema: Span) -> Result<Vec<ParamRule>, RuleError> {
    let schema = schema.of(text);
    if !are_mentioned(schema) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    // Too deep for a tree is too deep for us.
    let root = tree::parse(schema, tree::TREE_DEPTH_MAX).map_err(|_| RuleError::TooMany)?;
    visit(&root, &mut Vec::new(), true, &mut found)?;
    Ok(found)
}

/// Whether there can be rules in `text`: the annotation stands there, or an escape that may spell
/// it. Costs one sweep.
#[must_use]
pub fn are_mentioned(text: &[u8]) -> bool {
    contains(text, ANNOTATION.as_bytes()) || contains(text, b"\\u00")
}

/// Keywords that hold a schema, or a list of them.
const SCHEMAS: &[&str] = &[
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords that hold schemas by name.
const NAMED_SCHEMAS: &[&str] =
    &["$defs", "definitions", "dependentSchemas", "dependencies", "patternProperties"];

/// Looks into a schema that lies at `path`; calls itself as deep as the tree is.
fn visit<'n>(
    schema: &'n Node,
    path: &mut Vec<&'n str>,
    reachable: bool,
    found: &mut Vec<ParamRule>,
) -> Result<(), RuleError> {
    for (keyword, node) in schema.as_object().unwrap_or_default() {
        let keyword = keyword.text.as_str();
        if keyword == ANNOTATION {
            let rule = reachable.then(|| rule(schema, node, path)).ok_or(RuleError::Unreachable)?;
            add(found, rule?)?;
        } else if keyword == "properties" {
            for (name, property) in node.as_object().unwrap_or_default() {
                path.push(&name.text);
                visit(property, path, reachable, found)?;
                path.pop();
            }
        } else if NAMED_SCHEMAS.contains(&keyword) {
            for (_, inner) in node.as_object().unwrap_or_default() {
                visit(inner, path, false, found)?;
            }
        } else if SCHEMAS.contains(&keyword) {
            for inner in node.as_array().unwrap_or(std::slice::from_ref(node)) {
                visit(inner, path, false, found)?;
            }
        }
    }
    Ok(())
}

fn rule(schema: &Node, name: &Node, path: &[&str]) -> Result<ParamRule, RuleError> {
    let header = match &name.value {
        Value::String(text) => text.as_str(),
        _ => return Err(RuleError::Name("".into())),
    };
    if header.is_empty() || !header.bytes().all(is_token) {
        return Err(RuleError::Name(shown(header.as_bytes())));
    }
    if path.is_empty() {
        return Err(RuleError::Unreachable);
    }
    match schema.get("type").and_then(Node::as_str) {
        Some("string" | "integer" | "boolean") => {}
        _ => return Err(RuleError::Type(shown(header.as_bytes()))),
    }
    let path = path.iter().map(|&name| name.into()).collect();
    Ok(ParamRule { header: header.into(), path })
}

fn add(found: &mut Vec<ParamRule>, rule: ParamRule) -> Result<(), RuleError> {
    if found.iter().any(|other| other.header.eq_ignore_ascii_case(&rule.header)) {
        return Err(RuleError::Repeated(shown(rule.header.as_bytes())));
    }
    if found.len() >= RULES_MAX || rule.path.len() > PATH_MAX {
        return Err(RuleError::TooMany);
    }
    found.push(rule);
    Ok(())
}

/// An argument that can be mirrored.
enum Argument<'t> {
    Text(Cow<'t, str>),
    /// As it is spelled.
    Number(&'t str),
}

impl Argument<'_> {
    /// As a field says it; `None` for a whole number that not every reader of JSON tells from its
    /// neighbours, which therefore nobody mirrors.
    fn rendered(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(spelled) => match Decimal::of(spelled)? {
                number if number.exponent < 0 => Some(Cow::Borrowed(spelled)),
                number => number.whole().map(Cow::Owned),
            },
        }
    }
}

/// The argument at the path of `rule`; `None` if there is none, or `null`, or no scalar.
fn argument<'t>(text: &'t [u8], arguments: Option<Span>, rule: &ParamRule) -> Option<Argument<'t>> {
    let step = |place, name: &str| scan::member(text, place, name);
    let place = rule.path.iter().map(AsRef::as_ref).try_fold(arguments?, step)?;
    let spelled = std::str::from_utf8(place.of(text)).ok()?;
    match spelled.as_bytes().first()? {
        b'"' => scan::string(text, place).map(Argument::Text),
        b't' | b'f' => Some(Argument::Text(Cow::Borrowed(spelled))),
        b'-' | b'0'..=b'9' => Some(Argument::Number(spelled)),
        _ => None,
    }
}

/// Whether the `Mcp-Param-*` fields of a call say what its `arguments`, a place in the valid JSON
/// `text`, say. Fields that no rule knows mean nothing.
///
/// Errors: the first field that does not.
pub fn check(
    rules: &[ParamRule],
    mirror: &Mirror,
    text: &[u8],
    arguments: Option<Span>,
) -> Result<(), MirrorError> {
    for rule in rules {
        let header = mirror.param(&rule.header);
        match (header, argument(text, arguments, rule)) {
            (None, None) => {}
            (None, Some(argument)) => {
                if let Some(body) = argument.rendered() {
                    return Err(missing(&param_field(&rule.header), &body));
                }
            }
            // Who has routed by it has routed by what the tool will never see.
            (Some(header), None) => check_value(&param_field(&rule.header), header, None)?,
            (Some(header), Some(Argument::Text(body))) => {
                check_value(&param_field(&rule.header), header, Some(&body))?;
            }
            (Some(header), Some(Argument::Number(body))) => {
                let field = param_field(&rule.header);
                let Some(said) = decode(header) else {
                    return Err(MirrorError::Malformed { field, header: shown(header) });
                };
                if said != body && !is_same_number(&said, body) {
                    return Err(differs(&field, header, body));
                }
            }
        }
    }
    Ok(())
}

/// The `Mcp-Param-*` fields of a call with these `arguments`, a place in the valid JSON `text`.
#[must_use]
pub fn build(rules: &[ParamRule], text: &[u8], arguments: Option<Span>) -> Fields {
    let field = |rule: &ParamRule| {
        let argument = argument(text, arguments, rule)?;
        let value = encode(&argument.rendered()?).into();
        Some((param_field(&rule.header), value))
    };
    rules.iter().filter_map(field).collect()
}

/// Whether two spellings, of JSON both, name the same number: `42`, `42.0` and `4.2e1` do.
fn is_same_number(one: &str, other: &str) -> bool {
    let one = Decimal::of(one);
    one.is_some() && one == Decimal::of(other)
}

/// A number exactly: its digits without zeros at either end, and the power of ten of the last one.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// What `spelled` means; `None` if it is no JSON number, or its exponent is beyond any use.
    fn of(spelled: &str) -> Option<Self> {
        scan::validate(spelled.as_bytes(), 1).ok()?;
        let (negative, rest) = match spelled.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, spelled),
        };
        if !rest.starts_with(|first: char| first.is_ascii_digit()) || !rest.is_ascii() {
            return None;
        }
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = [whole.as_bytes(), fraction.as_bytes()].concat();
        let power: i32 = power.parse().ok()?;
        let mut exponent = i64::from(power) - i64::try_from(fraction.len()).ok()?;
        while digits.pop_if(|digit| *digit == b'0').is_some() {
            exponent += 1;
        }
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..zeros);
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        Some(Self { negative, digits, exponent })
    }

    /// The whole number in digits; `None` from 2^53 on, and for one that is not whole.
    fn whole(&self) -> Option<String> {
        const MAX: u64 = (1 << 53) - 1;
        let zeros = usize::try_from(self.exponent).ok().filter(|&zeros| zeros < 16)?;
        let digits = std::str::from_utf8(&self.digits).ok()?;
        let value: u64 = format!("0{digits}{:0<zeros$}", "").parse().ok()?;
        let sign = if self.negative { "-" } else { "" };
        (value <= MAX).then(|| format!("{sign}{value}"))
    }
}

/// The part of the fuzz body that knows schemas: fields that were made for a call agree with it.
pub(super) fn check_agreement(schema: &[u8], arguments: &[u8]) {
    const DEPTH_MAX: usize = 64;
    let is_valid = |text| scan::validate(text, DEPTH_MAX).is_ok();
    let all = |text: &[u8]| Span::new(0, text.len());
    if !is_valid(schema) {
        return;
    }
    let place = all(schema);
    let Ok(rules) = rules(schema, place) else { return };
    let _ = check(&rules, &Mirror::default(), schema, Some(place));
    if !is_valid(arguments) {
        return;
    }
    let start = arguments.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let place = Span::new(start, arguments.len());
    let params = build(&rules, arguments, Some(place)).into_iter().map(|(field, value)| {
        let name = field.strip_prefix(super::PARAM).unwrap_or_default();
        (name.into(), Message::from(&*value))
    });
    let mirror = Mirror { params: params.collect(), ..Mirror::default() };
    assert_eq!(check(&rules, &mirror, arguments, Some(place)), Ok(()));
}
