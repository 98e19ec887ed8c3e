// SPDX-License-Identifier: MIT
//! What a judgement costs beyond the call of the guard itself: `run` is ours, `bare` the same calls
//! of the same module with the same input, made with nothing around them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use penstock::base::{GuardLimits, Message, Now};
use penstock::policy::guard::Step;
use penstock::policy::guard::wasm::{Instance, Module, Outcome, Question, Run};
use wasmi::{CompilationMode, Config, Engine, Linker, Memory, Store, TypedFunc};

/// How long two ways are compared.
const ROUNDS_FOR: Duration = Duration::from_secs(2);

const GUARD: &[u8] = include_bytes!("../guards/example.wasm");

/// An answer with so many notes.
fn result(n_notes: usize) -> Message {
    let note = r#"{\"folder\":\"acme/plans\",\"name\":\"budget\",\"reviewed\":true,\"text\":\"0123456789\"}"#;
    let notes = vec![note; n_notes].join(",");
    Message::from(&*format!(r#"{{"content":[{{"type":"text","text":"[{notes}]"}}]}}"#))
}

fn resource() -> Question {
    let args = Message::from(r#"{"folder":"acme/plans"}"#);
    Question::Resource { tool: "list_notes".into(), args }
}

fn response(n_notes: usize) -> Question {
    let args = Message::from(r#"{"folder":"acme/plans"}"#);
    Question::Response { tool: "list_notes".into(), args, result: result(n_notes) }
}

/// What [`Run`] tells the guard, written by hand.
fn input(question: &Question) -> Vec<u8> {
    let Question::Response { args, result, .. } = question else {
        return br#"{"capabilities":{},"tool_args":{"folder":"acme/plans"},"tool_name":"list_notes"}"#
            .to_vec();
    };
    let head = [br#"{"capabilities":{},"tool_args":"#, args.as_bytes()].concat();
    [&head, &br#","tool_name":"list_notes","tool_result":"#[..], result.as_bytes(), b"}"].concat()
}

/// The module without us.
struct Bare {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<(u32, u32), ()>,
    resource: TypedFunc<(u32, u32, u32, u32), i32>,
    response: TypedFunc<(u32, u32, u32, u32), i32>,
}

impl Bare {
    fn new() -> Self {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, GUARD).expect("it is a module");
        let mut linker = Linker::new(&engine);
        let backend = |_: i32, _: i32, _: i32, _: i32, _: i32, _: i32| -1_i32;
        linker.func_wrap("env", "call_backend", backend).expect("it is new");
        linker.func_wrap("env", "host_log", |_: i32, _: i32, _: i32| {}).expect("it is new");
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).expect("it is metered");
        let instance = linker.instantiate_and_start(&mut store, &module).expect("it starts");
        Self {
            memory: instance.get_memory(&store, "memory").expect("it has one"),
            alloc: instance.get_typed_func(&store, "alloc").expect("it is there"),
            dealloc: instance.get_typed_func(&store, "dealloc").expect("it is there"),
            resource: instance.get_typed_func(&store, "label_resource").expect("it is there"),
            response: instance.get_typed_func(&store, "label_response").expect("it is there"),
            store,
        }
    }

    fn ask(&mut self, is_response: bool, input: &[u8]) -> Vec<u8> {
        let (len, size) = (input.len() as u32, GuardLimits::DEFAULT.output_bytes_first as u32);
        let store = &mut self.store;
        let at = self.alloc.call(&mut *store, len).expect("no trap");
        let out = self.alloc.call(&mut *store, size).expect("no trap");
        self.memory.write(&mut *store, at as usize, input).expect("it is inside");
        let label = if is_response { &self.response } else { &self.resource };
        let n = label.call(&mut *store, (at, len, out, size)).expect("no trap");
        let mut said = vec![0; n as usize];
        self.memory.read(&*store, out as usize, &mut said).expect("it is inside");
        self.dealloc.call(&mut *store, (out, size)).expect("no trap");
        self.dealloc.call(&mut *store, (at, len)).expect("no trap");
        said
    }
}

fn judge(instance: Instance, question: Question, now: Now) -> (Outcome, Instance) {
    let mut run = Run::new(instance, question, now);
    let outcome = loop {
        match run.step(None) {
            Step::Done(outcome) => break outcome.expect("there is a label"),
            Step::Yields => {}
            Step::Needs(need) => panic!("it asks {}", need.tool),
        }
    };
    (outcome, run.into_instance().expect("it is alive"))
}

/// The least time of many rounds of each, taken in turns: on a busy machine the only fair ratio.
fn say_ratio(name: &str, module: &Arc<Module>, question: &Question, now: Now) {
    let (input, is_response) = (input(question), matches!(question, Question::Response { .. }));
    let mut bare = Bare::new();
    let mut kept = Some(Instance::new(module, [0; 32]).expect("it starts"));
    let mut least = [Duration::MAX; 2];
    let until = Instant::now() + ROUNDS_FOR;
    while Instant::now() < until {
        let start = Instant::now();
        black_box(bare.ask(is_response, black_box(&input)));
        least[0] = least[0].min(start.elapsed());
        let (question, instance) = (question.clone(), kept.take().expect("it came back"));
        let start = Instant::now();
        let (outcome, instance) = black_box(judge(instance, question, now));
        least[1] = least[1].min(start.elapsed());
        drop(outcome);
        kept = Some(instance);
    }
    let ratio = least[1].as_secs_f64() / least[0].as_secs_f64();
    eprintln!("guard_wasm/{name}: bare {:?}, run {:?}, ratio {ratio:.3}", least[0], least[1]);
}

fn guard(criterion: &mut Criterion) {
    let module = Arc::new(Module::new("example", GUARD, &GuardLimits::DEFAULT).expect("it loads"));
    let now = Now { mono: Instant::now(), unix_ms: 1_700_000_000_000 };
    for (name, question) in
        [("call", resource()), ("6_kb", response(60)), ("100_kb", response(1000))]
    {
        say_ratio(name, &module, &question, now);
    }
    let mut group = criterion.benchmark_group("guard_wasm");
    for (name, question) in
        [("call", resource()), ("6_kb", response(60)), ("100_kb", response(1000))]
    {
        let input = input(&question);
        let mut bare = Bare::new();
        let is_response = name != "call";
        assert!(bare.ask(is_response, &input).starts_with(b"{"));
        let mut kept = Some(Instance::new(&module, [0; 32]).expect("it starts"));
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(format!("bare_{name}"), |bencher| {
            bencher.iter(|| bare.ask(is_response, black_box(&input)));
        });
        group.bench_function(format!("run_{name}"), |bencher| {
            bencher.iter(|| {
                let instance = kept.take().expect("it came back");
                let (outcome, instance) = judge(instance, question.clone(), now);
                kept = Some(instance);
                outcome
            });
        });
    }
    group.bench_function("instantiate", |bencher| {
        bencher.iter_batched(|| (), |()| Instance::new(&module, [0; 32]), BatchSize::SmallInput);
    });
    group.bench_function("compile", |bencher| {
        bencher.iter(|| Module::new("example", GUARD, &GuardLimits::DEFAULT));
    });
    group.finish();
}

criterion_group!(benches, guard);
criterion_main!(benches);
