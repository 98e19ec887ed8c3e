// SPDX-License-Identifier: MIT
//! Which event goes to which log, and in what words.
//!
//! ```text
//!            ┌─ main       mcp-gateway.log      every line
//!            ├─ servers    {server}.log         the lines about it
//!   Event ───┼─ rpc        rpc-messages.jsonl   every message, with its payload
//!            ├─ tools      tools.json           what servers offer, as a whole
//!            └─ stderr                          notes for people, debug lines if wanted
//! ```
//!
//! Each text is redacted once, before it is copied to its sinks. Messages are shown in text logs by
//! their shape alone. Does not know where the bytes go.

pub mod jsonl;
mod remembered;
mod rpc;
pub mod text;
pub mod tools;

use std::sync::Arc;

use crate::base::Secret;
use crate::base::stamp::Stamp;
use crate::gateway::io::{Event, EventKind, Level};
use crate::gateway::snapshot::ServerId;
use crate::observe::debug::{Elapsed, Patterns};
use crate::observe::redact::{Form, Redactor};
use crate::policy::guard::records::{self, Filtered};
use jsonl::Record;
use remembered::Remembered;
use tools::Tools;

pub use rpc::{Reply, Rpc};

/// The name under which stderr of children is shown by `DEBUG`.
const STDERR_NAMESPACE: &str = "backend:stderr";

/// The text of an error is cut to this in all logs.
const ERROR_BYTES_MAX: usize = 1024;

/// What has been written since the last time somebody took it away.
#[derive(Debug, Default)]
pub struct Batch {
    /// For `mcp-gateway.log`.
    pub main: Vec<u8>,
    /// For `{server}.log`, in the order of the servers.
    pub servers: Vec<Vec<u8>>,
    /// For `rpc-messages.jsonl`.
    pub rpc: Vec<u8>,
    /// For our own stderr.
    pub stderr: Vec<u8>,
    /// Whether [`Log::encode_tools`] would say something else than before.
    pub tools_changed: bool,
}

impl Batch {
    /// An empty batch for `n_servers` servers.
    #[must_use]
    pub fn new(n_servers: usize) -> Self {
        Self { servers: vec![Vec::new(); n_servers], ..Self::default() }
    }

    /// The bytes in all sinks.
    #[must_use]
    pub fn len(&self) -> usize {
        let servers: usize = self.servers.iter().map(Vec::len).sum();
        self.main.len() + servers + self.rpc.len() + self.stderr.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.tools_changed
    }
}

/// Turns events into lines.
pub struct Log {
    servers: Vec<Arc<str>>,
    redactor: Redactor,
    patterns: Patterns,
    elapsed: Elapsed,
    stamp: Stamp,
    tools: Tools,
    methods: Remembered,
    tool_names: Remembered,
    has_payloads: bool,
}

impl Log {
    /// `servers` as in the snapshot that events refer to; no line will contain one of `secrets`.
    #[must_use]
    pub fn new(servers: Vec<Arc<str>>, secrets: &[Secret], patterns: Patterns) -> Self {
        Self {
            servers,
            redactor: Redactor::new(secrets),
            patterns,
            elapsed: Elapsed::default(),
            stamp: Stamp::new(),
            tools: Tools::default(),
            methods: Remembered::default(),
            tool_names: Remembered::default(),
            has_payloads: true,
        }
    }

    /// Writes the lengths of messages instead of what they say.
    pub const fn leave_payloads_out(&mut self) {
        self.has_payloads = false;
    }

    /// Appends the lines of `event` to the sinks in `batch`.
    pub fn record(&mut self, event: &Event, batch: &mut Batch) {
        let about = self.about(event.at_unix_ms, event.server);
        match &event.kind {
            EventKind::Note { level, category, text } => {
                self.record_note(&about, *level, category, text, batch);
            }
            EventKind::Debug { namespace, text } => {
                let text = self.redactor.redact(text.as_bytes(), Form::Text).into_owned();
                about.push_line(batch, Level::Debug, namespace, |out| text::push_clean(out, &text));
                self.show_debug(&about, namespace, &text, batch);
            }
            EventKind::RpcOut { .. } | EventKind::RpcIn { .. } => {
                if let Some(rpc) = Rpc::of(event) {
                    self.record_rpc(&rpc, batch);
                }
            }
            EventKind::OfAgent { labels, rpc } => {
                if let Some(rpc) = Rpc::of_kind(event.at_unix_ms, event.server, rpc) {
                    self.record_rpc(&Rpc { labels: Some(labels), ..rpc }, batch);
                }
            }
            EventKind::Stderr { line } => self.record_stderr(&about, line, batch),
            // It is counted; notes say what people want to know of it.
            EventKind::Ended { .. } => {}
            EventKind::Filtered { tool, filtered } => {
                self.record_filtered(&about, tool, filtered, batch);
            }
            EventKind::Tools { pages, renamed, unified, withheld } => {
                if let Some(name) = &about.name {
                    let listing = tools::Listing { pages, renamed, unified, withheld };
                    batch.tools_changed |= self.tools.set(name, &listing, &self.redactor);
                }
            }
        }
    }

    /// Appends the lines of one message to the sinks in `batch`.
    pub fn record_rpc(&mut self, rpc: &Rpc<'_>, batch: &mut Batch) {
        let about = self.about(rpc.at_unix_ms, rpc.server);
        match &rpc.reply {
            None => self.record_request(&about, rpc, batch),
            Some(reply) => self.record_answer(&about, rpc, reply, batch),
        }
    }

    /// What `tools.json` has to say.
    #[must_use]
    pub fn encode_tools(&self) -> Vec<u8> {
        self.tools.encode()
    }

