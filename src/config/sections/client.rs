// SPDX-License-Identifier: MIT
//! `clients.<name>`: a client with a key of its own, and what it gets otherwise than others.

use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::config::keys::{Place, Section};
use crate::config::raw::{Format, Item, Sourced, join};
use crate::gateway::snapshot::{Care, ResponseMode};

/// More clients are a mistake in whatever wrote the configuration.
const CLIENTS_MAX: usize = 1000;

/// One client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in the configuration.
    pub name: String,
    /// Its key.
    pub agent: String,
    /// In what form it gets answers; `None`: as the server says.
    pub response: Option<ResponseMode>,
    /// What it needs of the schemas and names of tools; `None`: as the server says.
    pub schema: Option<Care>,
}

/// Reads the table of clients.
pub fn resolve_all(
    table: Option<&Sourced<&Item>>,
    format: Format,
    report: &mut Report,
) -> Vec<Client> {
    let Some(table) = table else { return Vec::new() };
    let members = table.value.as_table().unwrap_or_default();
    if members.len() > CLIENTS_MAX {
        let message = format!("more than {CLIENTS_MAX} clients");
        report.add(Problem::value(&table.path, Some(table.span), message));
        return Vec::new();
    }
    let mut clients: Vec<Client> = Vec::new();
    for member in members {
        let path = join(&table.path, &member.name);
        if member.item.as_table().is_none() {
            report.add(wrong_type(&path, &member.item, "object"));
            continue;
        }
        let place = Place { section: Section::Client, path: &path, format };
        let fields = Fields::read(&member.item, place, report);
        let Some(agent) = fields.text("agent_id") else {
            let message = "'agent_id' is required for clients";
            report.add(
                Problem::shape(&path, Some(member.item.span), message)
                    .suggest("Add agent_id = \"${NAME}\", the key that this client sends"),
            );
            continue;
        };
        if clients.iter().any(|other| other.agent == agent.value) {
            let message = "two clients have the same agent_id";
            report.add(Problem::value(&agent.path, Some(agent.span), message));
        }
        let response = fields.text("response").map(|response| response_mode(response.value));
        let schema = fields.text("schema").and_then(|schema| Care::of(schema.value));
        let (name, agent) = (member.name.clone(), agent.value.to_owned());
        clients.push(Client { name, agent, response, schema });
    }
    clients
}

/// What one of the words of `response` means.
pub fn response_mode(word: &str) -> ResponseMode {
    match word {
        "json" => ResponseMode::Json,
        "sse" => ResponseMode::Sse,
        _ => ResponseMode::Auto,
    }
}
