// SPDX-License-Identifier: MIT
//! Guards that ask their backend while they label.

use penstock::policy::guard::wasm::Run;
use penstock::policy::guard::{NEEDS_MAX, Step};

use super::made::{ask, guard, instance, is_said, load, message, now, resource, run};

/// Asks for tool `d` (at 44) with `args`, room at 600; says what it was told by a
/// log line whose length is that number plus ten.
fn asks(args: &str, room: &str) -> String {
    format!(
        "(call $log (i32.const 0) (i32.const 16) (i32.add (i32.const 10)
           (call $ask (i32.const 44) (i32.const 1) {args} (i32.const 600) {room})))"
    )
}

const NO_ARGS: &str = "(i32.const 0) (i32.const 0)";
const SAY: &str = "(call $say (local.get $out))";

/// What the guard was told, each time that it asked.
fn told(logs: &[(u32, String)]) -> Vec<i64> {
    logs.iter().map(|(_, text)| text.len() as i64 - 10).collect()
}

#[test]
fn a_question_suspends_the_guard_and_its_answer_lies_where_it_wants_it() {
    let body = format!(
        "{} (call $log (i32.const 1) (i32.const 600) (i32.const 8)) {SAY}",
        asks(NO_ARGS, "(i32.const 100)")
    );
    let ended = run(instance(&load(&guard(&body))), resource(), |_| message(r#"{"a":12}"#));
    is_said(&ended);
    assert_eq!(ended.asked.len(), 1);
    assert_eq!((&*ended.asked[0].tool, &*ended.asked[0].args), ("d", &b"null"[..]));
    assert_eq!(told(&ended.logs[..1]), [8]);
    assert_eq!(ended.logs[1].1, r#"{"a":12}"#);
}

#[test]
fn a_call_that_failed_is_told_as_minus_one() {
    let ended = ask(&guard(&format!("{} {SAY}", asks(NO_ARGS, "(i32.const 100)"))));
    is_said(&ended);
    assert_eq!(told(&ended.logs), [-1]);
}

#[test]
fn an_answer_that_does_not_fit_is_kept_until_there_is_room() {
    let body = format!(
        "{} {} (call $log (i32.const 1) (i32.const 16) (i32.load (i32.const 600))) {} {} {SAY}",
        asks(NO_ARGS, "(i32.const 3)"),
        asks(NO_ARGS, "(i32.const 5)"),
        asks(NO_ARGS, "(i32.const 12)"),
        asks(NO_ARGS, "(i32.const 12)"),
    );
    let ended = run(instance(&load(&guard(&body))), resource(), |_| message("[1,2,3,4,5]"));
    is_said(&ended);
    assert_eq!(told(&ended.logs), [-2, -2, 1, 11, 11], "the third says: 11 bytes are needed");
    assert_eq!(ended.asked.len(), 2, "the backend was not asked again for what it had answered");
}

#[test]
fn what_cannot_be_asked_is_minus_one_at_once() {
    for (args, room) in [
        // Not JSON: the guard's own text without its first byte.
        ("(i32.const 17) (i32.const 4)", "(i32.const 100)"),
        ("(i32.const -1) (i32.const 4)", "(i32.const 100)"),
        ("(i32.const 16) (i32.const -4)", "(i32.const 100)"),
        (NO_ARGS, "(i32.const -1)"),
        (NO_ARGS, "(i32.const 65536)"),
    ] {
        let ended = ask(&guard(&format!("{} {SAY}", asks(args, room))));
        is_said(&ended);
        assert!(ended.asked.is_empty() && told(&ended.logs) == [-1], "{args} {room}");
    }
}

#[test]
fn one_judgement_may_ask_fifty_times() {
    let body = format!(
        "(local $n i32)
         (loop $again
           {}
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const 52))))
         {SAY}",
        asks(NO_ARGS, "(i32.const 100)")
    );
    let module = load(&guard(&body));
    let mut alive = instance(&module);
    for _ in 0..2 {
        let ended = run(alive, resource(), |_| message("{}"));
        is_said(&ended);
        assert_eq!(ended.asked.len(), NEEDS_MAX as usize);
        let told = told(&ended.logs);
        assert!(told[..50].iter().all(|it| *it == 2) && told[50..] == [-1, -1], "{told:?}");
        alive = ended.instance.expect("it is alive, and may ask fifty times again");
    }
}

#[test]
fn who_gives_up_in_the_middle_loses_the_instance() {
    let module = load(&guard(&format!("{} {SAY}", asks(NO_ARGS, "(i32.const 100)"))));
    let mut asking = Run::new(instance(&module), resource(), now());
    assert!(matches!(asking.step(None), Step::Needs(_)));
    assert!(asking.into_instance().is_none());
    let untouched = Run::new(instance(&module), resource(), now());
    assert!(untouched.into_instance().is_none(), "it was never asked, but nobody knows");
}

#[test]
fn a_suspended_guard_goes_on_in_another_thread() {
    let module = load(&guard(&format!("{} {SAY}", asks(NO_ARGS, "(i32.const 100)"))));
    let mut asking = Run::new(instance(&module), resource(), now());
    assert!(matches!(asking.step(None), Step::Needs(_)));
    let said = std::thread::spawn(move || asking.step(Some(message("{}")))).join().unwrap();
    assert!(matches!(said, Step::Done(Ok(_))), "{said:?}");
}
