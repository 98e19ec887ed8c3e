// SPDX-License-Identifier: MIT
//! The program under test: run to its end, or running and spoken to.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The program.
pub const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// A server that works.
pub const CALCULATOR: &str =
    "[servers.calculator]\ncommand = \"self\"\nargs = [\"serve\", \"calculator\"]\n";

/// A request that needs no session.
pub const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// A request that begins a session, which gets a child of its own.
pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// Whatever a gateway does here, it does with the calls of its sandbox: any other one ends it.
pub const STRICT: &str = "\n[gateway.sandbox]\nseccomp = \"kill\"\n";

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// A directory of a test's own.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("penstock-run-{}-{n}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.file(name)
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.0.join(name)).unwrap_or_default()).into_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Runs it to its end without a terminal; `stdin` is all that it can read.
pub fn run(args: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(PENSTOCK);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

/// A gateway that runs.
pub struct Running {
    pub child: Child,
    pub scratch: Scratch,
    pub port: u16,
}

impl Running {
    /// Starts it with a TOML text and waits until it has printed where it listens.
    #[track_caller]
    pub fn start(toml: &str) -> Self {
        Self::with(toml, |_| {})
    }

    /// The same, after `change` was made to the command. Unless it says something else of its
    /// sandbox, that is [`STRICT`].
    #[track_caller]
    pub fn with(toml: &str, change: impl FnOnce(&mut Command)) -> Self {
        let scratch = Scratch::new();
        let mut command = Command::new(PENSTOCK);
        let strict = if toml.contains("[gateway.sandbox]") { "" } else { STRICT };
        let config = scratch.write("c.toml", &format!("{toml}{strict}"));
        command.args(["--config", &config, "--listen", "127.0.0.1:0"]);
        command.args(["--log-dir", &scratch.file("logs")]);
        Self::launch(command, scratch, change)
    }

    /// Starts `command`, which runs it, with its output in files.
    #[track_caller]
    pub fn launch(
        mut command: Command,
        scratch: Scratch,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        command.stdin(Stdio::null());
        command.stdout(fs::File::create(scratch.file("stdout")).unwrap());
        command.stderr(fs::File::create(scratch.file("stderr")).unwrap());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let port = eventually(|| {
            assert!(child.try_wait().unwrap().is_none(), "{}", scratch.read("stderr"));
            // The log says it too, for tests that take stdout away.
            let said = scratch.read("stdout") + &scratch.read("stderr");
            let said = said + &scratch.read("logs/mcp-gateway.log");
            let at = said.split_once("ROUTED mode on ").map(|(_, rest)| rest.to_owned());
            let line = at?.lines().next()?.to_owned();
            line.rsplit(':').next()?.trim().parse().ok()
        });
        Self { child, scratch, port }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request and reads until the connection ends.
    pub fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> String {
        let mut stream = self.send(method, path, &format!("{fields}Connection: close\r\n"), body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a request and reads nothing.
    pub fn send(&self, method: &str, path: &str, fields: &str, body: &str) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        stream
    }

    /// The answer of a server to `tools/list`.
    pub fn list(&self, server: &str) -> String {
        self.ask("POST", &format!("/mcp/{server}"), "", LIST)
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// How it ends, and how long it takes from now.
    #[track_caller]
    pub fn end(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        (eventually(|| self.child.try_wait().unwrap()), start.elapsed())
    }

    #[track_caller]
    pub fn ends_well(&mut self) {
        self.signal("TERM");
        let (status, _) = self.end();
        assert!(status.success(), "{status}\n{}", self.scratch.read("stderr"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    let pid = pid.to_string();
    let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
    assert!(status.success());
}

/// Asks until there is an answer.
#[track_caller]
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// The children of `pid`, zombies included: number and command line.
pub fn children_of(pid: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        if after.split_whitespace().nth(1) == Some(pid.to_string().as_str()) {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push((id, String::from_utf8_lossy(&line).replace('\0', " ")));
        }
    }
    found
}
