// SPDX-License-Identifier: MIT
//! Guards made of WebAssembly text, and judgements run to their end.

use std::sync::Arc;
use std::time::Instant;

use penstock::base::{GuardLimits, Message, Now};
pub use penstock::policy::guard::wasm::Question;
use penstock::policy::guard::wasm::{Instance, Module, Outcome, Run};
use penstock::policy::guard::{GuardError, Met, Need, Step};

/// An answer that every `label_resource` here may give, and its length.
pub const SAID: &str = r#"{"resource":{"description":"d","integrity":["i"]},"operation":"read"}"#;

/// What all of them begin with: imports, a memory, and `$say`, which writes [`SAID`].
const HEAD: &str = r#"
  (import "env" "call_backend" (func $ask (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "host_log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func $say (param $out i32) (result i32)
    (memory.copy (local.get $out) (i32.const 16) (i32.const LEN))
    (i32.const LEN))
"#;

/// The pair that hands out memory from 1024 on, and takes the last piece back first.
pub const ALLOCATOR: &str = r#"
  (global $next (mut i32) (i32.const 1024))
  (func (export "alloc") (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (local.get $at) (local.get $n)))
    (local.get $at))
  (func (export "dealloc") (param $at i32) (param i32) (global.set $next (local.get $at)))
"#;

const OTHERS: &str = r#"
  (func (export "label_agent") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "label_response") (param i32 i32 i32 i32) (result i32) (i32.const 0))
"#;

/// A guard without allocator whose `label_resource` is `body`, with `$in`, `$len`, `$out`, `$size`.
pub fn direct(body: &str) -> Vec<u8> {
    module(&format!("{OTHERS} {}", label(body)))
}

/// The same with an allocator.
pub fn guard(body: &str) -> Vec<u8> {
    module(&format!("{ALLOCATOR} {OTHERS} {}", label(body)))
}

/// A guard of which only the head is given.
pub fn module(rest: &str) -> Vec<u8> {
    let said = SAID.replace('"', "\\\"");
    let head = HEAD.replace("LEN", &SAID.len().to_string());
    let text = format!("(module {head} (data (i32.const 16) \"{said}\") {rest})");
    wat::parse_str(text).expect("the text is a module")
}

pub fn label(body: &str) -> String {
    format!(
        r#"(func (export "label_resource") (param $in i32) (param $len i32)
             (param $out i32) (param $size i32) (result i32) {body})"#
    )
}

pub fn load(wasm: &[u8]) -> Arc<Module> {
    Arc::new(Module::new("made", wasm, &GuardLimits::DEFAULT).expect("the module loads"))
}

pub fn load_small(wasm: &[u8]) -> Arc<Module> {
    Arc::new(Module::new("made", wasm, &GuardLimits::TEST_MIN).expect("the module loads"))
}

pub fn instance(module: &Arc<Module>) -> Instance {
    Instance::new(module, [7; 32]).expect("the module starts")
}

pub fn resource() -> Question {
    Question::Resource { tool: "read".into(), args: "{}".into() }
}

pub fn now() -> Now {
    Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 }
}

/// A judgement that has come to its end.
pub struct Ended {
    pub said: Result<Outcome, GuardError>,
    pub asked: Vec<Need>,
    pub n_yields: u32,
    pub logs: Vec<(u32, String)>,
    pub instance: Option<Instance>,
}

/// Runs to the end, with `answer` for what the guard asks its backend.
pub fn run(instance: Instance, question: Question, mut answer: impl FnMut(&Need) -> Met) -> Ended {
    let mut run = Run::new(instance, question, now());
    let (mut asked, mut n_yields, mut met) = (Vec::new(), 0, None);
    let said = loop {
        match run.step(met.take()) {
            Step::Done(said) => break said,
            Step::Needs(need) => {
                met = Some(answer(&need));
                asked.push(need);
            }
            Step::Yields => n_yields += 1,
        }
    };
    let logs = run.logs();
    Ended { said, asked, n_yields, logs, instance: run.into_instance() }
}

/// Asks a fresh instance of a guard what a call is about.
pub fn ask(wasm: &[u8]) -> Ended {
    run(instance(&load(wasm)), resource(), |_| None)
}

/// The text of the error that a judgement ended with.
#[track_caller]
pub fn error(ended: &Ended) -> &str {
    match &ended.said {
        Err(error) => &error.text,
        Ok(said) => panic!("there is a label: {said:?}"),
    }
}

/// That a judgement has said [`SAID`].
#[track_caller]
pub fn is_said(ended: &Ended) {
    let Ok(Outcome::Labelled(labelled)) = &ended.said else { panic!("{:?}", ended.said) };
    assert_eq!(&*labelled.object.description, "d");
}

pub fn message(text: &str) -> Met {
    Some(Message::from(text))
}
