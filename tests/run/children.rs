// SPDX-License-Identifier: MIT
//! What children get, what they can do to us, and that none is left.

use std::fs;
use std::time::{Duration, Instant};

use crate::binary::{
    CALCULATOR, INITIALIZE, LIST, Running, children_of, eventually, is_alive, signal,
};

/// A server that runs a shell script.
fn script(name: &str, script: &str) -> String {
    let script = script.replace('\\', "\\\\").replace('"', "\\\"");
    format!("[servers.{name}]\ncommand = \"sh\"\nargs = [\"-c\", \"{script}\"]\n")
}

// Checklist 111.
#[test]
fn a_child_gets_three_descriptors_and_the_environment_that_is_configured() {
    let say = "ls /proc/self/fd | tr '\\n' ' ' >&2; echo >&2; env >&2";
    let toml = script("spy", say) + "env = { MINE = \"1\" }\n";
    let gateway = Running::with(&toml, |command| {
        command.env("GITHUB_TOKEN", "not-yours").env("LANG", "C");
    });
    gateway.list("spy");
    let log =
        eventually(|| Some(gateway.scratch.read("logs/spy.log")).filter(|l| l.contains("MINE=1")));
    // The listing of its own directory is the fourth.
    assert!(log.contains(" 0 1 2 3 \n") || log.contains(" 0 1 2 3\n"), "{log}");
    assert!(log.contains("LANG=C") && !log.contains("not-yours"), "{log}");
}

