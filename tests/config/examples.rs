// SPDX-License-Identifier: MIT
//! The examples that are shipped, and those that the world has been taught, all load.

use std::fs;

use super::*;

fn example(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

#[test]
fn the_quickstart_needs_nothing() {
    let loaded = toml(&example("quickstart.toml"), &[]);
    assert_eq!(loaded.run.listen, "127.0.0.1:3000");
    assert!(loaded.snapshot.auth.agents.is_empty() && loaded.snapshot.auth.loopback_bind);
    assert!(loaded.notices.iter().any(|notice| notice.contains("without a key")));
    assert!(loaded.run.client_config.agent.is_none() && !loaded.run.has_generated_agent);
    assert!(loaded.summary().contains("calculator: command /opt/penstock"));
}

#[test]
fn the_full_example_loads() {
    let set = [
        ("MY_GATEWAY_KEY", "my-key"),
        ("CI_GATEWAY_KEY", "ci-gateway-key"),
        ("REMOTE_TOKEN", "remote-token"),
    ];
    let loaded = toml(&example("full.toml"), &set);
    assert_eq!(loaded.snapshot.servers.len(), 4);
    assert_eq!(&*loaded.snapshot.servers[3].name, "remote");
    assert!(is_secret(&loaded, "remote-token"));
}

#[test]
fn the_docker_example_loads() {
    let set = [("MCP_GATEWAY_AGENT_ID", "my-key"), ("REMOTE_TOKEN", "remote-token")];
    let loaded = json(&example("docker.json"), &set);
    assert_eq!(loaded.snapshot.servers.len(), 2);
    assert!(loaded.snapshot.auth.agents[0].matches(b"my-key"));
}

#[test]
fn the_ado_aw_configuration_loads_and_its_containers_may_start() {
    let set = [("MCP_GATEWAY_API_KEY", "another"), ("ADO_MCP_AUTH_TOKEN", "ado-token")];
    let mut sources = sources(Format::Json, &example("ado-aw.json"), &set);
    sources.flags = Flags::default().with("listen", "0.0.0.0:8080").with("routed", "true");
    let loaded = load(&sources).unwrap();
    assert!(loaded.broken.is_empty());
    assert_eq!(loaded.run.listen, "0.0.0.0:8080");
    assert!(!loaded.snapshot.auth.loopback_bind);
    assert_eq!(&*loaded.snapshot.auth.hosts[0], "awmg-mcpg");
    assert_eq!(loaded.snapshot.auth.agents.len(), 1);
    let words = line(child(&loaded, 0));
    assert!(words.contains("--entrypoint /usr/local/bin/ado-aw"), "{words}");
    assert!(words.contains("-v /home/vsts/work/1/s:/home/vsts/work/1/s:rw"), "{words}");
    assert!(words.contains("-e HOME=/tmp --network none --user 1001:1001"), "{words}");
    assert!(words.ends_with(
        "agent:0.27.32 mcp --enabled-tools create-work-item --enabled-tools \
                             noop --self-repository-directory /home/vsts/work/1/s /safeoutputs \
                             /home/vsts/work/1/s"
    ));
    // With the roots of a GitHub run the same mount is refused, and only its server fails.
    let github = json(&example("ado-aw.json"), &[("GITHUB_WORKSPACE", "/ws")]);
    assert_eq!(github.broken.len(), 1);
}

#[test]
fn what_the_world_was_taught_to_type_loads() {
    let only_a_key = r#"{"gateway":{"apiKey":"${MCP_GATEWAY_API_KEY}"},"mcpServers":{"github":
        {"type":"stdio","container":"ghcr.io/github/github-mcp-server:latest",
        "env":{"GITHUB_PERSONAL_ACCESS_TOKEN":""}}}}"#;
    let loaded = json(only_a_key, &[("MCP_GATEWAY_API_KEY", "your-secret-key")]);
    assert!(loaded.snapshot.auth.agents[0].matches(b"your-secret-key"));
    assert!(loaded.notices.iter().any(|notice| notice.contains("gateway.port is missing")));

    let no_gateway = r#"{"mcpServers":{"github":{"type":"local","container":"img"}}}"#;
    assert!(json(no_gateway, &[]).snapshot.auth.agents.is_empty());
    let with_variable = json(no_gateway, &[("MCP_GATEWAY_API_KEY", "your-secret-key")]);
    assert!(with_variable.snapshot.auth.agents[0].matches(b"your-secret-key"));

    let camel = "[servers]\n[servers.github]\ncommand = \"docker\"\n\
        args = [\"run\", \"--rm\", \"-e\", \"GITHUB_PERSONAL_ACCESS_TOKEN\", \"-i\", \"i:latest\"]\n\
        [gateway]\nport = 8000\ndomain = \"localhost\"\nstartupTimeout = 90\ntoolTimeout = 120\n";
    let loaded = toml(camel, &[("GITHUB_PERSONAL_ACCESS_TOKEN", "ghp_123456")]);
    assert_eq!(loaded.snapshot.servers[0].startup_timeout.as_secs(), 90);
    assert_eq!(loaded.snapshot.servers[0].tool_timeout.as_secs(), 120);
    assert_eq!(variable(child(&loaded, 0), "GITHUB_PERSONAL_ACCESS_TOKEN"), Some("ghp_123456"));

    let old = r#"{"mcpServers":{"safeoutputs":{"type":"http","url":"http://localhost:8100/mcp",
        "headers":{"Authorization":"Bearer ${SAFE_OUTPUTS_API_KEY}"}}},
        "gateway":{"port":80,"domain":"host.docker.internal","apiKey":"k1"}}"#;
    let loaded = json(old, &[("SAFE_OUTPUTS_API_KEY", "safe-key")]);
    assert_eq!(target(&loaded, 0).port, 8100);
    assert_eq!(&*loaded.snapshot.auth.hosts[0], "host.docker.internal");
}
