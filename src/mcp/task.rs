// SPDX-License-Identifier: MIT
//! Tasks, as far as the gateway offers them for servers that have none: what a client asks for, and
//! the messages about a task of ours.
//!
//! Spec: MCP 2025-11-25, basic/utilities/tasks; the extension `io.modelcontextprotocol/tasks` of
//! 2026-07-28.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::stamp::Stamp;
use crate::base::{Message, Span};
use crate::mcp::meta::TASKS_EXTENSION;
use crate::wire::json::edit::{self, Edits};
use crate::wire::json::scan;
use crate::wire::json::write::{self, ObjectWriter};
use crate::wire::jsonrpc::Envelope;

/// The member of `_meta` that says which task a message belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// What a server with tasks for calls of tools says among its capabilities.
const CAPABILITY: &[u8] = br#"{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;

/// What a tool says that may be called as a task, or not.
const EXECUTION: &[u8] = br#"{"taskSupport":"optional"}"#;

/// How a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its result is still to come.
    Working,
    /// Its result is there.
    Completed,
    /// Its result is an error.
    Failed,
    /// It was given up by its client.
    Cancelled,
}

/// What is told about a task.
#[derive(Clone, Copy, Debug)]
pub struct Task<'t> {
    /// Unguessable, visible ASCII.
    pub id: &'t str,
    /// How it is.
    pub status: Status,
    /// Why, if there is something to say.
    pub why: Option<&'t str>,
    /// In milliseconds since the epoch.
    pub created_ms: u64,
    /// The same.
    pub updated_ms: u64,
    /// How long it is kept from its creation on.
    pub ttl: Duration,
    /// How long a client should wait before it asks again.
    pub poll_after: Duration,
}

impl Status {
    /// Whether it stays like this.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Working)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a request asks to become a task; the inner value: how long it wants to be kept, if it
/// says so.
#[must_use]
pub fn wanted(text: &[u8], params: Option<Span>) -> Option<Option<Duration>> {
    let task = scan::member(text, params?, "task")?;
    if task.of(text).first() != Some(&b'{') {
        return None;
    }
    let ttl = scan::member(text, task, "ttl");
    let ms = ttl.and_then(|ttl| crate::base::bytes::parse_u64(ttl.of(text)));
    Some(ms.map(Duration::from_millis))
}

/// The request without its wish to become a task.
#[must_use]
pub fn without_task(message: &Message, envelope: &Envelope) -> Message {
    let Some(params) = envelope.params else { return message.clone() };
    Message::new(edit::without_member(message, params, "task"))
}

/// `params.taskId`, decoded.
#[must_use]
pub fn id_of(text: &[u8], params: Option<Span>) -> Option<Cow<'_, str>> {
    scan::string(text, scan::member(text, params?, "taskId")?)
}

/// Whether the result of a tool says that the tool has failed.
#[must_use]
pub fn is_failure(text: &[u8], result: Span) -> bool {
    scan::member(text, result, "isError").is_some_and(|flag| flag.of(text) == b"true")
}

/// Whether a server with this `initialize` result has tasks of its own.
#[must_use]
pub fn has_tasks(text: &[u8], result: Span) -> bool {
    let capabilities = scan::member(text, result, "capabilities");
    capabilities.and_then(|all| scan::member(text, all, "tasks")).is_some()
}

/// Says in an `initialize` result that there are tasks, if it does not say so already.
pub fn offer(edits: &mut Edits<'_>, result: Span) {
    let text = edits.text();
    if has_tasks(text, result) {
        return;
    }
    if let Some(capabilities) = scan::member(text, result, "capabilities") {
        edits.object(capabilities, |_, _| true, &[("tasks", CAPABILITY)]);
    }
}

/// Says in a `tools/list` result of each tool that it may be called as a task, unless the tool says
/// how it is executed itself.
pub fn offer_for_tools(edits: &mut Edits<'_>, result: Span) {
    let text = edits.text();
    let Some(tools) = scan::member(text, result, "tools") else { return };
    for tool in scan::elements(text, tools) {
        if scan::member(text, tool, "execution").is_none() {
            edits.object(tool, |_, _| true, &[("execution", EXECUTION)]);
        }
    }
}