#[test]
fn a_child_that_closes_its_stdout_but_lives_is_given_up_at_once() {
    let toml = script("mute", "read line; exec >&-; trap '' TERM; while :; do sleep 1; done");
    let mut gateway = Running::start(&toml);
    let start = Instant::now();
    let answer = gateway.list("mute");
    assert!(answer.contains("its process closed its stdout"), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // It is still there, and ends with us nevertheless.
    let pid = children_of(gateway.child.id()).into_iter().find(|(_, line)| line.starts_with("sh "));
    gateway.ends_well();
    assert!(!is_alive(pid.unwrap().0));
}

#[test]
fn a_grandchild_that_holds_the_pipes_hides_no_crash() {
    let gateway = Running::start(&script("crash", "sleep 60 & read line; exit 7"));
    let start = Instant::now();
    assert!(gateway.list("crash").contains("exited with status 7"));
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
}

#[test]
fn a_child_that_is_asked_to_end_hears_it() {
    let mut gateway = Running::start(&script("deaf", "grep Sig /proc/self/status >&2; sleep 60"));
    let log = eventually(|| {
        Some(gateway.scratch.read("logs/deaf.log")).filter(|log| log.contains("SigCgt"))
    });
    assert!(log.contains("SigBlk: 0000000000000000"), "{log}");
    gateway.signal("TERM");
    let (status, took) = gateway.end();
    // SIGTERM comes after two seconds, SIGKILL after six.
    assert!(status.success() && took < Duration::from_secs(5), "{status} {took:?}");
}

/// Ignores every request to leave, and has a child of its own that does so, too.
const STUBBORN: &str = "trap '' TERM; (while :; do sleep 0.1; done) & echo $! >$DIR/pid; \
                        while :; do sleep 0.1; done";

fn stubborn() -> (Running, u32) {
    let dir = crate::binary::Scratch::new();
    let toml = script("stubborn", STUBBORN)
        + &format!("env = {{ DIR = \"{}\" }}\n", dir.0.display())
        + CALCULATOR;
    let gateway = Running::start(&toml);
    drop(gateway.send("POST", "/mcp/stubborn", "", LIST));
    let pid = eventually(|| dir.read("pid").trim().parse().ok());
    assert!(is_alive(pid));
    (gateway, pid)
}

// Checklist 110.
#[test]
fn a_gateway_that_is_killed_leaves_no_process() {
    let (mut gateway, grandchild) = stubborn();
    gateway.child.kill().unwrap();
    gateway.child.wait().unwrap();
    eventually(|| (!is_alive(grandchild)).then_some(()));
}

#[test]
fn a_keeper_that_is_killed_is_replaced_with_the_next_child() {
    let (mut gateway, grandchild) = stubborn();
    let keeper = |gateway: &Running| {
        let children = children_of(gateway.child.id());
        children.into_iter().find(|(_, line)| line.contains(" keeper")).map(|(pid, _)| pid)
    };
    let first = keeper(&gateway).unwrap();
    signal(first, "KILL");
    eventually(|| (!is_alive(first)).then_some(()));
    // The first session gets the child that was started with the gateway.
    for _ in 0..2 {
        let answer = gateway.ask("POST", "/mcp/calculator", "", INITIALIZE);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_ne!(keeper(&gateway).unwrap(), first);
    let zombies = children_of(gateway.child.id()).into_iter().filter(|(pid, _)| !is_alive(*pid));
    assert_eq!(zombies.count(), 0);
    gateway.child.kill().unwrap();
    gateway.child.wait().unwrap();
    eventually(|| (!is_alive(grandchild)).then_some(()));
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let (mut gateway, grandchild) = stubborn();
    gateway.signal("TERM");
    gateway.signal("INT");
    let (status, took) = gateway.end();
    assert!(status.success() && took < Duration::from_secs(2), "{status} {took:?}");
    eventually(|| (!is_alive(grandchild)).then_some(()));
}

#[test]
fn an_idle_gateway_with_a_child_and_a_stream_never_wakes_up() {
    let gateway = Running::start(CALCULATOR);
    assert!(gateway.list("calculator").contains("exact_calculate"));
    let _idle = gateway.connect();
    let switches = || -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", gateway.child.id())).unwrap();
        let count = |path: std::path::PathBuf| -> u64 {
            let status = fs::read_to_string(path).unwrap_or_default();
            let mut lines = status.lines();
            lines
                .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:")?.trim().parse().ok())
                .unwrap_or(0)
        };
        tasks.flatten().map(|task| count(task.path().join("status"))).sum()
    };
    // What the last call has left to do is done soon; from then on nothing is left to do.
    eventually(|| {
        let before = switches();
        std::thread::sleep(Duration::from_secs(1));
        (switches() == before).then_some(())
    });
}

// Checklist 128.
#[test]
fn no_log_shows_what_was_configured_as_a_secret() {
    const SECRETS: [&str; 8] = [
        "agentS3cret01",
        "bearerS3cret02",
        "queryS3cret03",
        "optionS3cret04",
        "wordS3cret05",
        "variableS3cret06",
        "namedS3cret07",
        "fieldS3cret08",
    ];
    let [agent, bearer, query, option, word, variable, named, field] = SECRETS;
    let toml = format!(
        "[gateway]\nagent_id = \"{agent}\"\n\
         [servers.remote]\nurl = \"http://127.0.0.1:1/mcp?api_key={query}\"\n\
         headers = {{ Authorization = \"Bearer {bearer}\", X-Custom = \"{field}\" }}\n\
         [servers.local]\ncommand = \"sh\"\n\
         args = [\"-c\", 'echo \"$0 $* $MY_TOKEN\" >&2; read x; echo \"$x\" >&2; exit 1', \
         \"--token={option}\", \"--password\", \"{word}\", \"${{NAMED_SECRET}}\"]\n\
         env = {{ MY_TOKEN = \"{variable}\" }}\n"
    );
    let mut gateway = Running::with(&toml, |command| {
        command.arg("-vvv").env("DEBUG", "*").env("NAMED_SECRET", named);
    });
    let auth = format!("Authorization: {agent}\r\n");
    for server in ["remote", "local"] {
        let answer = gateway.ask("POST", &format!("/mcp/{server}"), &auth, LIST);
        assert!(answer.contains("-32001"), "{answer}");
    }
    let wrong = format!("Authorization: {agent}x\r\n");
    assert!(gateway.ask("POST", "/mcp/local", &wrong, LIST).starts_with("HTTP/1.1 401 "));
    gateway.ends_well();
    let mut texts = vec![gateway.scratch.read("stderr")];
    for entry in fs::read_dir(gateway.scratch.file("logs")).unwrap().flatten() {
        texts.push(String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned());
    }
    assert!(texts.iter().any(|text| text.contains("--token=")), "{texts:?}");
    for secret in SECRETS {
        assert!(!texts.iter().any(|text| text.contains(secret)), "{secret} in {texts:#?}");
    }
}
