// SPDX-License-Identifier: MIT
//! Policies and guards as they are written, and what watches over which server.

use std::path::PathBuf;
use std::sync::Arc;

use penstock::gateway::snapshot::{Watch, WatchKind};
use penstock::policy::guard::Mode;
use penstock::policy::guard::forced::Workflow;
use penstock::policy::guard::rule::{Policy, Visibility, WriteSink};

use super::*;

const CHILDREN: &str = r#"
    [servers.github]
    container = "ghcr.io/github/github-mcp-server:v1"
    [servers.safeoutputs]
    command = "outputs"
    [servers.time]
    command = "time"
"#;

const ALLOW: &str = r#"
    [servers.github.guard_policies.allow-only]
    repos = ["acme/*"]
    min-integrity = "approved"
"#;

fn with_flags(text: &str, flags: Flags, variables: &[(&str, &str)]) -> Loaded {
    let mut sources = sources(Format::Toml, text, variables);
    sources.flags = flags;
    load(&sources).unwrap()
}

#[track_caller]
fn refusal(text: &str, flags: Flags, variables: &[(&str, &str)]) -> String {
    let mut sources = sources(Format::Toml, text, variables);
    sources.flags = flags;
    load(&sources).unwrap_err().to_string()
}

#[track_caller]
fn watch<'l>(loaded: &'l Loaded, name: &str) -> &'l Watch {
    let id = loaded.snapshot.find(name.as_bytes()).unwrap();
    loaded.snapshot.server(id).watch.as_deref().unwrap()
}

fn payload(watch: &Watch) -> &str {
    std::str::from_utf8(&watch.payload).unwrap()
}

fn has_notice(loaded: &Loaded, part: &str) -> bool {
    loaded.notices.iter().any(|notice| notice.contains(part))
}

