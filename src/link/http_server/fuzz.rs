// SPDX-License-Identifier: MIT
//! The body of the fuzz target, beside the machine that it exercises.

use std::sync::Arc;
use std::time::Instant;

use super::state::State;
use super::{HttpServer, ServerEvent, Status};
use crate::base::{Limits, Message, Now};
use crate::wire::Splice;
use crate::wire::http1::{Content, ResponseHead};

/// The longest message of a WebSocket.
const FRAME_BYTES_MAX: usize = 200;

/// A gateway in miniature: what it does with an exchange depends on the target alone.
struct Driver {
    link: HttpServer,
    now: Now,
    events: Vec<String>,
    written: Vec<u8>,
}

impl Driver {
    fn new(start: Now) -> Self {
        let link = HttpServer::new(Arc::new(Limits::TEST_MIN), start);
        Self { link, now: start, events: Vec::new(), written: Vec::new() }
    }

    fn feed(&mut self, input: &[u8]) {
        self.link.feed(input, self.now);
        while let Some(event) = self.link.poll_event() {
            match event {
                ServerEvent::Head(head) => {
                    let path = head.path().to_vec();
                    self.events.push(format!("{:?} {}", head.method, path.escape_ascii()));
                    self.admit(&path);
                }
                ServerEvent::Body(body) => {
                    assert!(body.len() <= Limits::TEST_MIN.message_bytes_max);
                    self.events.push(format!("{body:?}"));
                    self.answer(&body);
                }
                // It is not answered: whether the answer is before a Close would depend on the cut.
                ServerEvent::Frame(text) => {
                    assert!(text.len() <= FRAME_BYTES_MAX);
                    self.events.push(format!("{text:?}"));
                }
                ServerEvent::Left => self.events.push("left".to_owned()),
                ServerEvent::Violation(violation) => {
                    self.events.push(format!("{violation:?}"));
                    assert!(self.link.status() != Status::Open, "open after {violation:?}");
                }
            }
            self.write();
        }
        // A ping is answered by the link itself, without an event.
        self.write();
        self.check_invariants();
    }

    fn admit(&mut self, path: &[u8]) {
        let head = ResponseHead::new(404, Content::Json);
        match path.get(1) {
            // Refused before its body is read.
            Some(b'r') => self.link.respond(&head, &splice("{}"), false, self.now),
            Some(b'c') => self.link.respond(&head, &splice("{}"), true, self.now),
            Some(b's') => {
                self.link.open_stream(&ResponseHead::new(200, Content::Events), self.now);
                self.link.send_event(Some("1"), Some(7), Some(&splice("[\n]")), self.now);
                self.link.send_comment(self.now);
                self.link.finish(self.now);
            }
            Some(b'w') => {
                let head = ResponseHead::new(101, Content::None);
                self.link.upgrade(&head, FRAME_BYTES_MAX, self.now);
            }
            _ => self.link.receive(Limits::TEST_MIN.message_bytes_max, self.now),
        }
    }

    fn answer(&mut self, body: &Message) {
        let head = ResponseHead::new(200, Content::Json);
        self.link.respond(&head, &Splice::whole(body.clone()), false, self.now);
    }

    fn write(&mut self) {
        let written = self.link.outbox().to_vec();
        self.link.wrote(written.len(), self.now);
        self.written.extend_from_slice(&written);
    }

    fn check_invariants(&self) {
        let link = &self.link;
        assert!(link.event.is_none() && link.outbox.is_empty());
        let waits = match link.state {
            State::AwaitHead(_) => link.pending.len() < Limits::TEST_MIN.head_bytes_max,
            State::AwaitBody { .. } | State::AwaitRest { .. } => link.pending.is_empty(),
            State::Lingering { .. } => link.pending.is_empty(),
            State::AwaitAdmission(_) | State::AwaitAnswer(_) | State::Streaming(_) => {
                panic!("an exchange without an answer")
            }
            State::Upgraded(_) => return assert!(link.pending.is_empty()),
            State::Closed => return assert_eq!(link.deadline(), None),
        };
        assert!(waits && link.deadline().is_some(), "it waits, but not for ever");
    }
}

fn splice(text: &str) -> Splice {
    Splice::whole(Message::from(text))
}

/// Any bytes, cut anywhere, bring the same events and the same answers; the limits of
/// [`Limits::TEST_MIN`] hold; and when the peer has ended its input, the connection closes.
///
/// `start` is any time: nothing here looks at a clock.
pub fn fuzz(start: Instant, input: &[u8]) {
    let start = Now { mono: start, unix_ms: 0 };
    let mut whole = Driver::new(start);
    whole.feed(input);
    // With an expectation it matters, as it should, whether the body has begun to come.
    let lower = input.to_ascii_lowercase();
    if !lower.windows(12).any(|window| window == b"100-continue") {
        let mut stepped = Driver::new(start);
        input.iter().for_each(|byte| stepped.feed(std::slice::from_ref(byte)));
        assert_eq!(whole.events, stepped.events);
        assert_eq!(whole.written, stepped.written);
        let mut halved = Driver::new(start);
        let (first, second) = input.split_at(input.len() / 2);
        halved.feed(first);
        halved.feed(second);
        assert_eq!(whole.events, halved.events);
        assert_eq!(whole.written, halved.written);
        assert_eq!(whole.link.status(), halved.link.status());
    }
    whole.link.end_of_input(start);
    while whole.link.poll_event().is_some() {}
    assert_eq!(whole.link.status(), Status::Closed);
}
