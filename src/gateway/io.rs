// SPDX-License-Identifier: MIT
//! The whole language between the gateway and the world: what goes in, what comes out.
//!
//! The gateway never calls its caller. It is told facts ([`Input`]) and asked for effects
//! ([`Output`]) until there are none; the reactor and the tests do this in the same way.

mod fetching;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{Key, Message};
use crate::gateway::shards::Moved;
use crate::gateway::snapshot::{ChildCommand, ServerId};
use crate::wire::Splice;
use crate::wire::http1::{RequestHead, ResponseHead};

pub use self::fetching::{
    FetchContent, FetchError, FetchErrorKind, FetchEvent, FetchHead, FetchMethod, FetchRequest,
};
pub use crate::gateway::backend::Backend;
pub use crate::gateway::call_end::CallEnd;
pub use crate::gateway::fetch::Fetch;
pub use crate::gateway::work::{Judging, Work};
pub use crate::mcp::tools::Withheld;
pub use crate::policy::guard::Labels;
pub use crate::policy::guard::records::Filtered;

/// Marks the keys of client connections; the reactor owns what they name.
pub enum Peer {}

/// A fact from the world.
#[derive(Debug)]
pub enum Input {
    // From clients.
    /// A complete request head; begins an exchange. The peer's next head comes only after this
    /// exchange has been answered with `Respond` or `Finish`.
    Head {
        /// The connection.
        peer: Key<Peer>,
        /// Where it comes from.
        from: PeerAddress,
        /// The request line and fields.
        head: Arc<RequestHead>,
    },
    /// The complete body of an exchange that was admitted with `Receive`; possibly empty.
    Body {
        /// The connection.
        peer: Key<Peer>,
        /// The body, without framing.
        body: Message,
    },
    /// One message on a connection that was answered with `Upgrade`.
    Frame {
        /// The connection.
        peer: Key<Peer>,
        /// The message; it is UTF-8.
        message: Message,
    },
    /// A connection has come from another shard, which has read this of it.
    Moved {
        /// The connection.
        peer: Key<Peer>,
        /// Where its client is.
        from: PeerAddress,
        /// What its client has asked for.
        what: Box<Moved>,
    },
    /// After `Output::Move`: there is no room for the connection, here or there.
    NotMoved {
        /// The connection; it waits for an answer.
        peer: Key<Peer>,
        /// What its client has asked for.
        what: Box<Moved>,
    },
    /// The connection is gone, or its client has broken HTTP and was told so.
    PeerClosed {
        /// The connection; no output for it has an effect any more.
        peer: Key<Peer>,
    },
    /// The peer owes us reading: more than `outbox_bytes_high` waits for it.
    PeerFull {
        /// The connection.
        peer: Key<Peer>,
    },
    /// After `PeerFull`, the peer has read most of it.
    PeerDrained {
        /// The connection.
        peer: Key<Peer>,
    },

    // From children.
    /// One line of a child's stdout that begins like JSON.
    Line {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// The line without its end.
        line: Message,
    },
    /// The beginning of a long line like that: nothing more of it comes before `PassLine`.
    LineBegins {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// What has come of it.
        start: Message,
    },
    /// A part of a line that passes.
    LinePart {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// What follows what came before.
        block: Message,
    },
    /// That line is complete, or cut since it is longer than allowed.
    LineEnd {
        /// The backend whose child it is.
        backend: Key<Backend>,
    },
    /// One line of a child's stdout that cannot be a message; not an error.
    Noise {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// The line, perhaps shortened.
        line: Message,
    },
    /// A line of a child's stdout was longer than allowed and is lost.
    LineTooLong {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// What was kept of it: its beginning.
        start: Message,
    },
    /// One line of a child's stderr.
    Stderr {
        /// The backend whose child it is.
        backend: Key<Backend>,
        /// The line, perhaps shortened.
        line: Message,
    },
    /// The child is gone and reaped, or could not be started.
    ChildClosed {
        /// The backend whose child it was.
        backend: Key<Backend>,
        /// Why.
        why: ChildEnd,
    },
    /// More than `backend_outbox_bytes_max` waits for the child; until `BackendDrained`.
    BackendFull {
        /// The backend.
        backend: Key<Backend>,
    },
    /// After `BackendFull`, the child has read most of it.
    BackendDrained {
        /// The backend.
        backend: Key<Backend>,
    },

