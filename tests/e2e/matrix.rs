// SPDX-License-Identifier: MIT
//! Every client with every server: both protocol eras, both transports, every feature.
//!
//! The servers are one behaviour (`tests/clients/matrix.json`) on three SDKs that are not ours, and
//! each of them speaks one era and refuses the other, except for the last, which speaks both. The
//! clients are four SDKs in each era that they know. Directly, a client meets the servers of its
//! own era; through the gateway, all.
//!
//! `E2E_MATRIX=ts2-modern@legacy` runs only the pairs whose names contain that.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use std::{env, iter, thread};

use crate::child::{Process, eventually};
use crate::gateway::Gateway;
use crate::http;
use crate::place::{Scratch, clients, free_port, node, python};

/// A client may take so long for all features, twenty seconds when nothing else runs.
const RUN_S: u64 = 240;

/// Clients that run at once.
const AT_ONCE: usize = 2;

/// The clients, by their drivers, and the eras that they know.
const CLIENTS: &[(&str, &str)] = &[
    ("ts1", "legacy"),
    ("ts2", "legacy"),
    ("ts2", "modern"),
    ("py", "legacy"),
    ("py", "modern"),
    ("fast", "legacy"),
    ("fast", "modern"),
];

/// A server that is made with somebody else's SDK: what it speaks, and how it is started.
struct Server {
    era: &'static str,
    transport: &'static str,
    script: &'static [&'static str],
}

/// The TypeScript SDK 1.x, the TypeScript SDK 2.x and the Python SDK 2.x.
const SERVERS: &[Server] = &[
    Server { era: "legacy", transport: "stdio", script: &["matrix-legacy.mjs"] },
    Server { era: "legacy", transport: "http", script: &["matrix-legacy.mjs"] },
    Server { era: "modern", transport: "stdio", script: &["matrix-modern.mjs"] },
    Server { era: "modern", transport: "http", script: &["matrix_modern.py"] },
    Server { era: "dual", transport: "stdio", script: &["matrix-modern.mjs", "dual"] },
];

impl Server {
    fn name(&self) -> String {
        format!("{}-{}", self.era, self.transport)
    }

    fn program(&self) -> String {
        let is_python = Path::new(self.script[0]).extension() == Some("py".as_ref());
        if is_python { python() } else { node() }.display().to_string()
    }

    fn args(&self) -> Vec<String> {
        let script = clients().join(self.script[0]).display().to_string();
        let rest = self.script[1..].iter().map(|arg| (*arg).to_owned());
        iter::once(script).chain(rest).collect()
    }

    /// Starts it on a port if it speaks HTTP; returns the way to it as a driver wants it.
    fn start(&self, scratch: &Scratch) -> (Option<Process>, String) {
        let (program, args) = (self.program(), self.args());
        if self.transport == "stdio" {
            let way = format!("\"stdio\":{{\"command\":{program:?},\"args\":{args:?}}}");
            return (None, way);
        }
        let port = free_port();
        let log = scratch.path().join(format!("{}.log", self.name()));
        let mut command = Command::new(program);
        command.args(args).arg(port.to_string());
        let process = Process::start(&mut command, &log.with_extension("out"), &log);
        let addr = format!("127.0.0.1:{port}");
        let listens = || http::get(&addr, "/mcp").ok();
        eventually("the server listens", Duration::from_secs(30), listens);
        (Some(process), format!("\"url\":\"http://{addr}/mcp\""))
    }

    /// The same as a section of the gateway's configuration.
    fn toml(&self, name: &str, way: &str) -> String {
        if self.transport == "stdio" {
            let (program, args) = (self.program(), self.args());
            return format!("[servers.{name}]\ncommand = {program:?}\nargs = {args:?}\n");
        }
        let url = way.trim_start_matches("\"url\":");
        format!("[servers.{name}]\ntype = \"http\"\nurl = {url}\n")
    }
}

/// A client, a server, and the way from the one to the other.
struct Pair {
    client: &'static str,
    mode: &'static str,
    server: String,
    way: String,
}

impl Pair {
    fn name(&self) -> String {
        format!("{}-{}@{}", self.client, self.mode, self.server)
    }

