// SPDX-License-Identifier: MIT
//! `subscriptions/listen`: what a client wants to hear, and the messages about it.
//!
//! Spec: MCP 2026-07-28, basic/subscriptions.

use crate::base::{Message, Span};
use crate::mcp::meta::SUBSCRIPTION_ID;
use crate::wire::json::write::push_str;
use crate::wire::json::{scan, write};

/// Resources that one subscription can name; more are not honoured.
const URIS_MAX: usize = 1024;
/// The same for longer URIs, in bytes.
const URI_BYTES_MAX: usize = 4096;

/// Which notifications a subscription is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `notifications/tools/list_changed`
    pub tools: bool,
    /// `notifications/prompts/list_changed`
    pub prompts: bool,
    /// `notifications/resources/list_changed`
    pub resources: bool,
    /// `notifications/resources/updated` of these resources, without escapes.
    pub uris: Vec<Box<str>>,
}

impl Filter {
    /// The filter that `params.notifications` spells, of a request or of its acknowledgement.
    #[must_use]
    pub fn read(text: &[u8], params: Option<Span>) -> Self {
        let Some(wanted) = params.and_then(|params| scan::member(text, params, "notifications"))
        else {
            return Self::default();
        };
        let is_on =
            |name| scan::member(text, wanted, name).is_some_and(|value| value.of(text) == b"true");
        let uris = scan::member(text, wanted, "resourceSubscriptions");
        let uris = uris.into_iter().flat_map(|array| scan::elements(text, array));
        let uris = uris.filter_map(|span| scan::string(text, span));
        Self {
            tools: is_on("toolsListChanged"),
            prompts: is_on("promptsListChanged"),
            resources: is_on("resourcesListChanged"),
            uris: uris
                .filter(|uri| uri.len() <= URI_BYTES_MAX)
                .map(|uri| uri.as_ref().into())
                .take(URIS_MAX)
                .collect(),
        }
    }

    /// What of it a server with these `capabilities` (a JSON object) can honour.
    #[must_use]
    pub fn honoured(&self, text: &[u8], capabilities: Option<Span>) -> Self {
        let has = |kind, what| {
            let kind = capabilities.and_then(|all| scan::member(text, all, kind));
            let flag = kind.and_then(|kind| scan::member(text, kind, what));
            flag.is_some_and(|value| value.of(text) == b"true")
        };
        Self {
            tools: self.tools && has("tools", "listChanged"),
            prompts: self.prompts && has("prompts", "listChanged"),
            resources: self.resources && has("resources", "listChanged"),
            uris: if has("resources", "subscribe") { self.uris.clone() } else { Vec::new() },
        }
    }

    /// Writes what it is for, but for the resources that it names.
    pub fn write_flags(&self, out: &mut write::ObjectWriter<'_>) {
        let flags = [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ];
        for (name, _) in flags.iter().filter(|(_, is_on)| *is_on) {
            out.raw(name, b"true");
        }
    }

    /// Whether it is for this notification, by its method and the URI that it names.
    #[must_use]
    pub fn wants(&self, method: &str, uri: Option<&str>) -> bool {
        match method {
            "notifications/tools/list_changed" => self.tools,
            "notifications/prompts/list_changed" => self.prompts,
            "notifications/resources/list_changed" => self.resources,
            // The update may be of a part of what was subscribed to.
            "notifications/resources/updated" => {
                uri.is_some_and(|uri| self.uris.iter().any(|own| is_part(uri, own)))
            }
            _ => false,
        }
    }

    /// Whether it is for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"notifications\":{");
        let start = out.len();
        let flags = [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ];
        for (name, _) in flags.iter().filter(|(_, on)| *on) {
            push_comma(out, start);
            push_str(out, name);
            out.extend_from_slice(b":true");
        }
        if !self.uris.is_empty() {
            push_comma(out, start);
            out.extend_from_slice(b"\"resourceSubscriptions\":[");
            let start = out.len();
            for uri in &self.uris {
                push_comma(out, start);
                push_str(out, uri);
            }
            out.push(b']');
        }
        out.push(b'}');
    }

    /// `notifications/subscriptions/acknowledged` for the request `id`, as it is spelled.
    #[must_use]
    pub fn acknowledgement(&self, id: &[u8]) -> Message {
        let mut out = b"{\"jsonrpc\":\"2.0\",\
            \"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":"
            .to_vec();
        push_tag(&mut out, id);
        out.push(b',');
        self.push(&mut out);
        out.extend_from_slice(b"}}");
        Message::new(out)
    }

    /// `subscriptions/listen` for all of it, without `_meta`.
    #[must_use]
    pub fn request(&self, id: u64) -> Message {
        let mut out = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"subscriptions/listen\",\"params\":{{"
        )
        .into_bytes();
        self.push(&mut out);
        out.extend_from_slice(b"}}");
        Message::new(out)
    }
}

fn is_part(uri: &str, of: &str) -> bool {
    let rest = uri.strip_prefix(of);
    rest.is_some_and(|rest| {
        rest.is_empty() || of.ends_with('/') || rest.starts_with(['/', '?', '#'])
    })
}

fn push_comma(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

fn push_tag(out: &mut Vec<u8>, id: &[u8]) {
    out.push(b'{');
    push_str(out, SUBSCRIPTION_ID);
    out.push(b':');
    out.extend_from_slice(id);
    out.push(b'}');
}

/// The answer that ends a subscription in good order.
#[must_use]
pub fn listen_result(id: &[u8]) -> Message {
    let mut out = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
    out.extend_from_slice(id);
    out.extend_from_slice(b",\"result\":{\"resultType\":\"complete\",\"_meta\":");
    push_tag(&mut out, id);
    out.extend_from_slice(b"}}");
    Message::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Filter {
        Filter::read(text.as_bytes(), Some(Span::new(0, text.len())))
    }

    #[test]
    fn a_filter_is_read_narrowed_and_acknowledged_under_the_typed_id() {
        let text = r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,
            "resourcesListChanged":true,"resourceSubscriptions":["file:///a","b\u0063"]}}"#;
        let filter = read(text);
        assert!(filter.tools && filter.resources && !filter.prompts);
        assert_eq!(filter.uris, ["file:///a".into(), Box::<str>::from("bc")]);
        let can = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true}}"#;
        let honoured = filter.honoured(can.as_bytes(), Some(Span::new(0, can.len())));
        let said = honoured.acknowledgement(b"7");
        assert_eq!(
            String::from_utf8_lossy(&said),
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\
             \"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":7},\
             \"notifications\":{\"toolsListChanged\":true,\
             \"resourceSubscriptions\":[\"file:///a\",\"bc\"]}}}"
        );
        assert!(filter.honoured(b"{}", Some(Span::new(0, 2))).is_empty());
        assert!(read("{}").is_empty() && read(r#"{"notifications":7}"#).is_empty());
    }

    #[test]
    fn an_update_is_wanted_for_what_was_named_and_its_parts() {
        let filter = read(r#"{"notifications":{"resourceSubscriptions":["file:///a","d/"]}}"#);
        let updated = "notifications/resources/updated";
        for uri in ["file:///a", "file:///a/b", "file:///a#x", "d/e"] {
            assert!(filter.wants(updated, Some(uri)), "{uri}");
        }
        for uri in ["file:///ab", "file:///", "d"] {
            assert!(!filter.wants(updated, Some(uri)), "{uri}");
        }
        assert!(!filter.wants("notifications/tools/list_changed", None));
        assert!(!filter.wants("notifications/message", None));
    }
}
