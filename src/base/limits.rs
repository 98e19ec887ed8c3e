// SPDX-License-Identifier: MIT
//! Every bound of the program, in one place, with the relations that must hold between them.
//!
//! Names end in their unit. What happens at a limit is said beside it.

mod guard;
mod share;

pub use guard::GuardLimits;

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The bounds of one gateway. Built once, from [`Limits::DEFAULT`] and the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    // HTTP, from clients
    /// Request line and fields together; beyond: 431, connection closed.
    pub head_bytes_max: usize,
    /// Fields of a head; beyond: 431, connection closed.
    pub head_fields_max: usize,
    /// A chunk-size line with its extensions, and each trailer line; beyond: 400, closed.
    pub chunk_line_bytes_max: usize,
    /// Client message; beyond: 413 before it is read, connection closed.
    pub message_bytes_max: usize,
    /// Bytes of an unwanted body that are read and dropped to keep a connection; beyond: closed.
    pub discard_bytes_max: usize,
    /// Bytes of pipelined requests kept while one is answered; beyond: not read until then.
    pub pipelined_bytes_max: usize,
    /// From accept to the first byte of the first head; beyond: closed.
    pub first_byte_after_max: Duration,
    /// From the first byte of a head to its last; beyond: 408, closed.
    pub head_after_max: Duration,
    /// Without any byte of a body; beyond: 408, closed.
    pub body_stall_max: Duration,
    /// A kept-alive connection without a request; beyond: closed.
    pub keep_alive_max: Duration,
    /// Bytes owed to a client that reads too slowly; beyond: closed.
    pub outbox_bytes_max: usize,
    /// Bytes owed to a client from which on its backend is not read; half of it and it is again.
    pub outbox_bytes_high: usize,
    /// A client that owes us reading and takes nothing for so long is closed.
    pub write_stall_max: Duration,

    // Connections and exchanges
    /// Client connections of the process; beyond: accepted and closed at once.
    pub peers_max: usize,
    /// Client connections from one address; beyond: accepted and closed at once.
    pub peers_per_address_max: usize,
    /// Connections on their way to one of several loops; beyond: answered 503, and closed.
    pub moves_max: usize,
    /// Exchanges under way; beyond: 503 with `Retry-After`.
    pub exchanges_max: usize,
    /// Exchanges under way in one session; beyond: 429 with `Retry-After`.
    pub exchanges_per_session_max: usize,
    /// Members of one batch; beyond: 400.
    pub batch_messages_max: usize,
    /// Sessions; beyond: the longest idle one is ended, or 503 if none is idle.
    pub sessions_max: usize,
    /// Requests of a backend that wait for their client's answer, per session; beyond: refused.
    pub input_requests_per_session_max: usize,
    /// Children of one server that serve modern clients of one principal and one set of
    /// capabilities; beyond: calls wait for a child to be free.
    pub pooled_children_max: usize,
    /// Calls of modern clients that wait for their input; beyond: what would make one is refused.
    pub parked_calls_max: usize,
    /// The same for one principal.
    pub parked_calls_per_principal_max: usize,
    /// Rounds of input that one call of a legacy client may need; beyond: it fails.
    pub input_rounds_max: u32,
    /// How long a client has for one round of input; beyond: its call is cancelled, or fails.
    pub input_after_max: Duration,
    /// Messages that wait in a session for a stream to leave on; beyond: the oldest is dropped.
    pub queued_messages_max: usize,
    /// Bytes of the same.
    pub queued_bytes_max: usize,
    /// Events kept per stream for resumption; beyond: the oldest is forgotten.
    pub replay_events_max: usize,
    /// Bytes of the same.
    pub replay_bytes_max: usize,
    /// Streams kept per session for resumption; beyond: the oldest is forgotten.
    pub replay_streams_max: usize,

    // JSON
    /// Nesting of a message; beyond: 400, or noise from a backend.
    pub json_depth_max: usize,
    /// A JSON-RPC id as it is spelled; beyond: 400.
    pub id_bytes_max: usize,

    // Backends
    /// One message of a backend; beyond: the exchange fails, the rest of the line is dropped.
    pub backend_message_bytes_max: usize,
    /// An answer of a backend of which so much has come and that nothing looks into is passed on in
    /// blocks from then on, and not gathered.
    pub stream_from_bytes: usize,
    /// One line of a child's stderr; the rest of a longer one is dropped.
    pub stderr_line_bytes_max: usize,
    /// Lines of stderr kept for error messages, per child.
    pub stderr_lines_kept: usize,
    /// Bytes owed to a backend; beyond: new exchanges for it are refused with 503.
    pub backend_outbox_bytes_max: usize,
    /// Children alive; beyond: new sessions are refused with 503.
    pub children_max: usize,
    /// Idle connections kept per backend address.
    pub idle_connections_max: usize,
    /// How long an idle connection to a backend is kept.
    pub idle_connection_max: Duration,
    /// Pages of a list that the gateway asks for itself.
    pub list_pages_max: usize,
    /// Answers of servers that are kept while they hold; beyond: the oldest is forgotten.
    pub cache_entries_max: usize,
    /// Bytes of the same; a longer answer is not kept.
    pub cache_bytes_max: usize,
    /// Tasks of the gateway; beyond: the oldest that is over is forgotten, or refused.
    pub jobs_max: usize,
    /// Bytes of their results; beyond: the same, and a longer result makes the task fail.
    pub job_bytes_max: usize,
    /// How long a task is kept from its creation on if its client does not say.
    pub job_ttl: Duration,
    /// How long a client can have it kept.
    pub job_ttl_max: Duration,
    /// Tasks of shared servers whose client is remembered; beyond: its oldest is anybody's.
    pub tasks_max: usize,
    /// Requests that wait for the answer to an equal one; beyond: they are sent.
    pub followers_max: usize,

    // Guards
    /// Threads on which guards judge; beyond the number of processors none is started.
    pub guard_threads_max: usize,
    /// Pieces of judgements that wait for a thread; beyond: calls are refused with 503.
    pub guard_jobs_max: usize,
    /// Instances of one guard; beyond: judgements wait for their turn.
    pub guard_instances_max: usize,
    /// Facts of repositories and users that are kept; beyond: they are asked for again.
    pub guard_facts_max: usize,
    /// How long the forge may take to answer a guard; beyond: the guard does without.
    pub forge_after_max: Duration,
    /// One answer of the forge to a guard; beyond: the same.
    pub forge_answer_bytes_max: usize,
    /// Items hidden from one answer that are recorded one by one; beyond: they are counted.
    pub filtered_records_max: usize,

    // Several servers as one
    /// How long `initialize` waits for all servers; those that have not answered join later.
    pub unified_open_after_max: Duration,
    /// How long a list waits for all servers; beyond: answered without those that are missing.
    pub unified_list_after_max: Duration,
    /// Bytes of URIs whose servers a session remembers; beyond: servers are asked in order.
    pub unified_uris_bytes_max: usize,

    // Guards
    /// Denials that are kept, to answer the same call again; beyond: the oldest is forgotten.
    pub denials_kept_max: usize,
    /// Rule, text and data of one of them; a longer one is not kept.
    pub denial_bytes_max: usize,
    /// How long a denial is given again without judging the call anew.
    pub denial_believed_for: Duration,
    /// Agents whose labels are known; beyond: a new one is refused, for labels must not be lost.
    pub guarded_agents_max: usize,
    /// The name and the labels of one of them; beyond: what would add to them is refused.
    pub guarded_agent_bytes_max: usize,

    // The loop
    /// Bytes taken from one source before others get their turn.
    pub read_bytes_per_turn_max: usize,
    /// Bytes given to one source before others get their turn.
    pub write_bytes_per_turn_max: usize,
    /// Connections accepted per turn.
    pub accepts_per_turn_max: usize,
    /// Log events that wait for the log worker; beyond: dropped, and the number is logged.
    pub log_events_max: usize,

    // Silence
    /// After so long without an answer a stream is opened, with a comment.
    pub comment_after: Duration,
    /// How often an idle stream gets a comment.
    pub comment_every: Duration,

    // Guards
    /// What a guard in WebAssembly may take.
    pub guard: GuardLimits,
}