impl Task<'_> {
    fn fill(&self, out: &mut ObjectWriter<'_>) {
        self.fill_dates(out);
        out.u64("ttl", ms(self.ttl)).u64("pollInterval", ms(self.poll_after));
    }

    fn fill_dates(&self, out: &mut ObjectWriter<'_>) {
        let mut stamp = Stamp::new();
        let mut date = |ms| String::from_utf8_lossy(stamp.rfc3339(ms)).into_owned();
        out.str("taskId", self.id).str("status", self.status.name());
        out.opt_str("statusMessage", self.why);
        out.str("createdAt", &date(self.created_ms));
        out.str("lastUpdatedAt", &date(self.updated_ms));
    }

    /// The answer to the call that has become this task.
    #[must_use]
    pub fn created(&self, id: &[u8]) -> Message {
        answer(id, |result| {
            result.object("task", |task| self.fill(task));
        })
    }

    /// The answer to `tasks/get` and `tasks/cancel`.
    #[must_use]
    pub fn state(&self, id: &[u8]) -> Message {
        answer(id, |result| self.fill(result))
    }

    /// What a modern server answers to a call that it has made a task of.
    ///
    /// Spec: the extension `io.modelcontextprotocol/tasks` of 2026-07-28.
    #[must_use]
    pub fn created_modern(&self, id: &[u8]) -> Message {
        answer(id, |result| {
            result.str("resultType", "task");
            self.fill_modern(result);
        })
    }

    /// The answer to `tasks/get` in the modern protocol, with what it came to, a JSON value, by its
    /// name.
    #[must_use]
    pub fn state_modern(&self, id: &[u8], outcome: Option<(&str, &[u8])>) -> Message {
        answer(id, |result| {
            result.str("resultType", "complete");
            self.fill_modern(result);
            if let Some((name, value)) = outcome {
                result.raw(name, value);
            }
        })
    }

    fn fill_modern(&self, out: &mut ObjectWriter<'_>) {
        self.fill_dates(out);
        out.u64("ttlMs", ms(self.ttl)).u64("pollIntervalMs", ms(self.poll_after));
    }

    /// `notifications/tasks/status`
    #[must_use]
    pub fn notification(&self) -> Message {
        let mut out = Vec::new();
        write::object(&mut out, |message| {
            message.str("jsonrpc", "2.0").str("method", "notifications/tasks/status");
            message.object("params", |params| self.fill(params));
        });
        Message::new(out)
    }
}

/// The answer to `tasks/cancel` and `tasks/update` in the modern protocol: it is taken.
#[must_use]
pub fn taken(id: &[u8]) -> Message {
    answer(id, |result| {
        result.str("resultType", "complete");
    })
}

/// Whether a modern server with these capabilities has tasks of its own.
#[must_use]
pub fn has_extension(text: &[u8], capabilities: Span) -> bool {
    let extensions = scan::member(text, capabilities, "extensions");
    extensions.and_then(|all| scan::member(text, all, TASKS_EXTENSION)).is_some()
}

