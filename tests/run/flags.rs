// SPDX-License-Identifier: MIT
//! What is said on the command line, and what comes back before anything runs.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::binary::{CALCULATOR, PENSTOCK, Scratch, eventually, run, signal};

/// Exit status 1, the text on stderr, and nothing on stdout.
#[track_caller]
fn check_refused(args: &[&str], want: &str) {
    let done = run(args, "");
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{args:?}: {said}");
    assert!(said.starts_with(want), "{args:?}: {said}");
    assert!(done.stdout.is_empty(), "{args:?} printed something");
}

#[test]
fn a_command_line_that_cannot_be_followed_ends_with_status_1() {
    let nothing = "at least one of the flags in the group [config config-stdin] is required";
    check_refused(&[], nothing);
    check_refused(&["--config-stdin=false"], nothing);
    check_refused(&["--config", ""], nothing);
    check_refused(&["check"], nothing);
    check_refused(&["x"], "unknown command \"x\" for \"penstock\"\n");
    check_refused(&["--nope"], "unknown flag: --nope\nSee 'penstock --help' for usage\n");
    check_refused(&["--config"], "flag needs an argument: --config");
    check_refused(&["--config", "/nowhere"], "failed to load config: failed to open config file");
    check_refused(&["--config", "/"], "failed to load config: failed to open config file");
    check_refused(&["--config", "c", "--env", "/nowhere"], "failed to load .env file: ");
    check_refused(&["health", "http://127.0.0.1:1/"], "http://127.0.0.1:1/: Connection refused");
    check_refused(&["proxy", "--policy", "{"], "failed to initialize guard policy: invalid policy");
    let loud = "invalid --guards-mode flag: unknown enforcement mode: loud";
    check_refused(&["proxy", "--guards-mode", "loud"], loud);
}

#[test]
fn help_and_version_go_to_stdout_with_status_0() {
    for (args, want) in [
        (["--version", ""], "MCPG Gateway "),
        (["--help", "x"], "Penstock is an MCP gateway"),
        (["help", "check"], "Check a configuration"),
        (["completion", "bash"], ""),
    ] {
        let args: Vec<_> = args.into_iter().filter(|arg| !arg.is_empty()).collect();
        let done = run(&args, "");
        assert!(done.status.success() && done.stderr.is_empty(), "{args:?}");
        assert!(String::from_utf8(done.stdout).unwrap().starts_with(want), "{args:?}");
    }
}

#[test]
fn whoever_gave_the_configuration_on_stdin_reads_of_every_error_on_stdout() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let sound = r#"{"mcpServers":{},"gateway":{"port":1,"domain":"localhost","agentId":"k"}}"#;
    let no_runtime = r#"{"mcpServers":{},"gateway":{"port":1,"domain":"localhost","agentId":"k",
        "containerRuntimeCommand":"/nowhere/docker"}}"#;
    for (args, stdin, want) in [
        (&["--config-stdin"][..], "", "stdin was empty"),
        (&["--config-stdin"], "{", "failed to parse JSON at line 1, column 2"),
        (&["--config-stdin", "--listen", &taken], sound, "cannot listen on 127.0.0.1:"),
        (&["--config-stdin", "--validate-env"], no_runtime, "environment validation failed"),
    ] {
        let done = run(args, stdin);
        assert_eq!(done.status.code(), Some(1), "{args:?}");
        let printed = String::from_utf8(done.stdout).unwrap();
        assert!(printed.starts_with("{\"error\":\"") && printed.contains(want), "{printed}");
        assert!(String::from_utf8(done.stderr).unwrap().contains(want), "{args:?}");
    }
}

#[test]
fn a_signal_ends_whoever_still_waits_for_the_configuration() {
    let mut command = Command::new(PENSTOCK);
    let mut child = command.arg("--config-stdin").stdin(Stdio::piped()).spawn().unwrap();
    // It is waiting as soon as it sleeps in a read.
    eventually(|| {
        let stat = fs::read_to_string(format!("/proc/{}/wchan", child.id())).unwrap_or_default();
        (stat.contains("pipe") || stat == "0").then_some(())
    });
    std::thread::sleep(std::time::Duration::from_millis(50));
    signal(child.id(), "TERM");
    let status = eventually(|| child.try_wait().unwrap());
    assert!(!status.success());
}

#[test]
fn the_runtime_is_asked_with_the_variables_of_the_env_file() {
    let scratch = Scratch::new();
    let runtime = scratch.write("docker", "#!/bin/sh\ntest \"$DOCKER_HOST\" = tcp://there\n");
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o755)).unwrap();
    let config = scratch.write(
        "c.toml",
        &format!("[gateway]\ncontainer_runtime_command = \"{runtime}\"\n{CALCULATOR}"),
    );
    let env = scratch.write(
        "env",
        "DOCKER_HOST=tcp://there\nMCP_GATEWAY_DOMAIN=d\nMCP_GATEWAY_AGENT_ID=agent\n",
    );
    let done = run(&["--config", &config, "--env", &env, "--validate-env"], "");
    let said = String::from_utf8(done.stderr).unwrap();
    // Only what is not there is complained about.
    assert!(
        said.ends_with("failed:\n  - Required environment variables not set: MCP_GATEWAY_PORT\n"),
        "{said}"
    );
}

#[test]
fn a_check_tells_of_programs_and_directories_that_are_not_there() {
    let scratch = Scratch::new();
    let config = scratch.write(
        "c.toml",
        "[servers.a]\ncommand = \"no-such-program\"\n[servers.b]\ncommand = \"/nowhere/b\"\n\
         [servers.c]\ncommand = \"sh\"\n[servers.d]\ncommand = \"sh\"\n\
         working_directory = \"/nowhere\"\n",
    );
    let done = run(&["check", "--config", &config], "");
    assert!(done.status.success());
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("note: server a: \"no-such-program\" is not found in PATH\n"), "{said}");
    assert!(said.contains("note: server b: \"/nowhere/b\" is no program\n"), "{said}");
    assert!(!said.contains("note: server c"), "{said}");
    assert!(said.contains("server d: working directory \"/nowhere\" is not there\n"), "{said}");
}
