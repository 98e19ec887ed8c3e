// SPDX-License-Identifier: MIT
//! A small blocking HTTP client that hides nothing: one connection, one exchange after the other.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer with its whole body.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The head as it came.
    pub head: String,
    /// The body, with the chunks put together.
    pub body: String,
}

impl Response {
    /// A field of the head.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The JSON-RPC messages of a JSON body or of an event stream.
    pub fn messages(&self) -> Vec<&str> {
        if self.field("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")) {
            let data = self.body.lines().filter_map(|line| line.strip_prefix("data:"));
            return data.map(str::trim).filter(|data| !data.is_empty()).collect();
        }
        vec![self.body.trim()]
    }

    /// The last message, which is the response.
    pub fn answer(&self) -> &str {
        self.messages().last().copied().unwrap_or("")
    }
}

/// One connection to a server.
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects; every read waits at most `patience`.
    pub fn open(addr: &str, patience: Duration) -> io::Result<Self> {
        let socket = TcpStream::connect(addr)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::new() })
    }

    /// Sends a request and reads its answer.
    pub fn exchange(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Response> {
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        if !fields.iter().any(|(name, _)| *name == "Host") {
            text += "Host: 127.0.0.1\r\n";
        }
        for (name, value) in fields {
            text += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            text +=
                &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        self.socket.write_all(format!("{text}\r\n{body}").as_bytes())?;
        self.response()
    }

    /// Reads one answer.
    pub fn response(&mut self) -> io::Result<Response> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.fill()?;
        };
        let head = String::from_utf8_lossy(&self.buffer.drain(..end).collect::<Vec<_>>()).into();
        let mut response = Response { status: 0, head, body: String::new() };
        response.status = response.head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
        let body = if let Some(length) = response.field("content-length") {
            self.take(length.parse().map_err(io::Error::other)?)?
        } else if response.field("transfer-encoding").is_some() {
            self.chunks()?
        } else {
            Vec::new()
        };
        response.body = String::from_utf8_lossy(&body).into();
        Ok(response)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.buffer, b"\r\n") {
                    break at;
                }
                self.fill()?;
            };
            let line = self.take(end + 2)?;
            let size = String::from_utf8_lossy(&line[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            let chunk = self.take(size + 2)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            self.fill()?;
        }
        Ok(self.buffer.drain(..n).collect())
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; 65536];
        match self.socket.read(&mut block)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.buffer.extend_from_slice(&block[..n]);
                Ok(())
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// One exchange on a connection of its own.
pub fn get(addr: &str, target: &str) -> io::Result<Response> {
    Connection::open(addr, Duration::from_secs(5))?.exchange("GET", target, &[], "")
}

/// A client of one server behind the gateway, with the session that `initialize` gave it.
pub struct Mcp {
    addr: String,
    target: String,
    fields: Vec<(String, String)>,
    patience: Duration,
}

impl Mcp {
    /// A client without a session; without a server, of all of them.
    pub fn new(addr: &str, server: &str, key: Option<&str>) -> Self {
        let accept = "application/json, text/event-stream".to_owned();
        let mut fields = vec![("Accept".to_owned(), accept)];
        fields.extend(key.map(|key| ("Authorization".to_owned(), key.to_owned())));
        let patience = Duration::from_secs(20);
        let target = if server.is_empty() { "/mcp".to_owned() } else { format!("/mcp/{server}") };
        Self { addr: addr.to_owned(), target, fields, patience }
    }

    /// Waits at most so long for an answer.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Shakes hands at that revision; panics if there is no session.
    #[track_caller]
    pub fn initialize(&mut self, revision: &str) -> Response {
        let response = self
            .post(&format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{{\
                 \"protocolVersion\":\"{revision}\",\"capabilities\":{{}},\
                 \"clientInfo\":{{\"name\":\"e2e\",\"version\":\"1\"}}}}}}"
            ))
            .unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        let session = response.field("mcp-session-id").expect("a session id").to_owned();
        self.fields.push(("Mcp-Session-Id".to_owned(), session));
        self.fields.push(("Mcp-Protocol-Version".to_owned(), revision.to_owned()));
        response
    }

    /// Sends one message.
    pub fn post(&self, body: &str) -> io::Result<Response> {
        let fields: Vec<_> = self.fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        Connection::open(&self.addr, self.patience)?.exchange("POST", &self.target, &fields, body)
    }

    /// Calls the tool `noop` with these arguments.
    pub fn call(&self, id: u32, arguments: &str) -> io::Result<Response> {
        self.post(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\
             \"name\":\"noop\",\"arguments\":{arguments}}}}}"
        ))
    }

    /// Ends the session.
    pub fn delete(&self) -> io::Result<Response> {
        let fields: Vec<_> = self.fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        Connection::open(&self.addr, self.patience)?.exchange("DELETE", &self.target, &fields, "")
    }
}
