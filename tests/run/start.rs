// SPDX-License-Identifier: MIT
//! Starting in a world that is not as it should be.

use std::fs::{self, File};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::binary::{CALCULATOR, PENSTOCK, Running, Scratch, eventually};

#[test]
fn health_is_answered_while_servers_hang_crash_or_do_not_exist() {
    let mut toml = String::new();
    for n in 0..10 {
        toml += &format!("[servers.hang{n}]\ncommand = \"sleep\"\nargs = [\"60\"]\n");
        toml += &format!("[servers.crash{n}]\ncommand = \"sh\"\nargs = [\"-c\", \"exit 3\"]\n");
        toml += &format!("[servers.none{n}]\ncommand = \"no-such-program\"\n");
    }
    let mut gateway = Running::start(&(toml + CALCULATOR));
    let waiting: Vec<_> = (0..10)
        .map(|n| gateway.send("POST", &format!("/mcp/hang{n}"), "", crate::binary::LIST))
        .collect();
    for n in 0..10 {
        assert!(gateway.list(&format!("crash{n}")).contains("exited with status 3"));
        assert!(gateway.list(&format!("none{n}")).contains("not found in PATH"));
    }
    assert!(gateway.ask("GET", "/health", "", "").starts_with("HTTP/1.1 200 "));
    assert!(gateway.list("calculator").contains("exact_calculate"));
    drop(waiting);
    gateway.ends_well();
}

/// It serves whatever `change` does to it.
#[track_caller]
fn check_serves(change: impl FnOnce(&mut Command)) {
    let mut gateway = Running::with(CALCULATOR, change);
    assert!(gateway.list("calculator").contains("exact_calculate"));
    gateway.ends_well();
}

#[test]
fn a_log_directory_that_cannot_be_written_stops_nothing() {
    for dir in ["/dev/full", "/dev/null/logs", "/proc/logs"] {
        check_serves(|command| {
            command.args(["--log-dir", dir]);
        });
    }
}

#[test]
fn output_that_nobody_takes_stops_nothing() {
    check_serves(|command| {
        command.stdout(File::create("/dev/full").unwrap());
    });
    check_serves(|command| {
        command.stderr(File::create("/dev/full").unwrap());
    });
    check_serves(|command| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
    });
}

#[test]
fn a_poor_environment_stops_nothing() {
    check_serves(|command| {
        command.env_clear();
    });
}

#[test]
fn every_form_of_address_can_be_listened_on_and_is_printed_with_the_real_port() {
    for (listen, host) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("localhost:0", "localhost"),
        ("[::1]:0", "[::1]"),
        (":0", "127.0.0.1"),
    ] {
        let gateway = Running::with(CALCULATOR, |command| {
            command.args(["--listen", listen]);
        });
        let want = format!("\"url\": \"http://{host}:{}/mcp/calculator\"", gateway.port);
        eventually(|| gateway.scratch.read("stdout").contains(&want).then_some(()));
        let url = format!("http://{host}:{}/health", gateway.port);
        let done = Command::new(PENSTOCK).args(["health", &url]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn too_many_clients_for_the_descriptors_are_turned_away_without_haste() {
    let scratch = Scratch::new();
    let (config, logs) = (scratch.write("c.toml", CALCULATOR), scratch.file("logs"));
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$@\"", "sh", PENSTOCK, "--config", &config]);
    command.args(["--listen", "127.0.0.1:0", "--log-dir", &logs]);
    let mut gateway = Running::launch(command, scratch, |_| {});
    assert!(gateway.list("calculator").contains("exact_calculate"));
    let clients: Vec<_> = (0..60).map(|_| gateway.connect()).collect();
    let mut last = clients.last().unwrap();
    assert_eq!(last.read(&mut [0; 8]).unwrap_or(0), 0, "the last one is told goodbye");
    let turns = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
        status
            .lines()
            .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    };
    let before = turns();
    std::thread::sleep(Duration::from_millis(500));
    assert!(turns() - before < 20, "it polls {} times", turns() - before);
    drop(clients);
    let start = Instant::now();
    eventually(|| gateway.ask("GET", "/health", "", "").starts_with("HTTP/1.1 200 ").then_some(()));
    assert!(start.elapsed() < Duration::from_secs(2));
    gateway.ends_well();
}