    // From HTTP backends.
    /// The head of the answer.
    FetchHead {
        /// The request it answers.
        fetch: Key<Fetch>,
        /// Status and the fields that matter.
        head: FetchHead,
    },
    /// One message of the answer: a JSON body, one value of newline-separated JSON, or one SSE
    /// event. An SSE event without data carries an empty message.
    FetchMessage {
        /// The request it answers.
        fetch: Key<Fetch>,
        /// The message.
        message: Message,
        /// What the event said about itself; empty for JSON.
        event: FetchEvent,
    },
    /// The beginning of a long message of an answer that is JSON: nothing more of it comes before
    /// `PassMessage`.
    FetchBegins {
        /// The request it answers.
        fetch: Key<Fetch>,
        /// What has come of it.
        start: Message,
    },
    /// A part of a message that passes.
    FetchPart {
        /// The request it answers.
        fetch: Key<Fetch>,
        /// What follows what came before.
        block: Message,
    },
    /// That message is complete.
    FetchEnd {
        /// The request it answers.
        fetch: Key<Fetch>,
    },
    /// The answer is complete, or will never be. Nothing more comes for this fetch.
    FetchDone {
        /// The request.
        fetch: Key<Fetch>,
        /// How it ended.
        end: Result<(), FetchError>,
    },

    // From workers.
    /// One piece of a task is done. The tasks of one judgement come back in the order in which
    /// they left.
    Worked {
        /// What the task belongs to.
        judging: Key<Judging>,
        /// The task, a piece further.
        task: Box<dyn Work>,
    },

    // From the operator.
    /// Stop: finish what runs until `deadline`, then end everything.
    Drain {
        /// When patience ends.
        deadline: Instant,
        /// For the log.
        why: &'static str,
    },
    /// Stop at once; children still get their chance to leave.
    Halt,
}

/// An effect on the world.
#[derive(Debug)]
pub enum Output {
    // To clients.
    /// The exchange is admitted: read its body, with `100 Continue` if that was asked for.
    Receive {
        /// The connection.
        peer: Key<Peer>,
        /// The longest body that is accepted; a longer one is answered 413 by the link.
        bytes_max: usize,
    },
    /// Until this exchange is answered, its client has nothing more to say: the end of its input is
    /// its leaving, and not half of it.
    Watch {
        /// The connection.
        peer: Key<Peer>,
    },
    /// The whole answer.
    Respond {
        /// The connection.
        peer: Key<Peer>,
        /// Status, content type, extra fields.
        head: ResponseHead,
        /// The body; empty means `Content-Length: 0` or none, as the status asks.
        body: Splice,
        /// Whether the connection ends with this answer.
        close: bool,
    },
    /// The whole answer, whose body is what was counted: only the loop knows.
    RespondMetrics {
        /// The connection.
        peer: Key<Peer>,
        /// Status, content type, extra fields.
        head: ResponseHead,
        /// Whether each server is up, in the order of the snapshot.
        up: Box<[bool]>,
    },
    /// The head of an answer that comes in parts, until `Finish`.
    Begin {
        /// The connection.
        peer: Key<Peer>,
        /// Status, content type, extra fields.
        head: ResponseHead,
    },
    /// A part of an answer that has begun, or of an event on an open stream, as it leaves.
    Part {
        /// The connection.
        peer: Key<Peer>,
        /// The bytes.
        bytes: Message,
    },
    /// The head of an answer that is an event stream.
    Stream {
        /// The connection.
        peer: Key<Peer>,
        /// Status 200, content type, extra fields.
        head: ResponseHead,
    },
    /// The head of an answer after which the connection speaks WebSocket. It is a stream from then
    /// on: messages leave as `Event`, it ends with `Finish`, and messages come as `Input::Frame`.
    Upgrade {
        /// The connection.
        peer: Key<Peer>,
        /// Status 101 and the fields of the handshake.
        head: ResponseHead,
        /// The longest message that is accepted; a longer one is refused by the link.
        bytes_max: usize,
    },
    /// One event on an open stream.
    Event {
        /// The connection.
        peer: Key<Peer>,
        /// The event.
        event: StreamEvent,
    },
    /// The stream, or the answer in parts, is complete; the connection may be used again, unless it
    /// was upgraded.
    Finish {
        /// The connection.
        peer: Key<Peer>,
    },
    /// Hand the connection to another shard: what its client asks for is answered there. The
    /// connection is gone from here, and `PeerClosed` says so; or `NotMoved` follows.
    Move {
        /// The connection.
        peer: Key<Peer>,
        /// The place of the shard.
        shard: u16,
        /// What its client has asked for.
        what: Box<Moved>,
    },
    /// End the connection now.
    Close {
        /// The connection.
        peer: Key<Peer>,
    },

