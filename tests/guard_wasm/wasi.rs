// SPDX-License-Identifier: MIT
//! The little of a world that guards are given.

use penstock::policy::guard::wasm::Outcome;

use super::made::{Ended, error, instance, label, load, resource, run};

const P1: &str = "wasi_snapshot_preview1";

/// A guard that imports `name` of WASI as `$f`, and runs `body` with the allocator at 1024.
fn guard(name: &str, ty: &str, body: &str) -> Ended {
    let text = format!(
        r#"(module
          (import "{P1}" "{name}" (func $f {ty}))
          (import "env" "host_log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 16) "hello\nworld")
          (data (i32.const 64) "\10\00\00\00\06\00\00\00\16\00\00\00\05\00\00\00")
          (func $told (param i32) (call $log (i32.const 0) (i32.const 8192) (local.get 0)))
          (func (export "alloc") (param i32) (result i32) (i32.const 1024))
          (func (export "dealloc") (param i32 i32))
          (func (export "label_agent") (param i32 i32 i32 i32) (result i32) (i32.const 0))
          (func (export "label_response") (param i32 i32 i32 i32) (result i32) (i32.const 0))
          {})"#,
        label(&format!("{body} (i32.const -1)"))
    );
    run(instance(&load(&wat::parse_str(text).expect("it is a module"))), resource(), |_| None)
}

/// What was told by the lengths of log lines.
fn told(ended: &Ended) -> Vec<usize> {
    ended.logs.iter().map(|(_, text)| text.len()).collect()
}

#[test]
fn output_becomes_log_lines() {
    let ty = "(param i32 i32 i32 i32) (result i32)";
    let body = "(drop (call $f (i32.const FD) (i32.const 64) (i32.const 2) (i32.const 200)))
                (call $told (i32.load (i32.const 200)))";
    for (fd, level) in [("1", 1), ("2", 2)] {
        let ended = guard("fd_write", ty, &body.replace("FD", fd));
        let hello = (level, "hello".to_owned());
        assert_eq!((&ended.logs[0], ended.logs[1].1.len()), (&hello, 11));
        assert_eq!(ended.logs[2], (level, "world".to_owned()), "a line without its end");
    }
    let ended = guard("fd_write", ty, &body.replace("FD", "3"));
    assert_eq!(told(&ended), [0], "there is no third");
}

#[test]
fn random_numbers_come_from_the_seed() {
    let body = "(drop (call $f (i32.const 200) (i32.const 7)))
                (call $told (i32.load8_u (i32.const 200)))
                (call $told (i32.load8_u (i32.const 207)))";
    let ty = "(param i32 i32) (result i32)";
    let (first, second) = (guard("random_get", ty, body), guard("random_get", ty, body));
    assert_eq!(told(&first), told(&second));
    assert_eq!(told(&first)[1], 0, "no more than was asked for");
    let far = guard("random_get", ty, "(call $told (call $f (i32.const 65530) (i32.const 7)))");
    assert_eq!(told(&far), [21]);
}

#[test]
fn the_clock_is_that_of_the_judgement_and_moves_when_it_is_read() {
    let read = "(drop (call $f (i32.const CLOCK) (i64.const 0) (i32.const 200)))";
    let ty = "(param i32 i64 i32) (result i32)";
    let body = format!(
        "{read} (i64.store (i32.const 208) (i64.load (i32.const 200))) {read}
         (call $told (i32.wrap_i64 (i64.sub (i64.load (i32.const 200)) (i64.load (i32.const 208)))))
         (call $told (i32.wrap_i64 (i64.div_u (i64.load (i32.const 200)) (i64.const 10000000000000000))))"
    );
    let ended = guard("clock_time_get", ty, &body.replace("CLOCK", "0"));
    assert_eq!(told(&ended), [1000, 170]);
    let ended = guard("clock_time_get", ty, &body.replace("CLOCK", "1"));
    assert_eq!(told(&ended), [1000, 0]);
    let unknown = "(call $told (call $f (i32.const 9) (i64.const 0) (i32.const 200)))";
    assert_eq!(told(&guard("clock_time_get", ty, unknown)), [28]);
}

