// SPDX-License-Identifier: MIT
//! Flags, variables and the configuration together: who wins, and what is refused.

use std::time::Duration;

use super::*;

const PLAIN: &str = "[servers.a]\ncommand = 'x'\n";

#[track_caller]
fn with(flags: Flags, text: &str, variables: &[(&str, &str)]) -> Loaded {
    let mut sources = sources(Format::Toml, text, variables);
    sources.flags = flags;
    load(&sources).unwrap()
}

#[test]
fn flags_win_over_variables_and_those_over_defaults() {
    let none = with(Flags::default(), PLAIN, &[]);
    assert_eq!(none.run.log_dir, Path::new("/tmp/gh-aw/mcp-logs"));
    assert_eq!(none.run.shutdown_timeout, Duration::from_secs(5));
    assert_eq!(none.snapshot.session_timeout, Duration::from_secs(6 * 3600));
    let set = [
        ("MCP_GATEWAY_LOG_DIR", "/v"),
        ("MCP_GATEWAY_SHUTDOWN_TIMEOUT", "7s"),
        ("MCP_GATEWAY_SESSION_TIMEOUT", "1h"),
        ("DEBUG", "a:*"),
    ];
    let mut loud = Flags::default();
    loud.verbosity = 3;
    let variables = with(loud, PLAIN, &set);
    assert_eq!(variables.run.log_dir, Path::new("/v"));
    assert_eq!(variables.run.shutdown_timeout, Duration::from_secs(7));
    assert_eq!(variables.snapshot.session_timeout, Duration::from_secs(3600));
    assert_eq!(variables.run.debug, "a:*");
    let flags = Flags::default().with("log-dir", "/f").with("shutdown-timeout", "1m");
    let flags = with(flags, PLAIN, &set);
    assert_eq!(flags.run.log_dir, Path::new("/f"));
    assert_eq!(flags.run.shutdown_timeout, Duration::from_secs(60));
    let said = "[gateway]\nsession_timeout = '90s'\nlisten = ':8080'\n[servers.a]\ncommand = 'x'\n";
    let said = with(Flags::default().with("listen", "[::1]:9"), said, &set);
    assert_eq!(said.snapshot.session_timeout, Duration::from_secs(90));
    assert_eq!((said.run.listen.as_str(), said.snapshot.auth.loopback_bind), ("[::1]:9", true));
}

