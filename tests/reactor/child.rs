// SPDX-License-Identifier: MIT
//! Children.

use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use penstock::base::{Limits, Secret};
use penstock::gateway::io::{ChildEnd, Input, Output};
use penstock::gateway::snapshot::{ChildCommand, ContainerCare};
use penstock::reactor::Options;

use crate::toy::{BACKEND, World, ask, eventually, is_alive, send, shell, spawn};

fn world(first: Vec<Output>) -> World {
    World::with(Options::default(), first, |_, _| {})
}

fn stop(now: bool) -> Output {
    Output::Stop { backend: BACKEND, now }
}

/// What the child says and how it ends.
#[track_caller]
fn listen(world: &World) -> (Vec<String>, ChildEnd) {
    let mut said = Vec::new();
    let end = world.wait(|fact| {
        let (mark, text) = match fact {
            Input::Line { line, .. } => ('=', line),
            Input::Noise { line, .. } => ('~', line),
            Input::LineTooLong { start, .. } => ('+', start),
            Input::Stderr { line, .. } => ('!', line),
            Input::ChildClosed { why, .. } => return Some(why),
            _ => return None,
        };
        said.push(format!("{mark}{}", String::from_utf8_lossy(&text)));
        None
    });
    (said, end)
}

// Checklist 106, 110.
#[test]
fn lines_go_in_and_come_out_and_an_end_of_input_ends_it() {
    let world = world(vec![spawn(shell("exec cat")), send("{\"n\":1}"), send("[2]"), stop(false)]);
    let (said, end) = listen(&world);
    assert_eq!(said, ["={\"n\":1}", "=[2]"]);
    assert_eq!(end, ChildEnd::Exited(0));
}

#[test]
fn the_last_words_come_before_the_end() {
    let script = "printf '{\"a\":1}\\n{\"half\"'; printf 'oops\\nwhy' >&2; exit 3";
    let (mut said, end) = listen(&world(vec![spawn(shell(script))]));
    said.sort();
    assert_eq!(said, ["!oops", "!why", "={\"a\":1}", "={\"half\""]);
    assert_eq!(end, ChildEnd::Exited(3));
}

#[test]
fn a_child_that_dies_of_a_signal_says_which() {
    let (_, end) = listen(&world(vec![spawn(shell("kill -ABRT $$"))]));
    assert_eq!(end, ChildEnd::Killed(6));
}

// Checklist 110.
#[test]
fn whoever_ignores_every_request_to_leave_is_killed_with_its_group() {
    let script = "trap '' TERM; sh -c 'trap \"\" TERM; echo [$$]; while :; do sleep 0.1; done'";
    let command = ChildCommand {
        leave_after_max: Duration::from_millis(100),
        term_after_max: Duration::from_millis(100),
        ..shell(script)
    };
    let world = World::with(Options::default(), vec![spawn(command)], |input, outputs| {
        if matches!(input, Input::Line { .. }) {
            outputs.push_back(stop(false));
        }
    });
    let (said, end) = listen(&world);
    assert_eq!(end, ChildEnd::Killed(9));
    let grandchild = said[0].trim_matches(['=', '[', ']']).parse().unwrap();
    eventually(|| !is_alive(grandchild));
}

