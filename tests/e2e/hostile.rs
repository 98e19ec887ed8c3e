// SPDX-License-Identifier: MIT
//! Slow clients, idle ones, and children that misbehave: everyone else is served, memory stays
//! bounded, nothing is lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::child::{Process, cpu_ms, eventually, memory_kb};
use crate::gateway::Gateway;
use crate::http::{Mcp, Response};
use crate::place::{Scratch, stub};

/// An answer to somebody who does nothing wrong takes at most so long, whatever the others do.
/// Milliseconds would do on a quiet machine; the tests run on a busy one, unoptimised.
const SERVED: Duration = Duration::from_millis(1500);

fn server(name: &str, mode: &str, more: &str) -> String {
    format!("[servers.{name}]\ncommand = {:?}\nargs = [{mode:?}]\n{more}\n", stub())
}

/// Calls until `done`, and returns the longest time that an answer took, and how many there were.
#[track_caller]
fn call_until(client: &Mcp, done: &AtomicBool) -> (Duration, u32) {
    let (mut worst, mut n) = (Duration::ZERO, 0);
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        n += 1;
        let response = client.call(n, &format!("{{\"n\":{n}}}")).unwrap();
        check_echo(&response, n, &format!("\\\"n\\\":{n}"));
        worst = worst.max(started.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    (worst, n)
}

#[track_caller]
fn check_echo(response: &Response, id: u32, text: &str) {
    let answer = response.answer();
    let right = answer.contains(&format!("\"id\":{id},")) && answer.contains(text);
    assert!(response.status == 200 && right, "{id}: {response:?}");
}

// Checklist 24.
#[test]
fn many_calls_at_once_each_get_their_own_answer() {
    let gateway = Gateway::toml("hostile-many", &server("good", "normal", ""));
    gateway.wait_until_up();
    let client = gateway.client("good");
    thread::scope(|scope| {
        for worker in 0..16_u32 {
            let client = &client;
            scope.spawn(move || {
                for n in 0..50 {
                    // Everybody uses the same ids: only the gateway can tell them apart.
                    let text = format!("worker {worker} call {n}");
                    let response = client.call(n, &format!("{{\"text\":\"{text}\"}}")).unwrap();
                    check_echo(&response, n, &text);
                }
            });
        }
    });
}

// Checklist 15, 106.
#[test]
fn a_long_answer_arrives_whole() {
    let gateway = Gateway::toml("hostile-long", &server("good", "normal", ""));
    let client = gateway.client("good");
    let response = client.call(5, "{\"fill\":20000000}").unwrap();
    let filling = response.body.bytes().filter(|byte| *byte == b'x').count();
    assert!(filling >= 20_000_000, "{filling} bytes arrived");
    check_echo(&client.call(6, "{}").unwrap(), 6, "{}");
}

// Checklist 109.
#[test]
fn a_child_that_dies_answers_every_call_with_an_error() {
    let gateway = Gateway::toml("hostile-crash", &server("bad", "crash", ""));
    let client = gateway.client("bad");
    thread::scope(|scope| {
        for id in 10..20 {
            let client = &client;
            scope.spawn(move || {
                let response = client.call(id, "{}").unwrap();
                let answer = response.answer();
                assert!(answer.contains("\"error\""), "{response:?}");
                assert!(answer.contains(&format!("\"id\":{id}")), "{response:?}");
            });
        }
    });
    // A new session finds a new child.
    let list = "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}";
    assert!(gateway.client("bad").post(list).unwrap().answer().contains("noop"));
}

// Checklist 15, 107, 108.
#[test]
#[ignore = "takes half a minute; scripts/test.sh runs it"]
fn children_that_misbehave_hurt_nobody_else() {
    let config = [
        server("good", "normal", ""),
        server("silent", "mute-call", "tool_timeout = 10"),
        server("asleep", "never-reads", "startup_timeout = 2"),
        server("flooding", "flood", ""),
        server("dying", "half", ""),
        server("endless", "endless", ""),
    ]
    .concat();
    let gateway = Gateway::toml("hostile-children", &config);
    let done = AtomicBool::new(false);
    let (worst, n) = thread::scope(|scope| {
        let good = scope.spawn(|| call_until(&gateway.client("good"), &done));
        let bad = [
            scope.spawn(|| check_silent(&gateway)),
            scope.spawn(|| check_asleep(&gateway)),
            scope.spawn(|| check_flooding(&gateway)),
            scope.spawn(|| check_dying(&gateway)),
            scope.spawn(|| check_endless(&gateway)),
        ];
        let failed = bad.map(|thread| thread.join().is_err()).contains(&true);
        done.store(true, Ordering::Relaxed);
        assert!(!failed, "see above");
        good.join().unwrap()
    });
    println!("the good server answered {n} calls, the slowest in {worst:?}");
    assert!(worst < SERVED, "an answer took {worst:?}");
    // The longest message that is allowed, twice, and what the gateway has anyway.
    let peak = memory_kb(gateway.id(), "VmHWM");
    println!("peak memory: {peak} kB");
    assert!(peak < 200 * 1024, "memory went up to {peak} kB");
}

fn check_silent(gateway: &Gateway) {
    let client = gateway.client("silent").patience(Duration::from_secs(30));
    let started = Instant::now();
    let response = client.call(2, "{}").unwrap();
    assert!(response.answer().contains("\"error\""), "{response:?}");
    assert!(response.answer().contains("\"id\":2"), "{response:?}");
    let took = started.elapsed();
    assert!((9..15).contains(&took.as_secs()), "the deadline is 10 s, it took {took:?}");
}

fn check_asleep(gateway: &Gateway) {
    let client = Mcp::new(&gateway.addr, "asleep", None);
    let started = Instant::now();
    let hello = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\
                 \"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\
                 \"clientInfo\":{\"name\":\"e2e\",\"version\":\"1\"}}}";
    let response = client.post(hello).unwrap();
    assert!(response.answer().contains("\"error\""), "{response:?}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

fn check_flooding(gateway: &Gateway) {
    let client = gateway.client("flooding").patience(Duration::from_secs(40));
    check_echo(&client.call(2, "{\"a\":1}").unwrap(), 2, "\\\"a\\\":1");
}

fn check_dying(gateway: &Gateway) {
    let response = gateway.client("dying").call(2, "{}").unwrap();
    assert!(response.answer().contains("\"error\""), "{response:?}");
    assert!(response.answer().contains("\"id\":2"), "{response:?}");
}

fn check_endless(gateway: &Gateway) {
    let client = gateway.client("endless").patience(Duration::from_secs(40));
    let response = client.call(2, "{}").unwrap();
    assert!(response.answer().contains("\"error\""), "{response:?}");
    assert!(response.answer().contains("\"id\":2"), "{response:?}");
}

// Checklist 131.
#[test]
#[ignore = "takes a quarter of a minute; scripts/test.sh runs it"]
fn slow_clients_hold_up_nobody() {
    let gateway = Gateway::toml("hostile-slow", &server("good", "normal", ""));
    gateway.wait_until_up();
    let client = gateway.client("good");
    let done = AtomicBool::new(false);
    let (worst, n) = thread::scope(|scope| {
        let good = scope.spawn(|| call_until(&client, &done));
        drip(&gateway.addr);
        done.store(true, Ordering::Relaxed);
        good.join().unwrap()
    });
    println!("{n} calls, the slowest in {worst:?}");
    assert!(worst < SERVED, "an answer took {worst:?}");
}

/// A hundred clients for 14 s, each with one byte per second: half never end their head, half have
/// sent it and never end their body. The former have to be gone after the time for a head.
fn drip(addr: &str) {
    let head = b"POST /mcp/good HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n";
    let open = || TcpStream::connect(addr).unwrap();
    let mut heads: Vec<_> = (0..50).map(|_| open()).collect();
    let mut bodies: Vec<_> = (0..50).map(|_| open()).collect();
    for body in &mut bodies {
        body.write_all(head).unwrap();
    }
    for second in 0..14 {
        for (at, socket) in heads.iter_mut().enumerate() {
            let _ = socket.write(&head[(second + at) % 20..][..1]);
        }
        for socket in &mut bodies {
            let _ = socket.write(b" ");
        }
        thread::sleep(Duration::from_secs(1));
    }
    let gone = heads.iter_mut().filter_map(|socket| {
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut text = Vec::new();
        // Either an answer, such as 408, or nothing, and then the end.
        match socket.read_to_end(&mut text) {
            Ok(_) => Some(()),
            Err(error) => (error.kind() == std::io::ErrorKind::ConnectionReset).then_some(()),
        }
    });
    assert_eq!(gone.count(), 50, "a head that never ends must not keep its connection");
}

// Checklist 131.
#[test]
#[ignore = "opens 2,000 connections; scripts/test.sh runs it"]
fn two_thousand_idle_connections_cost_little() {
    const N: u64 = 2000;
    let scratch = Scratch::new("hostile-idle");
    let gateway = Gateway::toml("hostile-idle-gateway", &server("good", "normal", ""));
    gateway.wait_until_up();
    let client = gateway.client("good");
    check_echo(&client.call(1, "{}").unwrap(), 1, "{}");
    let before = memory_kb(gateway.id(), "VmRSS");

    let out = scratch.file("idle");
    let mut command = Command::new("sh");
    let script = format!("ulimit -n 8192 && exec {:?} idle {} {N}", stub(), gateway.addr);
    command.args(["-c", &script]).stdin(Stdio::piped());
    let mut idle = Process::start(&mut command, Path::new(&out), Path::new(&scratch.file("log")));
    let said = |what: &str| fs::read_to_string(&out).unwrap().contains(what).then_some(());
    eventually("all are connected", Duration::from_secs(30), || said("ready"));

    let each = (memory_kb(gateway.id(), "VmRSS") - before) * 1024 / N;
    println!("{before} kB before, {each} bytes for each idle connection");
    assert!(each < 4096, "an idle connection costs {each} bytes");
    check_echo(&client.call(2, "{}").unwrap(), 2, "{}");

    // Nothing happens, so nothing is done.
    thread::sleep(Duration::from_millis(500));
    let used = cpu_ms(gateway.id());
    thread::sleep(Duration::from_secs(2));
    let used = cpu_ms(gateway.id()) - used;
    assert!(used <= 20, "{used} ms of processor time in two idle seconds");

    drop(idle.stdin());
    idle.wait(Duration::from_secs(10));
    eventually("all were open to the end", Duration::from_secs(1), || said(&format!("open {N}")));
    check_echo(&client.call(3, "{}").unwrap(), 3, "{}");
}
