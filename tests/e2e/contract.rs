// SPDX-License-Identifier: MIT
//! What gh-aw's sister ado-aw relies on: its launch line, its configuration, its probes, its stop.
//!
//! The safe-outputs server is a container with its options exactly as ado-aw writes them; the
//! server's binary and the sources are mounted from folders outside of the temporary directory,
//! as they are on a build agent. Two more servers hang, one of each kind.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use simd_json::OwnedValue;
use simd_json::prelude::*;

use crate::child::{eventually, run};
use crate::gateway::Gateway;
use crate::http::{self, Connection};
use crate::place::{Scratch, free_port, stub, tools};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A folder that no rule about temporary directories covers.
fn outside_tmp() -> PathBuf {
    let tools = tools();
    if tools.starts_with(env::temp_dir()) {
        PathBuf::from(env::var_os("HOME").expect("a home folder"))
    } else {
        tools.join("scratch")
    }
}

fn image(scratch: &Path) -> &'static str {
    let name = "penstock-e2e-contract";
    fs::create_dir_all(scratch).unwrap();
    fs::copy(stub(), scratch.join("stub")).unwrap();
    let recipe = "FROM scratch\nLABEL test=contract\nCOPY stub /stub\nENTRYPOINT [\"/stub\"]\n";
    fs::write(scratch.join("Dockerfile"), recipe).unwrap();
    run(Command::new("docker")
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "-q", "-t", name])
        .arg(scratch));
    name
}

/// The document that ado-aw pipes in, for servers below `home`.
fn config(image: &str, home: &Path, hanging: &str) -> String {
    let path = |name: &str| home.join(name).display().to_string();
    let (binary, sources, staging) = (path("ado-aw"), path("work/1/s"), path("staging"));
    format!(
        r#"{{
  "mcpServers": {{
    "safeoutputs": {{
      "type": "stdio",
      "container": "{image}",
      "entrypoint": "/usr/local/bin/ado-aw",
      "entrypointArgs": ["mcp", "--enabled-tools", "noop", "--self-repository-directory", "{sources}", "/safeoutputs", "{sources}"],
      "mounts": ["{binary}:/usr/local/bin/ado-aw:ro", "{sources}:{sources}:rw", "{staging}:/safeoutputs:rw"],
      "args": ["--network", "none", "--user", "1000:1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,noexec", "--pids-limit", "256", "-w", "{sources}"],
      "env": {{"HOME": "/tmp"}}
    }},
    "hanging-container": {{"type": "stdio", "container": "{image}", "entrypointArgs": ["mute"], "args": ["--network", "none"]}},
    "hanging.url": {{"type": "http", "url": "{hanging}", "headers": {{"Authorization": "Bearer x"}}}}
  }},
  "gateway": {{"port": 8080, "domain": "awmg-mcpg", "apiKey": "{KEY}", "payloadDir": "{payloads}"}}
}}"#,
        payloads = path("payloads"),
    )
}

