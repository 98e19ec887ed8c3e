// SPDX-License-Identifier: MIT
//! Guards that fail, loop or grow: they lose their instance, and nothing else.

use super::made::{
    ALLOCATOR, ask, error, guard, instance, is_said, label, load, load_small, module, resource, run,
};

#[track_caller]
fn dies(body: &str, want: &str) {
    let ended = ask(&guard(body));
    assert_eq!(error(&ended), format!("WASM function call failed: {want}"));
    assert!(ended.said.is_err_and(|error| error.is_fatal) && ended.instance.is_none());
}

#[test]
fn traps_are_fatal_and_say_why() {
    dies("unreachable", "wasm error: unreachable");
    dies("(i32.load (i32.const -1))", "wasm error: out of bounds memory access");
    dies("(i32.div_u (i32.const 1) (i32.const 0))", "wasm error: integer divide by zero");
    let deep = format!(
        "{ALLOCATOR} (func $deep (result i32) (i32.add (i32.const 1) (call $deep)))
         (func (export \"label_agent\") (param i32 i32 i32 i32) (result i32) (i32.const 0))
         (func (export \"label_response\") (param i32 i32 i32 i32) (result i32) (i32.const 0)) {}",
        label("(call $deep)")
    );
    let ended = ask(&module(&deep));
    assert_eq!(error(&ended), "WASM function call failed: wasm error: stack overflow");
}

#[test]
fn a_trap_costs_its_own_call_and_no_other() {
    let body = "(if (i32.eq (i32.load8_u (i32.add (local.get $in) (i32.const 32))) (i32.const 49))
                  (then unreachable)) (call $say (local.get $out))";
    let module = load(&guard(body));
    let question =
        |args: &str| super::made::Question::Resource { tool: "t".into(), args: args.into() };
    let (first, second) = (instance(&module), instance(&module));
    let ended = run(first, question("[1]"), |_| None);
    assert!(ended.instance.is_none());
    is_said(&run(second, question("[2]"), |_| None));
    is_said(&run(instance(&module), question("[2]"), |_| None));
}

#[test]
fn an_endless_loop_yields_until_its_time_is_used_up() {
    let module = load_small(&guard("(loop $again (br $again)) (i32.const 0)"));
    let ended = run(instance(&module), resource(), |_| None);
    assert_eq!(error(&ended), "guard used up its time");
    assert_eq!(ended.n_yields, 10, "ten slices are a judgement");
    assert!(ended.said.is_err_and(|error| error.is_fatal) && ended.instance.is_none());
}

#[test]
fn work_that_takes_many_slices_ends_well() {
    let body = "(local $n i32)
        (loop $again
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 10000))))
        (call $say (local.get $out))";
    let ended = run(instance(&load_small(&guard(body))), resource(), |_| None);
    is_said(&ended);
    assert!(ended.n_yields > 1, "{}", ended.n_yields);
}

#[test]
fn a_memory_grows_to_its_limit_and_no_further() {
    // It grows until it is told no, and dies of it, as allocators do.
    let body = "(loop $again
          (br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 16)))))
        (call $log (i32.const 0) (i32.const 0) (memory.size)) unreachable";
    let ended = ask(&guard(body));
    assert_eq!(error(&ended), "WASM function call failed: wasm error: unreachable");
    assert_eq!(ended.logs[0].1.len(), 497, "1 + 31 * 16 pages are under 512");
}

#[test]
fn a_slice_has_room_for_the_largest_step() {
    // Clearing sixteen MiB is one instruction that costs more than a slice.
    let body = "(drop (memory.grow (i32.const 300)))
        (memory.fill (i32.const 70000) (i32.const 1) (i32.const 16777216))
        (call $say (local.get $out))";
    is_said(&ask(&guard(body)));
}

#[test]
fn what_hosts_do_for_a_guard_counts_as_its_work() {
    let body = "(loop $again (call $log (i32.const 0) (i32.const 0) (i32.const 60000)) (br $again))
        (i32.const 0)";
    let ended = run(instance(&load_small(&guard(body))), resource(), |_| None);
    assert_eq!(error(&ended), "guard used up its time");
    assert_eq!(ended.logs.len(), 4, "three lines, and how many were dropped");
    is_said(&ask(&guard("(call $say (local.get $out))")));
}