impl Limits {
    /// What the gateway runs with unless it is told otherwise.
    pub const DEFAULT: Self = Self {
        head_bytes_max: 16 * KIB,
        head_fields_max: 64,
        chunk_line_bytes_max: 1024,
        message_bytes_max: 16 * MIB,
        discard_bytes_max: 64 * KIB,
        pipelined_bytes_max: 64 * KIB,
        first_byte_after_max: Duration::from_secs(30),
        head_after_max: Duration::from_secs(10),
        body_stall_max: Duration::from_secs(30),
        keep_alive_max: Duration::from_secs(120),
        outbox_bytes_max: 64 * MIB,
        outbox_bytes_high: MIB,
        write_stall_max: Duration::from_secs(60),
        peers_max: 65_536,
        peers_per_address_max: 32_768,
        moves_max: 256,
        exchanges_max: 4096,
        exchanges_per_session_max: 1024,
        batch_messages_max: 100,
        sessions_max: 16_384,
        input_requests_per_session_max: 64,
        pooled_children_max: 16,
        parked_calls_max: 1024,
        parked_calls_per_principal_max: 256,
        input_rounds_max: 10,
        input_after_max: Duration::from_secs(600),
        queued_messages_max: 64,
        queued_bytes_max: MIB,
        replay_events_max: 64,
        replay_bytes_max: MIB,
        replay_streams_max: 8,
        json_depth_max: 512,
        id_bytes_max: 4 * KIB,
        backend_message_bytes_max: 64 * MIB,
        stream_from_bytes: MIB,
        stderr_line_bytes_max: 4 * KIB,
        stderr_lines_kept: 20,
        backend_outbox_bytes_max: 64 * MIB,
        children_max: 512,
        idle_connections_max: 512,
        idle_connection_max: Duration::from_secs(90),
        list_pages_max: 100,
        unified_open_after_max: Duration::from_secs(5),
        unified_list_after_max: Duration::from_secs(10),
        unified_uris_bytes_max: 256 * KIB,
        cache_entries_max: 1024,
        cache_bytes_max: 32 * MIB,
        jobs_max: 1024,
        job_bytes_max: 64 * MIB,
        job_ttl: Duration::from_secs(3600),
        job_ttl_max: Duration::from_secs(86_400),
        tasks_max: 4096,
        followers_max: 1024,
        guard_threads_max: 8,
        guard_jobs_max: 4096,
        guard_instances_max: 8,
        guard_facts_max: 1024,
        denials_kept_max: 1024,
        denial_bytes_max: 16 * KIB,
        denial_believed_for: Duration::from_secs(60),
        guarded_agents_max: 4096,
        guarded_agent_bytes_max: 32 * KIB,
        forge_after_max: Duration::from_secs(30),
        forge_answer_bytes_max: MIB,
        filtered_records_max: 1000,
        read_bytes_per_turn_max: 256 * KIB,
        write_bytes_per_turn_max: 256 * KIB,
        accepts_per_turn_max: 64,
        log_events_max: 65_536,
        comment_after: Duration::from_secs(12),
        comment_every: Duration::from_secs(30),
        guard: GuardLimits::DEFAULT,
    }
    .checked();

