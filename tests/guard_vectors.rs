// SPDX-License-Identifier: MIT
//! What the published guard for GitHub answers, row by row: with `compat` ours answers the same,
//! and without it the rows that differ are those whose answer lets too much pass.
//!
//! `GUARD_VECTORS` may name another folder with the two files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use penstock::base::Message;
use penstock::policy::guard::github::{Options, Outcome, Policy, Run};
use penstock::policy::guard::{Data, Findings, Labels, Met, NEEDS_MAX, Need, Object, Step};
use penstock::wire::json::write::{ArrayWriter, ObjectWriter};
use penstock::wire::json::{Node, Value, tree, write};

const DEPTH_MAX: usize = 64;

/// One row: what is asked, of what backend, and what the published guard made of it.
struct Row {
    title: String,
    policy: Vec<u8>,
    tool: String,
    args: Message,
    result: Option<Message>,
    backend: BTreeMap<String, Met>,
    calls: String,
    out: String,
}

#[test]
fn with_compat_every_row_is_as_in_the_reference() {
    let options = Options { compat: true };
    let differing: Vec<String> = rows().iter().filter_map(|row| difference(row, options)).collect();
    assert!(differing.is_empty(), "{} rows:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn without_compat_the_rows_that_differ_are_those_that_let_too_much_pass() {
    let mut unexpected = Vec::new();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows() {
        let class = class_of(&row);
        match (difference(&row, Options::default()), class) {
            (Some(_), Some(class)) => *classes.entry(class).or_default() += 1,
            (Some(difference), None) => unexpected.push(difference),
            (None, Some(class)) => unexpected.push(format!("{}: {class}: is the same", row.title)),
            (None, None) => {}
        }
    }
    assert!(unexpected.is_empty(), "{} rows:\n{}", unexpected.len(), unexpected.join("\n"));
    assert_eq!(classes.len(), 5, "{classes:?}");
}

/// Why we differ in this row on purpose.
fn class_of(row: &Row) -> Option<&'static str> {
    let has_repo = row.calls.contains("search_repositories") || row.args.contains(&b'w');
    let is_private = row.args.windows(8).any(|word| word == b"private-");
    let is_scoped = !row.policy.windows(5).any(|word| word == b"\"all\"");
    let is_list = || row.result.as_deref().is_some_and(|text| text.contains(&b'['));
    match &*row.tool {
        // Whoever wrote the tool, its name says that it changes something.
        "issue_dependency_write_ff_issue_dependencies" => Some("a write that was a read"),
        // The tool is called `list_label`, and older clients say `list_labels`.
        "list_labels" if has_repo => Some("another name for list_label"),
        "list_labels" => Some("another name for list_label"),
        // They are about the repository that they name.
        "lock_anything" | "unlock_anything" | "totally_unknown_tool" if is_private && is_scoped => {
            Some("an unlisted tool that names a private repository")
        }
        _ if row.out.contains("metadata:") && !row.title.contains("empty") => {
            Some("plain text that counted as public and approved")
        }
        _ if row.out == "null" && is_list() => Some("a list without labels"),
        "some_future_tool" if is_private && is_scoped => {
            Some("an unlisted tool that names a private repository")
        }
        _ => None,
    }
}

/// What differs, if anything does.
fn difference(row: &Row, options: Options) -> Option<String> {
    let (calls, out) = judge(row, options);
    if calls == row.calls && out == row.out {
        return None;
    }
    let Row { title, calls: want_calls, out: want, .. } = row;
    Some(format!("{title}\n  want {want_calls}\n   got {calls}\n  want {want}\n   got {out}"))
}

/// The calls of the guard and its answer, in one spelling.
fn judge(row: &Row, options: Options) -> (String, String) {
    let policy = Policy::parse(&row.policy).expect("the policy is valid").with_options(options);
    let (policy, args) = (Arc::new(policy), row.args.clone());
    let mut run = match &row.result {
        Some(result) => Run::response(policy, &row.tool, args, result.clone()),
        None => Run::resource(policy, &row.tool, args),
    };
    let (mut calls, mut met) = (Vec::new(), None);
    for _ in 0..=NEEDS_MAX {
        match run.step(met.take()) {
            Step::Done(outcome) => {
                let out = spelled(row, outcome.expect("it can be judged"));
                return (format!("[{}]", calls.join(",")), canonical(&parse(&out)));
            }
            Step::Needs(need) => {
                met = Some(answer(row, &need));
                let args = String::from_utf8(need.args.into()).expect("it is text");
                assert_eq!(canonical(&parse(args.as_bytes())), args, "the members are sorted");
                calls.push(format!("[\"{}\",{args}]", need.tool));
            }
            Step::Yields => {}
        }
    }
    panic!("{}: it asks without end", row.title);
}

/// What the backend says: repositories called `private` or `secret` are private.
fn answer(row: &Row, need: &Need) -> Met {
    if let Some(answer) = row.backend.get(&*need.tool) {
        return answer.clone();
    }
    if &*need.tool != "search_repositories" {
        return None;
    }
    let args = parse(&need.args);
    let name = args.get("query")?.as_str()?.strip_prefix("repo:")?;
    let is_private = name.contains("private") || name.contains("secret");
    let mut text = Vec::new();
    write::object(&mut text, |object| {
        object.u64("total_count", 1).array("items", |items| {
            items.object(|item| _ = item.str("full_name", name).bool("private", is_private));
        });
    });
    let text = String::from_utf8(text).expect("it is text");
    let mut result = Vec::new();
    write::object(&mut result, |object| {
        object.array("content", |content| {
            content.object(|item| _ = item.str("type", "text").str("text", &text));
        });
    });
    Some(Message::new(result))
}