    // To children.
    /// Start a child. Messages may be sent at once; they wait in its pipe.
    Spawn {
        /// The backend that will own it.
        backend: Key<Backend>,
        /// What to run.
        command: Arc<ChildCommand>,
    },
    /// One message as one line; it holds no newline.
    Send {
        /// The backend.
        backend: Key<Backend>,
        /// The message.
        message: Splice,
    },
    /// Close stdin, wait, SIGTERM, wait, SIGKILL, then the container: `ChildClosed` follows.
    Stop {
        /// The backend.
        backend: Key<Backend>,
        /// Whether to skip the waits.
        now: bool,
    },
    /// Let the line that has begun pass in parts, or gather it.
    PassLine {
        /// The backend.
        backend: Key<Backend>,
        /// Whether it passes.
        passes: bool,
    },
    /// Stop or go on reading from a child.
    PauseChild {
        /// The backend.
        backend: Key<Backend>,
        /// Whether to stop.
        paused: bool,
    },

    // To HTTP backends.
    /// Send one HTTP request; `FetchDone` follows in any case.
    Fetch {
        /// Names the request from now on.
        fetch: Key<Fetch>,
        /// The request.
        request: Box<FetchRequest>,
    },
    /// Forget a request and close its connection; nothing more comes for it, `FetchDone` included.
    Cancel {
        /// The request.
        fetch: Key<Fetch>,
    },
    /// Let the message of an answer that has begun pass in parts, or gather it.
    PassMessage {
        /// The request.
        fetch: Key<Fetch>,
        /// Whether it passes.
        passes: bool,
    },
    /// Stop or go on reading an answer.
    PauseFetch {
        /// The request.
        fetch: Key<Fetch>,
        /// Whether to stop.
        paused: bool,
    },

    // To workers.
    /// Do one piece of a task that takes too long for the loop; `Worked` follows.
    Work {
        /// What the task belongs to.
        judging: Key<Judging>,
        /// The task.
        task: Box<dyn Work>,
    },

    // To observers and the process.
    /// Something worth recording.
    Emit(Event),
    /// The other shards get `Input::Drain`.
    DrainOthers {
        /// When patience ends.
        deadline: Instant,
        /// For the log.
        why: &'static str,
    },
    /// The other shards get `Input::Halt`.
    HaltOthers,
    /// Accept no more connections.
    StopListening,
    /// Everything has ended; the process may exit.
    Exit,
}

/// Where a client connection comes from and arrives at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// The client's address.
    pub ip: IpAddr,
    /// The client's port.
    pub port: u16,
    /// Whether our end of the connection has a loopback address.
    pub local_is_loopback: bool,
}

