// SPDX-License-Identifier: MIT
//! The server behind the gateway, as the file describes it: it knows one tool, and answers what it
//! is said to answer.

use std::sync::Arc;
use std::time::Duration;

use crate::base::Message;
use crate::gateway::snapshot::{ChildCommand, HttpTarget, Transport};
use crate::mcp::Code;
use crate::policy::guard::Need;
use crate::policy::guard::explain::Call;
use crate::wire::json::{edit, scan, write};

/// What a tool answers of which nobody has said what it answers.
const NOTHING: &[u8] = br#"{"content":[]}"#;

/// A child that nobody starts.
pub fn child(name: &Arc<str>) -> Transport {
    Transport::Stdio(Arc::new(ChildCommand {
        server: Arc::clone(name),
        program: "".into(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
        container: None,
        leave_after_max: Duration::ZERO,
        term_after_max: Duration::ZERO,
    }))
}

/// A forge that nobody asks.
pub fn forge() -> Arc<HttpTarget> {
    Arc::new(HttpTarget {
        server: "forge".into(),
        tls: true,
        host: "forge.invalid".into(),
        port: 1,
        path: "".into(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(1),
    })
}

/// The line with which the server answers `message`; `None`: it says nothing. `need` is what a
/// guard waits for.
pub fn answer(message: &Message, call: &mut Call, need: Option<&Need>) -> Option<Message> {
    let whole = edit::whole(message);
    let member = |name| scan::member(message, whole, name);
    let (id, method) = (member("id")?, scan::string(message, member("method")?)?);
    let param = |name| {
        let span = scan::member(message, member("params")?, name)?;
        Some(scan::string(message, span)?.into_owned())
    };
    let result = match &*method {
        "initialize" => Some(handshake(&param("protocolVersion").unwrap_or_default())),
        "tools/list" => Some(tools(&call.tool)),
        "tools/call" => called(&param("name").unwrap_or_default(), call, need),
        "ping" => Some(Message::copy_of(b"{}")),
        _ => None,
    };
    let mut line = Vec::new();
    write::object(&mut line, |out| {
        out.str("jsonrpc", "2.0").raw("id", id.of(message));
        if let Some(result) = result {
            out.raw("result", &result);
            return;
        }
        out.object("error", |out| {
            out.i64("code", Code::METHOD_NOT_FOUND.0.into());
            out.str("message", "the file does not say what is answered");
        });
    });
    Some(Message::new(line))
}

/// What a tool answers: to the guard if it has asked, else to the agent.
fn called(tool: &str, call: &mut Call, need: Option<&Need>) -> Option<Message> {
    match need {
        Some(need) if *need.tool == *tool => call.answer(tool),
        _ => Some(call.result.clone().unwrap_or_else(|| Message::copy_of(NOTHING))),
    }
}

fn tools(tool: &str) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.array("tools", |tools| {
            tools.object(|one| {
                one.str("name", tool).raw("inputSchema", br#"{"type":"object"}"#);
            });
        });
    });
    Message::new(out)
}

fn handshake(revision: &str) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        out.str("protocolVersion", revision);
        out.object("capabilities", |out| _ = out.object("tools", |_| ()));
        out.object("serverInfo", |out| _ = out.str("name", "rehearsal").str("version", "0"));
    });
    Message::new(out)
}