    /// Small enough that a ten-line test walks into every limit.
    pub const TEST_MIN: Self = Self {
        head_bytes_max: 512,
        head_fields_max: 16,
        chunk_line_bytes_max: 32,
        message_bytes_max: 512,
        discard_bytes_max: 64,
        pipelined_bytes_max: 1024,
        first_byte_after_max: Duration::from_secs(3),
        head_after_max: Duration::from_secs(2),
        body_stall_max: Duration::from_secs(3),
        keep_alive_max: Duration::from_secs(5),
        outbox_bytes_max: 4096,
        outbox_bytes_high: 512,
        write_stall_max: Duration::from_secs(6),
        peers_max: 4,
        peers_per_address_max: 3,
        moves_max: 2,
        exchanges_max: 3,
        exchanges_per_session_max: 2,
        batch_messages_max: 2,
        sessions_max: 3,
        input_requests_per_session_max: 2,
        pooled_children_max: 2,
        parked_calls_max: 3,
        parked_calls_per_principal_max: 2,
        input_rounds_max: 2,
        input_after_max: Duration::from_secs(20),
        queued_messages_max: 2,
        queued_bytes_max: 512,
        replay_events_max: 3,
        replay_bytes_max: 512,
        replay_streams_max: 2,
        json_depth_max: 8,
        id_bytes_max: 32,
        backend_message_bytes_max: 1024,
        stream_from_bytes: 512,
        stderr_line_bytes_max: 32,
        stderr_lines_kept: 2,
        backend_outbox_bytes_max: 2048,
        children_max: 4,
        idle_connections_max: 2,
        idle_connection_max: Duration::from_secs(9),
        list_pages_max: 3,
        unified_open_after_max: Duration::from_secs(2),
        unified_list_after_max: Duration::from_secs(3),
        unified_uris_bytes_max: 64,
        cache_entries_max: 2,
        cache_bytes_max: 1024,
        jobs_max: 2,
        job_bytes_max: 512,
        job_ttl: Duration::from_secs(90),
        job_ttl_max: Duration::from_secs(120),
        tasks_max: 2,
        followers_max: 2,
        guard_threads_max: 2,
        guard_jobs_max: 8,
        guard_instances_max: 2,
        guard_facts_max: 2,
        denials_kept_max: 2,
        denial_bytes_max: 128,
        denial_believed_for: Duration::from_secs(30),
        guarded_agents_max: 2,
        guarded_agent_bytes_max: 256,
        forge_after_max: Duration::from_secs(4),
        forge_answer_bytes_max: 64,
        filtered_records_max: 2,
        read_bytes_per_turn_max: 64,
        write_bytes_per_turn_max: 64,
        accepts_per_turn_max: 2,
        log_events_max: 4,
        comment_after: Duration::from_secs(1),
        comment_every: Duration::from_secs(2),
        guard: GuardLimits::TEST_MIN,
    }
    .checked();

