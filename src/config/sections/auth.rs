// SPDX-License-Identifier: MIT
//! Who may speak and from where: keys, host names and origins, as `policy::auth` wants them.

use std::net::IpAddr;

use crate::base::Secret;
use crate::config::Sources;
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::Fields;
use crate::config::raw::Format;
use crate::config::sections::client::Client;
use crate::gateway::snapshot::{Care, ResponseMode};
use crate::policy::auth::Options;

/// Who may speak.
#[derive(Clone, Debug)]
pub struct Auth {
    /// For the front door.
    pub options: Options,
    /// In what form each agent gets answers, by its place in `options.agents`.
    pub responses: Vec<Option<ResponseMode>>,
    /// What each agent needs of schemas and names, as above.
    pub schemas: Vec<Option<Care>>,
    /// Whether the key is one that we made.
    pub is_generated: bool,
}

/// Reads keys, hosts and origins; `listen` is `host:port`.
pub fn resolve(
    f: Option<&Fields<'_>>,
    clients: &[Client],
    listen: &str,
    sources: &Sources,
    r: &mut Report,
) -> Auth {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let loopback_bind = is_loopback(host);
    let mut agents = f.map(|fields| configured(fields, sources, r)).unwrap_or_default();
    for client in clients {
        if !agents.contains(&client.agent) {
            agents.push(client.agent.clone());
        }
    }
    let client_of = |agent: &String| clients.iter().find(|client| client.agent == *agent);
    let own = agents.iter().map(client_of);
    let responses = own.clone().map(|client| client.and_then(|client| client.response)).collect();
    let schemas = own.map(|client| client.and_then(|client| client.schema)).collect();
    let mut is_generated = false;
    if agents.is_empty() && r.problems.is_empty() {
        if let Some((name, key)) = from_environment(sources) {
            r.notice(format!("no agent id is configured: {name} is the key"));
            agents.push(key);
        } else if loopback_bind {
            r.notice(
                "no agent id is configured: everybody on this machine is let in without a key; \
                 set gateway.agent_id to change that",
            );
        } else {
            r.notice(
                "the generated agent ID is in the client configuration on stdout; set \
                 gateway.agent_id to choose one",
            );
            agents.push(sources.fresh_key.clone());
            is_generated = true;
        }
    }
    let hosts = f.map(|fields| hosts(fields, r)).unwrap_or_default();
    let origins = f.map(|fields| origins(fields, r)).unwrap_or_default();
    let agents = agents.iter().map(|agent| Secret::new(agent.as_bytes())).collect();
    let options = Options { agents, hosts, origins, loopback_bind };
    Auth { options, responses, schemas, is_generated }
}

/// The names that we are reached under, without ports.
fn hosts(fields: &Fields<'_>, report: &mut Report) -> Vec<Box<str>> {
    let mut hosts: Vec<Box<str>> = Vec::new();
    if let Some(domain) = fields.text("domain") {
        hosts.push(domain.value.to_ascii_lowercase().into());
    }
    for host in fields.texts("allowed_hosts") {
        let name = host.value.to_ascii_lowercase();
        if name.contains(['/', ' ', '*']) {
            let message = format!("'{}' is not a host name", host.value);
            report.add(Problem::value(host.path, Some(host.span), message));
        }
        // `Host` is compared without its port.
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let without_port = name
            .rsplit_once(':')
            .filter(|(host, port)| is_port(port) && (!host.contains(':') || host.ends_with(']')));
        hosts.push(without_port.map_or(name.as_str(), |(host, _)| host).into());
    }
    hosts
}

/// The pages that may speak with us.
fn origins(fields: &Fields<'_>, report: &mut Report) -> Vec<Box<str>> {
    let mut origins: Vec<Box<str>> = Vec::new();
    for origin in fields.texts("allowed_origins") {
        let value = origin.value.trim_end_matches('/').to_ascii_lowercase();
        let rest = value.split_once("://").map_or("", |(_, rest)| rest);
        if rest.is_empty() || rest.contains(['/', '*', ' ']) {
            let message = format!("'{}' is not an origin", origin.value);
            report.add(
                Problem::value(origin.path, Some(origin.span), message)
                    .suggest("Write scheme and host, as in https://app.example"),
            );
        }
        origins.push(value.into());
    }
    origins
}

/// `agent_id` wins over its old name; `agent_ids` stands alone.
fn configured(fields: &Fields<'_>, sources: &Sources, report: &mut Report) -> Vec<String> {
    let one = fields.text("agent_id").or_else(|| fields.text("api_key"));
    let several = fields.texts("agent_ids");
    if let (Some(one), false) = (&one, several.is_empty()) {
        let (single, list) = match sources.format {
            Format::Json => ("agentId", "agentIds"),
            Format::Toml => ("agent_id", "agent_ids"),
        };
        let message = format!("exactly one of '{single}' and '{list}' may be set, got both");
        report.add(
            Problem::shape(&one.path, Some(one.span), message)
                .suggest(format!("Put all keys into '{list}' and remove '{single}'")),
        );
    }
    let mut agents = Vec::new();
    for agent in several.into_iter().chain(one) {
        // Keys travel in a field value: what cannot stand there could never match.
        if agent.value.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            let message = "an agent id must not contain control characters";
            report.add(Problem::value(agent.path, Some(agent.span), message));
        } else if agent.value.trim() != agent.value {
            let message = "an agent id must not begin or end with a space";
            report.add(Problem::value(agent.path, Some(agent.span), message));
        } else if !agents.iter().any(|other| other == agent.value) {
            agents.push(agent.value.to_owned());
        }
    }
    let was_said = ["agent_id", "agent_ids", "api_key"].map(|name| fields.item(name).is_some());
    if agents.is_empty() && was_said == [false; 3] && sources.format == Format::Json {
        missing_key(fields, report);
    }
    agents
}

fn missing_key(fields: &Fields<'_>, report: &mut Report) {
    // A key that was said and is wrong has its own problem already.
    if report.problems.iter().any(|problem| problem.path.starts_with(&fields.path)) {
        return;
    }
    report.add(
        Problem::shape(&fields.path, Some(fields.span), "'agentId' is missing")
            .detail("Missing required field(s): agentId")
            .suggest("Add \"agentId\": \"${MCP_GATEWAY_AGENT_ID}\" or a key of your own"),
    );
}

fn from_environment(sources: &Sources) -> Option<(&'static str, String)> {
    ["MCP_GATEWAY_AGENT_ID", "MCP_GATEWAY_API_KEY"].into_iter().find_map(|name| {
        let key = sources.environment.get(name)?.trim();
        (!key.is_empty()).then(|| (name, key.to_owned()))
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