/// One event for a client's stream.
#[derive(Clone, Debug, Default)]
pub struct StreamEvent {
    /// The id, if the stream can be resumed.
    pub id: Option<Box<str>>,
    /// How long the client should wait before it comes back, in milliseconds.
    pub retry_ms: Option<u32>,
    /// What the event carries.
    pub data: StreamData,
}

/// What an event carries.
#[derive(Clone, Debug, Default)]
pub enum StreamData {
    /// A comment that keeps the connection alive; id and retry are not sent.
    Comment,
    /// Empty data: it primes the client with an id.
    #[default]
    Empty,
    /// One message.
    Message(Splice),
    /// Where to send messages to: the first event of the HTTP+SSE transport.
    Endpoint(Message),
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// It could not be started: the system's words.
    NotStarted(String),
    /// It exited with this status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// It closed its stdout and lives on; it is being ended, and nothing more is told of it.
    Mute,
    /// Whoever runs it for us can no longer be reached: why.
    Lost(String),
}

/// Something worth recording. Text is made from it by the observers, never here.
#[derive(Clone, Debug)]
pub struct Event {
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Whom it concerns, if a server.
    pub server: Option<ServerId>,
    /// What.
    pub kind: EventKind,
}

/// What there is to record.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A line for people; off the hot path.
    Note {
        /// How bad it is.
        level: Level,
        /// The category of the line, such as `startup`.
        category: &'static str,
        /// The line, without secrets.
        text: String,
    },
    /// A line for developers, written to stderr where `DEBUG` asks for it.
    Debug {
        /// The name that `DEBUG` patterns match, such as `gateway:open`.
        namespace: &'static str,
        /// The line.
        text: String,
    },
    /// A message to a backend.
    RpcOut {
        /// The method, without quotes; empty for a response.
        method: Message,
        /// The message as it came from the client.
        payload: Message,
    },
    /// The answer of a backend.
    RpcIn {
        /// The method it answers, without quotes.
        method: Message,
        /// The tool, if the method was `tools/call`.
        tool: Option<Message>,
        /// The message as it came; empty if there was none, or if it was not gathered.
        payload: Message,
        /// How long the message was.
        bytes: usize,
        /// From sending the request to this answer.
        duration: Duration,
        /// What became of the request.
        end: CallEnd,
        /// Why there is no good answer: the text of the error, ours or the backend's.
        error: Option<Box<str>>,
    },
    /// A request was denied, or given up with no answer to wait for: for those who count.
    Ended {
        /// Which of the two.
        end: CallEnd,
        /// Whether it was the call of a tool that is not recorded as answered as well.
        is_call: bool,
    },
    /// A message to or from a sink, and what its agent carries.
    OfAgent {
        /// Its labels.
        labels: Box<Labels>,
        /// `RpcOut` or `RpcIn`.
        rpc: Box<EventKind>,
    },
    /// An item was kept from the agent.
    Filtered {
        /// The tool whose answer it was in.
        tool: Box<str>,
        /// What it was, and why.
        filtered: Box<Filtered>,
    },
    /// A line of a child's stderr.
    Stderr {
        /// The line.
        line: Message,
    },
    /// A server's tools are known: the `tools` arrays of all pages.
    Tools {
        /// The raw arrays, in order, without tools that the configuration hides.
        pages: Vec<Message>,
        /// Names that some clients see otherwise: original, published.
        renamed: Vec<(Box<str>, Box<str>)>,
        /// Original names, and what becomes of `server___name` where several servers are one and
        /// that name is too long for a client.
        unified: Vec<(Box<str>, Box<str>)>,
        /// The tools that clients of the server's own care are not shown.
        withheld: Vec<Withheld>,
    },
}

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// As it should be.
    Info,
    /// It works, but somebody should know.
    Warn,
    /// Something was refused or lost.
    Error,
}
