// SPDX-License-Identifier: MIT
//! The calculator as its clients see it: transcripts against the machine, and schemas against
//! what the tools accept.
//!
//! In a transcript `>` is a message in, `<` its whole answer, `~` the beginning of its answer; no
//! answer may follow. `=` calls a tool; then `*` is the structured result, `!` the text of an error
//! result, `?` the places and texts of the refused arguments.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use penstock::calculator::Server;
use penstock::wire::json::tree::{self, Node};

#[track_caller]
fn check(transcript: &str) {
    let mut server = Server::new();
    let mut answer = None;
    for (number, line) in transcript.lines().enumerate() {
        let Some((mark, text)) = line.split_once(' ').filter(|(mark, _)| *mark != "#") else {
            continue;
        };
        let number = number + 1;
        match mark {
            ">" | "=" => {
                assert_eq!(answer, None, "nobody expected this, before line {number}");
                let message = if mark == "=" { call(text) } else { text.to_owned() };
                let bytes = server.handle(message.as_bytes());
                answer = bytes.map(|bytes| String::from_utf8(bytes).unwrap());
            }
            _ => {
                let got = answer.take().unwrap_or_else(|| panic!("line {number}: no answer"));
                let got = if "*!?".contains(mark) { essence(mark, &got) } else { got };
                let got = if mark == "~" { got.get(..text.len()).unwrap_or(&got) } else { &got };
                assert_eq!(got, text, "line {number}");
            }
        }
    }
    assert_eq!(answer, None, "nobody expected this at the end");
}

fn call(text: &str) -> String {
    let (tool, arguments) = text.split_once(' ').unwrap();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

/// What matters of an answer, by the mark of the line that expects it.
fn essence(mark: &str, answer: &str) -> String {
    let node = tree::parse(answer.as_bytes(), 32).unwrap();
    let found = match mark {
        "?" => node.get("error").and_then(|error| error.get("data")).and_then(|d| d.get("details")),
        _ => node.get("result"),
    };
    let Some(found) = found else { return answer.to_owned() };
    let text = || {
        let content = found.get("content").and_then(Node::as_array).unwrap();
        content[0].get("text").and_then(Node::as_str).unwrap().to_owned()
    };
    match mark {
        "?" => found.as_array().unwrap().iter().map(problem).collect::<Vec<_>>().join("; "),
        "!" => text(),
        _ => {
            let structured = found.get("structuredContent").unwrap().span.of(answer.as_bytes());
            assert_eq!(text().as_bytes(), structured, "both are the same object");
            String::from_utf8(structured.to_vec()).unwrap()
        }
    }
}

fn problem(node: &Node) -> String {
    let loc = node.get("loc").and_then(Node::as_array).unwrap();
    let step = |step: &Node| step.as_str().or(step.as_number()).unwrap().to_owned();
    let place = loc.iter().map(step).collect::<Vec<_>>().join(".");
    let text = node.get("msg").and_then(Node::as_str).unwrap();
    if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") }
}

#[test]
fn tools_answer_exactly() {
    check(include_str!("data/calculator/tools.txt"));
}

#[test]
fn what_is_wrong_is_named() {
    check(include_str!("data/calculator/refusals.txt"));
}

#[test]
fn messages_are_answered_as_the_revisions_want_it() {
    check(include_str!("data/calculator/protocol.txt"));
}

fn calculate(operator: &str, operands: &[String]) -> String {
    let operands: Vec<_> = operands.iter().map(|operand| format!("\"{operand}\"")).collect();
    let arguments = format!(r#"{{"operator":"{operator}","operands":[{}]}}"#, operands.join(","));
    let answer = Server::new().handle(call(&format!("exact_calculate {arguments}")).as_bytes());
    String::from_utf8(answer.unwrap()).unwrap()
}

#[test]
fn limits_are_refused_and_not_reached() {
    let long = "9".repeat(200);
    assert!(calculate("add", &[long.clone(), "0".into()]).contains(&long));
    assert!(calculate("add", &["0".repeat(201)]).contains("number exceeds max digits"));
    assert!(calculate("add", &vec!["1".into(); 1000]).contains(r#"\"result\":\"1000\""#));
    assert!(calculate("add", &vec!["1".into(); 1001]).contains("too many operands"));
    let too_long = calculate("mul", &vec![long.clone(); 21]);
    assert!(too_long.contains(r#""text":"output exceeds size limit"}],"isError":true"#));
    assert!(calculate("mul", &vec![long.clone(); 20]).contains(r#""isError":false"#));
    let too_large = calculate("mul", &vec![long; 90]);
    assert!(too_large.contains(r#""code":-32602,"message":"request body too large""#));
}

/// Whether `value` is what the subset of JSON Schema that we publish allows.
fn allowed(schema: &Node, value: &Node) -> bool {
    let types: Vec<&str> = match schema.get("type") {
        Some(node) => node.as_array().map_or_else(
            || node.as_str().into_iter().collect(),
            |all| all.iter().filter_map(Node::as_str).collect(),
        ),
        None => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.as_object().is_some(),
        "array" => value.as_array().is_some(),
        "string" => value.as_str().is_some(),
        "number" => value.as_number().is_some(),
        "integer" => value.as_i64().is_some(),
        "boolean" => value.as_bool().is_some(),
        "null" => value.is_null(),
        _ => false,
    };
    let one_of =
        |all: &Node| all.as_array().unwrap().iter().any(|one| one.as_str() == value.as_str());
    let item = |item: &Node| schema.get("items").is_none_or(|items| allowed(items, item));
    let member = |(name, node): &(tree::Name, Node)| {
        let known = schema.get("properties").and_then(|all| all.get(&name.text));
        known.map_or(schema.get("additionalProperties").is_none(), |known| allowed(known, node))
    };
    let required = |name: &Node| value.get(name.as_str().unwrap()).is_some();
    (types.is_empty() || types.iter().any(is))
        && schema.get("enum").is_none_or(one_of)
        && value.as_array().is_none_or(|items| items.iter().all(item))
        && (value.as_object().is_none_or(|all| all.iter().all(member))
            || schema.get("properties").is_none())
        && schema.get("required").is_none_or(|all| all.as_array().unwrap().iter().all(required))
}

#[test]
fn calls_that_are_answered_are_allowed_by_the_published_schemas() {
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}"#;
    let list = tree::parse(&Server::new().handle(list).unwrap(), 32).unwrap();
    let tools = list.get("result").and_then(|result| result.get("tools")).unwrap();
    let mut calls = include_str!("data/calculator/tools.txt").lines();
    let mut seen = 0;
    while let Some(line) = calls.next() {
        let Some(text) = line.strip_prefix("= ") else { continue };
        let result = calls.next().unwrap().strip_prefix("* ").unwrap();
        let (name, arguments) = text.split_once(' ').unwrap();
        let tool = tools
            .as_array()
            .unwrap()
            .iter()
            .find(|tool| tool.get("name").and_then(Node::as_str) == Some(name));
        let tool = tool.unwrap_or_else(|| panic!("{name} is not listed"));
        for (schema, text) in [("inputSchema", arguments), ("outputSchema", result)] {
            let value = tree::parse(text.as_bytes(), 32).unwrap();
            // A member that is null counts as absent, which schemas need not say.
            let nothing = text.contains(r#""precision":null"#);
            assert!(nothing || allowed(tool.get(schema).unwrap(), &value), "{name} {text}");
        }
        seen += 1;
    }
    assert!(seen > 20);
}