/// Says in a `server/discover` result that there are tasks, if it does not say so already.
pub fn offer_extension(edits: &mut Edits<'_>, result: Span) {
    let text = edits.text();
    let Some(capabilities) = scan::member(text, result, "capabilities") else { return };
    if has_extension(text, capabilities) {
        return;
    }
    match scan::member(text, capabilities, "extensions") {
        Some(all) => edits.object(all, |_, _| true, &[(TASKS_EXTENSION, b"{}")]),
        None => {
            let all = br#"{"io.modelcontextprotocol/tasks":{}}"#;
            edits.object(capabilities, |_, _| true, &[("extensions", all)]);
        }
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The answer to `tasks/list`, in one page.
#[must_use]
pub fn list<'t>(id: &[u8], tasks: impl Iterator<Item = Task<'t>>) -> Message {
    answer(id, |result| {
        result.array("tasks", |all| {
            for task in tasks {
                all.object(|one| task.fill(one));
            }
        });
    })
}

/// The answer to `tasks/result`: `result`, a JSON object, with the task that it belongs to.
#[must_use]
pub fn payload(id: &[u8], result: &[u8], task: &str) -> Message {
    let whole = edit::whole(result);
    let mut related = Vec::new();
    write::object(&mut related, |related| {
        related.str("taskId", task);
    });
    let mut edits = Edits::of(result);
    let meta =
        scan::member(result, whole, "_meta").filter(|meta| meta.of(result).starts_with(b"{"));
    let mut fresh = Vec::new();
    match meta {
        Some(meta) => {
            edits.object(meta, |name, _| name != RELATED_TASK, &[(RELATED_TASK, &related)]);
        }
        None => {
            write::object(&mut fresh, |meta| {
                meta.raw(RELATED_TASK, &related);
            });
            edits.object(whole, |name, _| name != "_meta", &[("_meta", &fresh)]);
        }
    }
    let result = edits.apply();
    Message::new([b"{\"jsonrpc\":\"2.0\",\"id\":", id, b",\"result\":", &result, b"}"].concat())
}

fn answer(id: &[u8], fill: impl FnOnce(&mut ObjectWriter<'_>)) -> Message {
    let mut out = Vec::new();
    write::object(&mut out, |message| {
        message.str("jsonrpc", "2.0").raw("id", id).object("result", fill);
    });
    Message::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Limits;
    use crate::wire::jsonrpc::{self, Parsed};

    fn text(message: &[u8]) -> &str {
        std::str::from_utf8(message).unwrap()
    }

    #[test]
    fn a_call_that_asks_for_a_task_is_the_same_call_without_the_wish() {
        let message = Message::from(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x", "t\u0061sk":{"ttl":9}, "arguments":{"task":1.0}}}"#,
        );
        let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&message, &Limits::DEFAULT) else {
            panic!("it is a message");
        };
        let ttl = wanted(&message, envelope.params);
        assert_eq!(ttl, Some(Some(Duration::from_millis(9))));
        let bare = without_task(&message, &envelope);
        assert!(text(&bare).ends_with(r#""params":{"name":"x", "arguments":{"task":1.0}}}"#));
        for (params, want) in
            [("{}", None), (r#"{"task":{}}"#, Some(None)), (r#"{"task":1}"#, None)]
        {
            assert_eq!(wanted(params.as_bytes(), Some(Span::new(0, params.len()))), want);
        }
    }

    // Checklist 138.
    #[test]
    fn messages_about_a_modern_task_are_those_of_the_extension() {
        let task = Task {
            id: "T",
            status: Status::Completed,
            why: None,
            created_ms: 0,
            updated_ms: 0,
            ttl: Duration::from_secs(60),
            poll_after: Duration::from_secs(1),
        };
        let body = r#""taskId":"T","status":"completed","createdAt":"1970-01-01T00:00:00.000Z","lastUpdatedAt":"1970-01-01T00:00:00.000Z","ttlMs":60000,"pollIntervalMs":1000"#;
        let head = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"#;
        let created = task.created_modern(b"1");
        assert_eq!(text(&created), format!(r#"{head}"task",{body}}}}}"#));
        let state = task.state_modern(b"1", Some(("result", br#"{"n":1.0}"#)));
        assert_eq!(text(&state), format!(r#"{head}"complete",{body},"result":{{"n":1.0}}}}}}"#));
        assert_eq!(text(&taken(b"1")), format!(r#"{head}"complete"}}}}"#));
    }

    // Checklist 135.
    #[test]
    fn messages_about_a_task_are_those_of_the_specification() {
        let task = Task {
            id: "T",
            status: Status::Working,
            why: None,
            created_ms: 0,
            updated_ms: 1500,
            ttl: Duration::from_secs(60),
            poll_after: Duration::from_secs(1),
        };
        let body = r#""taskId":"T","status":"working","createdAt":"1970-01-01T00:00:00.000Z","lastUpdatedAt":"1970-01-01T00:00:01.500Z","ttl":60000,"pollInterval":1000"#;
        let created = task.created(b"\"i\"");
        let head = r#"{"jsonrpc":"2.0","id":"i","result":"#;
        assert_eq!(text(&created), format!(r#"{head}{{"task":{{{body}}}}}}}"#));
        assert_eq!(text(&task.state(b"\"i\"")), format!("{head}{{{body}}}}}"));
        let all = list(b"\"i\"", [task].into_iter());
        assert_eq!(text(&all), format!(r#"{head}{{"tasks":[{{{body}}}]}}}}"#));
        let failed = Task { status: Status::Failed, why: Some("no"), ..task };
        let told = failed.notification();
        assert!(text(&told).contains(r#""status":"failed","statusMessage":"no","createdAt""#));
    }

    #[test]
    fn a_result_says_which_task_it_belongs_to_and_is_otherwise_as_it_came() {
        let related = r#""io.modelcontextprotocol/related-task":{"taskId":"T"}"#;
        for (result, want) in [
            (r#"{"n": 1.0}"#, format!(r#"{{"_meta":{{{related}}},"n": 1.0}}"#)),
            (r#"{"_meta":{"a":1}}"#, format!(r#"{{"_meta":{{{related},"a":1}}}}"#)),
            (r#"{"_meta":7}"#, format!(r#"{{"_meta":{{{related}}}}}"#)),
            ("{}", format!(r#"{{"_meta":{{{related}}}}}"#)),
        ] {
            let got = payload(b"1", result.as_bytes(), "T");
            assert_eq!(text(&got), format!(r#"{{"jsonrpc":"2.0","id":1,"result":{want}}}"#));
        }
    }

    #[test]
    fn tasks_are_offered_where_nothing_is_said_about_them() {
        let offered = |text: &str, how: fn(&mut Edits<'_>, Span)| {
            let mut edits = Edits::of(text.as_bytes());
            how(&mut edits, Span::new(0, text.len()));
            String::from_utf8(edits.apply()).unwrap()
        };
        let capability = r#""tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;
        let hello = r#"{"capabilities":{"tools":{}}}"#;
        let want = format!(r#"{{"capabilities":{{{capability},"tools":{{}}}}}}"#);
        assert_eq!(offered(hello, offer), want);
        assert_eq!(offered(&want, offer), want);
        let extension = r#""io.modelcontextprotocol/tasks":{}"#;
        for (found, want) in [
            ("", format!(r#""extensions":{{{extension}}}"#)),
            (r#""extensions":{"x":{}}"#, format!(r#""extensions":{{{extension},"x":{{}}}}"#)),
            (
                &format!(r#""extensions":{{{extension}}}"#),
                format!(r#""extensions":{{{extension}}}"#),
            ),
        ] {
            let said = offered(&format!(r#"{{"capabilities":{{{found}}}}}"#), offer_extension);
            assert_eq!(said, format!(r#"{{"capabilities":{{{want}}}}}"#));
        }
        let tools = r#"{"tools":[{"name":"a"},{"name":"b","execution":{}}]}"#;
        let want = r#"{"tools":[{"execution":{"taskSupport":"optional"},"name":"a"},{"name":"b","execution":{}}]}"#;
        assert_eq!(offered(tools, offer_for_tools), want);
    }
}
