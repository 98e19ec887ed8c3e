// SPDX-License-Identifier: MIT
//! What a module must be to be loaded.

use penstock::base::GuardLimits;
use penstock::policy::guard::wasm::{Instance, Module};

use super::made::{ALLOCATOR, guard, instance, load, module};

/// A function of this name with the signature of those that label.
fn labels(name: &str) -> String {
    format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#)
}

#[track_caller]
fn refused(wasm: &[u8], want: &str) {
    let error = Module::new("g", wasm, &GuardLimits::TEST_MIN).err().expect("it is refused");
    assert_eq!(&*error.text, want);
}

#[test]
fn a_module_exports_three_functions() {
    let (resource, response, agent) =
        (labels("label_resource"), labels("label_response"), labels("label_agent"));
    let both = "WASM module must export label_resource and label_response functions";
    refused(&module(""), both);
    refused(&module(&format!("{resource} {agent}")), both);
    refused(&module(&format!("{response} {agent}")), both);
    refused(
        &module(&format!(
            "{response} {agent} (global (export \"label_resource\") i32 (i32.const 0))"
        )),
        both,
    );
    refused(&module(&format!("{resource} {response}")), "WASM module must export label_agent");
    let program = module(r#"(func (export "_start"))"#);
    let error = Module::new("g", &program, &GuardLimits::DEFAULT).err().expect("it is refused");
    assert!(error.text.starts_with(both) && error.text.contains("TinyGo"), "{}", error.text);
}

#[test]
fn the_functions_have_one_signature() {
    let wrong = |name: &str, ty: &str| format!(r#"(func (export "{name}") {ty} unreachable)"#);
    let (resource, response, agent) =
        (labels("label_resource"), labels("label_response"), labels("label_agent"));
    let wanted = "must have signature (i32,i32,i32,i32)->i32, got";
    refused(
        &module(&format!(
            "{} {} {agent}",
            wrong("label_resource", ""),
            wrong("label_response", "")
        )),
        &format!("WASM module function label_resource {wanted} ()->()"),
    );
    refused(
        &module(&format!(
            "{resource} {} {agent}",
            wrong("label_response", "(param i64 f32) (result f64)")
        )),
        &format!("WASM module function label_response {wanted} (i64,f32)->f64"),
    );
    refused(
        &module(&format!(
            "{resource} {response} {}",
            wrong("label_agent", "(param i32 i32 i32 i32) (result i32 i32)")
        )),
        &format!("WASM module function label_agent {wanted} (i32,i32,i32,i32)->(i32,i32)"),
    );
    let three = format!("{resource} {response} {agent}");
    refused(
        &module(&format!("{three} {} {}", wrong("alloc", "(result i32)"), wrong("dealloc", ""))),
        "WASM module function alloc must have signature (i32)->i32, got ()->i32",
    );
}

#[test]
fn what_is_no_module_or_wants_what_we_have_not_is_refused() {
    #[track_caller]
    fn starts(wasm: &[u8], want: &str) {
        let error = Module::new("g", wasm, &GuardLimits::TEST_MIN).err().expect("it is refused");
        assert!(error.text.starts_with(want), "{}", error.text);
    }
    let failed = "failed to instantiate WASM module: ";
    starts(b"", failed);
    starts(b"no module", failed);
    starts(&guard("unreachable")[..90], failed);
    let three = ["label_resource", "label_response", "label_agent"].map(labels).concat();
    let made = |head: &str| {
        wat::parse_str(format!("(module {head} (memory (export \"memory\") 1) {three})")).unwrap()
    };
    starts(&made(r#"(import "env" "open" (func))"#), failed);
    starts(&made(r#"(import "env" "host_log" (func (param i64)))"#), failed);
    starts(&made(r#"(import "env" "memory" (memory 1))"#), failed);
    let large = vec![0; GuardLimits::TEST_MIN.module_bytes_max + 1];
    starts(&large, "WASM module too large: 65537 bytes (max 65536)");
    let hungry = format!("(module (memory (export \"memory\") 5) {three})");
    starts(&wat::parse_str(hungry).unwrap(), failed);
}

#[test]
fn what_runs_at_the_start_is_bounded_and_asks_nothing() {
    let three = ["label_resource", "label_response", "label_agent"].map(labels).concat();
    let looping = module(&format!("{three} (func $s (loop $l (br $l))) (start $s)"));
    let error = Module::new("g", &looping, &GuardLimits::TEST_MIN).err().expect("it is refused");
    assert!(error.text.starts_with("failed to instantiate WASM module: "), "{}", error.text);
    // It would suspend if it could; a start that is told -1 goes on.
    let asking = module(&format!(
        "{three} (func (export \"_initialize\")
           (if (i32.ne (i32.const -1) (call $ask (i32.const 0) (i32.const 0) (i32.const 0)
                 (i32.const 0) (i32.const 0) (i32.const 0)))
             (then unreachable)))"
    ));
    instance(&load(&asking));
}

#[test]
fn a_module_knows_its_digest_and_whether_it_has_an_allocator() {
    let three = ["label_resource", "label_response", "label_agent"].map(labels).concat();
    let (bare, full) = (load(&module(&three)), load(&module(&format!("{three} {ALLOCATOR}"))));
    assert!(!bare.has_allocator() && full.has_allocator());
    assert_ne!(bare.sha256(), full.sha256());
    assert_eq!(bare.name(), "made");
    let instance = Instance::new(&full, [0; 32]).unwrap();
    assert_eq!(instance.memory_bytes(), 65_536);
}
