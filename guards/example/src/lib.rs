// SPDX-License-Identifier: MIT
//! A guard for a server of notes. It says what notes are; what may be read, the gateway decides.
//!
//! The server has tools with a `folder` among their arguments, and answers with a list of notes:
//!
//! ```text
//! read_note  {"folder":"acme/plans","name":"budget"}
//! list_notes {"folder":"acme/plans"}    -> [{"folder":"acme/plans","name":"budget","reviewed":true}]
//! write_note {"folder":"acme/plans","name":"budget","text":"…"}
//! ```
//!
//! The labels:
//!
//! | what | secrecy | integrity |
//! |---|---|---|
//! | a note in `public` or below | none | as below |
//! | any other note | `private:<its folder>` | as below |
//! | a note that was reviewed | | `none`, `unapproved`, `approved` |
//! | any other note | | `none` |
//! | a tool that is not known | | `unknown-tool`, which nobody has |
//!
//! `abi.rs` is the border to the gateway and the same for every guard; this file is what is
//! particular to notes.

mod abi;

use serde_json::{Value, json};

/// Levels of integrity; who has one has all before it.
const LEVELS: [&str; 4] = ["none", "unapproved", "approved", "merged"];

/// How much is believed of what nobody has reviewed, and of what somebody has.
const UNREVIEWED: usize = 0;
const REVIEWED: usize = 2;

/// The labels of an agent under the policy
/// `{"allow-only":{"repos":["acme/plans"],"min-integrity":"approved"}}`.
///
/// Here `repos` are folders; `"public"` stands for none but the public ones, `"all"` for all.
fn label_agent(policy: &Value) -> Result<Value, String> {
    let rule = &policy["allow-only"];
    let secrecy = match &rule["repos"] {
        Value::String(word) if word == "public" => vec![],
        // On the side of the reader, `*` stands for every tag.
        Value::String(word) if word == "all" => vec!["*".to_owned()],
        Value::Array(folders) => folders
            .iter()
            .map(|folder| folder.as_str().map(private).ok_or("a folder is a text"))
            .collect::<Result<_, _>>()?,
        _ => return Err("repos: expected \"public\", \"all\" or a list of folders".to_owned()),
    };
    let level = LEVELS.iter().position(|level| rule["min-integrity"] == *level);
    let level = level.ok_or("min-integrity: expected none, unapproved, approved or merged")?;
    Ok(json!({
        "agent": {"secrecy": secrecy, "integrity": LEVELS[..=level]},
        "difc_mode": "filter",
        "normalized_policy": {"scope_kind": "Folders", "min-integrity": LEVELS[level]},
    }))
}

/// What a call is about, and whether it reads or writes.
fn label_resource(tool: &str, args: &Value) -> Result<Value, String> {
    let folder = args["folder"].as_str().unwrap_or_default();
    let secrecy = secrecy(folder);
    let (operation, integrity) = match tool {
        // What the notes themselves are worth is said of the answer, one by one.
        "list_notes" => ("read", levels(UNREVIEWED)),
        "read_note" => ("read", levels(if is_reviewed(args) { REVIEWED } else { UNREVIEWED })),
        "write_note" => ("write", levels(REVIEWED)),
        _ => ("write", json!(["unknown-tool"])),
    };
    Ok(json!({
        "resource": {
            "description": format!("notes:{folder}"),
            "secrecy": secrecy,
            "integrity": integrity,
        },
        "operation": operation,
    }))
}

/// What the notes of an answer are. `None`: what was said of the call holds for its answer.
fn label_response(_tool: &str, args: &Value, result: &Value) -> Option<Value> {
    let text = result["content"][0]["text"].as_str()?;
    let list: Value = serde_json::from_str(text).ok()?;
    let labelled: Vec<Value> = list
        .as_array()?
        .iter()
        .enumerate()
        .map(|(index, note)| {
            let folder = note["folder"].as_str().unwrap_or_default();
            let level = if note["reviewed"] == true { REVIEWED } else { UNREVIEWED };
            json!({
                "path": format!("/{index}"),
                "labels": {
                    "description": format!("note:{folder}/{}", note["name"].as_str().unwrap_or("?")),
                    "secrecy": secrecy(folder),
                    "integrity": levels(level),
                },
            })
        })
        .collect();
    let folder = args["folder"].as_str().unwrap_or_default();
    Some(json!({
        "labeled_paths": labelled,
        "default_labels": {
            "description": format!("notes:{folder}"),
            "secrecy": secrecy(folder),
            "integrity": [],
        },
    }))
}

/// Whether a note was reviewed: its server is asked, by the tool `describe_note`.
///
/// Whatever goes wrong, it was not: a guard that does not know says the less.
fn is_reviewed(note: &Value) -> bool {
    let args = json!({"folder": note["folder"], "name": note["name"]});
    let Some(result) = abi::call_backend("describe_note", &args) else {
        abi::log(abi::WARN, "describe_note failed; the note counts as not reviewed");
        return false;
    };
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    result["isError"] != true && said["reviewed"] == true
}

/// A note whose folder is not known is not public.
fn secrecy(folder: &str) -> Value {
    if folder == "public" || folder.starts_with("public/") {
        json!([])
    } else {
        json!([private(folder)])
    }
}

fn private(folder: &str) -> String {
    format!("private:{folder}")
}

fn levels(level: usize) -> Value {
    json!(LEVELS[..=level])
}
