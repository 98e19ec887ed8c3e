// SPDX-License-Identifier: MIT
//! Header fields of the modern era, which say what the body says: who routes by them must not be
//! told another thing than who executes.
//!
//! It does not know statuses or sessions. Values are compared, never trusted: the body decides.
//!
//! ```text
//!   RequestHead ── Mirror::of ──> Mirror ── check_version, check_method, check_name ──> the body
//!                                        └─ params::check ──> the arguments of a call
//!   the body ── fields_for ──> fields of a request of ours
//! ```
//!
//! Spec: MCP 2026-07-28, basic/transports/streamable-http, "Request Metadata".

pub mod params;

use std::borrow::Cow;
use std::fmt;

use crate::base::bytes::trim_ows;
use crate::base::{Message, Span, base64};
use crate::wire::http1::{Field, RequestHead};
use crate::wire::json::scan;

use self::params::ParamRule;

/// The names of fields and their values, ready to be sent.
pub type Fields = Vec<(Box<str>, Box<str>)>;

const VERSION: &str = "MCP-Protocol-Version";
const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";
const PARAM: &str = "Mcp-Param-";

/// What the header fields of one request say about its body.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    version: Option<Message>,
    method: Option<Message>,
    name: Option<Message>,
    /// What stands behind the prefix in the name, and the value.
    params: Vec<(Box<str>, Message)>,
}

/// Why a field does not say what the body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MirrorError {
    /// It has to be there and is not.
    Missing {
        /// The name of the field.
        field: Box<str>,
        /// What the body says.
        body: Box<str>,
    },
    /// It says another thing.
    Differs {
        /// The name of the field.
        field: Box<str>,
        /// What it says.
        header: Box<str>,
        /// What the body says.
        body: Box<str>,
    },
    /// It holds what no value may hold, or base64 that is none.
    Malformed {
        /// The name of the field.
        field: Box<str>,
        /// What it says.
        header: Box<str>,
    },
    /// It says something of which the body says nothing.
    Unfounded {
        /// The name of the field.
        field: Box<str>,
        /// What it says.
        header: Box<str>,
    },
}

impl Mirror {
    /// What `head` says. Nothing is copied but the names of mirrored arguments.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        Self {
            version: head.field_message(Field::McpProtocolVersion),
            method: head.field_message(Field::McpMethod),
            name: head.field_message(Field::McpName),
            params: head.param_messages().map(|(name, value)| (name.into(), value)).collect(),
        }
    }

    /// That of a request for `version` which bears these `fields`, as [`fields_for`] makes them.
    #[must_use]
    pub fn of_fields(version: &str, fields: &[(Box<str>, Box<str>)]) -> Self {
        let mut mirror = Self { version: Some(version.into()), ..Self::EMPTY };
        for (name, value) in fields {
            let value = Some(Message::copy_of(value.as_bytes()));
            match &**name {
                METHOD => mirror.method = value,
                NAME => mirror.name = value,
                name => {
                    let name = name.get(PARAM.len()..).unwrap_or_default();
                    mirror.params.extend(value.map(|value| (name.into(), value)));
                }
            }
        }
        mirror
    }

    /// Whether `MCP-Protocol-Version` is there and says `body`.
    pub fn check_version(&self, body: &str) -> Result<(), MirrorError> {
        check_plain(VERSION, self.version.as_ref(), body)
    }

    /// That of a request without any such field.
    pub const EMPTY: Self = Self { version: None, method: None, name: None, params: Vec::new() };

    /// Whether `MCP-Protocol-Version` is there.
    #[must_use]
    pub const fn has_version(&self) -> bool {
        self.version.is_some()
    }

    /// Whether `Mcp-Method` is there and says `method`, which is compared with case.
    pub fn check_method(&self, method: &str) -> Result<(), MirrorError> {
        check_plain(METHOD, self.method.as_ref(), method)
    }

    /// Whether `Mcp-Name` says `body`, which is what [`name_of`] found in a request with `method`.
    ///
    /// Methods without such a name need no field, and one that is there means nothing. If only the
    /// body says nothing, that is a mismatch; if neither does, it is for others to refuse.
    pub fn check_name(&self, method: &str, body: Option<&str>) -> Result<(), MirrorError> {
        if name_member(method).is_none() {
            return Ok(());
        }
        match (self.name.as_deref(), body) {
            (None, None) => Ok(()),
            (None, Some(body)) => Err(missing(NAME, body)),
            (Some(header), body) => check_value(NAME, header, body),
        }
    }

    /// The value of `Mcp-Param-{name}`, in whatever case the name is.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.params.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The `Mcp-Param-*` fields as they came, for who passes them on without knowing the tool. One
    /// that is not UTF-8 is left out: nobody could read it.
    #[must_use]
    pub fn param_fields(&self) -> Fields {
        let value = |value: &Message| Some(Box::from(std::str::from_utf8(value).ok()?));
        let field = |(name, text): &(Box<str>, Message)| Some((param_field(name), value(text)?));
        self.params.iter().filter_map(field).collect()
    }
}

