// SPDX-License-Identifier: MIT
//! One request to the forge and its whole answer, by plain blocking calls, within a time and a
//! length.
//!
//! Whether a redirect is followed is not decided here: it is an answer like any other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::base::{Limits, Message, Outbox, Secret};
use crate::config::forge::Api;
use crate::link::http_client::{ClientError, ClientRequest, HttpClient};
use crate::link::tls::Tls;
use crate::wire::Splice;
use crate::wire::http1::chunked::Chunked;
use crate::wire::http1::response::{self, Framing, HeadBytes, ReceivedHead};
use crate::wire::http1::target::authority;

/// As much as is read at a time.
const READ_BYTES_MAX: usize = 16 * 1024;

/// Where the forge is, and how it is believed.
pub struct Forge {
    /// Whether TLS is spoken, host, port, and the path that all targets begin with.
    pub api: Api,
    /// Whom to trust.
    pub config: Arc<ClientConfig>,
}

/// What the forge is asked.
pub struct Question<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole target.
    pub target: &'a str,
    /// All fields but `Host` and those that frame the body.
    pub fields: &'a [(&'a str, Secret)],
    /// The body, if there is one.
    pub body: Option<&'a Message>,
    /// When patience ends.
    pub until: Instant,
    /// The longest answer; beyond: there is none.
    pub bytes_max: usize,
}

/// What the forge answers.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Names and values, in their order.
    pub fields: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failed {
    /// There is no answer at all.
    Unreachable(String),
    /// It has begun and will never be complete.
    BrokenOff(String),
}

impl Answered {
    /// The first value of the field `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

impl Answered {
    /// Where it sends to (RFC 9110 §15.4), if it does.
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.field("Location").filter(|_| (300..400).contains(&self.status))
    }
}

impl Forge {
    /// The target of `path` below the base of the interface.
    #[must_use]
    pub fn target(&self, path: &str) -> String {
        format!("{}{path}", self.api.3.trim_end_matches('/'))
    }

    /// Asks the forge at its own address.
    ///
    /// # Errors
    ///
    /// There is no whole answer.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answered, Failed> {
        self.ask_at(&self.api, question)
    }

    /// Asks whoever is at `address`.
    ///
    /// # Errors
    ///
    /// There is no whole answer.
    pub fn ask_at(&self, address: &Api, question: &Question<'_>) -> Result<Answered, Failed> {
        let line = self.line(address, question.until).map_err(Failed::Unreachable)?;
        let mut exchange = Exchange { line, plain: Vec::new(), taken: 0, until: question.until };
        exchange.send(address, question).map_err(Failed::Unreachable)?;
        let (head, fields) =
            exchange.head(question.method == "HEAD").map_err(Failed::Unreachable)?;
        let body = exchange.body(head.framing, question.bytes_max).map_err(Failed::BrokenOff)?;
        Ok(Answered { status: head.status, fields, body })
    }

    fn line(&self, address: &Api, until: Instant) -> Result<Line, String> {
        let (is_tls, host, port, _) = address;
        let addresses = (&**host, *port).to_socket_addrs().map_err(text)?;
        let stream = connect(addresses, until)?;
        stream.set_nodelay(true).map_err(text)?;
        let tls = match is_tls {
            true => Some(Tls::new(Arc::clone(&self.config), host).map_err(text)?),
            false => None,
        };
        Ok(Line { stream, tls })
    }
}

/// A connection, in the clear or not.
struct Line {
    stream: TcpStream,
    tls: Option<Tls>,
}

impl Line {
    /// Writes all that `outbox` owes.
    fn write(&mut self, outbox: &mut Outbox, until: Instant) -> Result<(), String> {
        self.stream.set_write_timeout(Some(left(until)?)).map_err(text)?;
        let Some(tls) = &mut self.tls else {
            let n = write_all(&mut self.stream, outbox)?;
            outbox.consume(n);
            return Ok(());
        };
        loop {
            let sealed = tls.seal(outbox).map_err(text)?;
            outbox.consume(sealed);
            let n = write_all(&mut self.stream, tls.outbox())?;
            tls.wrote(n);
            if sealed == 0 {
                return Ok(());
            }
        }
    }

    /// Reads what comes next; `false`: the other side has ended.
    fn read(&mut self, plain: &mut Vec<u8>, until: Instant) -> Result<bool, String> {
        let mut input = vec![0; READ_BYTES_MAX];
        self.stream.set_read_timeout(Some(left(until)?)).map_err(text)?;
        let n = self.stream.read(&mut input).map_err(text)?;
        match &mut self.tls {
            _ if n == 0 => return Ok(false),
            None => plain.extend_from_slice(&input[..n]),
            Some(tls) => tls.feed(&input[..n], plain).map_err(text)?,
        }
        Ok(true)
    }
}

/// One request and its answer.
struct Exchange {
    line: Line,
    /// What has come, and how much of it is used.
    plain: Vec<u8>,
    taken: usize,
    until: Instant,
}

