// SPDX-License-Identifier: MIT
//! What children are started with: arguments, environment, and what is kept out of both.

use penstock::gateway::snapshot::{Care, ResponseMode};

use super::*;

#[test]
fn secrets_travel_in_the_environment_and_never_in_arguments() {
    let text = json_server(
        r#"{"container":"img","env":{"GITHUB_PERSONAL_ACCESS_TOKEN":"","API":"${TOKEN}-x",
        "HOME":"/tmp","LITERAL_PASSWORD":"hunter22"},"args":["-e","FROM_ARGS","--env=MORE"]}"#,
    );
    let set = [
        ("GITHUB_PERSONAL_ACCESS_TOKEN", "ghp_abcdef"),
        ("TOKEN", "tok-123"),
        ("FROM_ARGS", "args-value"),
        ("DOCKER_HOST", "unix:///d.sock"),
    ];
    let loaded = json(&text, &set);
    let command = child(&loaded, 0);
    let words = line(command);
    assert!(
        words.contains("-e GITHUB_PERSONAL_ACCESS_TOKEN -e API -e HOME=/tmp -e LITERAL_PASSWORD"),
        "{words}"
    );
    for secret in ["ghp_abcdef", "tok-123-x", "hunter22", "args-value"] {
        assert!(!words.contains(secret), "{words}");
        assert!(is_secret(&loaded, secret), "{secret}");
    }
    assert_eq!(variable(command, "GITHUB_PERSONAL_ACCESS_TOKEN"), Some("ghp_abcdef"));
    assert_eq!(variable(command, "API"), Some("tok-123-x"));
    assert_eq!(variable(command, "FROM_ARGS"), Some("args-value"));
    // HOME of the container would send the runtime to other credentials.
    assert_eq!(variable(command, "HOME"), Some("/home/me"));
    assert_eq!(variable(command, "DOCKER_HOST"), Some("unix:///d.sock"));
    assert_eq!(variable(command, "SECRET_OF_OURS"), None);
    assert!(loaded.notices.iter().any(|n| n.contains("MORE requested but NOT FOUND")));
}

#[test]
fn a_plain_command_sees_little_of_our_environment() {
    let loaded = toml(
        "[servers.a]\ncommand = 'node'\nargs = ['s.js']\nenv = { A = '${B}', EMPTY = '' }\n\
         env_passthrough = ['PASSED']\nworking_directory = '/w'\nshared = true\nrequired = true\n\
         response = 'sse'\nstartup_timeout = 5\n",
        &[("B", "b-value"), ("PASSED", "passed-value"), ("DOCKER_HOST", "d")],
    );
    let command = child(&loaded, 0);
    let names: Vec<&str> = command.env.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["A", "EMPTY", "HOME", "PASSED", "PATH"]);
    assert_eq!((variable(command, "A"), variable(command, "EMPTY")), (Some("b-value"), Some("")));
    assert_eq!(command.cwd.as_deref(), Some("/w"));
    assert!(command.container.is_none());
    let server = &loaded.snapshot.servers[0];
    assert!(server.shared && server.required);
    assert_eq!(server.startup_timeout, std::time::Duration::from_secs(5));
    assert!(is_secret(&loaded, "passed-value"));
}

#[test]
fn a_docker_command_line_is_recognised() {
    let loaded = toml(
        "[servers.a]\ncommand = 'docker'\n\
         args = ['--context', 'x', 'run', '--rm', '-e', 'TOKEN', '-i', 'img', '-e', 'NOT_OURS']\n\
         [servers.b]\ncommand = 'docker'\nargs = ['run', '--log-driver=local', '--cidfile', '/c', 'i']\n\
         [servers.c]\ncommand = 'docker'\nargs = ['compose', 'run', 'x']\n",
        &[("TOKEN", "token-value"), ("NOT_OURS", "no")],
    );
    let a = child(&loaded, 0);
    assert_eq!(line(a), "--context x run --log-driver none --rm -e TOKEN -i img -e NOT_OURS");
    let care = a.container.as_ref().unwrap();
    assert_eq!((care.cidfile_at, care.runtime_args.join(" ").as_str()), (3, "--context x"));
    assert_eq!(variable(a, "TOKEN"), Some("token-value"));
    assert_eq!(variable(a, "NOT_OURS"), None);
    assert!(child(&loaded, 1).container.is_none());
    assert_eq!(line(child(&loaded, 1)), "run --log-driver=local --cidfile /c i");
    assert!(child(&loaded, 2).container.is_none());
}

#[test]
fn self_is_this_program() {
    let text = "[servers.c]\ncommand = 'self'\nargs = ['serve', 'calculator']\n";
    assert_eq!(&*child(&toml(text, &[]), 0).program, "/opt/penstock");
}

