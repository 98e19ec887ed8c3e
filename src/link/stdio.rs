// SPDX-License-Identifier: MIT
//! The link to a child process: its stdin, stdout and stderr as messages.
//!
//! Nothing here knows pipes, processes or MCP. A message is one line; what a child prints beside
//! its messages is noise, which is no error.
//!
//! Spec: MCP transports, stdio.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::{Limits, Message, Outbox, Span};
use crate::wire::Splice;
use crate::wire::ndjson::{Line, Lines};

/// What a child has written. No line has its end, none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StdioEvent {
    /// A line of stdout that begins like JSON: with `{` or `[`, perhaps after blanks.
    Line(Message),
    /// Any other line of stdout, or its first 4 KiB.
    Noise(Message),
    /// The beginning of a line of stdout that is long and begins like an object: nothing more of
    /// stdout is taken before it has been said whether it is to be gathered.
    LineBegins(Message),
    /// A part of a line that passes, perhaps with the CR at its end.
    LinePart(Message),
    /// That line is complete, or longer than `backend_message_bytes_max` and cut.
    LineEnd,
    /// The first 1 KiB of a line of stdout that is longer than `backend_message_bytes_max`.
    LineTooLong(Message),
    /// A line of stderr, or its first `stderr_line_bytes_max` bytes.
    Stderr(Message),
}

/// One child, seen through its three pipes.
pub struct Stdio {
    stdout: Lines,
    stderr: Lines,
    /// What came behind the beginning of a line about which was asked.
    behind: Vec<u8>,
    /// Whether stdout has ended there.
    ends_behind: bool,
    events: VecDeque<StdioEvent>,
    outbox: Outbox,
}

/// What is kept of a line that cannot be a message, in bytes.
const NOISE_BYTES_MAX: usize = 4096;
/// What is kept of a line that is too long to be a message, in bytes.
const START_BYTES_MAX: usize = 1024;

impl Stdio {
    /// A child that has not written anything.
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> Self {
        let message_max = limits.backend_message_bytes_max;
        let stderr_max = limits.stderr_line_bytes_max;
        Self {
            stdout: Lines::new(message_max, START_BYTES_MAX.min(message_max))
                .asking_from(limits.stream_from_bytes),
            stderr: Lines::new(stderr_max, stderr_max),
            behind: Vec::new(),
            ends_behind: false,
            events: VecDeque::new(),
            outbox: Outbox::new(),
        }
    }

    /// Takes what the child has written to stdout, cut anywhere. What comes although it wants
    /// nothing waits.
    pub fn feed_stdout(&mut self, input: &[u8]) {
        if !self.wants_stdout() {
            return self.behind.extend_from_slice(input);
        }
        let events = &mut self.events;
        self.stdout.feed(input, &mut |line| events.extend(sort(line)));
        let Some(start) = self.stdout.asked() else { return };
        if start.trim_ascii_start().first() == Some(&b'{') {
            self.events.push_back(StdioEvent::LineBegins(start.clone()));
        } else {
            self.stdout.gather();
        }
    }

    /// Whether it takes more of stdout: not before it is known what becomes of a long line.
    #[must_use]
    pub const fn wants_stdout(&self) -> bool {
        self.stdout.asked().is_none()
    }

    /// The line that has begun is wanted whole, or else in the parts in which it comes.
    pub fn decide(&mut self, passes: bool) {
        if passes {
            self.stdout.pass();
        } else {
            self.stdout.gather();
        }
        let behind = std::mem::take(&mut self.behind);
        if !behind.is_empty() {
            self.feed_stdout(&behind);
        }
        if std::mem::take(&mut self.ends_behind) {
            self.end_of_stdout();
        }
    }

    /// Takes what the child has written to stderr, cut anywhere.
    pub fn feed_stderr(&mut self, input: &[u8]) {
        let events = &mut self.events;
        self.stderr.feed(input, &mut |line| events.push_back(StdioEvent::Stderr(text(line))));
    }

    /// The child has closed stdout; a last line without its end is a line.
    pub fn end_of_stdout(&mut self) {
        if !self.wants_stdout() {
            self.ends_behind = true;
            return;
        }
        let events = &mut self.events;
        self.stdout.finish(&mut |line| events.extend(sort(line)));
    }

    /// The child has closed stderr; a last line without its end is a line.
    pub fn end_of_stderr(&mut self) {
        let events = &mut self.events;
        self.stderr.finish(&mut |line| events.push_back(StdioEvent::Stderr(text(line))));
    }

