// SPDX-License-Identifier: MIT
//! Views: which servers and tools their patterns mean.

use penstock::gateway::snapshot::{Snapshot, View};

use super::*;

const SERVERS: &str = "[servers.a]\ncommand = \"x\"\n[servers.\"a.b\"]\ncommand = \"x\"\n\
                       [servers.c]\ncommand = \"x\"\n";

fn snapshot(views: &str) -> Snapshot {
    load(&sources(Format::Toml, &format!("{SERVERS}{views}"), &[])).unwrap().snapshot
}

/// What a view shows: servers, and patterns of tools.
fn shown(snapshot: &Snapshot, view: &View) -> Vec<(String, String)> {
    let tools = |patterns: &Option<Box<[Box<str>]>>| match patterns {
        Some(patterns) => patterns.join(" "),
        None => "all".to_owned(),
    };
    let name = |server| snapshot.server(server).name.to_string();
    view.parts.iter().map(|part| (name(part.server), tools(&part.tools))).collect()
}

#[track_caller]
fn check(tools: &str, want: &[(&str, &str)]) {
    let snapshot = snapshot(&format!("[views.v]\ntools = {tools}\n"));
    let shown = shown(&snapshot, &snapshot.views[1]);
    let shown: Vec<_> = shown.iter().map(|(server, tools)| (&**server, &**tools)).collect();
    assert_eq!(shown, want);
}

#[test]
fn without_views_there_is_the_one_of_everything() {
    let snapshot = snapshot("");
    assert_eq!(snapshot.views.len(), 1);
    assert_eq!(snapshot.views[0].parts.len(), 3);
    assert_eq!(snapshot.find_view(b""), snapshot.find_view(&[]));
    assert!(snapshot.find_view(b"v").is_none());
}

#[test]
fn a_pattern_names_a_server_and_tools_of_it() {
    check(r#"["a.get_*", "a.now"]"#, &[("a", "get_* now")]);
    check(r#"["c.*", "a.x"]"#, &[("a", "x"), ("c", "all")]);
    // The longest name that fits is meant.
    check(r#"["a.b.x"]"#, &[("a.b", "x")]);
    check(r#"["*.get_*", "c.*"]"#, &[("a", "get_*"), ("a.b", "get_*"), ("c", "all")]);
}

#[test]
fn prompts_and_resources_can_be_left_out() {
    let snapshot = snapshot("[views.v]\ntools = [\"a.*\"]\nprompts = false\nresources = false\n");
    let part = &snapshot.views[1].parts[0];
    assert!(!part.prompts && !part.resources);
    let id = snapshot.find_view(b"v").unwrap();
    assert_eq!(snapshot.title(id), "v");
    assert_eq!(snapshot.view(id), Some(&snapshot.views[1]));
}