#[test]
fn without_policies_nothing_is_watched() {
    let loaded = toml(&format!("{CHILDREN}\n[guards.unused]\ntype = \"noop\""), &[]);
    assert!(!loaded.snapshot.guards.is_enabled);
    assert!(loaded.snapshot.servers.iter().all(|server| server.watch.is_none()));
    let loaded = json(&json_server(r#"{"container":"i","guard-policies":{},"guard":""}"#), &[]);
    assert!(loaded.snapshot.servers[0].watch.is_none());
}

#[test]
fn an_allow_only_policy_is_enforced_by_the_guard_for_github() {
    let loaded = toml(&format!("{CHILDREN}{ALLOW}"), &[]);
    let guarded = watch(&loaded, "github");
    assert_eq!(guarded.kind, WatchKind::GitHub);
    assert_eq!(
        payload(guarded),
        r#"{"allow-only":{"repos":["acme/*"],"min-integrity":"approved"}}"#
    );
    assert!(guarded.mode.is_none() && !guarded.shadow);
    assert!(loaded.snapshot.guards.is_enabled);
    for name in ["safeoutputs", "time"] {
        assert_eq!(watch(&loaded, name).kind, WatchKind::Noop, "{name}");
        assert!(watch(&loaded, name).policy.is_none());
    }
}

#[test]
fn github_is_known_by_name_image_address_and_word() {
    let policy = r#"guard_policies = { repos = "public", integrity = "none" }"#;
    for server in [
        "container = \"ghcr.io/github/github-mcp-server@sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"",
        "command = \"docker\"\nargs = [\"run\", \"--rm\", \"-i\", \"ghcr.io/github/github-mcp-server:v2\"]",
        "url = \"https://api.githubcopilot.com/mcp/\"",
        "command = \"anything\"\nguard = \"github\"",
    ] {
        let loaded = toml(&format!("[servers.forge]\n{server}\n{policy}"), &[]);
        assert_eq!(watch(&loaded, "forge").kind, WatchKind::GitHub, "{server}");
    }
    let text = format!("[servers.forge]\ncontainer = \"other/github-mcp-server\"\n{policy}");
    let shown = refusal(&text, Flags::default(), &[]);
    assert!(
        shown.contains("server \"forge\" has an allow-only policy and no guard that could enforce"),
        "{shown}"
    );
    let loaded = toml(&format!("guards.compat = true\n{text}"), &[]);
    assert_eq!(watch(&loaded, "forge").kind, WatchKind::Noop);
    assert!(loaded.snapshot.guards.compat && has_notice(&loaded, "nothing is enforced"));
}

#[test]
fn a_named_guard_is_a_module_with_its_own_policy() {
    let text = r#"
        [guards.mine]
        type = "wasm"
        path = "/guards/mine.wasm"
        sha256 = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
        policy = { allow-only = { repos = "all", min-integrity = "merged" } }
        [servers.forge]
        command = "forge"
        guard = "mine"
        guard_enforcement = "shadow"
    "#;
    let loaded = toml(text, &[]);
    let guarded = watch(&loaded, "forge");
    let WatchKind::Wasm { name, path, sha256 } = &guarded.kind else { panic!("{guarded:?}") };
    assert_eq!((&**name, &**path), ("mine", "/guards/mine.wasm"));
    assert_eq!(sha256.unwrap()[..3], [0x00, 0x11, 0x22]);
    assert!(guarded.shadow && payload(guarded).contains("merged"));

    let json_form = r#"{"guards":{"compat":false,"mine":{"type":"wasm","path":"/m.wasm"}},
        "mcpServers":{"s":{"container":"i","guard":"mine","guardEnforcement":"enforce",
            "guard-policies":{"s":{"allow-only":{"repos":"all","min-integrity":"none"}}}}},
        "gateway":{"port":1,"domain":"localhost","agentId":"key-of-agent","trustedBots":["b[bot]"]}}"#;
    let loaded = json(json_form, &[]);
    assert!(payload(watch(&loaded, "s")).ends_with(r#""trusted-bots":["b[bot]"]}"#));
    assert_eq!(loaded.snapshot.guards.trusted_bots, ["b[bot]".into()]);
}

#[test]
fn a_module_that_lies_ready_is_taken_before_others() {
    let mut found = sources(Format::Toml, &format!("{CHILDREN}{ALLOW}"), &[]);
    found.discovered = Box::new(|server| Ok(Some(PathBuf::from(format!("/g/{server}.wasm")))));
    let loaded = load(&found).unwrap();
    let WatchKind::Wasm { path, .. } = &watch(&loaded, "github").kind else { panic!() };
    assert_eq!(&**path, "/g/github.wasm");
    assert_eq!(watch(&loaded, "time").kind, WatchKind::Noop);
    assert!(has_notice(&loaded, "server \"time\" has a guard and no policy"));
}

#[test]
fn a_sink_is_public_unless_it_is_for_safe_outputs_or_exempt() {
    let sink = |name: &str| {
        format!(
            "[servers.{name}]\ncommand = \"x\"\nguard_policies = {{ write-sink = {{ accept = [\"*\"] }} }}\n"
        )
    };
    let text = sink("notes") + &sink("safeoutputs") + &sink("wiki");
    let more = "[gateway]\nsink_visibility_exempt_servers = [\"wiki\", \"gone\"]\n";
    let loaded = toml(&format!("{text}{more}"), &[]);
    let visibility = |name: &str| match &watch(&loaded, name).kind {
        WatchKind::WriteSink(WriteSink { visibility, .. }) => *visibility,
        other => panic!("{other:?}"),
    };
    assert_eq!(visibility("notes"), Some(Visibility::Public));
    assert_eq!((visibility("safeoutputs"), visibility("wiki")), (None, None));
    assert!(has_notice(&loaded, "server \"notes\": Defaulting sink-visibility to \"public\""));
    assert!(has_notice(&loaded, "contains unknown server ID \"gone\""));
}

#[test]
fn a_public_workflow_narrows_what_is_read() {
    let public = |text: &str, variables: &[(&str, &str)]| {
        let mut sources = sources(Format::Toml, text, variables);
        let visibility = Some(Visibility::Public);
        sources.workflow = Some(Workflow { repo: "acme/web".into(), visibility });
        load(&sources).unwrap()
    };
    let loaded = public(&format!("{CHILDREN}{ALLOW}"), &[]);
    let text = r#"{"allow-only":{"repos":"public","min-integrity":"approved"}}"#;
    assert_eq!(payload(watch(&loaded, "github")), text);
    assert!(has_notice(&loaded, "FORCED REPOS=PUBLIC: workflow repo acme/web is public"));
    let loaded = public(CHILDREN, &[]);
    assert_eq!(watch(&loaded, "github").kind, WatchKind::GitHub);
    assert_eq!(watch(&loaded, "time").kind, WatchKind::Noop);
    assert!(watch(&loaded, "time").policy.is_none());
    let off = public(CHILDREN, &[("MCP_GATEWAY_FORCE_PUBLIC_REPOS", "false")]);
    assert!(!off.snapshot.guards.is_enabled);
    let off = public(&format!("{CHILDREN}\n[gateway]\nforce_public_repos = false"), &[]);
    assert!(!off.snapshot.guards.is_enabled);
}

#[test]
fn guards_ask_the_forge_with_the_operators_token_and_others_do_not() {
    let variables = [("GH_TOKEN", "ghp_0123456789"), ("GITHUB_SERVER_URL", "https://git.test")];
    let loaded = toml(&format!("{CHILDREN}{ALLOW}"), &variables);
    let forge = loaded.snapshot.guards.forge.as_deref().unwrap();
    assert_eq!((&*forge.host, &*forge.path), ("git.test", "/api/v3"));
    assert!(is_secret(&loaded, "ghp_0123456789"));
    assert!(toml(CHILDREN, &variables).snapshot.guards.forge.is_none());
    assert!(toml(&format!("{CHILDREN}{ALLOW}"), &[]).snapshot.guards.forge.is_none());
    let odd = [variables[0], ("GITHUB_API_URL", "git.test")];
    let loaded = toml(&format!("{CHILDREN}{ALLOW}"), &odd);
    assert!(
        loaded.snapshot.guards.forge.is_none() && has_notice(&loaded, "GITHUB_API_URL: it must")
    );
}

#[test]
fn the_workflow_matters_where_a_policy_can_be_narrowed_or_a_sink_be_public() {
    let sink =
        "[servers.x]\ncommand = \"x\"\nguard_policies = { write-sink = { accept = [\"*\"] } }\n";
    let none = "[servers.time]\ncommand = \"time\"\n";
    let off = "[gateway]\nforce_public_repos = false\n";
    for (text, want) in [
        (CHILDREN, true),
        (sink, true),
        (none, false),
        (&format!("{off}{CHILDREN}{ALLOW}"), false),
        (&format!("{off}{sink}"), true),
    ] {
        assert_eq!(toml(text, &[]).run.asks_workflow, want, "{text}");
    }
}

#[test]
fn the_policy_for_all_servers_counts_where_a_guard_is_and_spares_sinks() {
    let text = format!(
        "{CHILDREN}{ALLOW}\n[servers.safeoutputs.guard_policies.write-sink]\naccept = [\"*\"]"
    );
    let flags = Flags::default()
        .with("allowonly-scope-owner", "zed")
        .with("allowonly-min-integrity", "merged");
    let loaded = with_flags(&text, flags.clone(), &[]);
    assert!(payload(watch(&loaded, "github")).contains(r#""repos":["zed/*"]"#));
    assert!(matches!(watch(&loaded, "safeoutputs").kind, WatchKind::WriteSink(_)));
    assert_eq!(watch(&loaded, "time").kind, WatchKind::Noop);
    assert!(has_notice(&loaded, "server \"time\" has no guard that could enforce"));
    let compat = with_flags(&format!("guards_compat = true\n{text}"), flags.clone(), &[]);
    assert_eq!(watch(&compat, "safeoutputs").kind, WatchKind::Noop);
    let shown = refusal("[servers.time]\ncommand = \"time\"", flags, &[]);
    assert!(shown.contains("Configuration error at --allowonly-scope-owner"), "{shown}");
    let bad = [("MCP_GATEWAY_GUARD_POLICY_JSON", "{}")];
    let shown = refusal(CHILDREN, Flags::default(), &bad);
    assert!(
        shown.contains(
            "Configuration error at MCP_GATEWAY_GUARD_POLICY_JSON: invalid guard policy \
             configuration: invalid guard policy JSON: policy must include"
        ),
        "{shown}"
    );
}

#[test]
fn the_environment_lengthens_lists() {
    let loaded = toml(
        &format!(
            "{CHILDREN}{ALLOW}\nblocked-users = \"eve, bob\"\ntool-call-limits = {{ get = 3, list = 0 }}"
        ),
        &[("GH_AW_GITHUB_BLOCKED_USERS", "Eve\nmallory")],
    );
    let guarded = watch(&loaded, "github");
    assert!(payload(guarded).contains(r#""blocked-users":["eve","bob","mallory"]"#));
    assert!(!payload(guarded).contains("limits"));
    assert_eq!(guarded.tool_limits, Arc::from([(Box::from("get"), 3)]));
    let Some(Policy::AllowOnly(rule)) = &guarded.policy else { panic!() };
    assert_eq!(rule.tool_call_limits.len(), 2);
}

#[test]
fn the_mode_that_is_asked_for_wins_over_the_guards_own() {
    let text = format!("guards_mode = \"Propagate\"\n{CHILDREN}{ALLOW}");
    let mode = |flags: Flags, variables: &[(&str, &str)]| {
        let loaded = with_flags(&text, flags, variables);
        assert!(loaded.snapshot.guards.mode_is_set);
        assert_eq!(watch(&loaded, "time").mode, Some(loaded.snapshot.guards.mode));
        watch(&loaded, "github").mode.unwrap()
    };
    let variable = [("MCP_GATEWAY_GUARDS_MODE", "FILTER")];
    let flag = Flags::default().with("guards-mode", "strict");
    assert_eq!(mode(Flags::default(), &[]), Mode::Propagate);
    assert_eq!(mode(Flags::default(), &variable), Mode::Filter);
    assert_eq!(mode(flag, &variable), Mode::Strict);
    let odd = toml(&text, &[("MCP_GATEWAY_GUARDS_MODE", "odd")]);
    assert_eq!(watch(&odd, "github").mode, Some(Mode::Strict));
    assert!(has_notice(&odd, "unknown enforcement mode: odd"));
    let compat = toml(&format!("guards_compat = true\n{text}"), &[]);
    assert_eq!(watch(&compat, "github").mode, None);
    assert_eq!(watch(&compat, "time").mode, Some(Mode::Propagate));
    let shown = refusal(&text, Flags::default().with("guards-mode", "both"), &[]);
    assert!(
        shown.contains(
            "invalid --guards-mode flag: unknown enforcement mode: both (valid modes: strict, \
             filter, propagate)"
        ),
        "{shown}"
    );
}

#[test]
fn servers_whose_records_carry_labels_are_named_once() {
    let flag = |value: &str| Flags::default().with("guards-sink-server-ids", value);
    let loaded = with_flags(CHILDREN, flag(" a, b,a,,"), &[]);
    assert_eq!(loaded.snapshot.guards.sinks, ["a".into(), "b".into()]);
    let shown = refusal(CHILDREN, flag("a b"), &[]);
    assert!(
        shown.contains(
            "invalid --guards-sink-server-ids value: invalid guards sink server ID \"a b\": \
             whitespace is not allowed"
        ),
        "{shown}"
    );
}

#[test]
fn with_compat_a_broken_guard_only_is_not_used() {
    let text = r#"
        [guards.x]
        type = "native"
        policy = { allow-only = { repos = "all", min-integrity = "none" } }
        [servers.forge]
        command = "forge"
        guard = "x"
        [servers.other]
        command = "other"
        guard = "github"
    "#;
    let loaded = toml(&format!("guards.compat = true\n{text}"), &[]);
    assert_eq!(watch(&loaded, "forge").kind, WatchKind::Noop);
    assert_eq!(watch(&loaded, "other").kind, WatchKind::Noop);
    assert!(has_notice(&loaded, "unknown guard type: native; it has no guard"));
    assert!(has_notice(&loaded, "server \"other\" has a guard and no policy"));
}

#[test]
fn cutting_or_breaking_a_policy_anywhere_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/guard_policy");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        for at in 0..text.len() {
            penstock::policy::guard::rule::fuzz(&text[..at]);
            let mut broken = text.clone();
            broken[at] = b"\"{[=:,$\n0"[at % 9];
            penstock::policy::guard::rule::fuzz(&broken);
        }
        penstock::policy::guard::rule::fuzz(&text);
    }
}

#[test]
fn what_a_guard_may_call_is_said_of_the_guard_that_is_chosen() {
    let guards = r#"
        [guards.mine]
        type = "wasm"
        path = "/x/mine.wasm"
        may_call = ["get_repo", "get_me"]
        policy = { allow-only = { repos = "public", min-integrity = "none" } }
        [guards.github]
        type = "github"
        may_call = ["search_repositories"]
    "#;
    let text = format!("{CHILDREN}guard = \"mine\"\n{ALLOW}{guards}");
    let loaded = toml(&text, &[]);
    assert_eq!(*watch(&loaded, "time").may_call, ["get_repo".into(), "get_me".into()]);
    assert_eq!(*watch(&loaded, "github").may_call, ["search_repositories".into()]);
    assert!(watch(&loaded, "safeoutputs").may_call.is_empty());
    // Of another guard than the one that is found for a server, nothing was said.
    let mut sources = sources(Format::Toml, &text, &[]);
    sources.discovered = Box::new(|server| Ok((server == "time").then(|| PathBuf::from("/y"))));
    let loaded = load(&sources).unwrap();
    assert!(watch(&loaded, "time").may_call.is_empty());
}

#[test]
fn what_a_guard_may_call_is_a_list_of_names() {
    for (said, why) in [
        ("\"get_repo\"", "guards.mine.may_call"),
        ("[7]", "may_call[0]"),
        ("[\"\"]", "may_call[0] must be a non-empty string"),
        ("[\"*\"]", "'*' is no name of a tool"),
        ("[\"get_*\"]", "'get_*' is no name of a tool"),
    ] {
        let text = format!("{CHILDREN}[guards.mine]\nmay_call = {said}");
        let refused = refusal(&text, Flags::default(), &[]);
        assert!(refused.contains(why), "{said}: {refused}");
    }
}
