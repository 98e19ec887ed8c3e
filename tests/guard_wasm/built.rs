// SPDX-License-Identifier: MIT
//! The guards of `guards/`, as they were built: in Rust, in AssemblyScript and in C.

use std::sync::Arc;

use penstock::base::GuardLimits;
use penstock::policy::guard::wasm::{Instance, Module, Outcome, Question, abi};
use penstock::policy::guard::{Findings, Label, Labelled, Mode, Operation};

use super::made::{Ended, error, instance, message, run};

const RUST: &str = "example";
const ALL: [&str; 3] = [RUST, "assemblyscript", "c"];

fn load(name: &str) -> Arc<Module> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/guards/");
    let wasm = std::fs::read(format!("{folder}{name}.wasm")).expect("it was built");
    let module = Module::new(name, &wasm, &GuardLimits::DEFAULT).expect("it loads");
    let digest = std::fs::read_to_string(format!("{folder}{name}.wasm.sha256")).expect("a digest");
    let hex: String = module.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest.split_whitespace().next(), Some(&*hex), "guards/build.sh {name}");
    assert!(wasm.len() <= 80_000, "{name}: {} bytes", wasm.len());
    Arc::new(module)
}

fn resource(tool: &str, args: &str) -> Question {
    Question::Resource { tool: tool.into(), args: args.into() }
}

#[track_caller]
fn labelled(ended: &Ended) -> &Labelled {
    match &ended.said {
        Ok(Outcome::Labelled(labelled)) => labelled,
        said => panic!("{said:?}, {:?}", ended.logs),
    }
}