impl Exchange {
    fn send(&mut self, address: &Api, question: &Question<'_>) -> Result<(), String> {
        let body = question.body.map(|body| Splice::whole(body.clone()));
        let mut fields: Vec<(&str, &[u8])> = vec![("Connection", b"close")];
        fields.extend(question.fields.iter().map(|(name, value)| (*name, value.expose())));
        let mut client = HttpClient::new(Arc::new(Limits::DEFAULT));
        client.send(&ClientRequest {
            method: question.method,
            target: question.target,
            host: &authority(address.0, &address.1, address.2),
            fields: &fields,
            body: body.as_ref(),
        });
        let mut outbox = Outbox::new();
        outbox.push(&client.outbox().to_vec());
        self.write(&mut outbox)
    }

    /// Writes `outbox`, handshake included.
    fn write(&mut self, outbox: &mut Outbox) -> Result<(), String> {
        loop {
            self.line.write(outbox, self.until)?;
            if outbox.is_empty() {
                return Ok(());
            }
            if !self.line.read(&mut self.plain, self.until)? {
                return Err("the connection ended before the request was sent".to_owned());
            }
        }
    }

    /// Reads more; whatever TLS owes for it is written.
    fn fill(&mut self) -> Result<bool, String> {
        if self.taken == self.plain.len() {
            (self.plain, self.taken) = (Vec::new(), 0);
        }
        let has_more = self.line.read(&mut self.plain, self.until)?;
        self.line.write(&mut Outbox::new(), self.until)?;
        Ok(has_more)
    }

    /// The final head, and its fields.
    fn head(&mut self, head_only: bool) -> Result<(ReceivedHead, Vec<(String, String)>), String> {
        let mut bytes = HeadBytes::default();
        loop {
            let (n, is_complete) =
                bytes.feed(&self.plain[self.taken..]).map_err(|error| error.0.to_owned())?;
            self.taken += n;
            if is_complete {
                let bytes = std::mem::take(&mut bytes);
                let head = response::parse(bytes.as_bytes(), head_only);
                let head = head.map_err(|error| error.0.to_owned())?;
                if !is_interim(&head) {
                    return Ok((head, fields(bytes.as_bytes())));
                }
            } else if !self.fill()? {
                return Err(ClientError::Closed.to_string());
            }
        }
    }

    fn body(&mut self, framing: Framing, bytes_max: usize) -> Result<Vec<u8>, String> {
        match framing {
            Framing::None => Ok(Vec::new()),
            Framing::Length(length) => {
                let length = usize::try_from(length).ok().filter(|length| *length <= bytes_max);
                let length = length.ok_or("the answer is too long")?;
                self.plain_body(Some(length), length)
            }
            Framing::UntilClose => self.plain_body(None, bytes_max),
            Framing::Chunked => self.chunked_body(bytes_max),
        }
    }

    /// So many bytes, or all until the end.
    fn plain_body(&mut self, length: Option<usize>, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let n = (self.plain.len() - self.taken)
                .min(length.map_or(usize::MAX, |it| it - body.len()));
            body.extend_from_slice(&self.plain[self.taken..self.taken + n]);
            self.taken += n;
            if length == Some(body.len()) {
                return Ok(body);
            }
            if body.len() > bytes_max {
                return Err("the answer is too long".to_owned());
            }
            if !self.fill()? {
                return match length {
                    // With TLS nobody can tell whether that was all, but then it is no whole JSON.
                    None => Ok(body),
                    Some(_) => Err(ClientError::Closed.to_string()),
                };
            }
        }
    }

    fn chunked_body(&mut self, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut decoder = Chunked::new(Limits::DEFAULT.chunk_line_bytes_max);
        let mut body = Vec::new();
        loop {
            let room = bytes_max - body.len();
            let rest = &self.plain[self.taken..];
            let (n, is_complete) = decoder.feed(rest, &mut body, room).map_err(text)?;
            self.taken += n;
            if is_complete {
                return Ok(body);
            }
            if self.taken < self.plain.len() {
                return Err("the answer is too long".to_owned());
            }
            if !self.fill()? {
                return Err(ClientError::Closed.to_string());
            }
        }
    }
}

/// Whether another head follows (RFC 9110 §15.2).
fn is_interim(head: &ReceivedHead) -> bool {
    head.status < 200
}

/// The fields of a head that was parsed before.
fn fields(head: &[u8]) -> Vec<(String, String)> {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    let field = |line: &[u8]| {
        let (name, value) = str::from_utf8(line).ok()?.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    lines.filter_map(field).collect()
}

fn write_all(stream: &mut TcpStream, outbox: &Outbox) -> Result<usize, String> {
    let bytes = outbox.to_vec();
    stream.write_all(&bytes).map_err(text)?;
    Ok(bytes.len())
}

/// The first address that can be connected to.
fn connect(
    addresses: impl Iterator<Item = SocketAddr>,
    until: Instant,
) -> Result<TcpStream, String> {
    let mut failed = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(failed)
}

/// The time that is left; never nothing, which would be for ever.
fn left(until: Instant) -> Result<Duration, String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err("it takes too long".to_owned()) } else { Ok(left) }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
