// SPDX-License-Identifier: MIT
//! The era without a handshake: `server/discover` and its answer, and what `initialize` and its
//! answer are for peers of the other era.
//!
//! Spec: MCP 2026-07-28, server/discover, basic/versioning; MCP 2025-11-25, basic/lifecycle.

use crate::base::{Message, Span, bytes};
use crate::mcp::error::{self, Code};
use crate::mcp::legacy::{self, Handshake};
use crate::mcp::meta::{self, MetaEdit};
use crate::mcp::revision::{self, Revision};
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::{scan, write};

/// What stands for the name of a peer that does not say it, where the other era demands one.
const NAMELESS: &[u8] = br#"{"name":"unknown","version":"0"}"#;

/// What a server offers, by its capabilities of either era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// It has tools.
    pub tools: bool,
    /// It says so when they are others than before.
    pub tools_changes: bool,
    /// It has prompts.
    pub prompts: bool,
    /// It says so when they are others than before.
    pub prompts_changes: bool,
    /// It has resources.
    pub resources: bool,
    /// It says so when there are others than before.
    pub resources_changes: bool,
    /// It says so when one that somebody asked for has changed.
    pub resources_subscribe: bool,
    /// It completes arguments.
    pub completions: bool,
    /// It sends log messages.
    pub logging: bool,
    /// It has the modern extension for tasks.
    pub tasks: bool,
}

impl Offers {
    /// Reads the object `capabilities` of a server.
    #[must_use]
    pub fn of(text: &[u8], capabilities: Span) -> Self {
        let object = |of: Option<Span>, name| {
            scan::member(text, of?, name).filter(|value| value.of(text).starts_with(b"{"))
        };
        let own = |name| object(Some(capabilities), name);
        let says = |of: &'static str, name| {
            let value = own(of).and_then(|of| scan::member(text, of, name));
            value.is_some_and(|value| value.of(text) == b"true")
        };
        Self {
            tools: own("tools").is_some(),
            tools_changes: says("tools", "listChanged"),
            prompts: own("prompts").is_some(),
            prompts_changes: says("prompts", "listChanged"),
            resources: own("resources").is_some(),
            resources_changes: says("resources", "listChanged"),
            resources_subscribe: says("resources", "subscribe"),
            completions: own("completions").is_some(),
            logging: own("logging").is_some(),
            tasks: object(own("extensions"), meta::TASKS_EXTENSION).is_some(),
        }
    }
}

/// The answer of a modern server to `server/discover`. Places in `result`.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The bytes of `result`, as they came.
    pub result: Message,
    /// What the server can do, an object.
    pub capabilities: Span,
    /// Which program it is, an object.
    pub server_info: Option<Span>,
    /// What it tells models about itself, a string.
    pub instructions: Option<Span>,
    /// The revisions that it speaks, as it names them.
    pub versions: Vec<Box<str>>,
    /// How long the answer may be kept; 0 is not at all.
    pub ttl_ms: u64,
    /// Whether it may be kept for everybody, and not only for whoever asked.
    pub is_public: bool,
    /// What the capabilities say.
    pub offers: Offers,
}

/// Our own `server/discover`, without capabilities.
#[must_use]
pub fn discover_request(id: u64, gateway_version: &str) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |request| {
        request.str("jsonrpc", "2.0").u64("id", id).str("method", "server/discover");
        request.object("params", |params| {
            params.object("_meta", |of_request| {
                of_request.str(meta::PROTOCOL_VERSION, revision::modern().date);
                of_request.object(meta::CLIENT_INFO, |client| {
                    client.str("name", "penstock").str("version", gateway_version);
                });
                of_request.object(meta::CLIENT_CAPABILITIES, |_| ());
            });
        });
    });
    Message::new(out)
}

/// Reads the `result` of an answer to `server/discover`; `None` if it is none, or if the server
/// does not speak the modern revision.
#[must_use]
pub fn discovery(message: &Message, result: Span) -> Option<Discovery> {
    let result = message.slice(result);
    let whole = Span::new(0, result.len());
    let member = |name| scan::member(&result, whole, name);
    let begins = |span: &Span, byte: u8| span.of(&result).first() == Some(&byte);
    let versions = error::strings(&result, member("supportedVersions")?);
    if !versions.iter().any(|version| revision::is_modern(version.as_bytes())) {
        return None;
    }
    let capabilities = member("capabilities").filter(|span| begins(span, b'{'))?;
    let server_info = member("_meta")
        .and_then(|of_result| scan::member(&result, of_result, meta::SERVER_INFO))
        .filter(|span| begins(span, b'{'));
    Some(Discovery {
        capabilities,
        server_info,
        instructions: member("instructions").filter(|span| begins(span, b'"')),
        versions,
        ttl_ms: ttl_ms(&result, whole),
        is_public: is_public(&result, whole),
        offers: Offers::of(&result, capabilities),
        result,
    })
}

