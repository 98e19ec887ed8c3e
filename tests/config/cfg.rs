// SPDX-License-Identifier: MIT
//! T-CFG of the gateway specification.

use std::time::Duration;

use penstock::config::{Format, load};

use super::*;

#[test]
fn t_cfg_001_a_stdio_server_is_accepted() {
    let loaded = json(
        &json_server(
            r#"{"type":"stdio","container":"ghcr.io/o/i:v1","entrypoint":"/e","entrypointArgs":
            ["--x","y"],"mounts":["/a:/b:ro"],"args":["--network","none"],"env":{"A":"1"},
            "tools":["t"],"toolTimeout":90,"registry":"r"}"#,
        ),
        &[],
    );
    let command = child(&loaded, 0);
    assert_eq!(&*command.program, "docker");
    assert_eq!(
        line(command),
        "run --rm -i --log-driver none --label penstock.server=s --label penstock.instance=test \
         -e NO_COLOR=1 -e TERM=dumb -e PYTHONUNBUFFERED=1 --entrypoint /e -v /a:/b:ro -e A \
         --network none ghcr.io/o/i:v1 --x y"
    );
    assert_eq!(variable(command, "A"), Some("1"));
    assert_eq!(command.container.as_ref().unwrap().cidfile_at, 1);
    let server = &loaded.snapshot.servers[0];
    assert_eq!(server.tool_timeout, Duration::from_secs(90));
    assert_eq!(server.tools.as_ref().unwrap().len(), 1);
}

#[test]
fn t_cfg_002_an_http_server_is_accepted() {
    let text = json_server(
        r#"{"type":"http","url":"https://api.example.com:8443/mcp?x=1",
        "headers":{"Authorization":"Bearer abc-def"},"connect_timeout":7,"tools":["*"]}"#,
    );
    let loaded = json(&text, &[]);
    let target = target(&loaded, 0);
    assert_eq!((target.tls, &*target.host, target.port), (true, "api.example.com", 8443));
    assert_eq!(&*target.path, "/mcp?x=1");
    assert_eq!(target.headers[0].1.expose(), b"Bearer abc-def");
    assert_eq!(target.connect_timeout, Duration::from_secs(7));
    assert!(loaded.snapshot.servers[0].tools.is_none());
    assert_eq!(loaded.run.client_config.servers[0].tools, ["*"]);
    assert!(is_secret(&loaded, "abc-def") && is_secret(&loaded, "key-of-agent"));
}

#[test]
fn t_cfg_003_variables_are_resolved_in_values_after_parsing() {
    let text = r#"{"mcpServers":{"s":{"container":"${IMAGE}","env":{"A":"x${VALUE}"},
        "mounts":["${HOME}/c:/c:ro"]}},
        "gateway":{"port":"${PORT}","domain":"${DOMAIN}","agentId":"${KEY}"}}"#;
    let set = [
        ("IMAGE", "img"),
        ("VALUE", "q\"uote\\${IMAGE}\n"),
        ("PORT", "8080"),
        ("DOMAIN", "awmg-mcpg"),
        ("KEY", "the-key"),
    ];
    let loaded = json(text, &set);
    let command = child(&loaded, 0);
    assert_eq!(variable(command, "A"), Some("xq\"uote\\${IMAGE}\n"));
    assert!(line(command).contains("-v /home/me/c:/c:ro"));
    assert!(loaded.snapshot.auth.agents[0].matches(b"the-key"));
    assert_eq!(&*loaded.snapshot.auth.hosts[0], "awmg-mcpg");
    check_refused(
        Format::Json,
        &json_server(r#"{"container":"img"}"#).replace("8080", "\"8080\""),
        &["gateway.port: expected integer, got string"],
    );
}

