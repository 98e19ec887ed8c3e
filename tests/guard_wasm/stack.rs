// SPDX-License-Identifier: MIT
//! However long a guard runs, our own stack does not grow.
//!
//! The interpreter goes from instruction to instruction by tail calls, which the compiler makes and
//! does not promise. Were one not made, a loop over that instruction would end the process. So each
//! instruction is run many times here, in the forms that the interpreter tells apart, on a stack
//! that would not hold a word for each time.

use penstock::base::GuardLimits;
use penstock::policy::guard::Step;
use penstock::policy::guard::wasm::{Module, Run};

use super::made::{instance, label, module, now, resource};

/// Each time leaves at least a return address if it leaves anything.
const TIMES: u32 = 30_000;
const STACK_BYTES: usize = 192 << 10;

/// Operators by type, without their prefix. `!`: the result is an `i32`.
const BINARY: &[(&str, &str)] = &[
    ("i", "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"),
    ("i!", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"),
    ("f", "add sub mul div min max copysign"),
    ("f!", "eq ne lt gt le ge"),
];
const UNARY: &[(&str, &str)] =
    &[("i", "clz ctz popcnt extend8_s extend16_s"), ("f", "abs neg ceil floor trunc nearest sqrt")];

/// Operators with their types: the result, the name, the operand.
const CONVERSIONS: &str = "i32.wrap_i64 i64.extend_i32_s i64.extend_i32_u i64.extend32_s:i64 \
    i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u \
    i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u \
    i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u \
    i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u \
    f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u \
    f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u \
    f32.demote_f64 f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 \
    f32.reinterpret_i32 f64.reinterpret_i64 i32.eqz:i32 i32.eqz:i64=i64.eqz";

const LOADS: &str = "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load \
    i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u f32.load f64.load";
const STORES: &str = "i32.store i32.store8 i32.store16 i64.store i64.store8 i64.store16 \
    i64.store32 f32.store f64.store";

/// What is neither: whole statements.
const STATEMENTS: &[&str] = &[
    "(global.set $g32 (i32.add (global.get $g32) (i32.const 1)))",
    "(global.set $g64 (local.get $i64))",
    "(global.set $g64 (i64.const 5))",
    "(global.set $gf (f64.add (global.get $gf) (local.get $f64)))",
    "(local.set $i32 (memory.size))",
    "(memory.fill (i32.const 4096) (local.get $i32) (i32.const 3))",
    "(memory.copy (i32.const 4096) (i32.const 5000) (i32.const 3))",
    "(memory.copy (local.get $i32) (local.get $j32) (local.get $i32))",
    "(memory.init $bytes (i32.const 4096) (i32.const 0) (i32.const 3))",
    "(local.set $i32 (table.size $t))",
    "(table.set $t (i32.const 1) (table.get $t (i32.const 0)))",
    "(table.fill $t (i32.const 1) (ref.func $leaf) (i32.const 1))",
    "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 1))",
    "(table.init $t $funcs (i32.const 1) (i32.const 0) (i32.const 1))",
    "(local.set $i32 (ref.is_null (table.get $t (local.get $j32))))",
    "(local.set $i32 (call $leaf (local.get $i32)))",
    "(local.set $i32 (call_indirect (type $leaf) (local.get $i32) (i32.const 0)))",
    "(local.set $i32 (call_indirect (type $leaf) (local.get $i32) (local.get $zero)))",
    "(local.set $i32 (call $tail (i32.const 9)))",
    "(local.set $i32 (call $tail_indirect (i32.const 9)))",
    "(call $many (local.get $i32) (local.get $i64) (local.get $f32) (local.get $f64))
     (local.set $f64) (local.set $f32) (local.set $i64) (local.set $i32)",
    "(call $log (i32.const 0) (i32.const 16) (i32.const 1))",
    "(block $a (block $b (block $c (br_table $a $b $c (i32.and (local.get $n) (i32.const 3))))
       (local.set $i32 (i32.const 1))) (local.set $i32 (i32.const 2)))",
    "(local.set $i32 (block $a (result i32) (br_table $a $a (local.get $j32) (local.get $n))))",
    "(local.set $i64 (block $a (result i64) (drop (br_if $a (local.get $i64) (local.get $i32))) (i64.const 1)))",
    "(local.set $i32 (select (local.get $i32) (local.get $j32) (local.get $n)))",
    "(local.set $i64 (select (local.get $i64) (i64.const 4) (i64.eqz (local.get $i64))))",
    "(local.set $f32 (select (local.get $f32) (f32.const 4) (local.get $n)))",
    "(local.set $f64 (select (f64.const 3) (local.get $f64) (local.get $n)))",
    "(if (local.get $n) (then (local.set $i32 (i32.const 7))) (else (local.set $j32 (i32.const 3))))",
    "(if (i64.eqz (local.get $i64)) (then nop) (else (local.set $i64 (i64.const 7))))",
    "(if (i32.and (local.get $i32) (local.get $n)) (then nop) (else (local.set $i32 (i32.const 6))))",
    "(if (i32.eqz (i32.or (local.get $i32) (local.get $n))) (then (local.set $j32 (i32.const 6))))",
    "(if (i32.eqz (i32.xor (local.get $i32) (local.get $n))) (then (local.set $j32 (i32.const 6))))",
    "(local.set $i32 (local.tee $j32 (local.get $i32)))",
    "(local.set $f32 (f32.const 1.5)) (local.set $f64 (f64.const 2.5)) (local.set $i64 (i64.const 9))",
    "(local.set $i32 (call $ask (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
    "(local.set $i32 (ref.is_null (ref.null extern)))",
    "(drop (i64.add (i64.mul (local.get $i64) (local.get $i64)) (i64.const 3)))",
];

