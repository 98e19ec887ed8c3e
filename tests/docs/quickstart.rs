// SPDX-License-Identifier: MIT
//! The two commands of README.md, and every other `curl` that needs nothing but the quickstart.

use std::fs::{File, read_to_string};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::markdown::{blocks, path, read};

/// The address that README.md tells; the tests take a free port instead.
const ADDRESS: &str = "http://127.0.0.1:3000";
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway with the configuration of the quickstart.
struct Gateway {
    process: Child,
    scratch: PathBuf,
    address: String,
}

impl Gateway {
    fn start() -> Self {
        let scratch = std::env::temp_dir().join(format!("penstock-docs-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).expect("the temporary directory can be written to");
        let stdout = File::create(scratch.join("stdout")).expect("a file in it");
        let stderr = File::create(scratch.join("stderr")).expect("a file in it");
        let process = Command::new(env!("CARGO_BIN_EXE_penstock"))
            .env_clear()
            .current_dir(path(""))
            .args(["--config", "examples/quickstart.toml", "--listen", "127.0.0.1:0", "--log-dir"])
            .arg(scratch.join("logs"))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        let mut gateway = Self { process, scratch, address: String::new() };
        let started = Instant::now();
        while gateway.address.is_empty() {
            assert!(started.elapsed() < PATIENCE, "no client configuration on stdout");
            sleep(Duration::from_millis(10));
            let said = read_to_string(gateway.scratch.join("stdout")).unwrap_or_default();
            if said.ends_with("}\n") {
                let after = said.split("http://").nth(1).and_then(|rest| rest.split('/').next());
                gateway.address = after.expect("an address in it").to_owned();
            }
        }
        gateway
    }

    fn ask(&self, request: &Request) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.address).expect("the gateway listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let Request { method, target, fields, body } = request;
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n{fields}\
             Content-Length: {length}\r\nConnection: close\r\n\r\n",
            self.address
        );
        socket.write_all(head.as_bytes()).expect("the gateway reads");
        socket.write_all(body.as_bytes()).expect("the gateway reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the gateway answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// What a `curl` sends.
#[derive(Debug, Default)]
struct Request {
    method: String,
    target: String,
    fields: String,
    body: String,
}

impl Request {
    /// Reads a `curl` with the options that our examples use.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let rest = line.strip_prefix("curl ")?;
        let mut request = Self { method: "GET".into(), ..Self::default() };
        let mut words = words(rest).into_iter();
        while let Some(word) = words.next() {
            match &*word {
                "-s" | "-sf" => {}
                "-X" => request.method = words.next()?,
                "-H" => request.fields += &format!("{}\r\n", words.next()?),
                "-d" => {
                    request.method = "POST".into();
                    request.body = words.next()?;
                }
                url => request.target = url.strip_prefix(ADDRESS)?.to_owned(),
            }
        }
        Some(request)
    }
}

/// The words of a command with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (part, n) in line.split('\'').zip(0..) {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for block in blocks(&read("README.md")) {
        if block.tag == "sh" {
            let text = block.text.replace("\\\n", " ");
            requests.extend(text.lines().filter_map(Request::parse));
        }
    }
    requests
}

#[test]
fn the_quickstart_prints_the_exact_sum_and_its_gateway_stops_as_told() {
    let mut gateway = Gateway::start();
    let requests = requests();
    let targets: Vec<_> = requests.iter().map(|request| &*request.target).collect();
    let calculator = "/mcp/calculator";
    assert_eq!(targets, [calculator, calculator, "/health", "/ready", "/close"]);
    for request in &requests {
        let mut answer = gateway.ask(request);
        let started = Instant::now();
        while request.target == "/ready" && answer.0 != 200 && started.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
            answer = gateway.ask(request);
        }
        let (status, body) = answer;
        assert_eq!(status, 200, "{request:?}: {body}");
        if request.body.contains("server/discover") {
            assert!(body.contains(r#""supportedVersions":["2026-07-28"]"#), "{body}");
        } else if request.target == calculator {
            assert!(body.contains(r#""structuredContent":{"#), "{body}");
            assert!(body.contains(r#""result":"0.3""#), "{body}");
        }
    }
    let started = Instant::now();
    let status = loop {
        if let Some(status) = gateway.process.try_wait().expect("it can be waited for") {
            break status;
        }
        assert!(started.elapsed() < PATIENCE, "the gateway does not stop");
        sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn the_first_command_is_the_one_that_this_test_runs() {
    let first = blocks(&read("README.md")).into_iter().find(|block| block.tag == "sh");
    let text = first.map(|block| block.text);
    let want = "cargo run --release -- --config examples/quickstart.toml\n";
    assert_eq!(text.as_deref(), Some(want));
}
