// SPDX-License-Identifier: MIT
//! An engine that follows a script: what each request is answered, byte by byte if need be.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use penstock::docker::owner::Owner;
use penstock::gateway::io::Output;
use penstock::gateway::snapshot::ChildCommand;
use penstock::reactor::{EngineOptions, Options};

use crate::toy::{World, eventually, spawn};

/// What an engine was asked: method and path, without the version, and the body.
pub struct Asked {
    pub line: String,
    pub fields: String,
    pub body: String,
}

/// Answers one request on its connection, which ends when the closure returns.
type Script = dyn Fn(&Asked, &mut UnixStream) + Send + Sync;

/// An engine that does what its script says, and what any engine would do where that says nothing.
pub struct Fake {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// An engine of its own for one test; `script` returns whether it has answered.
    pub fn new(script: impl Fn(&Asked, &mut UnixStream) -> bool + Send + Sync + 'static) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("penstock-test-engine-{}-{n}.sock", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(move |asked, stream| {
            if !script(asked, stream) {
                obey(asked, stream);
            }
        });
        let log = asked.clone();
        // It ends with the test program: a listener cannot be woken without more machinery.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, log) = (script.clone(), log.clone());
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let Some(asked) = read_request(&stream) else { return };
                    log.lock().unwrap().push(asked.line.clone());
                    script(&asked, &mut stream);
                });
            }
        });
        Self { socket, asked }
    }

    pub fn options(&self) -> Options {
        let engine = EngineOptions {
            socket: self.socket.clone(),
            instance: "word".into(),
            owner: Owner::parse("b.1.2.3"),
        };
        Options { engine: Some(engine), ..Options::default() }
    }

    /// A loop with one container, `first` said to it, and what `react` adds.
    pub fn world(&self, command: ChildCommand, first: Vec<Output>) -> World {
        let first = std::iter::once(spawn(command)).chain(first).collect();
        World::with(self.options(), first, |_, _| {})
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn wait_for(&self, line: &str) {
        eventually(|| self.asked().iter().any(|asked| asked.starts_with(line)));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn read_request(stream: &UnixStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut line, mut fields, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).ok()?;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        if let Some(value) = field.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if field.trim().is_empty() {
            break;
        }
        fields.push_str(&field);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, fields, body: String::from_utf8(body).ok()? })
}

pub fn answer(stream: &mut UnixStream, status: &str, body: &str) {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
    let _ = stream.write_all(text.as_bytes());
}

/// What every engine does: creates, starts, waits until it is told to end, removes.
fn obey(asked: &Asked, stream: &mut UnixStream) {
    let line = asked.line.as_str();
    let verb = line.split('?').next().unwrap();
    if line == "GET /_ping" {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n\r\nOK");
    } else if verb.ends_with("/containers/json") {
        answer(stream, "200 OK", "[]");
    } else if verb.ends_with("/containers/create") {
        answer(stream, "201 Created", "{\"Id\":\"c0ffee\"}");
    } else if verb.ends_with("/attach") {
        let _ = stream.write_all(UPGRADED);
        let _ = stream.read_to_end(&mut Vec::new());
    } else if verb.ends_with("/wait") {
        let _ = stream.write_all(WAITING);
        let _ = stream.read_to_end(&mut Vec::new());
    } else if line.starts_with("DELETE") {
        answer(stream, "404 Not Found", "{\"message\":\"No such container\"}");
    } else {
        answer(stream, "204 No Content", "");
    }
}

pub const UPGRADED: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
pub const WAITING: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
pub const EXITED: &[u8] = b"11\r\n{\"StatusCode\":3}\n\r\n0\r\n\r\n";

pub fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 0, 0, 0];
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
    out
}
