// SPDX-License-Identifier: MIT
//! Every fault once, for the document that lists them.
//!
//! It chooses nothing: statuses, codes and texts come from the table in `fault`.

use super::modern::ModernFault;
use super::{
    BackendFault, BackendFaultKind, ClientFault, Fault, Foreign, GatewayFault, RpcError, Shape,
    Unknown,
};
use crate::base::Limits;
use crate::gateway::judge::deny::Refusal;
use crate::mcp::meta::MetaError;
use crate::mcp::mirror::MirrorError;
use crate::mcp::{Code, Era};
use crate::wire::json::JsonReason;

/// One fault as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in the code.
    pub name: &'static str,
    /// The HTTP status, when nothing has been sent before.
    pub status: u16,
    /// The code of the JSON-RPC error, or the word in `error`; empty for plain text.
    pub code: String,
    /// The sentence for people, with examples for names and numbers.
    pub text: String,
}

/// All faults, sorted by whose doing they are.
#[must_use]
pub fn rows() -> Vec<Row> {
    all().iter().map(row_of).collect()
}

fn row_of(fault: &Fault) -> Row {
    let (status, shape) = fault.row();
    let (code, text) = match shape {
        Shape::Text(text) => (String::new(), text),
        Shape::Plain(code, text) => (code.to_owned(), text),
        Shape::Short(text) => (String::new(), text.to_owned()),
        Shape::Rpc(code, text) => (code.0.to_string(), text),
    };
    Row { name: name(fault), status, code, text }
}

fn all() -> Vec<Fault> {
    use ClientFault as C;
    let client = [
        C::NoSuchEndpoint,
        C::Method("GET, POST, DELETE"),
        C::Foreign(Foreign::Host, "evil.example".into()),
        C::Foreign(Foreign::Origin, "http://evil.example".into()),
        C::Unknown(Unknown::Missing),
        C::Unknown(Unknown::Malformed),
        C::Unknown(Unknown::Invalid),
        C::ContentType,
        C::Accept("Accept must contain both 'application/json' and 'text/event-stream'"),
        C::Revision,
        C::Upgrade("this address speaks WebSocket"),
        C::Handshake("Sec-WebSocket-Key is no key"),
        C::NoSession("Bad Request: Mcp-Session-Id header is required"),
        C::UnknownSession,
        C::EmptyBody,
        C::Message(RpcError::NotJson(JsonReason::ExpectedValue.at(17))),
        C::Message(RpcError::TooDeep),
        C::Message(RpcError::NotRpc { reason: "id is null", id: None }),
        C::Batch("2025-11-25"),
        C::BatchTooLong(Limits::DEFAULT.batch_messages_max),
        C::MisplacedInitialize,
        C::UnknownTool("delete_everything".into()),
        C::UnknownPrompt("summary".into()),
        C::UnknownResource("file:///gone".into(), Era::Legacy),
        C::UnknownResource("file:///gone".into(), Era::Modern),
        C::UnknownTask("github:7".into()),
        C::UnknownCursor,
        C::MissingParameter("name"),
        C::UnknownMethod("vendor/method".into()),
        C::Denied(Box::new(Refusal {
            code: Code::SERVER_ERROR,
            text: "DIFC Violation: Resource 'issue:acme/web#7' has …".into(),
            data: br#"{"rule":"difc.read.integrity"}"#.as_slice().into(),
        })),
        C::Task("there is no such task"),
        C::Busy,
        C::Modern(ModernFault::Answer),
        C::Modern(ModernFault::Batch),
        C::Modern(ModernFault::Mirror(MirrorError::Missing {
            field: "Mcp-Method".into(),
            body: "tools/call".into(),
        })),
        C::Modern(ModernFault::Meta(MetaError::Missing(
            "io.modelcontextprotocol/clientCapabilities",
        ))),
        C::Modern(ModernFault::Version("2027-01-01".into())),
        C::Modern(ModernFault::NoSuchMethod("ping".to_owned())),
        C::Modern(ModernFault::Capability("{\"elicitation\":{}}")),
        C::Modern(ModernFault::Params(
            "the server did not take a subscription to file:///a".into(),
        )),
    ];
    let backend = [
        (BackendFaultKind::Down, "its process exited with status 1; stderr: no such file"),
        (BackendFaultKind::TimedOut, "no answer to tools/call within 60s"),
        (BackendFaultKind::Misbehaved, "it ended its answer before the response"),
        (BackendFaultKind::Full, "more waits for it than is kept"),
    ];
    let backend = backend.map(|(kind, detail)| {
        Fault::Backend(BackendFault { server: "github".into(), kind, detail: detail.into() })
    });
    let gateway = [GatewayFault::Draining, GatewayFault::Closed, GatewayFault::Full("sessions")];
    let client = client.into_iter().map(Fault::Client);
    client.chain(backend).chain(gateway.into_iter().map(Fault::Gateway)).collect()
}

