// SPDX-License-Identifier: MIT
//! How a guard is asked: where its input lies, what its numbers mean, how its buffer grows.

use penstock::policy::guard::wasm::{Outcome, Question};
use penstock::policy::guard::{Findings, Mode};

use super::made::{
    ALLOCATOR, ask, direct, error, guard, instance, is_said, label, load, load_small, module,
    resource, run,
};

const SAY: &str = "(call $say (local.get $out))";

#[test]
fn a_guard_says_something_on_both_paths_again_and_again() {
    for wasm in [guard(SAY), direct(SAY)] {
        let module = load(&wasm);
        let mut ended = run(instance(&module), resource(), |_| None);
        for _ in 0..3 {
            is_said(&ended);
            ended = run(ended.instance.expect("it is alive"), resource(), |_| None);
        }
        is_said(&ended);
    }
}

#[test]
fn without_an_allocator_there_is_one_warning() {
    let module = load(&direct(SAY));
    let ended = run(instance(&module), resource(), |_| None);
    assert_eq!(ended.logs.len(), 1);
    assert!(ended.logs[0].0 == 2 && ended.logs[0].1.contains("alloc"), "{:?}", ended.logs);
    let ended = run(ended.instance.unwrap(), resource(), |_| None);
    assert!(ended.logs.is_empty());
    assert!(ask(&guard(SAY)).logs.is_empty());
}

#[test]
fn the_input_is_where_the_guard_was_told() {
    // `{"capabilities":{},…` ends with `}`; the guard logs all of it.
    let body = format!("(call $log (i32.const 1) (local.get $in) (local.get $len)) {SAY}");
    for wasm in [guard(&body), direct(&body)] {
        let ended = ask(&wasm);
        is_said(&ended);
        let want = r#"{"capabilities":{},"tool_args":{},"tool_name":"read"}"#;
        assert_eq!(ended.logs.last().unwrap(), &(1, want.to_owned()));
    }
}

#[test]
fn numbers_below_zero_are_errors_and_the_guard_lives_on() {
    for code in [-1, -3, i32::MIN] {
        let ended = ask(&guard(&format!("(i32.const {code})")));
        assert_eq!(error(&ended), format!("WASM function returned error code: {code}"));
        assert!(!ended.said.as_ref().is_err_and(|error| error.is_fatal));
        assert!(ended.instance.is_some());
    }
}

#[test]
fn no_output_means_something_else_for_each_question() {
    let module = load(&guard("(i32.const 0)"));
    let ended = run(instance(&module), resource(), |_| None);
    assert!(error(&ended).starts_with("failed to unmarshal label_resource WASM response: "));
    let policy = Question::Agent { policy: "{}".into() };
    let ended = run(ended.instance.unwrap(), policy, |_| None);
    assert_eq!(error(&ended), "label_agent returned empty response");
    let response = Question::Response { tool: "t".into(), args: "".into(), result: "{}".into() };
    let ended = run(ended.instance.unwrap(), response, |_| None);
    assert_eq!(ended.said, Ok(Outcome::Findings(Findings::Nothing)));
}

#[test]
fn two_bytes_are_read_and_are_no_label() {
    let ended = ask(&guard("(i32.store16 (local.get $out) (i32.const 0x7d7b)) (i32.const 2)"));
    assert_eq!(error(&ended), "invalid resource format in guard response");
}

#[test]
fn a_small_buffer_is_doubled() {
    // 128, then 256, and this guard wants 200.
    let body = format!(
        "(if (result i32) (i32.lt_u (local.get $size) (i32.const 200))
           (then (i32.const -2)) (else {SAY}))"
    );
    for wasm in [guard(&body), direct(&body)] {
        is_said(&run(instance(&load_small(&wasm)), resource(), |_| None));
    }
}

#[test]
fn a_guard_may_say_how_much_room_it_needs() {
    let body = |needed: u32| {
        format!(
            "(call $log (i32.const 0) (i32.const 0) (local.get $size))
             (i32.store (local.get $out) (i32.const {needed})) (i32.const -2)"
        )
    };
    let ended = run(instance(&load_small(&guard(&body(80)))), resource(), |_| None);
    assert_eq!(error(&ended), "failed after 3 attempts, buffer size 80 still insufficient");
    let lens: Vec<usize> = ended.logs.iter().map(|(_, text)| text.len()).collect();
    assert_eq!(lens.len(), 3, "three attempts");
    let ended = run(instance(&load_small(&guard(&body(513)))), resource(), |_| None);
    let want = "guard requires buffer of 513 bytes which exceeds maximum of 512 bytes";
    assert_eq!(error(&ended), want);
    assert!(ended.instance.is_some());
}

#[test]
fn a_guard_that_never_has_enough_room_is_asked_three_times() {
    let ended = ask(&guard("(i32.store (local.get $out) (i32.const 0)) (i32.const -2)"));
    let want = "guard requires buffer of 33554432 bytes which exceeds maximum of 16777216 bytes";
    assert_eq!(error(&ended), want);
    assert!(ended.instance.is_some());
}