#[test]
fn a_request_to_end_now_skips_the_waits() {
    let start = Instant::now();
    let world = world(vec![spawn(shell("trap '' TERM; sleep 60")), stop(false), stop(true)]);
    assert_eq!(listen(&world).1, ChildEnd::Killed(9));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_grandchild_that_keeps_the_pipes_open_delays_the_end_only_a_little() {
    let start = Instant::now();
    let (said, end) = listen(&world(vec![spawn(shell("sleep 60 & echo [$!]"))]));
    assert_eq!(end, ChildEnd::Exited(0));
    assert!(start.elapsed() < Duration::from_secs(5));
    let grandchild = said[0].trim_matches(['=', '[', ']']).parse().unwrap();
    eventually(|| !is_alive(grandchild));
}

#[test]
fn a_flood_is_read_and_pausing_stops_it() {
    let flood = "while :; do echo '{\"flood\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}'; done";
    let mut lines = 0;
    let react = move |input: &Input, outputs: &mut VecDeque<Output>| {
        if let Input::Line { .. } = input {
            lines += 1;
            if lines == 1000 {
                outputs.push_back(Output::PauseChild { backend: BACKEND, paused: true });
            }
        }
        if let Input::Head { head, .. } = input
            && head.path() == b"/on"
        {
            outputs.push_back(Output::PauseChild { backend: BACKEND, paused: false });
        }
    };
    let world = World::with(Options::default(), vec![spawn(shell(flood))], react);
    let line = |fact| matches!(fact, Input::Line { .. }).then_some(());
    (0..1000).for_each(|_| world.wait(line));
    // What one turn has read is still told; then it is quiet.
    std::thread::sleep(Duration::from_millis(200));
    while world.facts.try_recv().is_ok() {}
    std::thread::sleep(Duration::from_millis(200));
    assert!(world.facts.try_recv().is_err(), "it was not paused");
    ask(&mut world.connect(), "/on", "");
    (0..1000).for_each(|_| world.wait(line));
}

// Checklist 108.
#[test]
fn a_child_that_does_not_read_is_full_and_later_drained() {
    let limits = Limits { backend_outbox_bytes_max: 100_000, ..Limits::DEFAULT };
    let mut first = vec![spawn(shell("sleep 0.5; exec cat >/dev/null"))];
    first.extend((0..500).map(|_| send(&format!("\"{}\"", "x".repeat(1000)))));
    let world = World::with(Options { limits, ..Options::default() }, first, |_, _| {});
    world.wait(|fact| matches!(fact, Input::BackendFull { .. }).then_some(()));
    world.wait(|fact| matches!(fact, Input::BackendDrained { .. }).then_some(()));
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let check = |command: ChildCommand, want: &str| {
        let ChildEnd::NotStarted(words) = listen(&world(vec![spawn(command)])).1 else {
            panic!("it was started")
        };
        assert_eq!(words, want);
    };
    let with = |program: &str| ChildCommand { program: program.into(), ..shell("") };
    check(with("no-such-program"), "\"no-such-program\": executable file not found in PATH");
    check(with("/no/such"), "\"/no/such\": No such file or directory");
    check(with("/etc/passwd"), "\"/etc/passwd\": Permission denied");
    let nowhere = ChildCommand { cwd: Some("/no/where".into()), ..shell("") };
    check(nowhere, "working directory \"/no/where\" is not there");
}

// Checklist 111.
#[test]
fn a_child_has_its_own_environment_directory_and_descriptors_alone() {
    let mut command = shell("env; pwd; ls /proc/self/fd | tr '\\n' ' '");
    command.env.push(("TOKEN".into(), Secret::new(b"t\xff")));
    command.cwd = Some("/".into());
    let (said, _) = listen(&world(vec![spawn(command)]));
    let mut lines: Vec<_> = said.iter().filter_map(|line| line.strip_prefix('~')).collect();
    // The last one is that of `ls` itself.
    assert_eq!(lines.pop(), Some("0 1 2 3 "));
    assert_eq!(lines.pop(), Some("/"));
    // What the shell adds by itself.
    const SHELL: [&str; 5] = ["PATH=", "PWD=", "_=", "SHLVL=", "OLDPWD="];
    lines.retain(|line| !SHELL.iter().any(|name| line.starts_with(name)));
    assert_eq!(lines, ["TOKEN=t\u{fffd}"]);
}

/// A directory with a runtime in it that writes down what it is asked to do.
pub fn runtime(name: &str, run: &str) -> (PathBuf, ChildCommand) {
    let dir = std::env::temp_dir().join(format!("penstock-test-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (place, log) = (dir.join("runtime"), dir.join("log"));
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {log}\n[ \"$2\" = rm ] && exit\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --cidfile ] && file=$2; shift; done\n\
         printf abc123 > $file\n{run}\n",
        log = log.display(),
    );
    std::fs::write(&place, script).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program: Box<str> = place.to_str().unwrap().into();
    let command = ChildCommand {
        program: program.clone(),
        args: ["--debug", "run", "-i", "image"].map(Box::from).to_vec(),
        container: Some(ContainerCare {
            runtime: program,
            runtime_args: vec!["--debug".into()],
            cidfile_at: 2,
            plan: None,
        }),
        ..shell("")
    };
    (dir, command)
}

// Checklist 110.
#[test]
fn what_a_container_command_leaves_is_removed() {
    let (dir, command) = runtime("left", "exec cat");
    let temporary_dir = dir.join("tmp");
    std::fs::create_dir(&temporary_dir).unwrap();
    let options = Options { temporary_dir: temporary_dir.clone(), ..Options::default() };
    let world = World::with(options, vec![spawn(command), send("{}")], |input, outputs| {
        if matches!(input, Input::Line { .. }) {
            outputs.push_back(stop(true));
        }
    });
    assert_eq!(listen(&world).1, ChildEnd::Killed(9));
    world.end();
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert!(lines[0].starts_with("--debug run --cidfile ") && lines[0].ends_with(" -i image"));
    assert_eq!(lines[1], "--debug rm -f abc123");
    assert_eq!(std::fs::read_dir(&temporary_dir).unwrap().count(), 0);
    std::fs::remove_dir_all(dir).unwrap();
}

// Checklist 110.
#[test]
fn children_that_are_left_at_the_exit_are_ended() {
    let world = world(vec![spawn(shell("trap '' TERM; echo [$$]; while :; do sleep 0.1; done"))]);
    let line = world.wait(|fact| match fact {
        Input::Line { line, .. } => Some(String::from_utf8_lossy(&line).into_owned()),
        _ => None,
    });
    let start = Instant::now();
    world.end();
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(!is_alive(line.trim_matches(['[', ']']).parse().unwrap()));
}
