// SPDX-License-Identifier: MIT
//! The fields we understand in requests, by name; and the small lists some of them hold.
//!
//! It does not know which of them may stand together: that is for `framing` and `head`.

use super::Field;
use crate::base::bytes::trim_ows;

/// A field of a request that means something to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// One that is handed on with the head.
    Handed(Field),
    /// `Connection`
    Connection,
    /// `Content-Length`
    ContentLength,
    /// `Expect`
    Expect,
    /// `Mcp-Param-*`
    Param,
    /// `Transfer-Encoding`
    TransferEncoding,
}

/// What the name of a field begins with that mirrors an argument of a tool.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// Which field `name` means; names are compared without case (RFC 9110 §5.1).
#[must_use]
pub fn known(name: &[u8]) -> Option<Known> {
    // No two candidates of the same length begin alike, so one comparison decides.
    let (spelled, field): (&[u8], Known) = match (name.len(), name.first()?.to_ascii_lowercase()) {
        (4, _) => (b"host", Known::Handed(Field::Host)),
        (6, b'a') => (b"accept", Known::Handed(Field::Accept)),
        (6, b'e') => (b"expect", Known::Expect),
        (6, _) => (b"origin", Known::Handed(Field::Origin)),
        (8, _) => (b"mcp-name", Known::Handed(Field::McpName)),
        (10, b'c') => (b"connection", Known::Connection),
        (10, b'm') => (b"mcp-method", Known::Handed(Field::McpMethod)),
        (10, _) => (b"x-agent-id", Known::Handed(Field::XAgentId)),
        (11.., b'm') if is_param(name) => return Some(Known::Param),
        (12, _) => (b"content-type", Known::Handed(Field::ContentType)),
        (13, b'a') => (b"authorization", Known::Handed(Field::Authorization)),
        (13, _) => (b"last-event-id", Known::Handed(Field::LastEventId)),
        (14, b'c') => (b"content-length", Known::ContentLength),
        (14, _) => (b"mcp-session-id", Known::Handed(Field::McpSessionId)),
        (17, _) => (b"transfer-encoding", Known::TransferEncoding),
        (20, _) => (b"mcp-protocol-version", Known::Handed(Field::McpProtocolVersion)),
        (29, _) => {
            let field = Field::AccessControlRequestMethod;
            (b"access-control-request-method", Known::Handed(field))
        }
        (30, _) => {
            let field = Field::AccessControlRequestHeaders;
            (b"access-control-request-headers", Known::Handed(field))
        }
        _ => return None,
    };
    is_name(name, spelled).then_some(field)
}

/// Whether a field of this name mirrors an argument of a tool.
#[must_use]
pub fn is_param(name: &[u8]) -> bool {
    let prefix = name.split_at_checked(PARAM_PREFIX.len());
    prefix
        .is_some_and(|(prefix, rest)| is_name(prefix, PARAM_PREFIX.as_bytes()) && !rest.is_empty())
}

/// Whether `name` is `spelled`, which has the letters `a` to `z` and `-`, in any case. Bit 5 makes
/// other bytes equal too, but only such as no token may hold.
fn is_name(name: &[u8], spelled: &[u8]) -> bool {
    let differs = |differs, (a, b): (&u8, &u8)| differs | ((a ^ b) & !0x20);
    name.len() == spelled.len() && name.iter().zip(spelled).fold(0, differs) == 0
}

/// The members of a comma-separated list, without blanks around them; empty members are skipped.
///
/// Quoted strings are not understood: no list that we read may hold them.
///
/// Spec: RFC 9110 §5.6.1.
pub fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim_ows).filter(|member| !member.is_empty())
}

/// What the `Connection` fields of one head ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Persistence {
    close: bool,
    keep_alive: bool,
}

impl Persistence {
    /// Takes the value of one `Connection` field in; there may be several.
    pub fn note(&mut self, value: &[u8]) {
        for option in members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether the connection may be used again, as far as the peer is concerned.
    ///
    /// Spec: RFC 9112 §9.3.
    #[must_use]
    pub const fn persists(self, version: super::head::Version) -> bool {
        match version {
            super::head::Version::Http10 => self.keep_alive && !self.close,
            super::head::Version::Http11 => !self.close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::head::Version;

    // Checklist 6.
    #[test]
    fn every_field_is_known_by_its_name_in_any_case() {
        let names: [(&str, Known); 17] = [
            ("Accept", Known::Handed(Field::Accept)),
            ("Access-Control-Request-Headers", Known::Handed(Field::AccessControlRequestHeaders)),
            ("Access-Control-Request-Method", Known::Handed(Field::AccessControlRequestMethod)),
            ("Authorization", Known::Handed(Field::Authorization)),
            ("Connection", Known::Connection),
            ("Content-Length", Known::ContentLength),
            ("Content-Type", Known::Handed(Field::ContentType)),
            ("Expect", Known::Expect),
            ("Host", Known::Handed(Field::Host)),
            ("Last-Event-ID", Known::Handed(Field::LastEventId)),
            ("Mcp-Method", Known::Handed(Field::McpMethod)),
            ("Mcp-Name", Known::Handed(Field::McpName)),
            ("MCP-Protocol-Version", Known::Handed(Field::McpProtocolVersion)),
            ("Mcp-Session-Id", Known::Handed(Field::McpSessionId)),
            ("Origin", Known::Handed(Field::Origin)),
            ("Transfer-Encoding", Known::TransferEncoding),
            ("X-Agent-ID", Known::Handed(Field::XAgentId)),
        ];
        for (name, want) in names {
            for spelled in [name.to_owned(), name.to_lowercase(), name.to_uppercase()] {
                assert_eq!(known(spelled.as_bytes()), Some(want), "{spelled}");
            }
            let other = format!("{}_", &name[..name.len() - 1]);
            assert_eq!(known(other.as_bytes()), None, "{other}");
        }
        assert_eq!(known(b""), None);
    }

    #[test]
    fn fields_that_mirror_arguments_are_known_by_their_prefix() {
        for len in 1..40 {
            for prefix in ["Mcp-Param-", "mcp-param-", "MCP-PARAM-"] {
                let name = format!("{prefix}{}", "x".repeat(len));
                assert_eq!(known(name.as_bytes()), Some(Known::Param), "{name}");
                assert_eq!(known(&name.as_bytes()[1..]), None, "{name}");
            }
        }
        assert_eq!(known(b"Mcp-Param-"), None);
        assert_eq!(known(b"Mcp-Params-x"), None);
    }

    #[test]
    fn old_connections_persist_only_on_request() {
        #[track_caller]
        fn check(values: &[&str], old: bool, new: bool) {
            let mut asked = Persistence::default();
            values.iter().for_each(|value| asked.note(value.as_bytes()));
            assert_eq!(asked.persists(Version::Http10), old, "{values:?}");
            assert_eq!(asked.persists(Version::Http11), new, "{values:?}");
        }
        check(&[], false, true);
        check(&["Keep-Alive"], true, true);
        check(&["close"], false, false);
        check(&["upgrade ,\tCLOSE,"], false, false);
        check(&["keep-alive", "close"], false, false);
        check(&["closed"], false, true);
    }
}