/// An outcome as guards spell it. They cannot say what elements are besides; that only takes away.
fn spelled(row: &Row, outcome: Outcome) -> Vec<u8> {
    let mut out = Vec::new();
    match outcome {
        Outcome::Labelled(labelled) => write::object(&mut out, |object| {
            object.str("operation", labelled.operation.as_str());
            object.object("resource", |object| spell_object(object, &labelled.object));
        }),
        Outcome::Findings(Findings::Nothing) => out.extend_from_slice(b"null"),
        Outcome::Findings(Findings::Paths(paths)) => write::object(&mut out, |object| {
            object.array("labeled_paths", |list| {
                for (path, labels) in &paths.labelled {
                    list.object(|entry| {
                        entry.str("path", path);
                        entry.object("labels", |object| spell_object(object, labels));
                    });
                }
            });
            if let Some(default) = &paths.default {
                object.object("default_labels", |object| spell_object(object, default));
            }
            if !paths.items_path.is_empty() {
                object.str("items_path", &paths.items_path);
            }
        }),
        Outcome::Findings(Findings::Items(items)) => write::object(&mut out, |object| {
            object.array("items", |list| {
                for item in &items {
                    let labels = item.object.as_ref().expect("every item has labels");
                    list.object(|entry| {
                        entry.raw("data", &data(row, &item.data));
                        entry.object("labels", |object| spell_object(object, labels));
                    });
                }
            });
        }),
    }
    out
}

fn spell_object(out: &mut ObjectWriter<'_>, object: &Object) {
    let Labels { secrecy, integrity } = &object.labels;
    let spell = |list: &mut ArrayWriter<'_>, label: &penstock::policy::guard::Label| {
        for tag in label.iter() {
            list.str(tag);
        }
    };
    out.str("description", &object.description);
    out.array("secrecy", |list| spell(list, secrecy));
    out.array("integrity", |list| spell(list, integrity));
}

fn data(row: &Row, data: &Data) -> Vec<u8> {
    let result = row.result.clone().unwrap_or_default();
    let pointer = match data {
        Data::Whole => return result.to_vec(),
        Data::Own(json) => return json.to_vec(),
        Data::Content(pointer) => pointer,
    };
    let result = parse(&result);
    let content = result.get("content").and_then(Node::as_array).expect("it has content");
    let text = content[0].get("text").and_then(Node::as_str).expect("it has text");
    let tree = parse(text.as_bytes());
    let value = pointer.split('/').skip(1).fold(&tree, |node, key| node.get(key).expect("a place"));
    value.span.of(text.as_bytes()).to_vec()
}

fn rows() -> Vec<Row> {
    let near = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![near.join("../shared/data/guards"), near.join("tests/data/guards")];
    folders.extend(std::env::var_os("GUARD_VECTORS").map(PathBuf::from));
    let folder = folders.into_iter().rev().find(|folder| folder.is_dir()).expect("there are rows");
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).expect("the rows can be read");
        text.lines().map(row).collect::<Vec<_>>()
    };
    let mut rows = read("label_resource.jsonl");
    assert!(rows.len() > 800);
    rows.extend(read("label_response.jsonl"));
    rows
}

fn row(line: &str) -> Row {
    let node = parse(line.as_bytes());
    let raw = |node: &Node| Message::copy_of(node.span.of(line.as_bytes()));
    let request = node.get("request").expect("a request");
    let input = request.get("input").expect("an input");
    let result = node.get("result").expect("a result");
    let title = ["name", "tool", "policy", "args"].map(|key| node.get(key).and_then(Node::as_str));
    let backend = request.get("backend").and_then(Node::as_object).unwrap_or_default();
    let met = |answer: &Node| (!answer.is_null()).then(|| raw(answer));
    Row {
        title: title.into_iter().flatten().collect::<Vec<_>>().join(" "),
        policy: raw(request.get("policy").expect("a policy")).to_vec(),
        tool: input.get("tool_name").and_then(Node::as_str).expect("a tool").into(),
        args: input.get("tool_args").map_or(Message::fixed(b"null"), raw),
        result: input.get("tool_result").map(raw),
        backend: backend.iter().map(|(name, node)| (name.text.clone(), met(node))).collect(),
        calls: canonical(result.get("calls").expect("calls")),
        out: canonical(result.get("out").expect("an output")),
    }
}

fn parse(json: &[u8]) -> Node {
    tree::parse(json, DEPTH_MAX).expect("it is JSON")
}

/// One spelling for equal values: members by name, labels as sets.
fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Array(list) => {
            format!("[{}]", list.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let members: BTreeMap<&str, String> = members
                .iter()
                .map(|(name, node)| (&*name.text, canonical_member(&name.text, node)))
                .collect();
            let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::String(text) => {
            let mut out = Vec::new();
            write::push_str(&mut out, text);
            String::from_utf8(out).expect("it is text")
        }
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".into(),
    }
}

fn canonical_member(name: &str, node: &Node) -> String {
    match node.as_array() {
        Some(tags) if matches!(name, "secrecy" | "integrity") => {
            let mut tags: Vec<_> = tags.iter().map(canonical).collect();
            tags.sort();
            format!("[{}]", tags.join(","))
        }
        _ => canonical(node),
    }
}

#[test]
fn samples_pass_the_fuzz_body() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/github_guard");
    let samples = std::fs::read_dir(folder).expect("there are samples");
    let samples: Vec<_> = samples.map(|entry| entry.expect("an entry").path()).collect();
    assert!(samples.len() > 8);
    for path in samples {
        penstock::policy::guard::github::fuzz(&std::fs::read(path).expect("it can be read"));
    }
}