/// A new variant does not compile before it has a name here; then it belongs into `all` as well.
const fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Client(fault) => client_name(fault),
        Fault::Backend(fault) => match fault.kind {
            BackendFaultKind::Down => "Down",
            BackendFaultKind::TimedOut => "TimedOut",
            BackendFaultKind::Misbehaved => "Misbehaved",
            BackendFaultKind::Full => "Full",
        },
        Fault::Gateway(fault) => match fault {
            GatewayFault::Draining => "Draining",
            GatewayFault::Closed => "Closed",
            GatewayFault::Full(_) => "Full",
        },
    }
}

const fn client_name(fault: &ClientFault) -> &'static str {
    use ClientFault as C;
    match fault {
        C::NoSuchEndpoint => "NoSuchEndpoint",
        C::Method(_) => "Method",
        C::Foreign(Foreign::Host, _) => "Foreign(Host)",
        C::Foreign(Foreign::Origin, _) => "Foreign(Origin)",
        C::Unknown(Unknown::Missing) => "Unknown(Missing)",
        C::Unknown(Unknown::Malformed) => "Unknown(Malformed)",
        C::Unknown(Unknown::Invalid) => "Unknown(Invalid)",
        C::ContentType => "ContentType",
        C::Accept(_) => "Accept",
        C::Revision => "Revision",
        C::Upgrade(_) => "Upgrade",
        C::Handshake(_) => "Handshake",
        C::NoSession(_) => "NoSession",
        C::UnknownSession => "UnknownSession",
        C::EmptyBody => "EmptyBody",
        C::Message(RpcError::NotJson(_)) => "Message(NotJson)",
        C::Message(RpcError::TooDeep) => "Message(TooDeep)",
        C::Message(RpcError::NotRpc { .. }) => "Message(NotRpc)",
        C::Batch(_) => "Batch",
        C::BatchTooLong(_) => "BatchTooLong",
        C::MisplacedInitialize => "MisplacedInitialize",
        C::UnknownTool(_) => "UnknownTool",
        C::UnknownPrompt(_) => "UnknownPrompt",
        C::UnknownResource(_, Era::Legacy) => "UnknownResource",
        C::UnknownResource(_, Era::Modern) => "UnknownResource(Modern)",
        C::UnknownTask(_) => "UnknownTask",
        C::UnknownCursor => "UnknownCursor",
        C::MissingParameter(_) => "MissingParameter",
        C::UnknownMethod(_) => "UnknownMethod",
        C::Task(_) => "Task",
        C::Denied(_) => "Denied",
        C::Busy => "Busy",
        C::Modern(fault) => modern_name(fault),
    }
}

const fn modern_name(fault: &ModernFault) -> &'static str {
    match fault {
        ModernFault::Answer => "Modern(Answer)",
        ModernFault::Batch => "Modern(Batch)",
        ModernFault::Mirror(_) => "Modern(Mirror)",
        ModernFault::Meta(_) => "Modern(Meta)",
        ModernFault::Version(_) => "Modern(Version)",
        ModernFault::NoSuchMethod(_) => "Modern(NoSuchMethod)",
        ModernFault::Capability(_) => "Modern(Capability)",
        ModernFault::Params(_) => "Modern(Params)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_once() {
        let all = all();
        let whose = |fault: &Fault| std::mem::discriminant(fault);
        for (fault, at) in all.iter().zip(0..) {
            let again =
                all[at + 1..].iter().find(|o| whose(o) == whose(fault) && name(o) == name(fault));
            assert!(again.is_none(), "{}", name(fault));
        }
    }
}