#[test]
fn a_sleep_is_over_at_once_and_has_been() {
    // One subscription at 200: a clock, relative, two seconds.
    let body = "(i64.store (i32.const 200) (i64.const 77))
        (i32.store (i32.const 216) (i32.const 1))
        (i64.store (i32.const 224) (i64.const 2000000000))
        (call $told (call $f (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))
        (call $told (i32.load (i32.const 300)))
        (call $told (i32.load16_u (i32.const 308)))
        (call $told (i32.load (i32.const 400)))
        (call $told (call $f (i32.const 200) (i32.const 300) (i32.const 0) (i32.const 400)))
        (call $told (call $f (i32.const 65530) (i32.const 300) (i32.const 1) (i32.const 400)))";
    let ended = guard("poll_oneoff", "(param i32 i32 i32 i32) (result i32)", body);
    assert_eq!(told(&ended), [0, 77, 0, 1, 28, 21]);
}

#[test]
fn there_are_no_files() {
    let two = "(param i32 i32) (result i32)";
    for name in ["fd_prestat_get", "fd_renumber", "fd_tell", "sock_shutdown"] {
        let ended = guard(name, two, "(call $told (call $f (i32.const 3) (i32.const 200)))");
        assert_eq!(told(&ended), [8], "{name}");
    }
    let open = "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)";
    let body = "(call $told (call $f (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5)
        (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 200)))";
    assert_eq!(told(&guard("path_open", open, body)), [8]);
}

#[test]
fn standard_streams_are_there_and_input_is_at_its_end() {
    let two = "(param i32 i32) (result i32)";
    let body = "(call $told (call $f (i32.const 1) (i32.const 200)))
                (call $told (i32.load8_u (i32.const 200)))
                (call $told (call $f (i32.const 3) (i32.const 200)))";
    assert_eq!(told(&guard("fd_fdstat_get", two, body)), [0, 2, 8]);
    let four = "(param i32 i32 i32 i32) (result i32)";
    let body = "(i32.store (i32.const 200) (i32.const 9))
        (call $told (call $f (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 200)))
        (call $told (i32.load (i32.const 200)))";
    assert_eq!(told(&guard("fd_read", four, body)), [0, 0]);
    let seek = "(param i32 i64 i32 i32) (result i32)";
    let body = "(call $told (call $f (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 200)))";
    assert_eq!(told(&guard("fd_seek", seek, body)), [70]);
    for name in ["args_sizes_get", "environ_sizes_get"] {
        let body = "(i64.store (i32.const 200) (i64.const -1))
            (call $told (call $f (i32.const 200) (i32.const 204)))
            (call $told (i32.load (i32.const 200))) (call $told (i32.load (i32.const 204)))";
        assert_eq!(told(&guard(name, two, body)), [0, 0, 0], "{name}");
    }
}

#[test]
fn an_exit_ends_the_guard_whatever_its_status() {
    for status in [0, 3] {
        let ended = guard("proc_exit", "(param i32)", &format!("(call $f (i32.const {status}))"));
        let want = format!("WASM function call failed: module closed with exit_code({status})");
        assert_eq!(error(&ended), want);
        assert!(ended.instance.is_none());
    }
}

#[test]
fn an_abort_says_what_and_where() {
    let text = format!(
        r#"(module
          (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 96) "\04\00\00\00n\00o\00")
          (data (i32.const 128) "\08\00\00\00a\00.\00t\00s\00")
          (func (export "label_agent") (param i32 i32 i32 i32) (result i32) (i32.const 0))
          (func (export "label_response") (param i32 i32 i32 i32) (result i32) (i32.const 0))
          {})"#,
        label(
            "(call $abort (i32.const 100) (i32.const 132) (i32.const 7) (i32.const 9)) (i32.const 0)"
        )
    );
    let module = load(&wat::parse_str(text).expect("it is a module"));
    let ended = run(instance(&module), resource(), |_| None);
    assert_eq!(error(&ended), "WASM function call failed: wasm error: unreachable");
    assert_eq!(ended.logs.last().unwrap(), &(3, "abort: no at a.ts:7:9".to_owned()));
    assert!(!matches!(ended.said, Ok(Outcome::Agent(_))));
}
