// SPDX-License-Identifier: MIT
//! Real clients and real servers: what a client sees through the gateway is what it sees without.
//!
//! Each test runs one scenario of `tests/clients/scenarios.json` twice, directly and through the
//! gateway, and compares the two records message for message (`tests/clients/compare.mjs`).
//! With `E2E_DIRECT_TWICE=1` both runs are direct: then a difference is the scenario's own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use crate::child::{Process, eventually, run};
use crate::gateway::Gateway;
use crate::http;
use crate::place::{Scratch, clients, free_port, node, package, python, tools};

/// A scenario may take so long, the slowest of them about ten seconds when nothing else runs.
const RUN_S: u64 = 120;

/// A server as one would configure it: the program, its arguments, its environment.
pub struct Server {
    command: String,
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Server {
    /// The server of a scenario, which works in `dir`.
    pub fn new(scenario: &str, dir: &Path) -> Self {
        let text = |path: &Path| path.display().to_string();
        let js = |name: &str| (text(&node()), vec![text(&package(name))]);
        let py = |name: &str| (text(&tools().join("venv/bin").join(name)), Vec::new());
        let ((command, mut args), mut env) = match scenario {
            "filesystem" => (js("server-filesystem"), Vec::new()),
            "memory" => {
                let file = text(&dir.join("memory.jsonl"));
                (js("server-memory"), vec![("MEMORY_FILE_PATH", file)])
            }
            "sequential-thinking" => (js("server-sequential-thinking"), Vec::new()),
            "fetch" => (py("mcp-server-fetch"), Vec::new()),
            "time" => (py("mcp-server-time"), Vec::new()),
            "git" => (py("mcp-server-git"), Vec::new()),
            _ => (js("server-everything"), Vec::new()),
        };
        match scenario {
            "filesystem" => args.push(text(dir)),
            "fetch" => {
                args.push("--ignore-robots-txt".to_owned());
                args.push(format!("--proxy-url=http://{}", pages()));
            }
            "time" => args.push("--local-timezone=UTC".to_owned()),
            "git" => {
                for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
                    env.push((name, "2026-01-02T03:04:05+0000".to_owned()));
                }
            }
            _ => {}
        }
        Self { command, args, env }
    }

    /// The way to it as the drivers want it.
    pub fn json(&self) -> String {
        let env: Vec<_> =
            self.env.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
        format!(
            "{{\"command\":{:?},\"args\":{:?},\"env\":{{{}}}}}",
            self.command,
            self.args,
            env.join(",")
        )
    }

    /// The same as a section of the gateway's configuration.
    pub fn toml(&self) -> String {
        let env: Vec<_> =
            self.env.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        format!(
            "[servers.it]\ncommand = {:?}\nargs = {:?}\nenv = {{ {} }}\n",
            self.command,
            self.args,
            env.join(", ")
        )
    }
}

/// A proxy that has one page for every address, until the tests end; where it listens.
fn pages() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            // A head without a body is all that ever comes, and it comes at once.
            let _ = stream.read(&mut [0; 8192]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
            let page = "One page, é, for all.\n".repeat(3);
            let length = format!("Content-Length: {}\r\n\r\n", page.len());
            let _ = stream.write_all(format!("{head}{length}{page}").as_bytes());
        }
    });
    addr
}

/// Makes in `dir` what the scenario expects to find.
pub fn prepare(scenario: &str, dir: &Path) {
    if scenario != "git" {
        return;
    }
    let git = |args: &[&str]| {
        run(Command::new("git")
            .current_dir(dir)
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00+0000")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00+0000")
            .args(args))
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["config", "user.name", "Ada"]);
    git(&["config", "user.email", "ada@localhost"]);
    fs::write(dir.join("file.txt"), "one\ntwo\n").unwrap();
    git(&["add", "file.txt"]);
    git(&["commit", "-q", "-m", "Begin"]);
    fs::write(dir.join("file.txt"), "one\nzwei\n").unwrap();
}