#[test]
#[ignore = "needs a Docker engine; scripts/test.sh runs it"]
fn ado_aw_gets_what_it_relies_on() {
    let scratch = Scratch::new("contract");
    let image = image(&scratch.path().join("image"));
    let home = Scratch::below(&outside_tmp(), "penstock-e2e-vsts");
    fs::create_dir_all(home.path().join("work/1/s")).unwrap();
    fs::create_dir_all(home.path().join("staging")).unwrap();
    fs::copy(stub(), home.path().join("ado-aw")).unwrap();

    // Accepts connections into its backlog and never reads from them.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", hanging.local_addr().unwrap());

    let port = free_port();
    let listen = format!("0.0.0.0:{port}");
    let logs = scratch.file("mcp-logs");
    let flags =
        ["--routed", "--listen", listen.as_str(), "--config-stdin", "--log-dir", logs.as_str()];
    let env = [
        ("MCP_GATEWAY_PORT", "8080"),
        ("MCP_GATEWAY_DOMAIN", "awmg-mcpg"),
        ("MCP_GATEWAY_API_KEY", KEY),
        ("DEBUG", "*"),
    ];
    let started = Instant::now();
    let mut gateway =
        Gateway::json("contract-gateway", &config(image, home.path(), &url), &flags, &env);

    // 1. Health, from the first second, although two servers hang.
    let addr = format!("127.0.0.1:{port}");
    let health = http::get(&addr, "/health").unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(health.status, 200, "{health:?}");
    json(&health.body);

    // 2. The document on standard output: JSON and nothing else, every server in it.
    let document = gateway.stdout();
    let servers = json(&document);
    for name in ["safeoutputs", "hanging-container", "hanging.url"] {
        let entry = &servers["mcpServers"][name];
        assert_eq!(entry["type"].as_str(), Some("http"), "{document}");
        let url = format!("http://127.0.0.1:{port}/mcp/{name}");
        assert_eq!(entry["url"].as_str(), Some(url.as_str()), "{document}");
        assert_eq!(entry["headers"]["Authorization"].as_str(), Some(KEY), "{document}");
    }
    assert!(document.starts_with("{\n  \"mcpServers\": {\n    \""), "{document}");

    // 3. The probe of the agent's side, which knows us by the configured domain.
    check_probe(&addr, &format!("awmg-mcpg:{port}"));
    check_probe(&addr, &format!("localhost:{port}"));

    // 4. Stop, as `docker stop` does it.
    let (status, took) = gateway.stop();
    assert_eq!(status.code(), Some(0), "{}", gateway.stderr());
    assert!(took < Duration::from_secs(10), "stopping took {took:?}");
    let left = || {
        let mut ps = Command::new("docker");
        run(ps.args(["ps", "-aq", "--filter", &format!("ancestor={image}")]))
            .is_empty()
            .then_some(())
    };
    eventually("no container is left", Duration::from_secs(10).saturating_sub(took), left);
    assert_eq!(gateway.stdout(), document, "nothing else goes to standard output");
    let _ = Command::new("docker").args(["rmi", "-f", image]).output();
}

#[track_caller]
fn check_probe(addr: &str, host: &str) {
    let post = |fields: &[(&str, &str)], body: &str| {
        let accept = ("Accept", "application/json, text/event-stream");
        let fields: Vec<_> =
            [("Host", host), accept].into_iter().chain(fields.iter().copied()).collect();
        let mut connection = Connection::open(addr, Duration::from_secs(30)).unwrap();
        connection.exchange("POST", "/mcp/safeoutputs", &fields, body).unwrap()
    };
    let initialize = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\
                      \"protocolVersion\":\"2025-03-26\",\"capabilities\":{},\
                      \"clientInfo\":{\"name\":\"probe\",\"version\":\"1.0\"}}}";
    let list = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}";
    assert_eq!(post(&[], initialize).status, 401, "without a key");
    assert_eq!(post(&[("Authorization", "wrong")], initialize).status, 401, "with a wrong key");

    let key = ("Authorization", KEY);
    let hello = post(&[key], initialize);
    assert_eq!(hello.status, 200, "{hello:?}");
    assert!(hello.answer().contains("\"protocolVersion\":\"2025-03-26\""), "{hello:?}");
    let session = hello.field("mcp-session-id").expect("a session").to_owned();
    let session = ("Mcp-Session-Id", session.as_str());

    // No `notifications/initialized` in between.
    let tools = post(&[key, session], list);
    assert_eq!(tools.status, 200, "{tools:?}");
    assert!(tools.body.contains("\"name\":\"noop\""), "{tools:?}");

    let call = "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\
                \"name\":\"noop\",\"arguments\":{\"env\":\"HOME\"}}}";
    let response = post(&[key, session], call);
    assert!(response.answer().contains("\"text\":\"/tmp\""), "{response:?}");
}

#[track_caller]
fn json(text: &str) -> OwnedValue {
    let mut bytes = text.as_bytes().to_vec();
    simd_json::to_owned_value(&mut bytes).unwrap_or_else(|error| panic!("{error}: {text}"))
}