    fn about(&mut self, at_unix_ms: u64, server: Option<ServerId>) -> About {
        let place = |ServerId(id)| Some((usize::from(id), self.servers.get(usize::from(id))?));
        let server = server.and_then(place);
        About {
            at_unix_ms,
            index: server.map(|(index, _)| index),
            name: server.map(|(_, name)| Arc::clone(name)),
            stamp: *self.stamp.rfc3339(at_unix_ms),
        }
    }

    fn record_note(
        &mut self,
        about: &About,
        level: Level,
        category: &str,
        text: &str,
        batch: &mut Batch,
    ) {
        let text = self.redactor.redact(text.as_bytes(), Form::Text);
        about.push_line(batch, level, category, |out| text::push_clean(out, &text));
        if level >= Level::Info {
            batch.stderr.extend_from_slice(&self.stamp.plain(about.at_unix_ms));
            batch.stderr.push(b' ');
            about.push_name(&mut batch.stderr);
            text::push_clean(&mut batch.stderr, &text);
            batch.stderr.push(b'\n');
        }
    }

    fn show_debug(
        &mut self,
        about: &About,
        namespace: &'static str,
        text: &[u8],
        batch: &mut Batch,
    ) {
        if !self.patterns.matches(namespace) {
            return;
        }
        let out = &mut batch.stderr;
        out.extend_from_slice(namespace.as_bytes());
        out.push(b' ');
        about.push_name(out);
        text::push_clean(out, text);
        out.push(b' ');
        self.elapsed.push(out, namespace, about.at_unix_ms);
        out.push(b'\n');
    }

    fn record_stderr(&mut self, about: &About, line: &[u8], batch: &mut Batch) {
        let text = self.redactor.redact_cut(line);
        let text = String::from_utf8_lossy(&text).into_owned();
        about.push_line(batch, Level::Info, "backend", |out| {
            out.extend_from_slice(b"stderr: ");
            text::push_flat(out, text.as_bytes());
        });
        self.show_debug(about, STDERR_NAMESPACE, text.as_bytes(), batch);
    }

    /// An item that was kept from an agent: a line for people and a record for programs.
    fn record_filtered(
        &mut self,
        about: &About,
        tool: &str,
        filtered: &Filtered,
        batch: &mut Batch,
    ) {
        let stamp = String::from_utf8_lossy(&about.stamp);
        let json = records::to_json(filtered, about.name(), tool, &stamp);
        let json = self.redactor.redact(&json, Form::Json);
        about.push_line(batch, Level::Info, "difc", |out| {
            out.extend_from_slice(b"[DIFC-FILTERED] ");
            text::push_clean(out, &json);
        });
        batch.rpc.extend_from_slice(&json);
        batch.rpc.push(b'\n');
    }

    fn record_request(&mut self, about: &About, rpc: &Rpc<'_>, batch: &mut Batch) {
        let method = self.methods.redact(rpc.method, &self.redactor);
        about.push_line(batch, Level::Debug, "rpc", |out| {
            text::push_request(out, about.name(), &method, rpc.payload_len);
        });
        let record = Record {
            stamp: &about.stamp,
            server: about.name(),
            method: &method,
            labels: rpc.labels,
        };
        record.push_request(&mut batch.rpc, &self.payload(rpc, false));
    }

    fn record_answer(
        &mut self,
        about: &About,
        rpc: &Rpc<'_>,
        reply: &Reply<'_>,
        batch: &mut Batch,
    ) {
        let method = self.methods.redact(rpc.method, &self.redactor);
        let tool = reply.tool.map(|tool| self.tool_names.redact(tool, &self.redactor));
        let error = reply.error.map(|error| {
            let error = self.redactor.redact(error, Form::Text);
            text::cut(&error, ERROR_BYTES_MAX).to_vec()
        });
        let shape = text::Answer {
            server: about.name(),
            tool: tool.as_deref(),
            len: rpc.payload_len,
            duration: reply.duration,
            error: error.as_deref(),
        };
        let (level, category) = match tool {
            Some(_) => (Level::Info, "client"),
            None => (Level::Debug, "rpc"),
        };
        about.push_line(batch, level, category, |out| shape.push(out));
        let record = Record {
            stamp: &about.stamp,
            server: about.name(),
            method: &method,
            labels: rpc.labels,
        };
        record.push_answer(&mut batch.rpc, &shape, &self.payload(rpc, reply.error.is_some()));
    }

    fn payload<'p>(&self, rpc: &Rpc<'p>, doubtful: bool) -> jsonl::Payload<'p> {
        if !self.has_payloads {
            return jsonl::Payload::Left(rpc.payload_len);
        }
        jsonl::Payload::new(rpc.payload, rpc.payload_len, doubtful, &self.redactor)
    }
}

/// When, and whom it concerns.
struct About {
    at_unix_ms: u64,
    index: Option<usize>,
    name: Option<Arc<str>>,
    stamp: [u8; 24],
}

impl About {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("gateway")
    }

    fn push_name(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.name {
            out.push(b'[');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"] ");
        }
    }

    /// One line in the main log and, without the name of the server, in the server's own.
    fn push_line(
        &self,
        batch: &mut Batch,
        level: Level,
        category: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let out = &mut batch.main;
        let start = out.len();
        text::push_head(out, &self.stamp, level, category);
        let name_start = out.len();
        self.push_name(out);
        let name_end = out.len();
        write(out);
        out.push(b'\n');
        if let Some(own) = self.index.and_then(|index| batch.servers.get_mut(index)) {
            own.extend_from_slice(&out[start..name_start]);
            own.extend_from_slice(&out[name_end..]);
        }
    }
}

#[cfg(test)]
mod tests;