/// The member of `params` that `Mcp-Name` mirrors in requests with `method`.
#[must_use]
pub fn name_member(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// What `Mcp-Name` mirrors: the text of that member of `params`, if the method has one and the
/// request too.
#[must_use]
pub fn name_of<'t>(text: &'t [u8], method: &str, params: Option<Span>) -> Option<Cow<'t, str>> {
    scan::string(text, scan::member(text, params?, name_member(method)?)?)
}

/// The fields of a request with this method and these `params`, besides `MCP-Protocol-Version`;
/// `rules` are those of the tool if it calls one.
#[must_use]
pub fn fields_for(text: &[u8], method: &str, params: Option<Span>, rules: &[ParamRule]) -> Fields {
    let mut fields = vec![(METHOD.into(), encode(method).into())];
    if let Some(name) = name_of(text, method, params) {
        fields.push((NAME.into(), encode(&name).into()));
    }
    let arguments = params.and_then(|params| scan::member(text, params, "arguments"));
    fields.extend(params::build(rules, text, arguments));
    fields
}

const BASE64_START: &str = "=?base64?";
const BASE64_END: &str = "?=";

/// `value` as a field may say it: as it is, if that survives the way, else in base64.
#[must_use]
pub fn encode(value: &str) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    let is_trimmed = trim_ows(bytes).len() == bytes.len();
    let is_marked = value.starts_with(BASE64_START) && value.ends_with(BASE64_END);
    if is_trimmed && !is_marked && bytes.iter().all(|&byte| is_plain(byte)) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("{BASE64_START}{}{BASE64_END}", base64::encode(bytes)))
}

/// What a field says, without the blanks around it; `None` if it holds bytes that none may hold,
/// or base64 that is none. The marker counts only in lower case.
#[must_use]
pub fn decode(value: &[u8]) -> Option<Cow<'_, str>> {
    let value = trim_ows(value);
    let marked = value
        .strip_prefix(BASE64_START.as_bytes())
        .and_then(|rest| rest.strip_suffix(BASE64_END.as_bytes()));
    if let Some(text) = marked {
        return Some(Cow::Owned(String::from_utf8(base64::decode(text)?).ok()?));
    }
    let is_plain = value.iter().all(|&byte| is_plain(byte));
    let text = std::str::from_utf8(value).ok()?;
    is_plain.then_some(Cow::Borrowed(text))
}

/// Spec: "visible ASCII characters (0x21-0x7E), space (0x20), and horizontal tab (0x09)".
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// For fields that know no base64.
fn check_plain(field: &str, header: Option<&Message>, body: &str) -> Result<(), MirrorError> {
    match header {
        None => Err(missing(field, body)),
        Some(header) if trim_ows(header) == body.as_bytes() => Ok(()),
        Some(header) => Err(differs(field, header, body)),
    }
}

fn check_value(field: &str, header: &[u8], body: Option<&str>) -> Result<(), MirrorError> {
    match (decode(header), body) {
        (None, _) => Err(MirrorError::Malformed { field: field.into(), header: shown(header) }),
        (Some(_), None) => {
            Err(MirrorError::Unfounded { field: field.into(), header: shown(header) })
        }
        (Some(said), Some(body)) if said == body => Ok(()),
        (Some(_), Some(body)) => Err(differs(field, header, body)),
    }
}

fn missing(field: &str, body: &str) -> MirrorError {
    MirrorError::Missing { field: field.into(), body: shown(body.as_bytes()) }
}

fn differs(field: &str, header: &[u8], body: &str) -> MirrorError {
    let (header, body) = (shown(header), shown(body.as_bytes()));
    MirrorError::Differs { field: field.into(), header, body }
}

fn param_field(name: &str) -> Box<str> {
    [PARAM, name].concat().into()
}

/// The beginning of `text`, for people.
fn shown(text: &[u8]) -> Box<str> {
    const BYTES_MAX: usize = 80;
    let text = trim_ows(text);
    match text.get(..BYTES_MAX) {
        Some(start) => format!("{}…", start.escape_ascii()).into(),
        None => text.escape_ascii().to_string().into(),
    }
}

impl fmt::Display for MirrorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { field, body } => {
                write!(f, "{field} header is missing; the body says '{body}'")
            }
            Self::Differs { field, header, body } => {
                write!(f, "{field} header value '{header}' does not match body value '{body}'")
            }
            Self::Malformed { field, header } => {
                write!(f, "{field} header value '{header}' is malformed")
            }
            Self::Unfounded { field, header } => {
                write!(f, "{field} header value '{header}' has no counterpart in the body")
            }
        }
    }
}

impl std::error::Error for MirrorError {}

/// Fuzz body: what is encoded is decoded again; no header panics; and the fields that are made for
/// a call agree with it.
///
/// The input is a schema, a line end, and arguments.
pub fn fuzz(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let encoded = encode(text);
        assert_eq!(trim_ows(encoded.as_bytes()), encoded.as_bytes());
        assert_eq!(decode(encoded.as_bytes()).as_deref(), Some(text));
    }
    if let Some(text) = decode(input) {
        assert_eq!(decode(encode(&text).as_bytes()).as_deref(), Some(&*text));
    }
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (schema, rest) = input.split_at(end);
    params::check_agreement(schema, rest);
}

#[cfg(test)]
mod tests;