#[test]
fn the_tool_timeout_has_four_sources() {
    let seconds = |loaded: &Loaded| loaded.snapshot.servers[0].tool_timeout.as_secs();
    let set = [("MCP_GATEWAY_TOOL_TIMEOUT", "77")];
    assert_eq!(seconds(&json(&json_server(r#"{"container":"i","toolTimeout":0}"#), &set)), 77);
    assert_eq!(seconds(&json(&json_gateway(r#","toolTimeout":33"#), &set)), 33);
    assert_eq!(seconds(&toml(PLAIN, &set)), 60);
    assert_eq!(seconds(&json(&json_gateway(""), &[("MCP_GATEWAY_TOOL_TIMEOUT", "9")])), 60);
    let own = r#"{"container":"i","toolTimeout":20,"tool_timeout":30}"#;
    assert_eq!(seconds(&json(&json_server(own), &set)), 20);
    check_refused(
        Format::Json,
        &json_server(r#"{"container":"i","tool_timeout":9}"#),
        &["tool_timeout must be at least 10, got 9", "Use a value of at least 10 seconds"],
    );
}

#[test]
fn calls_with_progress_have_a_bound_and_tools_have_timeouts() {
    let text = "[gateway]\ntool_timeout_max = 900\n[servers.a]\ncommand = 'x'\n\
                [servers.b]\ncommand = 'x'\ntool_timeout_max = 500\n\
                [servers.b.tool_timeouts]\nbuild = 300\n'test_*' = 5\n";
    let json =
        json_server(r#"{"container":"i","toolTimeoutMax":500,"toolTimeouts":{"build":300}}"#);
    let loaded = toml(text, &[]);
    let limit = |loaded: &Loaded, server: usize, tool: &str| {
        let limit = loaded.snapshot.servers[server].time_limit(Some(tool));
        (limit.silence.as_secs(), limit.whole.as_secs())
    };
    assert_eq!(limit(&loaded, 0, "build"), (60, 900));
    assert_eq!(limit(&loaded, 1, "build"), (300, 500));
    assert_eq!(limit(&loaded, 1, "test_a"), (5, 500));
    assert_eq!(limit(&loaded, 1, "tes"), (60, 500));
    assert_eq!(limit(&self::json(&json, &[]), 0, "build"), (300, 500));
    for (server, want) in [
        ("tool_timeouts = { a = 0 }", "a must be a positive integer (>= 1), got 0"),
        ("tool_timeouts = { a = 'x' }", "expected integer, got string"),
        ("tool_timeouts = [5]", "expected object, got array"),
        ("tool_timeout = 90\ntool_timeout_max = 60", "longer than this server's tool_timeout_max"),
        ("tool_timeouts.a = 90\ntool_timeout_max = 60", "servers.a.tool_timeouts.a"),
    ] {
        let text = format!("[servers.a]\ncommand = 'x'\n{server}\n");
        check_refused(Format::Toml, &text, &[want]);
    }
}

#[test]
fn without_a_key_only_the_own_machine_is_let_in() {
    let far = with(Flags::default().with("listen", "0.0.0.0:1"), PLAIN, &[]);
    assert!(far.run.has_generated_agent);
    assert!(far.snapshot.auth.agents[0].matches(FRESH_KEY.as_bytes()));
    assert!(far.run.client_config.agent.as_ref().unwrap().matches(FRESH_KEY.as_bytes()));
    assert!(far.notices.iter().any(|n| n.contains("the generated agent ID is in")));
    assert!(is_secret(&far, FRESH_KEY));
    let set = [("MCP_GATEWAY_API_KEY", "old-key"), ("MCP_GATEWAY_AGENT_ID", "new-key")];
    let known = with(Flags::default().with("listen", ":1"), PLAIN, &set);
    assert!(known.snapshot.auth.agents[0].matches(b"new-key") && !known.run.has_generated_agent);
    assert_eq!(known.run.listen, "0.0.0.0:1");
}

#[test]
fn several_agents_share_a_gateway_and_exclude_a_single_one() {
    let text = json_gateway("").replace(r#""agentId":"key-of-agent""#, r#""agentIds":["a","b"]"#);
    assert_eq!(json(&text, &[]).snapshot.auth.agents.len(), 2);
    let both = json_gateway(r#","agentIds":["a"]"#);
    check_refused(Format::Json, &both, &["exactly one of 'agentId' and 'agentIds'"]);
    let old = json_gateway(r#","apiKey":"old""#);
    assert!(json(&old, &[]).snapshot.auth.agents[0].matches(b"key-of-agent"));
    let empty = json_gateway("").replace("key-of-agent", "");
    check_refused(Format::Json, &empty, &["gateway.agentId", "cannot be empty"]);
}

#[test]
fn what_protects_is_refused_and_what_is_harmless_is_noticed() {
    for (name, value) in [("tls-cert", "c"), ("hmac-secret", "s")] {
        let mut sources = sources(Format::Toml, PLAIN, &[]);
        sources.flags = Flags::default().with(name, value);
        let shown = load(&sources).unwrap_err().to_string();
        assert!(shown.contains(&format!("'--{name}' is not supported by this version")), "{shown}");
    }
    let set = [("MCP_GATEWAY_TLS_CERT", "/c")];
    let shown = load(&sources(Format::Toml, PLAIN, &set)).unwrap_err().to_string();
    assert!(shown.contains("'MCP_GATEWAY_TLS_CERT' is not supported"), "{shown}");
    let server = json_server(r#"{"container":"i","tool_response_filters":{"a":"."}}"#);
    check_refused(Format::Json, &server, &["'tool_response_filters' is not supported"]);
    json(&json_server(r#"{"container":"i","tool_response_filters":{}}"#), &[]);

    let harmless = Flags::default().with("payload-dir", "/p").with("url-domain-audit", "true");
    let loaded = with(harmless, PLAIN, &[("MCP_GATEWAY_TLS_CERT", "")]);
    let notice = loaded.notices.iter().find(|n| n.contains("without effect")).unwrap();
    assert!(notice.contains("--payload-dir") && notice.contains("--url-domain-audit"), "{notice}");
    let more = json(
        &json_gateway(r#","keepaliveInterval":-1,"opentelemetry":{"endpoint":"http://c/"}"#),
        &[],
    );
    assert!(more.notices.iter().any(|n| n.contains("gateway.keepaliveInterval")));
}

#[test]
fn a_sandbox_is_as_strict_as_the_system_allows_unless_something_else_is_said() {
    use penstock::sandbox::{Options, Switch};
    assert_eq!(toml(PLAIN, &[]).run.sandbox, Options::default());
    let text = format!("{PLAIN}[gateway.sandbox]\nlandlock = 'on'\nseccomp = 'off'\n");
    let (landlock, seccomp) = (Switch::On, Switch::Off);
    let want = Options { landlock, seccomp, ..Options::default() };
    assert_eq!(toml(&text, &[]).run.sandbox, want);
    let text = r#","sandbox":{"noNewPrivileges":"off","seccomp":"kill"}"#;
    let (no_new_privileges, seccomp) = (Switch::Off, Switch::On);
    let want = Options { no_new_privileges, seccomp, kills: true, ..Options::default() };
    assert_eq!(json(&json_gateway(text), &[]).run.sandbox, want);
    let text = json_gateway(r#","sandbox":{"landlock":"maybe"}"#);
    check_refused(
        Format::Json,
        &text,
        &["gateway.sandbox.landlock", "must be one of: auto, on, off"],
    );
}

#[test]
fn limits_and_lists_reach_their_options() {
    let loaded = toml(
        "[gateway]\nmax_message_bytes = 1048576\nallowed_hosts = ['A.example']\n\
         allowed_origins = ['https://App.example/']\ndomain = 'gw.example.com'\n\
         [servers.a]\ncommand = 'x'\ntools = []\n[servers.b]\ncommand = 'x'\ntools = ['t', '*']\n",
        &[],
    );
    assert_eq!(loaded.snapshot.limits.message_bytes_max, 1_048_576);
    assert_eq!(loaded.snapshot.auth.hosts, ["gw.example.com".into(), Box::from("a.example")]);
    assert_eq!(&*loaded.snapshot.auth.origins[0], "https://app.example");
    assert!(loaded.snapshot.servers.iter().all(|server| server.tools.is_none()));
    check_refused(
        Format::Toml,
        "[gateway]\nallowed_origins = ['*']\n[servers.a]\ncommand = 'x'\n",
        &["'*' is not an origin"],
    );
}

#[test]
fn slips_of_clients_pass_unless_they_are_forbidden() {
    use penstock::gateway::snapshot::Rule;
    let server = "[servers.a]\ncommand = 'x'\n";
    let allowed = |line: &str| {
        let tolerance = toml(&format!("{line}{server}"), &[]).snapshot.tolerance;
        Rule::ALL.into_iter().filter(move |rule| tolerance.allows(*rule)).collect::<Vec<_>>()
    };
    assert_eq!(allowed(""), Rule::ALL);
    assert_eq!(allowed("[gateway]\nlisten = ':1'\n"), Rule::ALL);
    assert_eq!(allowed("[gateway]\ntolerate = []\n"), []);
    assert_eq!(allowed("[gateway]\ntolerate = ['listen-version-missing']\n"), {
        [Rule::ListenVersionMissing]
    });
}

#[test]
fn the_environment_can_be_validated() {
    let flags = Flags::default().with("validate-env", "true");
    let loaded = with(flags, PLAIN, &[("MCP_GATEWAY_API_KEY", "old-key")]);
    assert!(loaded.run.validate_env);
    assert_eq!(loaded.run.missing_variables, ["MCP_GATEWAY_PORT", "MCP_GATEWAY_DOMAIN"]);
}

#[test]
fn metrics_are_served_unless_they_are_not_wanted() {
    assert!(toml(PLAIN, &[]).snapshot.metrics);
    assert!(!toml(&format!("[gateway]\nmetrics = false\n{PLAIN}"), &[]).snapshot.metrics);
    assert!(!json(&json_gateway(r#","metrics":false"#), &[]).snapshot.metrics);
}

#[test]
fn websockets_are_served_only_where_they_are_wanted() {
    assert!(!toml(PLAIN, &[]).snapshot.websocket);
    assert!(toml(&format!("[gateway]\nwebsocket = true\n{PLAIN}"), &[]).snapshot.websocket);
    assert!(json(&json_gateway(r#","websocket":true"#), &[]).snapshot.websocket);
    let text = format!("[gateway]\nwebsocket = 'yes'\n{PLAIN}");
    check_refused(Format::Toml, &text, &["gateway.websocket"]);
}