/// Runs one driver to its end.
#[track_caller]
fn drive(client: &str, scenario: &str, dir: &Path, out: &str, way: &str) {
    let folder = clients();
    let mut command = match client {
        "py" => Command::new(python()),
        _ => Command::new(node()),
    };
    command.arg(folder.join(match client {
        "py" => "drive.py".to_owned(),
        _ => format!("{client}.mjs"),
    }));
    command.arg(format!("{{\"scenario\":{scenario:?},\"dir\":{dir:?},\"out\":{out:?},{way}}}"));
    let log = format!("{out}.log");
    let mut process = Process::start(&mut command, Path::new(&log), Path::new(&format!("{log}2")));
    let status = process.wait(Duration::from_secs(RUN_S));
    let log = fs::read_to_string(format!("{log}2")).unwrap();
    assert!(status.success(), "{client} {scenario}: {status}\n{log}");
}

/// Compares two records; `ignored` methods are left out.
#[track_caller]
fn compare(scenario: &str, scratch: &Scratch, dirs: [&Path; 2], ignored: &[&str]) {
    let unordered = scenario == "crowd";
    let output = Command::new(node())
        .arg(clients().join("compare.mjs"))
        .args([scratch.file("direct"), scratch.file("gateway")])
        .arg(format!(
            "{{\"masks\":{{{:?}:\"<dir>\",{:?}:\"<dir>\"}},\"ignore\":{ignored:?},\
             \"unordered\":{unordered}}}",
            dirs[0], dirs[1]
        ))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the gateway changes what the client sees:\n{text}");
}

fn direct_twice() -> bool {
    env::var_os("E2E_DIRECT_TWICE").is_some()
}

/// A stdio server, directly by the SDK's own transport and through the gateway.
#[track_caller]
fn check_stdio(client: &str, scenario: &str) {
    let scratch = Scratch::new(&format!("{client}-{scenario}"));
    let dirs = ["a", "b"].map(|name| scratch.path().join(name));
    for dir in &dirs {
        fs::create_dir_all(dir).unwrap();
        prepare(scenario, dir);
    }
    let server = Server::new(scenario, &dirs[0]);
    let way = format!("\"stdio\":{}", server.json());
    drive(client, scenario, &dirs[0], &scratch.file("direct"), &way);

    let server = Server::new(scenario, &dirs[1]);
    if direct_twice() {
        let way = format!("\"stdio\":{}", server.json());
        drive(client, scenario, &dirs[1], &scratch.file("gateway"), &way);
        return compare(scenario, &scratch, [&dirs[0], &dirs[1]], &[]);
    }
    let gateway = Gateway::toml(&format!("{client}-{scenario}-gateway"), &server.toml());
    let way = format!("\"http\":{{\"url\":{:?},\"headers\":{{}}}}", gateway.url("it"));
    drive(client, scenario, &dirs[1], &scratch.file("gateway"), &way);
    compare(scenario, &scratch, [&dirs[0], &dirs[1]], &[]);
}

/// What the server sends of itself within its first half second. Without a gateway it is lost when
/// the client has not opened its stream by then; eight clients at once are not always so quick.
fn early(scenario: &str) -> &'static [&'static str] {
    match scenario {
        "crowd" => &["notifications/tools/list_changed", "roots/list", "notifications/message"],
        _ => &["notifications/tools/list_changed"],
    }
}

/// server-everything over HTTP, and where it is.
pub fn everything_over_http(scratch: &Scratch) -> (Process, String) {
    let port = free_port();
    let (out, err) = (scratch.path().join("server"), scratch.path().join("server.log"));
    let server = Process::start(
        Command::new(node())
            .arg(package("server-everything"))
            .arg("streamableHttp")
            .env("PORT", port.to_string()),
        &out,
        &err,
    );
    let addr = format!("127.0.0.1:{port}");
    eventually("the server listens", Duration::from_secs(20), || http::get(&addr, "/mcp").ok());
    (server, format!("http://{addr}/mcp"))
}