#[test]
fn what_is_too_long_is_not_told() {
    let module = load_small(&guard(SAY));
    let question = |n: usize| Question::Resource {
        tool: "t".into(),
        args: format!("\"{}\"", "x".repeat(n)).as_str().into(),
    };
    let around = r#"{"capabilities":{},"tool_args":"","tool_name":"t"}"#.len();
    let ended = run(instance(&module), question(512 - around), |_| None);
    is_said(&ended);
    let ended = run(ended.instance.unwrap(), question(513 - around), |_| None);
    assert_eq!(error(&ended), "input too large: 513 bytes (max 512)");
    assert!(ended.instance.is_some(), "the guard was not even asked");
}

#[test]
fn an_allocator_that_has_nothing_is_an_error() {
    let none = r#"(func (export "alloc") (param i32) (result i32) (i32.const 0))
                  (func (export "dealloc") (param i32 i32))"#;
    let ended = ask(&with(none, SAY));
    assert_eq!(error(&ended), "failed to allocate WASM input buffer: alloc returned null pointer");
    let once = r#"(global $n (mut i32) (i32.const 0))
        (func (export "alloc") (param i32) (result i32)
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (if (result i32) (i32.eq (global.get $n) (i32.const 1))
            (then (i32.const 1024)) (else (i32.const 0))))
        (func (export "dealloc") (param i32 i32)
          (call $log (i32.const 0) (i32.const 16) (i32.const 4)))"#;
    let ended = ask(&with(once, SAY));
    assert_eq!(error(&ended), "failed to allocate WASM output buffer: alloc returned null pointer");
    assert_eq!(ended.logs.len(), 1, "the input was given back");
    let far = r#"(func (export "alloc") (param i32) (result i32) (i32.const -16))
                 (func (export "dealloc") (param i32 i32))"#;
    assert_eq!(error(&ask(&with(far, SAY))), "failed to write input to WASM memory");
}

/// A guard with another allocator.
fn with(allocator: &str, body: &str) -> Vec<u8> {
    let others = ["label_agent", "label_response"].map(|name| {
        format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#)
    });
    module(&format!("{allocator} {} {}", others.concat(), label(body)))
}

#[test]
fn a_guard_that_dies_while_cleaning_up_has_said_what_it_said() {
    let dying = ALLOCATOR.replace("(global.set $next (local.get $at))", "unreachable");
    let ended = ask(&with(&dying, SAY));
    is_said(&ended);
    assert!(ended.instance.is_none());
}

#[test]
fn a_guard_that_says_more_than_there_is_room_for_is_not_believed() {
    let ended = run(instance(&load_small(&guard("(i32.const 129)"))), resource(), |_| None);
    assert_eq!(error(&ended), "WASM function wrote 129 bytes into a buffer of 128");
    assert!(ended.instance.is_none());
}

#[test]
fn the_direct_path_does_not_grow_a_memory_beyond_its_limit() {
    let wasm = direct(SAY);
    let text = r#"(module (memory (export "memory") 1 1) FUNCTIONS)"#;
    let functions = ["label_agent", "label_resource", "label_response"].map(|name| {
        format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#)
    });
    let fixed = wat::parse_str(text.replace("FUNCTIONS", &functions.concat())).unwrap();
    let ended = ask(&fixed);
    assert_eq!(error(&ended), "failed to grow WASM memory from 65536 to 4259893 bytes");
    assert!(ended.instance.is_some());
    is_said(&ask(&wasm));
}

#[test]
fn without_a_memory_there_is_no_call() {
    let functions = ["label_agent", "label_resource", "label_response"].map(|name| {
        format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#)
    });
    let bare = wat::parse_str(format!("(module {})", functions.concat())).unwrap();
    assert_eq!(error(&ask(&bare)), "WASM module has no memory");
}

#[test]
fn an_agent_gets_labels_and_a_mode() {
    let said = r#"{\"agent\":{\"secrecy\":[\"s\"]},\"difc_mode\":\"filter\"}"#;
    let len = said.replace('\\', "").len();
    let rest = format!(
        r#"{ALLOCATOR} (data (i32.const 200) "{said}")
        (func (export "label_agent") (param $in i32) (param i32) (param $out i32) (param i32) (result i32)
          (memory.copy (local.get $out) (i32.const 200) (i32.const {len})) (i32.const {len}))
        (func (export "label_response") (param i32 i32 i32 i32) (result i32) (i32.const 0)) {}"#,
        label(SAY)
    );
    let policy = Question::Agent { policy: "{}".into() };
    let ended = run(instance(&load(&module(&rest))), policy, |_| None);
    let Ok(Outcome::Agent(agent)) = ended.said else { panic!("{:?}", ended.said) };
    assert!(agent.mode == Mode::Filter && agent.labels.secrecy.contains("s"));
}