    /// What the child has said, in order for each of its pipes.
    pub fn poll_event(&mut self) -> Option<StdioEvent> {
        self.events.pop_front()
    }

    /// Owes the child `message` as one line. It holds no raw CR or LF.
    pub fn send(&mut self, message: &Splice) {
        debug_assert!(!message.has_line_break(), "a message that would be two lines");
        message.write_to(&mut self.outbox);
        self.outbox.push(b"\n");
    }

    /// What is owed to stdin.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// `n` bytes of the outbox have been written.
    pub fn wrote(&mut self, n: usize) {
        self.outbox.consume(n);
    }
}

/// What a line of stdout is; nothing, if it is blank.
fn sort(line: Line) -> Option<StdioEvent> {
    let line = match line {
        Line::Start(start) => return Some(StdioEvent::LineTooLong(start)),
        Line::Part(part) => return Some(StdioEvent::LinePart(part)),
        Line::End | Line::Cut => return Some(StdioEvent::LineEnd),
        Line::Whole(line) => line,
    };
    match line.iter().find(|byte| !byte.is_ascii_whitespace())? {
        b'{' | b'[' => Some(StdioEvent::Line(line)),
        _ if line.len() > NOISE_BYTES_MAX => {
            // A copy, since a slice would keep all of it in memory.
            let start = line.slice(Span::new(0, NOISE_BYTES_MAX));
            Some(StdioEvent::Noise(Message::copy_of(&start)))
        }
        _ => Some(StdioEvent::Noise(line)),
    }
}

fn text(line: Line) -> Message {
    match line {
        Line::Whole(text) | Line::Start(text) | Line::Part(text) => text,
        Line::End | Line::Cut => Message::default(),
    }
}

