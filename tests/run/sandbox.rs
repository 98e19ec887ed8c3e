// SPDX-License-Identifier: MIT
//! What a running gateway has given up, and that nothing is missed: a call that is not on the list
//! would end the gateway in all tests of this folder.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::binary::{
    CALCULATOR, INITIALIZE, PATIENCE, PENSTOCK, Running, Scratch, eventually, run,
};
use crate::guards::{CALL, PRIVATE, module, place, secure_forge, write};

/// A calculator behind HTTP.
struct Remote {
    child: Child,
    port: u16,
}

impl Remote {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(PENSTOCK);
        command.args(["serve", "calculator", "--http", &address]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        eventually(|| std::net::TcpStream::connect(&address).ok());
        Self { child, port }
    }

    /// Its server in a configuration; the name has to be looked up.
    fn server(&self) -> String {
        format!("[servers.remote]\nurl = \"http://localhost:{}/mcp\"\n", self.port)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `NoNewPrivs` and `Seccomp` of each thread, with its name.
fn threads(gateway: &Running) -> Vec<(String, [String; 2])> {
    let tasks = fs::read_dir(format!("/proc/{}/task", gateway.child.id())).unwrap();
    let read = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.unwrap_or_default().trim().to_owned()
        };
        (field("Name:"), [field("NoNewPrivs:"), field("Seccomp:")])
    };
    tasks.flatten().map(read).collect()
}

/// All threads are inside, with one exception if there are children; `want` must be among them.
#[track_caller]
fn check_inside(gateway: &Running, want: &[&str], starts_programs: bool) {
    let threads = threads(gateway);
    let (outside, inside): (Vec<_>, Vec<_>) =
        threads.iter().partition(|(name, _)| name == "starter");
    assert_eq!(outside.len(), usize::from(starts_programs), "{threads:?}");
    assert!(inside.iter().all(|(_, marks)| *marks == ["1", "2"]), "{threads:?}");
    for name in want {
        assert!(inside.iter().any(|(one, _)| one.starts_with(name)), "{name}: {threads:?}");
    }
}

/// What a child says of itself.
const CONFESS: &str = r#"
    [servers.spy]
    command = "sh"
    args = ["-c", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >&2; echo x >$FILE && echo written >&2"]
"#;

#[test]
fn children_are_as_free_as_the_gateway_was() {
    let own = fs::read_to_string("/proc/self/status").unwrap();
    assert!(own.contains("\nSeccomp:\t0\n"), "these tests run in a sandbox themselves");
    let scratch = Scratch::new();
    let file = scratch.file("outside");
    let toml = format!("{CONFESS}env = {{ FILE = \"{file}\" }}\n{CALCULATOR}");
    let mut gateway = Running::start(&toml);
    gateway.list("spy");
    let log = eventually(|| {
        Some(gateway.scratch.read("logs/spy.log")).filter(|log| log.contains("written"))
    });
    assert!(log.contains("NoNewPrivs:\t0") && log.contains("Seccomp:\t0"), "{log}");
    // Another one, started when the gateway has long been inside.
    assert!(gateway.ask("POST", "/mcp/calculator", "", INITIALIZE).contains("serverInfo"));
    assert!(gateway.list("calculator").contains("exact_calculate"));
    check_inside(&gateway, &["penstock", "logs"], true);
    gateway.ends_well();
}

#[test]
fn without_children_every_thread_is_inside() {
    let (remote, scratch) = (Remote::start(), Scratch::new());
    let path = write(&scratch, "mine.wasm", &module());
    let toml = format!(
        "{}guard = \"mine\"\n[guards.mine]\ntype = \"wasm\"\npath = \"{path}\"\n\
         policy = {{ allow-only = {{ repos = \"all\", min-integrity = \"none\" }} }}\n",
        remote.server()
    );
    let mut gateway = Running::start(&toml);
    assert!(gateway.list("remote").contains("exact_calculate"));
    let answer = gateway.ask("POST", "/mcp/remote", "", CALL);
    assert!(answer.contains("\"error\""), "the guard has judged: {answer}");
    check_inside(&gateway, &["penstock", "logs", "resolver", "guard-"], false);
    gateway.ends_well();
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    assert!(log.contains("sandbox: no_new_privileges on\n"), "{log}");
    assert!(log.contains("sandbox: seccomp on (") && log.contains(" calls, others kill)"), "{log}");
    // A kernel may be without it; then that is said.
    assert!(log.contains("sandbox: landlock"), "{log}");
}

#[test]
fn certificates_are_read_and_a_secure_server_is_reached() {
    let (address, asks) = secure_forge(PRIVATE);
    let toml = format!("[servers.secure]\nurl = \"{address}/mcp\"\n");
    let mut gateway = Running::with(&toml, |command| {
        command.env("SSL_CERT_FILE", place("certificate.pem"));
    });
    let asked = asks.recv_timeout(PATIENCE).unwrap();
    assert!(asked.starts_with("POST /mcp HTTP/1.1\r\n"), "{asked}");
    gateway.ends_well();
}

#[test]
fn logs_are_written_also_after_they_were_moved_away() {
    let mut gateway = Running::start(CALCULATOR);
    let logs = gateway.scratch.0.join("logs");
    for name in ["mcp-gateway.log", "rpc-messages.jsonl"] {
        fs::rename(logs.join(name), logs.join(format!("{name}.1"))).unwrap();
    }
    assert!(gateway.list("calculator").contains("exact_calculate"));
    // Those are made, or made anew, when there is something to say.
    eventually(|| gateway.scratch.read("logs/tools.json").contains("exact_").then_some(()));
    eventually(|| (!gateway.scratch.read("logs/calculator.log").is_empty()).then_some(()));
    gateway.ends_well();
    assert!(gateway.scratch.read("logs/mcp-gateway.log.1").contains("Gateway process exiting"));
    let stderr = gateway.scratch.read("stderr");
    assert!(!stderr.contains("Cannot write a log"), "{stderr}");
}

#[test]
fn a_sandbox_that_is_switched_off_is_none() {
    let off = "[gateway.sandbox]\nno_new_privileges = \"off\"\nlandlock = \"off\"\n\
               seccomp = \"off\"\n";
    let gateway = Running::start(&format!("{CALCULATOR}{off}"));
    assert!(gateway.list("calculator").contains("exact_calculate"));
    let threads = threads(&gateway);
    assert!(threads.iter().all(|(name, marks)| name != "starter" && *marks == ["0", "0"]));
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    assert!(log.contains("sandbox: seccomp off\n"), "{log}");
}

#[test]
fn a_measure_that_must_be_and_cannot_be_stops_the_start_with_the_way_out() {
    let scratch = Scratch::new();
    let toml = "[gateway.sandbox]\nno_new_privileges = \"off\"\nseccomp = \"on\"\n";
    let config = scratch.write("c.toml", &format!("{CALCULATOR}{toml}"));
    let (dir, listen) = (scratch.file("logs"), "127.0.0.1:0");
    let done = run(&["--config", &config, "--listen", listen, "--log-dir", &dir], "");
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.starts_with("sandbox: seccomp: needs no_new_privileges"), "{said}");
    assert!(said.contains("Write \"auto\" to go on without it"), "{said}");
}
