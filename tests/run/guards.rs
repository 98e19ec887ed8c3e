// SPDX-License-Identifier: MIT
//! Guards at the start: modules that are there or not, and what the forge says of the repository.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use penstock::policy::guard::wasm::sha256;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::binary::{CALCULATOR, PATIENCE, PENSTOCK, Running, Scratch, eventually, run};

/// A call of a tool without a session.
pub const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exact_calculate","arguments":{"operator":"add","operands":["0.1","0.2"]}}}"#;

/// The token of the tests.
const TOKEN: &str = "ghp_of-the-operator";

/// A guard for which nothing is good enough for anybody.
pub fn module() -> Vec<u8> {
    let agent = r#"{"agent":{"secrecy":[],"integrity":["good"]},"difc_mode":"strict"}"#;
    let resource =
        r#"{"resource":{"description":"sum","secrecy":[],"integrity":[]},"operation":"read"}"#;
    let says = |name: &str, at: usize, text: &str| {
        format!(
            r#"(data (i32.const {at}) "{}")
            (func (export "{name}") (param i32 i32 i32 i32) (result i32)
                (memory.copy (local.get 2) (i32.const {at}) (i32.const {len}))
                (i32.const {len}))"#,
            text.replace('"', "\\\""),
            len = text.len()
        )
    };
    let text = format!(
        r#"(module (memory (export "memory") 1) {} {} {})"#,
        says("label_agent", 1024, agent),
        says("label_resource", 2048, resource),
        says("label_response", 3072, ""),
    );
    wat::parse_str(text).unwrap()
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two servers that a guard watches over, as its table says.
fn guarded(table: &str) -> String {
    format!(
        "{CALCULATOR}guard = \"mine\"\n[servers.other]\ncommand = \"self\"\n\
         args = [\"serve\", \"calculator\"]\nguard = \"mine\"\n\
         [guards.mine]\ntype = \"wasm\"\n{table}\n\
         policy = {{ allow-only = {{ repos = \"all\", min-integrity = \"none\" }} }}\n"
    )
}

/// A table that names the file, and the digest if there is one.
fn naming(path: &str, digest: Option<[u8; 32]>) -> String {
    let digest = digest.map(|digest| format!("sha256 = \"{}\"", hex(digest)));
    guarded(&format!("path = \"{path}\"\n{}", digest.unwrap_or_default()))
}

pub fn write(scratch: &Scratch, name: &str, bytes: &[u8]) -> String {
    fs::write(scratch.file(name), bytes).unwrap();
    scratch.file(name)
}

#[test]
fn a_module_judges_the_calls_of_all_servers_that_name_it() {
    let scratch = Scratch::new();
    let module = module();
    let path = write(&scratch, "mine.wasm", &module);
    let mut gateway = Running::start(&naming(&path, Some(sha256(&module))));
    for server in ["calculator", "other"] {
        let answer = gateway.ask("POST", &format!("/mcp/{server}"), "", CALL);
        assert!(answer.contains(r#""rule":"difc.read.integrity""#), "{answer}");
        assert!(!answer.contains("0.3"), "{answer}");
    }
    gateway.ends_well();
}

/// It does not start, and says this.
#[track_caller]
fn check_refused(toml: &str, wanted: &[&str]) {
    let scratch = Scratch::new();
    let config = scratch.write("c.toml", toml);
    for args in [&["check", "--config", &config][..], &["--config", &config]] {
        let done = run(args, "");
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{said}");
        wanted.iter().for_each(|want| assert!(said.contains(want), "{want:?} not in {said}"));
    }
}

/// With compat it starts, says this, and nothing is judged.
#[track_caller]
fn check_left_alone(toml: &str, want: &str) {
    let mut gateway = Running::start(&format!("guards_compat = true\n{toml}"));
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    assert!(log.contains(want) && log.contains("; it has no guard"), "{log}");
    let answer = gateway.ask("POST", "/mcp/calculator", "", CALL);
    assert!(answer.contains("0.3"), "{answer}");
    gateway.ends_well();
}

#[test]
fn a_module_that_is_not_the_one_that_was_meant_is_never_run() {
    let scratch = Scratch::new();
    let module = module();
    let path = write(&scratch, "mine.wasm", &module);
    let meant = sha256(b"another file");
    let why = format!("its SHA-256 is {} and not {}", hex(sha256(&module)), hex(meant));
    let toml = naming(&path, Some(meant));
    check_refused(
        &toml,
        &[
            &why,
            "2 problems; nothing was started",
            "Configuration error at guards.mine: server \"calculator\": WASM file ",
            "Suggestion: Correct 'path' or 'sha256', or replace the module",
        ],
    );
    // Logs show nothing that looks like a key.
    check_left_alone(&toml, "is not the one that was meant: its SHA-256 is ");
}

#[test]
fn without_its_module_a_server_is_not_served() {
    let scratch = Scratch::new();
    let missing = naming(&scratch.file("gone.wasm"), None);
    check_refused(&missing, &["failed to read WASM file: ", "No such file or directory"]);
    check_left_alone(&missing, "failed to read WASM file: ");
    let junk = naming(&write(&scratch, "junk.wasm", b"junk"), None);
    check_refused(&junk, &["failed to instantiate WASM module: "]);
    check_left_alone(&junk, "failed to instantiate WASM module: ");
    check_refused(&naming("/dev/zero", None), &["/dev/zero: it is no file"]);
}

#[test]
fn a_directory_of_modules_that_cannot_be_read_is_told() {
    let scratch = Scratch::new();
    scratch.write("calculator", "no directory");
    fs::create_dir(scratch.file("other")).unwrap();
    write(&scratch, "other/a.wasm", b"junk");
    let directory = |command: &mut Command| {
        command.env("MCP_GATEWAY_WASM_GUARDS_DIR", &scratch.0);
    };
    let mut gateway = Running::with(CALCULATOR, directory);
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    assert!(log.contains("failed to read server guard directory \""), "{log}");
    gateway.ends_well();
    let config = scratch.write(
        "c.toml",
        "[servers.other]\ncommand = \"x\"\n\
         guard_policies = { repos = \"all\", min-integrity = \"none\" }\n",
    );
    let mut command = Command::new(PENSTOCK);
    directory(&mut command);
    let done = command.args(["check", "--config", &config]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("other/a.wasm: server \"other\": "), "{said}");
    assert!(said.contains("Suggestion: Replace the module, remove it"), "{said}");
}

/// A forge that says this of every repository, after a while; and what it was asked.
fn forge(answer: &'static str, after: Duration) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v3/", listener.local_addr().unwrap());
    let (asked, asks) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), answer, after, &asked);
        }
    });
    (address, asks)
}