/// From these the compiler makes no tail calls in a release build. Each counts for much, so that
/// there is room for all of them before the interpreter begins anew.
const PLAIN_CALLS: &[&str] = &[
    "(local.set $i32 (memory.grow (i32.const 0)))",
    "(local.set $i32 (table.grow $t (ref.null func) (i32.const 0)))",
];

const AROUND: &str = r#"
  (type $leaf (func (param i32) (result i32)))
  (table $t 4 funcref) (elem (table $t) (i32.const 0) func $leaf $tail) (elem $funcs func $leaf)
  (elem declare func $leaf)
  (data $bytes "abc") (global $g32 (mut i32) (i32.const 0)) (global $g64 (mut i64) (i64.const 0))
  (global $gf (mut f64) (f64.const 0))
  (func $leaf (type $leaf) (i32.add (local.get 0) (i32.const 1)))
  (func $tail (type $leaf) (return_call $leaf (local.get 0)))
  (func $tail_indirect (type $leaf) (return_call_indirect (type $leaf) (local.get 0) (i32.const 0)))
  (func $many (param i32 i64 f32 f64) (result i32 i64 f32 f64)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3))
  (func (export "label_agent") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "label_response") (param i32 i32 i32 i32) (result i32) (i32.const 0))
"#;

/// A module that runs a statement many times.
fn looping(statement: &str) -> Vec<u8> {
    let body = format!(
        "(local $n i32) (local $zero i32) (local $i32 i32) (local $j32 i32) (local $i64 i64)
         (local $j64 i64) (local $f32 f32) (local $g32 f32) (local $f64 f64) (local $h64 f64)
         (local.set $i32 (i32.const 3)) (local.set $j32 (i32.const 2))
         (local.set $i64 (i64.const 3)) (local.set $j64 (i64.const 2))
         (local.set $f32 (f32.const 3)) (local.set $f64 (f64.const 3))
         (loop $again
           {statement}
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const {TIMES}))))
         (i32.const -1)"
    );
    module(&format!("{AROUND} {}", label(&body)))
}

/// The forms in which operands come: from a local, from a constant, from what was just computed.
fn operands(ty: &str) -> Vec<String> {
    let computed = if ty.starts_with('i') {
        format!("({ty}.or (local.get ${ty}) ({ty}.const 1))")
    } else {
        format!("({ty}.abs (local.get ${ty}))")
    };
    vec![format!("(local.get ${ty})"), format!("({ty}.const 3)"), computed]
}

