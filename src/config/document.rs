// SPDX-License-Identifier: MIT
//! The documentation of the configuration: the key table as Markdown between two fixed texts.

use super::keys::{Effect, KEYS, Key, Kind, Section, Transports};

/// The documentation of all keys, in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    for (section, title) in [
        (Section::Top, "The document"),
        (Section::Gateway, "`gateway`"),
        (Section::Server, "`servers.<name>`, in JSON `mcpServers.<name>`"),
        (Section::Client, "`clients.<name>`"),
        (Section::View, "`views.<name>`"),
        (Section::Budgets, "`budgets`"),
        (Section::Budget, "`budgets.run`, and each row of `servers`, `tools` and `agents`"),
        (Section::Flow, "`budgets.flow`"),
        (Section::FlowBudget, "`budgets.flow.after_private`"),
        (Section::Guard, "`guards.<name>`"),
        (Section::Telemetry, "`gateway.opentelemetry`"),
        (Section::Sandbox, "`gateway.sandbox`"),
    ] {
        text.push_str(&format!("\n## {title}\n\n| TOML | JSON | takes | without it | meaning |\n"));
        text.push_str("|---|---|---|---|---|\n");
        for key in KEYS.iter().filter(|key| key.section == section) {
            text.push_str(&row(key));
        }
    }
    text.push_str(CLOSING);
    text
}

fn row(key: &Key) -> String {
    let json = if key.json.is_empty() { "–".to_owned() } else { format!("`{}`", key.json) };
    let takes = takes(key.kind);
    let default = if key.default.is_empty() { "–" } else { key.default };
    let effect = match key.effect {
        Effect::Used | Effect::Silent => "",
        Effect::Ignored => " *Accepted without effect in this version.*",
        Effect::Refused => " *Refused by this version unless empty.*",
    };
    let on = match key.on {
        Transports::Any => "",
        Transports::Stdio => " (stdio)",
        Transports::Http => " (HTTP)",
    };
    format!("| `{}` | {json} | {takes} | {default} | {}{effect}{on} |\n", key.name, key.sentence)
}

fn takes(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Word => "string".to_owned(),
        Kind::OneOf(words) => format!("`{}`", words.join("`, `")),
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Port => "1 to 65535".to_owned(),
        Kind::Seconds(least) => format!("seconds, at least {least}"),
        Kind::SecondsOrZero(least) => format!("seconds, 0 or at least {least}"),
        Kind::SecondsMap(least) => format!("table of seconds, each at least {least}"),
        Kind::Whole(least, i64::MAX) => format!("whole number, at least {least}"),
        Kind::Whole(least, most) => format!("{least} to {most}"),
        Kind::Duration => "duration: `90s`, `1h30m`".to_owned(),
        Kind::Size => "bytes: `2048`, `\"10MB\"`, `\"64KiB\"`".to_owned(),
        Kind::Texts | Kind::Words => "list of strings".to_owned(),
        Kind::TextMap => "table of strings".to_owned(),
        Kind::Table => "table".to_owned(),
        Kind::Any => "anything".to_owned(),
    }
}

const INTRODUCTION: &str = include_str!("introduction.md");
const CLOSING: &str = include_str!("closing.md");
