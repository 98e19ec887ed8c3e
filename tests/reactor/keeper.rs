// SPDX-License-Identifier: MIT
//! A gateway that is killed leaves nothing behind.
//!
//! This very test program poses as the gateway and as the keeper: with the right arguments the test
//! runner runs one ignored test, which is the program in question.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use penstock::gateway::io::Input;
use penstock::reactor::Options;

use crate::child::runtime;
use crate::toy::{World, eventually, is_alive, spawn};

fn ourselves(test: &str) -> Vec<OsString> {
    let program = std::env::current_exe().unwrap();
    let mut words = vec![program.into_os_string()];
    words.extend([test, "--exact", "--ignored", "--nocapture"].map(Into::into));
    words
}

fn start(test: &str, dir: &Path) -> Child {
    let words = ourselves(test);
    Command::new(&words[0])
        .args(&words[1..])
        .env("PENSTOCK_TEST_DIR", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the keeper that other tests start"]
fn the_keeper() {
    penstock::keeper::run();
}

#[test]
#[ignore = "the gateway that another test kills"]
fn the_gateway() {
    let Some(dir) = std::env::var_os("PENSTOCK_TEST_DIR") else { return };
    let dir = Path::new(&dir).to_owned();
    let (own, command) = runtime("killed", "sleep 60 & echo [$!]; wait");
    let options = Options {
        keeper: Some(ourselves("keeper::the_keeper")),
        temporary_dir: dir.clone(),
        ..Options::default()
    };
    let world = World::with(options, vec![spawn(command)], |_, _| {});
    let line = world.wait(|fact| match fact {
        Input::Line { line, .. } => Some(line),
        _ => None,
    });
    let text = format!("{}\n{}", String::from_utf8_lossy(&line), own.join("log").display());
    std::fs::write(dir.join("ready.part"), text).unwrap();
    std::fs::rename(dir.join("ready.part"), dir.join("ready")).unwrap();
    world.wait(|fact| matches!(fact, Input::Halt).then_some(()));
}

#[test]
fn a_gateway_that_is_killed_leaves_neither_processes_nor_containers() {
    let dir = std::env::temp_dir().join(format!("penstock-test-gateway-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut gateway = start("keeper::the_gateway", &dir);
    eventually(|| dir.join("ready").exists());
    let text = std::fs::read_to_string(dir.join("ready")).unwrap();
    let (grandchild, log) = text.split_once('\n').unwrap();
    let grandchild = grandchild.trim_matches(['[', ']']).parse().unwrap();
    assert!(is_alive(grandchild));
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    eventually(|| !is_alive(grandchild));
    eventually(|| {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        log.ends_with("--debug rm -f abc123\n")
    });
    eventually(|| std::fs::read_dir(&dir).unwrap().count() == 1);
    std::fs::remove_dir_all(dir).unwrap();
    std::fs::remove_dir_all(Path::new(log).parent().unwrap()).unwrap();
}

#[test]
fn a_keeper_with_an_empty_ledger_leaves_at_once() {
    let mut keeper = start("keeper::the_keeper", Path::new("/"));
    let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
    let mut stdin = keeper.stdin.take().unwrap();
    // This one was added and removed again, so it is nobody's business.
    writeln!(stdin, "+pg {0}\n-pg {0}", sleeper.id()).unwrap();
    drop(stdin);
    assert!(keeper.wait().unwrap().success());
    assert!(sleeper.try_wait().unwrap().is_none());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}