#[test]
fn t_cfg_004_an_undefined_variable_stops_the_start_and_is_named_with_its_field() {
    check_refused(
        Format::Json,
        &json_server(r#"{"container":"img","env":{"A":"${NOPE}"}}"#),
        &[
            "Configuration error at mcpServers.s.env.A: undefined environment variable referenced: NOPE",
            "--> stdin:1:",
            "Suggestion: Set the environment variable NOPE before starting the gateway",
        ],
    );
    let set_but_empty = json_server(r#"{"container":"img","env":{"A":"${EMPTY}"}}"#);
    let loaded = json(&set_but_empty, &[("EMPTY", "")]);
    assert_eq!(variable(child(&loaded, 0), "A"), Some(""));
}

#[test]
fn t_cfg_005_a_payload_dir_must_be_absolute() {
    let relative = json_gateway(r#","payloadDir":"tmp/x""#);
    check_refused(
        Format::Json,
        &relative,
        &[
            "Configuration error at gateway.payloadDir: payloadDir must be an absolute path, got 'tmp/x'",
        ],
    );
    for absolute in ["/tmp/x", "C:\\\\x"] {
        let loaded = json(&json_gateway(&format!(r#","payloadDir":"{absolute}""#)), &[]);
        assert!(loaded.notices.iter().any(|notice| notice.contains("gateway.payloadDir")));
    }
}

#[test]
fn t_cfg_006_an_unknown_field_is_refused_with_its_name() {
    let unknown = [
        r#"{"mcpServers":{},"gateway":{"port":1,"domain":"a","agentId":"k"},"extra":1}"#,
        r#"{"mcpServers":{},"gateway":{"port":1,"domain":"a","agentId":"k","extra":1}}"#,
        r#"{"mcpServers":{"s":{"container":"i","extra":1}}}"#,
    ];
    for text in unknown {
        let wanted = ["Configuration validation error", "Details: Unexpected field(s): \"extra\""];
        check_refused(Format::Json, text, &wanted);
        check_refused(Format::Json, text, &["specification 1.17.0", "Location: "]);
    }
    check_refused(
        Format::Toml,
        "[gateway]\nprot = 1\n[servers.s]\ncommand = 'x'\n",
        &[
            "Unknown configuration key 'gateway.prot' - check for typos or deprecated options",
            "configuration contains unrecognized field(s): gateway.prot",
            "did you mean 'port'?",
        ],
    );
}

#[test]
fn t_cfg_007_a_missing_field_is_named() {
    let check = |text: &str, want: &str| check_refused(Format::Json, text, &[want]);
    check(&json_server("{}"), "'container' is required for stdio servers");
    check(&json_server(r#"{"type":"http"}"#), "'url' is required for HTTP servers");
    check("{}", "Missing required field(s): mcpServers");
    check(
        r#"{"mcpServers":{},"gateway":{"port":1,"domain":"a"}}"#,
        "Missing required field(s): agentId",
    );
    check("", "stdin was empty: add -i to docker run");
    check(" \n", "stdin was empty");
}

#[test]
fn t_cfg_008_a_wrong_type_is_refused() {
    let check =
        |text: &str, want: &str| check_refused(Format::Json, text, &["Details: Type", want]);
    check(&json_server(r#"{"container":5}"#), "mcpServers.s.container: expected string");
    check(&json_server("[]"), "mcpServers.s: expected object, got array");
    check(
        &json_server(r#"{"container":"i","env":{"A":1}}"#),
        "mcpServers.s.env.A: expected string",
    );
    check(&json_server(r#"{"container":"i","args":["a",1]}"#), "mcpServers.s.args[1]: expected");
    check(&json_gateway(r#","dockerless":"yes""#), "gateway.dockerless: expected boolean");
    check(&json_gateway(r#","toolTimeout":1.5"#), "gateway.toolTimeout: expected integer");
    check_refused(
        Format::Json,
        &json_server(r#"{"type":"grpc"}"#),
        &["unsupported server type 'grpc'", "mcpServers.s.type"],
    );
}

#[test]
fn t_cfg_009_a_port_lies_between_1_and_65535() {
    for port in ["0", "-1", "65536", "99999999999999999999"] {
        let text = json_gateway("").replace("8080", port);
        check_refused(Format::Json, &text, &["gateway.port"]);
    }
    check_refused(
        Format::Json,
        &json_gateway("").replace("8080", "65536"),
        &["Configuration error at gateway.port: port must be between 1 and 65535, got 65536"],
    );
    for port in ["1", "65535", "80"] {
        json(&json_gateway("").replace("8080", port), &[]);
    }
}

#[test]
fn t_cfg_011_013_custom_types_are_refused_for_now() {
    check_refused(
        Format::Json,
        r#"{"mcpServers":{"s":{"type":"safeinputs"}},"customSchemas":{"safeinputs":""}}"#,
        &["unsupported server type 'safeinputs'", "'customSchemas' is not supported"],
    );
}

#[test]
fn t_cfg_015_a_mount_has_source_destination_and_mode() {
    for (mount, want) in [
        ("/a:/b", "invalid mount format '/a:/b' (expected 'source:dest:mode')"),
        ("/a", "invalid mount format"),
        ("/a:/b:ro:x", "invalid mount format"),
        ("a:/b:ro", "mount source must be an absolute path, got 'a'"),
        ("/a:b:ro", "mount destination must be an absolute path, got 'b'"),
    ] {
        let text = json_server(&format!(r#"{{"container":"i","mounts":["{mount}"]}}"#));
        let path = "Configuration error at mcpServers.s.mounts[0]: ";
        check_refused(Format::Json, &text, &[path, want, "Suggestion: Use the format"]);
    }
}

#[test]
fn t_cfg_016_the_parts_of_a_mount_are_not_empty() {
    let check = |mount: &str, want: &str| {
        let text = json_server(&format!(r#"{{"container":"i","mounts":["{mount}"]}}"#));
        check_refused(Format::Json, &text, &[want]);
    };
    check(":/b:ro", "mount source cannot be empty in ':/b:ro'");
    check("/a::rw", "mount destination cannot be empty in '/a::rw'");
    check("", "invalid mount format ''");
}

#[test]
fn t_cfg_017_the_mode_of_a_mount_is_ro_or_rw() {
    for mode in ["", "x", "RO", "ro,rw", "z"] {
        let text = json_server(&format!(r#"{{"container":"i","mounts":["/a:/b:{mode}"]}}"#));
        let want = format!("invalid mount mode '{mode}' (must be 'ro' or 'rw')");
        check_refused(Format::Json, &text, &[&want]);
    }
}

#[test]
fn t_cfg_018_several_mounts_keep_their_order() {
    let loaded =
        json(&json_server(r#"{"container":"i","mounts":["/a:/b:ro","/c:/d:rw","/e:/f:ro"]}"#), &[]);
    assert!(line(child(&loaded, 0)).contains("-v /a:/b:ro -v /c:/d:rw -v /e:/f:ro"));
}

#[test]
fn t_cfg_019_mounts_are_not_for_http_servers() {
    check_refused(
        Format::Json,
        &json_server(r#"{"type":"http","url":"http://h/","mounts":["/a:/b:ro"]}"#),
        &["mounts are only supported for stdio (containerized) servers", "mcpServers.s.mounts"],
    );
}

#[test]
fn all_problems_are_reported_at_once_and_in_order() {
    let text = "[servers.a]\ncomand = 'x'\n[servers.b]\nurl = 'ftp://x'\ntool_timeout = 3\n";
    let diagnostics = load(&sources(Format::Toml, text, &[])).unwrap_err();
    let places: Vec<u32> = diagnostics.problems.iter().map(|p| p.span.unwrap().start).collect();
    assert!(places.len() >= 3 && places.is_sorted(), "{places:?}");
    assert!(diagnostics.to_string().starts_with("failed to load config: "));
    assert!(!diagnostics.summary().contains('\n'));
}