    const fn checked(self) -> Self {
        assert!(self.exchanges_per_session_max <= self.exchanges_max);
        assert!(self.parked_calls_per_principal_max <= self.parked_calls_max);
        assert!(self.peers_per_address_max <= self.peers_max);
        assert!(self.outbox_bytes_high <= self.outbox_bytes_max);
        assert!(self.head_bytes_max <= self.pipelined_bytes_max, "a pipelined head must fit");
        assert!(self.id_bytes_max <= self.message_bytes_max);
        assert!(self.stream_from_bytes >= self.replay_bytes_max, "what is kept is not passed on");
        assert!(self.replay_events_max > 0 && self.queued_messages_max > 0);
        self
    }

    /// What peers can make the gateway hold, in bytes and by term, if every queue is full.
    #[must_use]
    pub fn worst_case_bytes(&self) -> [(&'static str, usize); 10] {
        [
            ("heads and pipelined bytes", self.peers_max * self.pipelined_bytes_max),
            ("requests", self.exchanges_max * self.message_bytes_max),
            (
                "calls that wait for input",
                self.parked_calls_max * (self.backend_message_bytes_max + self.queued_bytes_max),
            ),
            ("bytes owed to clients", self.peers_max * self.outbox_bytes_max),
            ("bytes owed to backends", self.children_max * self.backend_outbox_bytes_max),
            (
                "streams kept for resumption",
                self.sessions_max * self.replay_streams_max * self.replay_bytes_max,
            ),
            ("answers that are kept", self.cache_bytes_max),
            ("results of tasks", self.job_bytes_max),
            ("denials that are kept", self.denials_kept_max * self.denial_bytes_max),
            ("labels of agents", self.guarded_agents_max * self.guarded_agent_bytes_max),
        ]
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