#[test]
fn all_of_them_label_calls_alike() {
    let levels = ["none", "unapproved", "approved"];
    for name in ALL {
        let module = load(name);
        let mut alive = Some(instance(&module));
        let mut check = |tool: &str, args: &str, secrecy: &[&str], integrity: &[&str], does| {
            let question = resource(tool, args);
            let ended = run(alive.take().expect("it lives"), question, |_| None);
            let got = labelled(&ended);
            let labels = &got.object.labels;
            assert_eq!(
                labels.secrecy,
                Label::new(secrecy.iter().copied()),
                "{name}: {tool} {args}"
            );
            assert_eq!(labels.integrity, Label::new(integrity.iter().copied()), "{name}: {tool}");
            assert_eq!(got.operation, does, "{name}: {tool}");
            alive = ended.instance;
        };
        let acme = r#"{ "name": "budget", "folder" : "acme/plans" }"#;
        check("list_notes", acme, &["private:acme/plans"], &["none"], Operation::Read);
        check("read_note", acme, &["private:acme/plans"], &["none"], Operation::Read);
        check("write_note", acme, &["private:acme/plans"], &levels, Operation::Write);
        check("erase", acme, &["private:acme/plans"], &["unknown-tool"], Operation::Write);
        check("list_notes", r#"{"folder":"public/x"}"#, &[], &["none"], Operation::Read);
        check("list_notes", r#"{"folder":"public"}"#, &[], &["none"], Operation::Read);
        check(
            "list_notes",
            r#"{"folder":"publicity"}"#,
            &["private:publicity"],
            &["none"],
            Operation::Read,
        );
        check(
            "list_notes",
            r#"{"x":{"folder":"public"}}"#,
            &["private:"],
            &["none"],
            Operation::Read,
        );
        check("list_notes", "", &["private:"], &["none"], Operation::Read);
        check(
            "list_notes",
            r#"{"x":"}\"]","folder":"a\"b"}"#,
            &["private:a\"b"],
            &["none"],
            Operation::Read,
        );
        // Many calls fit into one instance.
        for _ in 0..20 {
            check("write_note", acme, &["private:acme/plans"], &levels, Operation::Write);
        }
    }
}

#[test]
fn all_of_them_know_the_agents_of_a_policy() {
    for name in ALL {
        let module = load(name);
        let mut alive = Some(instance(&module));
        let mut check = |policy: &str, want: Option<(&[&str], &[&str])>| {
            let question = Question::Agent { policy: policy.into() };
            let ended = run(alive.take().expect("it lives"), question, |_| None);
            match (&ended.said, want) {
                (Ok(Outcome::Agent(agent)), Some((secrecy, integrity))) => {
                    assert_eq!(agent.labels.secrecy, Label::new(secrecy.iter().copied()), "{name}");
                    assert_eq!(agent.labels.integrity, Label::new(integrity.iter().copied()));
                    assert_eq!(agent.mode, Mode::Filter);
                    let policy = agent.normalized_policy.clone().unwrap_or_default();
                    assert!(policy.starts_with(b"{\"") && policy.ends_with(b"}"));
                    assert!(String::from_utf8_lossy(&policy).contains(r#""scope_kind":"folders""#));
                }
                (Err(_), None) => {
                    assert_eq!(error(&ended), "WASM function returned error code: -1");
                    assert!(ended.logs.iter().any(|(level, _)| *level == 3), "{name}");
                }
                (said, _) => panic!("{name}: {said:?}"),
            }
            alive = ended.instance;
        };
        let policy = |repos: &str, level: &str| {
            format!(r#"{{"allow-only":{{"min-integrity":"{level}","repos":{repos}}}}}"#)
        };
        check(
            &policy(r#"["a/b", "c"]"#, "unapproved"),
            Some((&["private:a/b", "private:c"], &["none", "unapproved"])),
        );
        check(&policy(r#""all""#, "none"), Some((&["*"], &["none"])));
        check(
            &policy(r#""public""#, "merged"),
            Some((&[], &["none", "unapproved", "approved", "merged"])),
        );
        check(&policy(r#""some""#, "none"), None);
        check(&policy("[1]", "none"), None);
        check(&policy("[]", "much"), None);
        check("{}", None);
    }
}

#[test]
fn the_rust_guard_asks_whether_a_note_was_reviewed() {
    let module = load(RUST);
    let args = r#"{"folder":"public","name":"hello"}"#;
    let long = "x".repeat(100_000);
    let ended = run(instance(&module), resource("read_note", args), |_| {
        message(&format!(
            r#"{{"content":[{{"type":"text","text":"{{\"reviewed\":true,\"by\":\"{long}\"}}"}}]}}"#
        ))
    });
    assert_eq!(&*ended.asked[0].tool, "describe_note");
    assert_eq!(&*ended.asked[0].args, args.as_bytes());
    assert_eq!(ended.asked.len(), 1, "a long answer is fetched, not asked for again");
    assert_eq!(
        labelled(&ended).object.labels.integrity,
        Label::new(["none", "unapproved", "approved"])
    );
    let ended = run(ended.instance.unwrap(), resource("read_note", args), |_| None);
    assert_eq!(labelled(&ended).object.labels.integrity, Label::new(["none"]));
    assert_eq!(ended.logs[0].0, 2);
}

#[test]
fn the_rust_guard_labels_each_note_of_an_answer() {
    let text =
        r#"[{"folder":"acme/plans","name":"a","reviewed":true},{"folder":"public","name":"b"}]"#;
    let result = format!(r#"{{"content":[{{"type":"text","text":{}}}]}}"#, quoted(text));
    let question = |result: &str| Question::Response {
        tool: "list_notes".into(),
        args: r#"{"folder":"acme/plans"}"#.into(),
        result: result.into(),
    };
    let module = load(RUST);
    let ended = run(instance(&module), question(&result), |_| None);
    let Ok(Outcome::Findings(Findings::Paths(paths))) = &ended.said else {
        panic!("{:?}", ended.said)
    };
    assert_eq!(&*paths.items_path, "");
    let (first, second) = (&paths.labelled[0], &paths.labelled[1]);
    assert_eq!((&*first.0, &*first.1.description), ("/0", "note:acme/plans/a"));
    assert!(first.1.labels.integrity.contains("approved"));
    assert_eq!((&*second.0, second.1.labels.secrecy.is_empty()), ("/1", true));
    let default = paths.default.as_ref().expect("what else there is, is as the call was");
    assert!(default.labels.secrecy.contains("private:acme/plans"));
    let ended = run(ended.instance.unwrap(), question(r#"{"content":[]}"#), |_| None);
    assert_eq!(ended.said, Ok(Outcome::Findings(Findings::Nothing)));
}

#[test]
fn the_least_guard_says_the_same_of_everything() {
    let text = include_str!("../../guards/example.wat");
    let module = super::made::load(&wat::parse_str(text).expect("it is a module"));
    let ended = run(instance(&module), resource("any", "{}"), |_| None);
    let labels = &labelled(&ended).object.labels;
    assert_eq!(labels.secrecy, Label::new(["private:notes"]));
    let policy = Question::Agent { policy: "{}".into() };
    let ended = run(ended.instance.unwrap(), policy, |_| None);
    let Ok(Outcome::Agent(agent)) = ended.said else { panic!("{:?}", ended.said) };
    assert!(agent.mode == Mode::Strict && agent.labels.secrecy.is_empty());
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[test]
fn a_long_answer_takes_slices_and_little_memory() {
    let note = r#"{"folder":"acme/plans","name":"a","reviewed":true,"text":"0123456789abcdef"},"#;
    let text = format!("[{}0]", note.repeat(4000));
    let result = format!(r#"{{"content":[{{"type":"text","text":{}}}]}}"#, quoted(&text));
    let question = Question::Response {
        tool: "list_notes".into(),
        args: "{}".into(),
        result: (&*result).into(),
    };
    let ended = run(instance(&load(RUST)), question, |_| None);
    assert!(matches!(ended.said, Ok(Outcome::Findings(Findings::Paths(_)))), "{:?}", ended.said);
    assert!(ended.n_yields > 0);
    let alive: Instance = ended.instance.expect("it lives");
    assert!(alive.memory_bytes() <= GuardLimits::DEFAULT.memory_bytes_max);
}

#[test]
fn what_guards_have_written_is_read_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/guard_abi");
    let mut n = 0;
    for entry in std::fs::read_dir(folder).expect("there are samples").flatten() {
        abi::fuzz(&std::fs::read(entry.path()).expect("it can be read"));
        n += 1;
    }
    assert!(n >= 10, "{n} samples");
}

#[test]
fn the_guide_names_the_digest_of_the_example() {
    let guide = include_str!("../../docs/writing-guards.md");
    let hex: String = load(RUST).sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(guide.contains(&format!("sha256 = \"{hex}\"")), "{hex}");
}