/// Feeds `input` to stdout and stderr, in one piece and in small ones: the events must be the same
/// for each pipe, and within the limits.
pub fn fuzz(input: &[u8]) {
    let limits =
        Limits { backend_message_bytes_max: 40, stream_from_bytes: usize::MAX, ..Limits::TEST_MIN };
    let small = Arc::new(Limits { stream_from_bytes: 12, ..limits });
    let limits = Arc::new(limits);
    let mut whole = Stdio::new(Arc::clone(&limits));
    whole.feed_stdout(input);
    whole.end_of_stdout();
    whole.feed_stderr(input);
    whole.end_of_stderr();

    let mut cut = Stdio::new(small);
    let size = input.first().map_or(1, |&byte| usize::from(byte % 9) + 1);
    for piece in input.chunks(size) {
        cut.feed_stdout(piece);
        cut.decide(false);
    }
    cut.end_of_stdout();
    input.chunks(size).for_each(|piece| cut.feed_stderr(piece));
    cut.end_of_stderr();

    cut.events.retain(|event| !matches!(event, StdioEvent::LineBegins(_)));
    assert_eq!(whole.events, cut.events);
    for event in &whole.events {
        match event {
            StdioEvent::Stderr(line) => assert!(line.len() <= limits.stderr_line_bytes_max),
            StdioEvent::Line(line) | StdioEvent::Noise(line) | StdioEvent::LineTooLong(line) => {
                assert!(line.len() <= limits.backend_message_bytes_max);
            }
            event => panic!("nobody was asked about {event:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Patch;

    #[track_caller]
    fn check(stdout: &str, want: &[StdioEvent]) {
        let mut stdio = Stdio::new(Arc::new(Limits::TEST_MIN));
        stdio.feed_stdout(stdout.as_bytes());
        stdio.end_of_stdout();
        assert_eq!(stdio.events, want);
    }

    fn line(text: &str) -> StdioEvent {
        StdioEvent::Line(text.into())
    }
    fn noise(text: &str) -> StdioEvent {
        StdioEvent::Noise(text.into())
    }

    // Checklist 106.
    #[test]
    fn what_begins_like_json_is_a_line() {
        check("{\"id\":1}\n \t[1]\r\n", &[line("{\"id\":1}"), line(" \t[1]")]);
        check("\u{feff}{}\n", &[line("{}")]);
    }

    // Checklist 106.
    #[test]
    fn everything_else_is_noise() {
        check(
            "Listening…\n\n  \n{}\n\"x\"\n1",
            &[noise("Listening…"), line("{}"), noise("\"x\""), noise("1")],
        );
    }

    #[test]
    fn long_noise_is_shortened() {
        let mut stdio = Stdio::new(Arc::new(Limits::DEFAULT));
        stdio.feed_stdout(&[b'x'; 5000]);
        stdio.feed_stdout(b"\n");
        assert_eq!(stdio.poll_event(), Some(StdioEvent::Noise(vec![b'x'; 4096].into())));
        assert_eq!(stdio.poll_event(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_heard() {
        let limits = Limits { backend_message_bytes_max: 2000, ..Limits::DEFAULT };
        let mut stdio = Stdio::new(Arc::new(limits));
        for _ in 0..9 {
            stdio.feed_stdout(&[b'['; 500]);
        }
        stdio.feed_stdout(b"\n{}\n");
        assert_eq!(stdio.poll_event(), Some(StdioEvent::LineTooLong(vec![b'['; 1024].into())));
        assert_eq!(stdio.poll_event(), Some(line("{}")));
        assert_eq!(stdio.poll_event(), None);
    }

    #[test]
    fn a_long_object_is_asked_about_and_leaves_in_parts_or_as_a_whole() {
        let limits = Limits { stream_from_bytes: 8, ..Limits::TEST_MIN };
        let mut stdio = Stdio::new(Arc::new(limits));
        for passes in [true, false] {
            stdio.feed_stdout(b"{}\n{\"long\":");
            assert_eq!(stdio.poll_event(), Some(line("{}")));
            assert!(stdio.wants_stdout(), "it is not long");
            stdio.feed_stdout(b"1");
            assert_eq!(stdio.poll_event(), Some(StdioEvent::LineBegins("{\"long\":1".into())));
            assert!(!stdio.wants_stdout());
            stdio.decide(passes);
            assert!(stdio.wants_stdout());
            stdio.feed_stdout(b"}\r\n{}\n");
            match passes {
                true => {
                    assert_eq!(stdio.poll_event(), Some(StdioEvent::LinePart("}\r".into())));
                    assert_eq!(stdio.poll_event(), Some(StdioEvent::LineEnd));
                }
                false => assert_eq!(stdio.poll_event(), Some(line("{\"long\":1}"))),
            }
            assert_eq!(stdio.poll_event(), Some(line("{}")));
        }
        stdio.feed_stdout(b"{\"long\":2");
        stdio.feed_stdout(b",\"longer\":3");
        stdio.end_of_stdout();
        assert_eq!(stdio.poll_event(), Some(StdioEvent::LineBegins("{\"long\":2".into())));
        assert_eq!(stdio.poll_event(), None);
        stdio.decide(true);
        let rest = StdioEvent::LinePart(",\"longer\":3".into());
        assert_eq!(stdio.poll_event(), Some(rest), "what came too early has waited");
        assert_eq!(stdio.poll_event(), Some(StdioEvent::LineEnd));
        stdio.feed_stdout(b" [ long array");
        assert!(stdio.wants_stdout(), "a batch is gathered");
    }

    // Checklist 107.
    #[test]
    fn stderr_is_its_own_stream_and_its_lines_are_cut() {
        let mut stdio = Stdio::new(Arc::new(Limits::TEST_MIN));
        stdio.feed_stdout(b"{");
        stdio.feed_stderr(&[b'e'; 40]);
        stdio.feed_stdout(b"}\n");
        stdio.feed_stderr(b"\n{");
        stdio.end_of_stderr();
        assert_eq!(stdio.poll_event(), Some(StdioEvent::Stderr(vec![b'e'; 32].into())));
        assert_eq!(stdio.poll_event(), Some(line("{}")));
        assert_eq!(stdio.poll_event(), Some(StdioEvent::Stderr("{".into())));
    }

    #[test]
    fn a_message_leaves_as_one_line() {
        let mut stdio = Stdio::new(Arc::new(Limits::TEST_MIN));
        let message = Splice::whole("{\"id\":1}".into());
        stdio.send(&message.clone().with(Span::new(6, 7), Patch::Number(22)));
        stdio.send(&message);
        assert_eq!(stdio.outbox().to_vec(), b"{\"id\":22}\n{\"id\":1}\n");
        stdio.wrote(10);
        assert_eq!(stdio.outbox().to_vec(), b"{\"id\":1}\n");
    }

    // Checklist 106.
    #[test]
    fn junk_is_the_same_junk_however_it_is_cut() {
        let mut rng = crate::base::Rng::new([3; 32]);
        for _ in 0..1_000 {
            let len = rng.next_u32() as usize % 90;
            let pick = |_| b"{[ab \r\n\n\xef\xbb\xbf"[rng.next_u32() as usize % 11];
            fuzz(&(0..len).map(pick).collect::<Vec<u8>>());
        }
    }
}