/// A Streamable HTTP server, directly and through the gateway.
#[track_caller]
fn check_http(client: &str, scenario: &str) {
    let scratch = Scratch::new(&format!("{client}-{scenario}-http"));
    let (_server, url) = everything_over_http(&scratch);
    let dir = scratch.path().join("dir");
    fs::create_dir_all(&dir).unwrap();

    let way = format!("\"http\":{{\"url\":{url:?},\"headers\":{{}},\"resume\":false}}");
    drive(client, scenario, &dir, &scratch.file("direct"), &way);

    if direct_twice() {
        drive(client, scenario, &dir, &scratch.file("gateway"), &way);
        return compare(scenario, &scratch, [&dir, &dir], early(scenario));
    }
    let config = format!("[servers.it]\ntype = \"http\"\nurl = {url:?}\n");
    let gateway = Gateway::toml(&format!("{client}-{scenario}-http-gateway"), &config);
    let url = gateway.url("it");
    let way = format!("\"http\":{{\"url\":{url:?},\"headers\":{{}},\"resume\":false}}");
    drive(client, scenario, &dir, &scratch.file("gateway"), &way);
    compare(scenario, &scratch, [&dir, &dir], early(scenario));
}

macro_rules! matrix {
    ($($client:ident)*) => {$(
        mod $client {
            use super::{check_http, check_stdio};

            const CLIENT: &str = stringify!($client);

            // Checklist 59, 89.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn everything_over_stdio() {
                check_stdio(CLIENT, "everything");
            }

            // Checklist 59, 89.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn everything_over_http() {
                check_http(CLIENT, "everything");
            }

            // Checklist 55.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn everything_without_capabilities() {
                check_stdio(CLIENT, "everything-bare");
            }

            // Checklist 60.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn eight_clients_at_once_over_stdio() {
                check_stdio(CLIENT, "crowd");
            }

            // Checklist 60.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn eight_clients_at_once_over_http() {
                check_http(CLIENT, "crowd");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn filesystem() {
                check_stdio(CLIENT, "filesystem");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn memory() {
                check_stdio(CLIENT, "memory");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn sequential_thinking() {
                check_stdio(CLIENT, "sequential-thinking");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn fetch() {
                check_stdio(CLIENT, "fetch");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn time() {
                check_stdio(CLIENT, "time");
            }

            // Checklist 115.
            #[test]
            #[ignore = "needs node and python; scripts/test.sh runs it"]
            fn git() {
                check_stdio(CLIENT, "git");
            }
        }
    )*};
}

matrix! { ts1 ts2 py }

#[test]
#[ignore = "needs node; scripts/test.sh runs it"]
fn a_server_of_the_older_transport_serves_calls() {
    let scratch = Scratch::new("older-transport");
    let port = free_port();
    let (out, err) = (scratch.path().join("server"), scratch.path().join("server.log"));
    let _server = Process::start(
        Command::new(node())
            .arg(package("server-everything"))
            .arg("sse")
            .env("PORT", port.to_string()),
        &out,
        &err,
    );
    let addr = format!("127.0.0.1:{port}");
    eventually("the server listens", Duration::from_secs(20), || http::get(&addr, "/").ok());
    let config = format!("[servers.it]\ntype = \"http\"\nurl = \"http://{addr}/sse\"\n");
    let gateway = Gateway::toml("older-transport-gateway", &config);
    let client = gateway.client("it");
    for text in ["one", "two"] {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":"{text}","method":"tools/call","params":{{"name":"echo","arguments":{{"message":"{text}"}}}}}}"#
        );
        let answer = client.post(&call).unwrap();
        assert!(answer.answer().contains(&format!("Echo: {text}")), "{}", answer.answer());
        assert!(answer.answer().contains(&format!("\"id\":\"{text}\"")), "{}", answer.answer());
    }
}
