// SPDX-License-Identifier: MIT
//! A client connection under script: what the client sends, what it gets, what the gateway sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use penstock::base::{Limits, Message, Now};
use penstock::link::http_server::{HttpServer, ServerEvent, Status, Violation};
use penstock::wire::Splice;
use penstock::wire::http1::{Content, RequestHead, ResponseHead};

/// 1994-11-06 08:49:37, the date of the specification's examples.
const UNIX_MS: u64 = 784_111_777_000;

/// A link and its clock.
pub struct Script {
    pub link: HttpServer,
    pub now: Now,
}

impl Script {
    pub fn new() -> Self {
        Self::with(Limits::TEST_MIN)
    }

    pub fn with(limits: Limits) -> Self {
        let now = Now { mono: Instant::now(), unix_ms: UNIX_MS };
        Self { link: HttpServer::new(Arc::new(limits), now), now }
    }

    /// The client sends `text`; LF stands for CRLF.
    pub fn send(&mut self, text: &str) {
        self.send_raw(text.replace('\n', "\r\n").as_bytes());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.link.feed(bytes, self.now);
    }

    pub fn end(&mut self) {
        self.link.end_of_input(self.now);
    }

    /// All of the outbox leaves; without dates, and with LF for CRLF.
    #[track_caller]
    pub fn expect(&mut self, want: &str) {
        let got = self.write();
        assert_eq!(without_dates(&String::from_utf8_lossy(&got)), want);
    }

    pub fn write(&mut self) -> Vec<u8> {
        let written = self.link.outbox().to_vec();
        self.link.wrote(written.len(), self.now);
        written
    }

    #[track_caller]
    pub fn expect_head(&mut self, line: &str) -> Arc<RequestHead> {
        match self.link.poll_event() {
            Some(ServerEvent::Head(head)) => {
                let target = head.target.of(&head.bytes).escape_ascii();
                assert_eq!(format!("{:?} {target}", head.method), line);
                head
            }
            other => panic!("{line} expected, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_body(&mut self, want: &str) {
        match self.link.poll_event() {
            Some(ServerEvent::Body(body)) => assert_eq!(body, Message::from(want)),
            other => panic!("body {want:?} expected, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_violation(&mut self, want: Violation) {
        match self.link.poll_event() {
            Some(ServerEvent::Violation(violation)) => assert_eq!(violation, want),
            other => panic!("{want:?} expected, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_nothing(&mut self) {
        assert!(self.link.poll_event().is_none());
        assert!(self.link.outbox().is_empty());
    }

    #[track_caller]
    pub fn expect_status(&self, want: Status) {
        assert_eq!(self.link.status(), want);
    }

    pub fn receive(&mut self) {
        self.link.receive(Limits::TEST_MIN.message_bytes_max, self.now);
    }

    /// Answers 200 with `body`, in JSON.
    pub fn respond(&mut self, body: &str) {
        self.respond_with(ResponseHead::new(200, Content::Json), body, false);
    }

    pub fn respond_with(&mut self, head: ResponseHead, body: &str, close: bool) {
        self.link.respond(&head, &splice(body), close, self.now);
    }

    pub fn open_stream(&mut self) {
        self.link.open_stream(&ResponseHead::new(200, Content::Events), self.now);
    }

    pub fn send_event(&mut self, data: &str) {
        self.link.send_event(None, None, Some(&splice(data)), self.now);
    }

    pub fn finish(&mut self) {
        self.link.finish(self.now);
    }

    /// Time passes, and the link is woken whenever it wants.
    pub fn wait(&mut self, ms: u64) {
        let end = self.now.later(Duration::from_millis(ms));
        while let Some(deadline) = self.link.deadline().filter(|deadline| *deadline <= end.mono) {
            self.now = self.now.later(deadline.saturating_duration_since(self.now.mono));
            self.link.handle_timeout(self.now);
            assert_ne!(self.link.deadline(), Some(deadline), "a deadline that stays");
        }
        self.now = end;
    }
}

/// `text` with LF for CRLF, and without `Date`, which is checked for its shape.
pub fn without_dates(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n");
    while let Some(start) = text.find("\nDate: Sun, 06 Nov 1994 08:") {
        let line = &text[start..start + "\nDate: Sun, 06 Nov 1994 08:49:37 GMT".len()];
        assert!(line.ends_with(" GMT"), "{line}");
        text = text.replacen(&line.to_owned(), "", 1);
    }
    text
}

pub fn splice(text: &str) -> Splice {
    Splice::whole(Message::from(text))
}

/// The head of a 200 with a JSON body of `len` bytes.
pub fn ok(len: usize) -> String {
    format!("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: {len}\n\n")
}

/// The whole answer of the link itself.
pub fn refusal(status: &str, code: &str, message: &str) -> String {
    let body = format!(r#"{{"error":"{code}","message":"{message}"}}"#);
    format!(
        "HTTP/1.1 {status}\nContent-Type: application/json\nContent-Length: {}\n\
         Connection: close\n\n{body}",
        body.len()
    )
}
