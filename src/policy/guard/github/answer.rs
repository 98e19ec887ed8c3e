// SPDX-License-Identifier: MIT
//! The result of a call, and the JSON in its text.

use super::call::DEPTH_MAX;
use crate::wire::json::{JsonError, Node, Value, tree};

/// A result that has been read.
#[derive(Debug)]
pub(super) struct Answer {
    raw: Node,
    /// What the text of its first content item means, if it is JSON.
    inner: Option<Node>,
    /// Whether it says that the call failed.
    pub is_error: bool,
}

impl Answer {
    /// Reads the `result` of `tools/call`, or what a server gave without that envelope.
    pub fn read(result: &[u8]) -> Result<Self, JsonError> {
        let mut raw = tree::parse(result, DEPTH_MAX)?;
        let is_error = raw.get("isError").is_some_and(|flag| flag.value == Value::Bool(true));
        // The text is most of the result, and it is not needed twice.
        let inner = first_text(&mut raw).and_then(|text| {
            tree::parse(text.as_bytes(), DEPTH_MAX).ok().inspect(|_| text.clear())
        });
        Ok(Self { raw, inner, is_error })
    }

    /// What the answer says: its JSON, or the whole result.
    pub fn value(&self) -> &Node {
        self.inner.as_ref().unwrap_or(&self.raw)
    }

    /// Whether it is text that is not JSON.
    pub fn is_plain_text(&self) -> bool {
        let first = || self.raw.get("content")?.as_array()?.first();
        let kind = || first()?.get("type")?.as_str();
        self.inner.is_none() && kind() == Some("text")
    }

    /// Whether there is more in it than the one text.
    pub fn has_more(&self) -> bool {
        let content = self.raw.get("content").and_then(Node::as_array);
        content.is_some_and(|content| content.len() > 1)
    }

    /// What it says once more for programs.
    pub fn structured(&self) -> Option<&Node> {
        self.raw.get("structuredContent")
    }
}

/// The text of the first content item.
fn first_text(raw: &mut Node) -> Option<&mut String> {
    let first = member(raw, "content")?;
    let Value::Array(content) = &mut first.value else { return None };
    match &mut member(content.first_mut()?, "text")?.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn member<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let Value::Object(members) = &mut node.value else { return None };
    members.iter_mut().rfind(|(name, _)| name.text == key).map(|(_, value)| value)
}