fn statements() -> Vec<String> {
    let mut all: Vec<String> = STATEMENTS.iter().map(|it| (*it).to_owned()).collect();
    for ty in ["i32", "i64", "f32", "f64"] {
        let is_kind = |kind: &str| ty.starts_with(&kind[..1]);
        for (kind, names) in BINARY.iter().filter(|(kind, _)| is_kind(kind)) {
            for (name, (a, b)) in names.split(' ').flat_map(|name| {
                let pairs = operands(ty)
                    .into_iter()
                    .flat_map(|a| operands(ty).into_iter().map(move |b| (a.clone(), b)));
                pairs.map(move |pair| (name, pair)).collect::<Vec<_>>()
            }) {
                let value = format!("({ty}.{name} {a} {b})");
                if kind.ends_with('!') {
                    all.push(format!("(local.set $i32 {value})"));
                    all.push(format!("(if {value} (then (local.set $j32 (i32.const 1))))"));
                    all.push(format!(
                        "(local.set $f64 (select (f64.const 1) (local.get $f64) {value}))"
                    ));
                } else {
                    // Divisors are not zero: the result goes elsewhere.
                    let to = if ty == "f32" || ty == "f64" {
                        ty.to_owned()
                    } else {
                        ty.replace('i', "j")
                    };
                    all.push(format!("(local.set ${to} {value})"));
                    all.push(format!("(drop (local.tee ${to} {value}))"));
                }
            }
        }
        for (_, names) in UNARY.iter().filter(|(kind, _)| is_kind(kind)) {
            for name in names.split(' ') {
                for operand in operands(ty) {
                    all.push(format!("(local.set ${ty} ({ty}.{name} {operand}))"));
                }
            }
        }
    }
    for name in CONVERSIONS.split_whitespace() {
        all.extend(conversion(name));
    }
    for at in ["(i32.const 4096)", "(local.get $n)", "(i32.or (local.get $n) (i32.const 1))"] {
        for offset in ["", "offset=8"] {
            for load in LOADS.split_whitespace() {
                all.push(format!("(local.set ${} ({load} {offset} {at}))", &load[..3]));
            }
            for store in STORES.split_whitespace() {
                for value in operands(&store[..3]) {
                    all.push(format!("({store} {offset} {at} {value})"));
                }
            }
        }
    }
    all
}

/// `to.name_from…`, or `to.name:from`, or `to.x:from=the name`.
fn conversion(spelled: &str) -> Vec<String> {
    let to = &spelled[..3];
    let (name, from) = match spelled.split_once(':') {
        Some((_, from)) if from.contains('=') => (&from[4..], &from[..3]),
        Some((name, from)) => (name, from),
        None => {
            let from =
                spelled.split('_').find(|part| matches!(*part, "i32" | "i64" | "f32" | "f64"));
            (spelled, from.expect("it names what it converts"))
        }
    };
    operands(from)
        .into_iter()
        .map(|operand| format!("(local.set ${to} ({name} {operand}))"))
        .collect()
}

/// Runs each of the statements to its end, on a narrow stack.
fn run_all(statements: Vec<String>, limits: &GuardLimits) {
    let modules: Vec<_> = statements
        .into_iter()
        .map(|statement| {
            let module = Module::new("loop", &looping(&statement), limits).expect("it loads");
            (statement, std::sync::Arc::new(module))
        })
        .collect();
    let narrow = std::thread::Builder::new().stack_size(STACK_BYTES);
    let running = narrow.spawn(move || {
        for (statement, module) in modules {
            // What overflows a stack ends the process, so its name must be said before.
            if std::env::var_os("SHOW_STATEMENTS").is_some() {
                eprintln!("{statement}");
            }
            let mut run = Run::new(instance(&module), resource(), now());
            let said = loop {
                match run.step(None) {
                    Step::Done(said) => break said,
                    Step::Yields => {}
                    Step::Needs(need) => panic!("{statement}: {need:?}"),
                }
            };
            let error = said.expect_err("it says -1");
            assert_eq!(&*error.text, "WASM function returned error code: -1", "{statement}");
        }
    });
    running.expect("a thread").join().expect("each of them ended");
}

#[test]
fn no_instruction_leaves_anything_on_our_stack() {
    let statements = statements();
    assert!(statements.len() > 1000, "{}", statements.len());
    // One stretch, so that no new beginning clears the stack.
    let slice_fuel = GuardLimits::DEFAULT.judgement_fuel_max;
    let limits = GuardLimits { slice_fuel, stack_fuel: slice_fuel, ..GuardLimits::DEFAULT };
    run_all(statements, &limits);
}

#[test]
fn what_growing_leaves_on_our_stack_is_gone_in_time() {
    let statements = PLAIN_CALLS.iter().map(|it| (*it).to_owned()).collect();
    run_all(statements, &GuardLimits::DEFAULT);
}