#[test]
fn the_runtime_can_be_chosen() {
    let check = |more: &str, variables: &[(&str, &str)], want: &str| {
        let loaded = json(&json_gateway(more), variables);
        let command = child(&loaded, 0);
        assert_eq!(format!("{} {}", command.program, command.args[0]), want);
        assert_eq!(loaded.run.runtime.program, &*command.program);
    };
    let podman = ("MCP_GATEWAY_CONTAINER_RUNTIME", "podman");
    check("", &[], "docker run");
    check("", &[podman], "podman run");
    check("", &[("MCP_GATEWAY_CONTAINER_RUNTIME", "lxc")], "docker run");
    check(r#","containerRuntime":"podman""#, &[], "podman run");
    check(r#","containerRuntimeCommand":"/usr/bin/nerdctl""#, &[podman], "/usr/bin/nerdctl run");
    check(r#","dockerless":true,"containerRuntimeArgs":["--x"]"#, &[], "podman --x");
    let loaded = json(&json_gateway(r#","containerRuntimeArgs":["--log-level","error"]"#), &[]);
    let care = child(&loaded, 0).container.as_ref().unwrap();
    assert_eq!((care.cidfile_at, care.runtime_args.len()), (3, 2));
    let lxc = json_gateway(r#","containerRuntime":"lxc""#);
    let want = r#"gateway.containerRuntime must be one of: docker, podman (got: "lxc")"#;
    check_refused(Format::Json, &lxc, &[want]);
}

#[test]
fn a_forbidden_mount_fails_its_server_and_not_the_gateway() {
    let text = r#"{"mcpServers":{
        "ok":{"container":"i","mounts":["/ws/x:/x:ro"]},
        "bad":{"container":"i","mounts":["/ws/x:/x:rw"]},
        "worse":{"container":"i","args":["-it","--privileged"]}},
        "gateway":{"port":1,"domain":"a","agentId":"k"}}"#;
    let loaded = json(text, &[("GITHUB_WORKSPACE", "/ws")]);
    assert_eq!(loaded.snapshot.servers.len(), 3);
    let broken: Vec<u16> = loaded.broken.iter().map(|(id, _)| id.0).collect();
    assert_eq!(broken, [1, 2]);
    assert!(loaded.broken[0].1.starts_with("server \"bad\": mount \"/ws/x\" rejected"));
    assert!(loaded.broken[1].1.contains("\"--privileged\" rejected by mount policy"));
    assert_eq!(loaded.run.client_config.servers.len(), 3);
    let free = json(text, &[]);
    assert_eq!(free.broken.len(), 1);
    assert!(free.notices.iter().any(|n| n.contains("mounts are not restricted")));
}

#[test]
fn containers_can_be_required() {
    let text = "[gateway]\nrequire_containers = true\n[servers.a]\ncommand = 'node'\n";
    check_refused(Format::Toml, text, &["must use containerized execution", "got 'node'"]);
    let good = "[gateway]\nrequire_containers = true\nlog_driver = 'local'\n\
                [servers.a]\ncontainer = 'i'\n[servers.b]\ncommand = 'docker'\nargs = ['run', 'i']\n";
    assert!(line(child(&toml(good, &[]), 0)).contains("--log-driver local"));
}

#[test]
fn a_client_has_a_key_of_its_own_and_its_form_of_answers() {
    let loaded = toml(
        "[servers.a]\ncommand = 'x'\n[gateway]\nagent_id = 'first-key'\n\
         [clients.ci]\nagent_id = '${CI_KEY}'\nresponse = 'json'\n\
         [clients.old]\nagent_id = 'old-client-key'\n",
        &[("CI_KEY", "ci-key-value")],
    );
    assert_eq!(loaded.snapshot.auth.agents.len(), 3);
    assert!(loaded.snapshot.auth.agents[1].matches(b"ci-key-value"));
    assert_eq!(loaded.snapshot.responses, [None, Some(ResponseMode::Json), None]);
    assert!(is_secret(&loaded, "ci-key-value"));
}

#[test]
fn schemas_are_cared_for_by_server_and_by_client() {
    let loaded = toml(
        "[servers.a]\ncommand = 'x'\n[servers.b]\ncommand = 'x'\nschema = 'verbatim'\n\
         [clients.ci]\nagent_id = 'ci-key-value'\nschema = 'copilot'\n\
         [clients.old]\nagent_id = 'old-client-key'\n",
        &[],
    );
    let cares: Vec<Care> = loaded.snapshot.servers.iter().map(|server| server.schema).collect();
    assert_eq!(cares, [Care::Reference, Care::Verbatim]);
    assert_eq!(loaded.snapshot.schemas, [Some(Care::Copilot), None]);
    for (word, care) in Care::WORDS {
        let text = json_server(&format!(r#"{{"container":"i","schema":"{word}"}}"#));
        assert_eq!(json(&text, &[]).snapshot.servers[0].schema, care);
    }
    let text = "[servers.a]\ncommand = 'x'\nschema = 'gemini'\n";
    check_refused(Format::Toml, text, &["schema", "reference"]);
}

#[test]
fn patterns_of_tools_stay_and_a_lone_star_is_all() {
    let loaded = toml(
        "[servers.a]\ncommand = 'x'\ntools = ['get_*', 'x']\n\
         [servers.b]\ncommand = 'x'\ntools = ['get_*', '*']\n",
        &[],
    );
    let tools = |at: usize| loaded.snapshot.servers[at].tools.clone();
    assert_eq!(tools(0).unwrap().iter().map(|one| &**one).collect::<Vec<_>>(), ["get_*", "x"]);
    assert!(tools(1).is_none());
}

#[test]
fn the_engine_is_asked_if_it_can_be_told_everything() {
    #[track_caller]
    fn check(more: &str, args: &str, variables: &[(&str, &str)], want: Option<&str>) {
        let text = json_gateway(more)
            .replace("\"container\":\"img\"", &format!("\"container\":\"img\",\"args\":[{args}]"));
        let loaded = json(&text, variables);
        let plan = child(&loaded, 0).container.as_ref().unwrap().plan.clone();
        let socket = loaded.run.engine.as_ref().map(|engine| engine.socket.to_str().unwrap());
        assert_eq!((socket, plan.is_some()), (want, want.is_some()), "{more} {args}");
    }
    let usual = Some("/var/run/docker.sock");
    let there = ("DOCKER_HOST", "unix:///run/d.sock");
    let launcher = "MCP_GATEWAY_CONTAINER_LAUNCHER";
    check("", "", &[], usual);
    check("", r#""--network","none","--init","-e","A=1""#, &[], usual);
    check("", "", &[there, ("DOCKER_CONTEXT", "x")], Some("/run/d.sock"));
    check("", "", &[(launcher, "api")], usual);
    check("", "", &[(launcher, "command")], None);
    check("", r#""--gpus","all""#, &[], None);
    check("", "", &[("DOCKER_HOST", "tcp://there:2375")], None);
    check("", "", &[("DOCKER_CONTEXT", "x")], None);
    check("", "", &[("DOCKER_CONTENT_TRUST", "1")], None);
    check("", "", &[("MCP_GATEWAY_CONTAINER_RUNTIME", "podman")], None);
    check(r#","containerRuntimeCommand":"/usr/bin/docker""#, "", &[], None);
    check(r#","containerRuntimeArgs":["--debug"]"#, "", &[], None);
}

#[test]
fn the_engine_is_told_what_the_command_line_would_be() {
    let text = json_server(
        r#"{"container":"img:1","entrypoint":"/e","entrypointArgs":["one"],"env":{"TOKEN":""},
        "args":["--memory=1g"]}"#,
    );
    let loaded = json(&text, &[("TOKEN", "tok-123"), ("DOCKER_DEFAULT_PLATFORM", "linux/arm64")]);
    let plan = child(&loaded, 0).container.as_ref().unwrap().plan.clone().unwrap();
    let run = &plan.run;
    assert_eq!((&*run.image, &*run.command[0], run.memory), ("img:1", "one", Some(1 << 30)));
    assert_eq!(run.entrypoint.as_deref(), Some("/e"));
    assert_eq!(run.platform.as_deref(), Some("linux/arm64"));
    assert_eq!(run.log_driver.as_deref(), Some("none"));
    let env: Vec<&str> = run.env.iter().map(|word| &**word).collect();
    assert_eq!(env, ["NO_COLOR=1", "TERM=dumb", "PYTHONUNBUFFERED=1", "TOKEN"]);
    assert!(run.labels.iter().any(|(name, value)| (&**name, &**value) == ("penstock.server", "s")));
    assert!(!plan.is_required);
}

#[test]
fn whoever_wants_the_engine_alone_is_told_what_it_cannot_do() {
    let text = |more: &str| {
        format!(
            "[gateway]\ncontainer_launcher = 'api'\n{more}[servers.a]\ncontainer = 'i'\n\
             args = ['--gpus', 'all']\n"
        )
    };
    let want = "container_launcher is \"api\", but this is not expressible: --gpus";
    check_refused(Format::Toml, &text(""), &[want]);
    let want = "not expressible: the runtime podman";
    check_refused(Format::Toml, &text("container_runtime = 'podman'\n"), &[want]);
    let loaded = toml(&text("").replace("'--gpus', 'all'", "'--init'"), &[]);
    let care = child(&loaded, 0).container.as_ref().unwrap();
    assert!(care.plan.as_ref().unwrap().is_required);
}