    /// Runs the driver; what it prints are the lines of this pair.
    fn run(&self, scratch: &Scratch) {
        let folder = clients();
        let job = format!("{{\"mode\":{:?},{}}}", self.mode, self.way);
        let mut command = match self.client {
            "py" | "fast" => {
                let mut command = Command::new(python());
                command.arg(folder.join(format!("matrix_{}.py", self.client)));
                command
            }
            _ => {
                let mut command = Command::new(node());
                command.arg(folder.join(format!("matrix-{}.mjs", self.client)));
                command
            }
        };
        let out = scratch.path().join(format!("{}.jsonl", self.name()));
        let mut process = Process::start(command.arg(job), &out, &out.with_extension("err"));
        process.wait(Duration::from_secs(RUN_S));
    }
}

/// Runs the pairs, a few at once but one at each server, and prints what came of them.
#[track_caller]
fn run(pairs: Vec<Pair>, scratch: &Scratch, unified: bool) {
    let wanted = env::var("E2E_MATRIX").unwrap_or_default();
    let mut queues: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
    for pair in pairs.into_iter().filter(|pair| pair.name().contains(&wanted)) {
        queues.entry(pair.server.clone()).or_default().push(pair);
    }
    let queues: Mutex<Vec<_>> = Mutex::new(queues.into_values().collect());
    let next = || queues.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(queue) = next() {
                    queue.iter().for_each(|pair| pair.run(scratch));
                }
            });
        }
    });
    let mut table = Command::new(node());
    let how = if unified { "unified" } else { "" };
    let output = table
        .arg(clients().join("matrix-table.mjs"))
        .arg(scratch.path())
        .arg(how)
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    println!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "see {}", scratch.path().display());
}

#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn every_client_meets_the_servers_of_its_era_directly() {
    let scratch = Scratch::new("matrix-direct");
    let started: Vec<_> = SERVERS.iter().map(|server| (server, server.start(&scratch))).collect();
    let mut pairs = Vec::new();
    for (server, (_, way)) in &started {
        let known = |mode: &str| server.era == "dual" || server.era == mode;
        for &(client, mode) in CLIENTS.iter().filter(|(_, mode)| known(mode)) {
            pairs.push(Pair { client, mode, server: server.name(), way: way.clone() });
        }
    }
    run(pairs, &scratch, false);
}

// Checklist 89, 90, 91, 92.
#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn every_client_meets_every_server_through_the_gateway() {
    let scratch = Scratch::new("matrix-gateway");
    let started: Vec<_> = SERVERS.iter().map(|server| (server, server.start(&scratch))).collect();
    let config: String =
        started.iter().map(|(server, (_, way))| server.toml(&server.name(), way)).collect();
    // Each client has a gateway to itself: what one has given up leaves in doubt for a minute whose
    // the logs of a shared child are.
    let mut gateways = Vec::new();
    let mut pairs = Vec::new();
    for &(client, mode) in CLIENTS {
        let gateway = Gateway::toml(&format!("matrix-gateway-{client}-{mode}"), &config);
        for (server, _) in &started {
            let way = format!("\"url\":{:?}", gateway.url(&server.name()));
            pairs.push(Pair { client, mode, server: server.name(), way });
        }
        gateways.push(gateway);
    }
    run(pairs, &scratch, false);
}

// Checklist 116.
#[test]
#[ignore = "needs node and python; scripts/test.sh runs it"]
fn every_client_meets_every_server_where_all_are_one() {
    let scratch = Scratch::new("matrix-unified");
    let started: Vec<_> = SERVERS.iter().map(|server| (server, server.start(&scratch))).collect();
    let mut gateways = Vec::new();
    let mut pairs = Vec::new();
    for (server, (_, way)) in &started {
        for &(client, mode) in CLIENTS {
            let name = format!("matrix-unified-{}-{client}-{mode}", server.name());
            let gateway = Gateway::toml(&name, &server.toml("it", way));
            let way = format!("\"prefix\":\"it___\",\"url\":\"http://{}/mcp\"", gateway.addr);
            pairs.push(Pair { client, mode, server: server.name(), way });
            gateways.push(gateway);
        }
    }
    run(pairs, &scratch, true);
}
