// SPDX-License-Identifier: MIT
//! How a client reads answers: a naive reader that shares no line with ours.

/// What a client sees of an answer.
#[derive(Debug)]
pub enum Seen {
    Head { status: u16, session: Option<String>, streams: bool },
    Event { id: Option<String>, text: String },
    Body(String),
    End,
}

enum State {
    Head,
    Length(usize),
    Chunks,
    /// Chunks of one body.
    Parts,
}

/// The answers on one connection.
pub struct Reader {
    bytes: Vec<u8>,
    text: String,
    state: State,
}

impl Reader {
    pub fn new() -> Self {
        Self { bytes: Vec::new(), text: String::new(), state: State::Head }
    }

    /// Whether it stands between two answers.
    pub fn is_between(&self) -> bool {
        matches!(self.state, State::Head) && self.bytes.is_empty()
    }

    pub fn feed(&mut self, input: &[u8]) -> Vec<Seen> {
        self.bytes.extend_from_slice(input);
        let mut seen = Vec::new();
        while self.step(&mut seen) {}
        seen
    }

    fn step(&mut self, seen: &mut Vec<Seen>) -> bool {
        match self.state {
            State::Head => self.head(seen),
            State::Length(length) => {
                if self.bytes.len() < length {
                    return false;
                }
                let body = self.bytes.drain(..length).collect();
                seen.push(Seen::Body(String::from_utf8(body).unwrap()));
                seen.push(Seen::End);
                self.state = State::Head;
                true
            }
            State::Chunks | State::Parts => self.chunk(seen),
        }
    }

    fn head(&mut self, seen: &mut Vec<Seen>) -> bool {
        let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return false;
        };
        let head: Vec<u8> = self.bytes.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let status: u16 = head[9..12].parse().unwrap();
        assert!(head.starts_with("HTTP/1.1 "), "{head}");
        if status == 100 {
            return true;
        }
        let field = |name: &str| {
            let found = head.lines().find(|line| {
                line.split(':').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
            });
            found.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
        };
        let chunked = field("transfer-encoding").is_some();
        let session = field("mcp-session-id");
        let is_json = field("content-type").is_some_and(|kind| kind == "application/json");
        seen.push(Seen::Head { status, session, streams: chunked && !is_json });
        let length = field("content-length").map_or(0, |length| length.parse().unwrap());
        self.state = match chunked {
            true if is_json => State::Parts,
            true => State::Chunks,
            false => State::Length(length),
        };
        true
    }

    fn chunk(&mut self, seen: &mut Vec<Seen>) -> bool {
        let Some(end) = self.bytes.windows(2).position(|two| two == b"\r\n") else { return false };
        let size = std::str::from_utf8(&self.bytes[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if self.bytes.len() < end + 2 + size + 2 {
            return false;
        }
        let chunk: Vec<u8> = self.bytes.drain(..end + 2 + size + 2).collect();
        assert!(chunk.ends_with(b"\r\n"), "a chunk without its end");
        if size == 0 && matches!(self.state, State::Parts) {
            seen.push(Seen::Body(std::mem::take(&mut self.text)));
        }
        if size == 0 {
            assert!(self.text.is_empty(), "half an event at the end: {:?}", self.text);
            seen.push(Seen::End);
            self.state = State::Head;
            return true;
        }
        self.text.push_str(std::str::from_utf8(&chunk[end + 2..end + 2 + size]).unwrap());
        if matches!(self.state, State::Parts) {
            return true;
        }
        while let Some(end) = self.text.find("\n\n") {
            let event: String = self.text.drain(..end + 2).collect();
            seen.extend(event_of(&event));
        }
        true
    }
}

fn event_of(text: &str) -> Option<Seen> {
    let (mut id, mut parts, mut any) = (None, Vec::new(), false);
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => id = Some(value.to_owned()),
            "data" => parts.push(value),
            _ => continue,
        }
        any = true;
    }
    any.then(|| Seen::Event { id, text: parts.join("\n") })
}