/// How long the modern result at `result` may be kept: 0 if it does not say it, or says nonsense.
///
/// Spec: MCP 2026-07-28, server/utilities/caching, "ttlMs".
#[must_use]
pub fn ttl_ms(text: &[u8], result: Span) -> u64 {
    let ttl = scan::member(text, result, "ttlMs");
    ttl.and_then(|ttl| bytes::parse_u64(ttl.of(text))).unwrap_or(0)
}

/// Whether the modern result at `result` may be kept for everybody.
#[must_use]
pub fn is_public(text: &[u8], result: Span) -> bool {
    let scope = scan::member(text, result, "cacheScope");
    scope.and_then(|scope| scan::string(text, scope)).is_some_and(|scope| scope == "public")
}

/// The answer to `server/discover` (whose id is spelled `id`) by a server that has a handshake.
///
/// It offers what the server offers, but for its tasks of the old kind. It may not be kept: the
/// server never said for how long.
#[must_use]
pub fn discover_result(id: &[u8], handshake: &Handshake) -> Message {
    let text = handshake.result.as_bytes();
    let whole = edit::whole(text);
    let versions = format!("[\"{}\"]", revision::modern().date);
    let mut added: Vec<(&str, &[u8])> =
        vec![("resultType", b"\"complete\""), ("supportedVersions", versions.as_bytes())];
    let mut edits = Edits::of(text);
    match scan::member(text, whole, "capabilities") {
        Some(capabilities) => edits.object(capabilities, |name, _| name != "tasks", &[]),
        None => added.push(("capabilities", b"{}")),
    }
    added.extend([("ttlMs", &b"0"[..]), ("cacheScope", b"\"private\"")]);
    let server = server_info(handshake).map(|server| (meta::SERVER_INFO, server));
    let of_result =
        MetaEdit { is_kept: |name| name != meta::SERVER_INFO, added: server.as_slice() };
    meta::edit_with_meta(&mut edits, whole, &of_result, is_shared, &added);
    legacy::response(id, &edits.apply())
}

/// Whether the answers to `initialize` and to `server/discover` mean the same by this member.
fn is_shared(name: &str) -> bool {
    const OF_INITIALIZE: [&str; 2] = ["protocolVersion", "serverInfo"];
    const OF_DISCOVER: [&str; 4] = ["resultType", "supportedVersions", "ttlMs", "cacheScope"];
    !OF_INITIALIZE.contains(&name) && !OF_DISCOVER.contains(&name)
}

/// Which program answered `initialize`, an object in JSON.
#[must_use]
pub fn server_info(handshake: &Handshake) -> Option<&[u8]> {
    let text = handshake.result.as_bytes();
    let server = scan::member(text, edit::whole(text), "serverInfo")?.of(text);
    server.starts_with(b"{").then_some(server)
}

/// The answer to `initialize` (whose id is spelled `id`) by a server that has no handshake, for a
/// client with which `agreed` was agreed on.
#[must_use]
pub fn greeting(id: &[u8], discovery: &Discovery, agreed: &Revision) -> Message {
    let text = discovery.result.as_bytes();
    let version = format!("\"{}\"", agreed.date);
    let server = discovery.server_info.map_or(NAMELESS, |server| server.of(text));
    let mut edits = Edits::of(text);
    let is_known = |name: &str| name != "extensions" && name != "tasks";
    edits.object(discovery.capabilities, |name, _| is_known(name), &[]);
    let of_result = MetaEdit { is_kept: |name| name != meta::SERVER_INFO, added: &[] };
    let added = [("protocolVersion", version.as_bytes()), ("serverInfo", server)];
    meta::edit_with_meta(&mut edits, edit::whole(text), &of_result, is_shared, &added);
    legacy::response(id, &edits.apply())
}

/// The `initialize` that we send for a modern client which declared `capabilities`: these and no
/// others, without extensions, of which legacy servers know nothing.
#[must_use]
pub fn initialize_for(
    id: u64,
    client_info: Option<&[u8]>,
    capabilities: &[u8],
    revision: &Revision,
) -> Message {
    let capabilities = match edit::whole(capabilities) {
        object if object.of(capabilities).starts_with(b"{") => {
            edit::without_member(capabilities, object, "extensions")
        }
        _ => b"{}".to_vec(),
    };
    let mut out = Vec::new();
    write::object(&mut out, |request| {
        request.str("jsonrpc", "2.0").u64("id", id).str("method", "initialize");
        request.object("params", |params| {
            params.str("protocolVersion", revision.date);
            params.raw("capabilities", &capabilities);
            params.raw("clientInfo", client_info.unwrap_or(NAMELESS));
        });
    });
    Message::new(out)
}

/// Whether an error with this code, in answer to `server/discover`, can only be a modern server's.
///
/// Spec: MCP 2026-07-28, basic/versioning.
#[must_use]
pub fn probe_says_modern(code: i64) -> bool {
    [Code::HEADER_MISMATCH, Code::MISSING_CAPABILITY, Code::UNSUPPORTED_VERSION]
        .iter()
        .any(|modern| i64::from(modern.0) == code)
}

#[cfg(test)]
mod tests;
