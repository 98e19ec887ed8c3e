// SPDX-License-Identifier: MIT
//! What only tools have: tasks of the old kind, and results that are values.
//!
//! Spec: MCP 2025-11-25, basic/utilities/tasks; server/tools, "Structured Content".

use super::schema;
use crate::base::Span;
use crate::mcp::meta::object_of;
use crate::mcp::revision::Revision;
use crate::wire::json::edit::Edits;
use crate::wire::json::{scan, write};

/// In the result of `tools/list`: takes out the tools that can only be called as tasks of the old
/// kind, and what the others say about such tasks. No modern client could call them so.
pub(super) fn without_tasks(edits: &mut Edits<'_>, result: Span) {
    let text = edits.text();
    let Some(tools) = scan::member(text, result, "tools") else { return };
    let execution = |tool| scan::member(text, tool, "execution");
    let support = |tool| scan::member(text, execution(tool)?, "taskSupport");
    let is_callable = |tool: Span| {
        let support = support(tool).and_then(|support| scan::string(text, support));
        support.is_none_or(|support| support != "required")
    };
    for tool in scan::elements(text, tools).filter(|tool| is_callable(*tool)) {
        let (Some(execution), Some(_)) = (execution(tool), support(tool)) else { continue };
        if scan::members(text, execution).nth(1).is_some() {
            edits.object(execution, |name, _| name != "taskSupport", &[]);
        } else {
            edits.object(tool, |name, _| name != "execution", &[]);
        }
    }
    edits.array(tools, is_callable);
}

/// In the result of `tools/list`: lets the schema of what is no object speak of the object that
/// [`wrap_structured`] makes of it.
pub(super) fn wrap_schemas(edits: &mut Edits<'_>, result: Span) {
    let text = edits.text();
    let Some(tools) = scan::member(text, result, "tools") else { return };
    for tool in scan::elements(text, tools) {
        let Some(place) = scan::member(text, tool, "outputSchema") else { continue };
        if let Some(wrapped) = schema::wrapped(place.of(text)) {
            edits.replace(place, wrapped);
        }
    }
}

/// In the result of `tools/call`: a value that is no object becomes one whose `result` it is, and
/// stands in `content` as text as well if no other text does. Returns what the result lacks for
/// that: the member `content`, perhaps.
pub(super) fn wrap_structured(
    edits: &mut Edits<'_>,
    result: Span,
    agreed: &Revision,
) -> Option<(&'static str, Vec<u8>)> {
    let text = edits.text();
    let place = scan::member(text, result, "structuredContent")?;
    let value = place.of(text);
    let is_object = value.starts_with(b"{");
    if !is_object {
        edits.replace(place, object_of(&[("result", value)]));
    }
    if is_object && agreed.structured_content {
        return None;
    }
    let mut twin = Vec::new();
    write::object(&mut twin, |object| {
        object.str("type", "text").str("text", &String::from_utf8_lossy(value));
    });
    match scan::member(text, result, "content") {
        None => Some(("content", [b"[", &*twin, b"]"].concat())),
        Some(content) => {
            if !scan::elements(text, content).any(|element| is_text(text, element)) {
                edits.push_front(content, &twin);
            }
            None
        }
    }
}

fn is_text(text: &[u8], element: Span) -> bool {
    let kind = scan::member(text, element, "type").and_then(|kind| scan::string(text, kind));
    kind.is_some_and(|kind| kind == "text")
}