fn serve(mut stream: impl Read + Write, answer: &str, after: Duration, asked: &Sender<String>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
    let _ = asked.send(String::from_utf8_lossy(&head).into_owned());
    thread::sleep(after);
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
}

pub fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// The same over TLS, as `localhost`.
pub fn secure_forge(answer: &'static str) -> (String, Receiver<String>) {
    let certificate = CertificateDer::from_pem_file(place("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(place("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let (asked, asks) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let stream = StreamOwned::new(connection, stream.unwrap());
            serve(stream, answer, Duration::ZERO, &asked);
        }
    });
    (address, asks)
}

const PUBLIC: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Transfer-Encoding: chunked\r\n\r\n\
    25\r\n{\"id\":1,\"visibility\":\"public\",\"x\":[]}\r\n0\r\n\r\n";
pub const PRIVATE: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 16\r\n\r\n{\"private\":true}";
const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

/// A server of GitHub's with a policy, and two sinks.
const WATCHED: &str = r#"
    [servers.github]
    command = "self"
    args = ["serve", "calculator"]
    guard_policies = { repos = "all", min-integrity = "none" }
    [servers.safeoutputs]
    command = "self"
    args = ["serve", "calculator"]
    guard_policies = { write-sink = { accept = ["*"] } }
    [servers.notes]
    command = "self"
    args = ["serve", "calculator"]
    guard_policies = { write-sink = { accept = ["*"], sink-visibility = "private" } }
"#;

fn in_workflow(toml: &str, api: &str, change: impl FnOnce(&mut Command)) -> Running {
    Running::with(toml, |command| {
        command.env("GITHUB_API_URL", api).env("GITHUB_TOKEN", TOKEN);
        command.env("GITHUB_REPOSITORY", "acme/web").env("DEBUG", "*");
        command.env_remove("GITHUB_MCP_SERVER_TOKEN");
        change(command);
    })
}

/// The log of a start with what the forge says, and what it was asked.
#[track_caller]
fn log_of(toml: &str, answer: &'static str) -> (String, Option<String>) {
    let (api, asks) = forge(answer, Duration::ZERO);
    let mut gateway = in_workflow(toml, &api, |_| {});
    gateway.ends_well();
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    let all = log.clone() + &gateway.scratch.read("stderr") + &gateway.scratch.read("stdout");
    assert!(!all.contains(TOKEN), "the token is in a log");
    (log, asks.try_recv().ok())
}

#[test]
fn t_ws_004_a_workflow_in_a_public_repository_is_kept_to_public_ones() {
    let (log, asked) = log_of(WATCHED, PUBLIC);
    let asked = asked.unwrap();
    assert!(asked.starts_with("GET /v3/repos/acme/web HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("\r\nAuthorization: token {TOKEN}\r\n")), "{asked}");
    assert!(asked.contains("\r\nUser-Agent: penstock/"), "{asked}");
    assert!(log.contains("FORCED REPOS=PUBLIC: workflow repo acme/web is public"), "{log}");
    assert!(log.contains("server \"safeoutputs\": SAFE-OUTPUTS SAFETY NET: "), "{log}");
    assert!(log.contains("SINK VISIBILITY OVERRIDE: configured=\"private\""), "{log}");
}

#[test]
fn t_ws_008_nothing_is_forced_where_the_repository_is_private() {
    let (log, _) = log_of(WATCHED, PRIVATE);
    assert!(!log.contains("FORCED REPOS") && !log.contains("SAFETY NET"), "{log}");
    let passed = "Sink visibility runtime verification passed: repo=acme/web, \
                  configured=\"private\", actual=\"private\"";
    assert!(log.contains(passed), "{log}");
}

#[test]
fn a_forge_that_does_not_tell_forces_nothing_and_is_told_of() {
    let (log, _) = log_of(WATCHED, REFUSED);
    assert!(!log.contains("FORCED REPOS"), "{log}");
    assert!(log.contains("whether workflow repo acme/web is public"), "{log}");
    assert!(log.contains("its sake: status 403"), "{log}");
    assert!(log.contains("Sink visibility runtime verification failed (using"), "{log}");
    let (log, _) = log_of(WATCHED, "");
    assert!(log.contains("the connection ended before the answer was complete"), "{log}");
}

#[test]
fn only_a_forge_that_is_trusted_learns_the_token() {
    let (api, asks) = secure_forge(PRIVATE);
    for (trusted, want) in [(true, "verification passed"), (false, "verification failed")] {
        let mut gateway = in_workflow(WATCHED, &api, |command| {
            let file = if trusted { place("certificate.pem") } else { "/dev/null".into() };
            command.env("SSL_CERT_FILE", file);
        });
        gateway.ends_well();
        let log = gateway.scratch.read("logs/mcp-gateway.log");
        assert!(log.contains(want), "{log}");
        let asked = asks.recv_timeout(PATIENCE).unwrap_or_default();
        assert_eq!(asked.contains(TOKEN), trusted, "{asked}");
    }
}

#[test]
fn where_nothing_depends_on_it_nobody_is_asked() {
    let (log, asked) = log_of(CALCULATOR, PUBLIC);
    assert!(asked.is_none() && !log.contains("acme/web"), "{log}");
    let (_, asked) = log_of(
        &format!(
            "[gateway]\nforce_public_repos = false\n{}",
            WATCHED.split("[servers.safeoutputs]").next().unwrap()
        ),
        PUBLIC,
    );
    assert!(asked.is_none());
}

#[test]
fn whoever_comes_while_the_forge_is_asked_finds_the_port_and_waits() {
    let (api, asks) = forge(PRIVATE, Duration::from_secs(1));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scratch = Scratch::new();
    let config = scratch.write("c.toml", WATCHED);
    let mut command = Command::new(PENSTOCK);
    command.args(["--config", &config, "--log-dir", &scratch.file("logs")]);
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    command.env("GITHUB_API_URL", &api).env("GITHUB_TOKEN", TOKEN);
    command.env("GITHUB_REPOSITORY", "acme/web");
    let mut child = command.stdout(fs::File::create("/dev/null").unwrap()).spawn().unwrap();
    asks.recv_timeout(PATIENCE).unwrap();
    let started = Instant::now();
    let health = penstock::run::health::ask(Some(&format!("http://127.0.0.1:{port}/health")));
    assert!(health.is_ok(), "{health:?}");
    assert!(started.elapsed() > Duration::from_millis(500), "it was asked in vain");
    crate::binary::signal(child.id(), "TERM");
    assert!(eventually(|| child.try_wait().unwrap()).success());
}
