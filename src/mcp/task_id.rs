// SPDX-License-Identifier: MIT
//! Ids of tasks where several servers are one: `server:id`, because servers count from one alike.
//!
//! Spec: MCP 2025-11-25, basic/utilities/tasks.

use crate::base::{Message, Span};
use crate::wire::json::scan;
use crate::wire::json::write::push_str;
use crate::wire::jsonrpc::Envelope;

use super::catalogue::push_edited;

/// What ties a message to a task, in `_meta`.
const RELATED: &str = "io.modelcontextprotocol/related-task";

/// How many ids one message can name at these places.
const PLACES_MAX: usize = 4;

/// The id under which a task of `server` is known.
#[must_use]
pub fn join(server: &str, id: &str) -> String {
    [server, ":", id].concat()
}

/// The server's name and its own id; names of servers hold no colon.
#[must_use]
pub fn split(id: &str) -> Option<(&str, &str)> {
    id.split_once(':')
}

/// The places in a message that name a task of the server that speaks, or of the one spoken to.
/// `is_about_task`: the message, or the request that it answers, is about tasks, and names one
/// itself; otherwise only what relates it to a task counts.
#[must_use]
pub fn places(text: &[u8], envelope: &Envelope, is_about_task: bool) -> Vec<Span> {
    let mut places = Vec::with_capacity(PLACES_MAX);
    for whole in [envelope.params, envelope.result].into_iter().flatten() {
        let related = scan::member(text, whole, "_meta")
            .and_then(|meta| scan::member(text, meta, RELATED))
            .and_then(|related| scan::member(text, related, "taskId"));
        places.extend(related);
        if is_about_task {
            let nested = scan::member(text, whole, "task")
                .and_then(|task| scan::member(text, task, "taskId"));
            places.extend(scan::member(text, whole, "taskId"));
            places.extend(nested);
        }
    }
    places.retain(|span| span.of(text).starts_with(b"\""));
    places
}

/// The message with each id at `places` replaced by what `renamed` makes of it; `None`: nothing
/// changes.
pub fn with_ids(
    text: &Message,
    places: &[Span],
    renamed: impl Fn(&str) -> Option<String>,
) -> Option<Message> {
    let edits: Vec<_> = places
        .iter()
        .filter_map(|span| {
            let mut quoted = Vec::new();
            push_str(&mut quoted, &renamed(&scan::string(text, *span)?)?);
            Some((*span, quoted))
        })
        .collect();
    if edits.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() + edits.len() * 64);
    push_edited(&mut out, text, Span::new(0, text.len()), edits);
    Some(Message::new(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Limits;
    use crate::wire::jsonrpc::{Parsed, parse};

    #[track_caller]
    fn check(text: &str, is_about_task: bool, want: Option<&str>) {
        let message = Message::from(text);
        let Ok(Parsed::Single(envelope)) = parse(&message, &Limits::DEFAULT) else { panic!() };
        let places = places(&message, &envelope, is_about_task);
        let out = with_ids(&message, &places, |id| Some(join("a", id)));
        assert_eq!(out.as_ref().map(|out| str::from_utf8(out).unwrap()), want);
    }

    #[test]
    fn ids_are_found_where_they_name_tasks() {
        check(
            r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"7","x":1.0}}}"#,
            true,
            Some(r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"a:7","x":1.0}}}"#),
        );
        check(
            r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"7"}}"#,
            true,
            Some(
                r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"a:7"}}"#,
            ),
        );
        check(
            r#"{"jsonrpc":"2.0","id":1,"result":{"taskId":"9","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"7"}}}}"#,
            false,
            Some(
                r#"{"jsonrpc":"2.0","id":1,"result":{"taskId":"9","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"a:7"}}}}"#,
            ),
        );
        check(r#"{"jsonrpc":"2.0","id":1,"result":{"taskId":"9"}}"#, false, None);
        check(r#"{"jsonrpc":"2.0","id":1,"result":{"taskId":9}}"#, true, None);
    }

    #[test]
    fn an_id_is_taken_apart_at_the_first_colon() {
        assert_eq!(split(&join("a", "b:c")), Some(("a", "b:c")));
        assert_eq!(split("abc"), None);
    }
}
