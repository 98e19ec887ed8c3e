// SPDX-License-Identifier: MIT
//! `servers.<name>`: from what was said about each server to `snapshot::Server`.

use std::sync::Arc;

use super::client;
use super::container::{self, Cx};
use super::gateway::Overall;
use super::guards::Guards;
use super::http;
use super::mount::Policy;
use super::watch;
use crate::base::Span;
use crate::config::diagnostics::{Problem, Report};
use crate::config::fields::{Fields, wrong_type};
use crate::config::keys::{Place, Section, Transports};
use crate::config::raw::{Format, Item, Member, Sourced, join};
use crate::config::{ClientServer, Sources};
use crate::gateway::patience::Patience;
use crate::gateway::snapshot::{Care, ContainerCare, ResponseMode, Server, ServerId, Transport};

/// The longest name of a server.
const NAME_BYTES_MAX: usize = 64;

/// More servers are a mistake in whatever wrote the configuration.
const SERVERS_MAX: usize = 1000;

/// All servers.
#[derive(Debug, Default)]
pub struct Servers {
    /// In the order of the configuration.
    pub servers: Vec<Server>,
    /// What clients are told about them, in the same order.
    pub client: Vec<ClientServer>,
    /// Those that must not be started, and why.
    pub broken: Vec<(ServerId, String)>,
    /// Whether any is a container.
    pub uses_containers: bool,
    /// Whether the engine can run any of them without a command line.
    pub has_plans: bool,
    /// Whether anything watches over any.
    pub is_watched: bool,
    /// Whether that depends on who can read the repository that we run for.
    pub asks_workflow: bool,
}

/// Reads the table of servers.
pub fn resolve_all(
    table: &Sourced<&Item>,
    overall: &Overall,
    guards: &Guards,
    sources: &Sources,
    report: &mut Report,
) -> Servers {
    let members = table.value.as_table().unwrap_or_default();
    if members.is_empty() && sources.format == Format::Toml {
        report.add(
            Problem::shape(&table.path, Some(table.span), "no servers defined in configuration")
                .suggest("Add a table such as [servers.calculator] with a command"),
        );
    }
    if members.len() > SERVERS_MAX {
        let message = format!("more than {SERVERS_MAX} servers");
        report.add(Problem::value(&table.path, Some(table.span), message));
        return Servers::default();
    }
    let policy = Policy::new(sources);
    let mut servers = Servers::default();
    let mut found = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let path = join(&table.path, &member.name);
        check_name(member, &path, &members[..index], report);
        let place = Place { section: Section::Server, path: &path, format: sources.format };
        if member.item.as_table().is_none() {
            report.add(wrong_type(&path, &member.item, "object"));
            continue;
        }
        let fields = Fields::read(&member.item, place, report);
        let resolved = resolve(&member.name, &fields, overall, (sources, &policy), report);
        let Some((server, broken)) = resolved else { continue };
        let (name, transport) = (&server.name, &server.transport);
        let cx = watch::Cx { server: name, transport, fields: &fields, guards, sources };
        found.push(watch::resolve(&cx, report));
        if let (Some(why), Ok(id)) = (broken, u16::try_from(servers.servers.len())) {
            let why = format!("server \"{}\": {why}", member.name);
            report.notice(why.clone());
            servers.broken.push((ServerId(id), why));
        }
        let tools = fields.texts("tools").iter().map(|tool| tool.value.to_owned()).collect();
        servers.client.push(ClientServer { name: member.name.clone(), tools });
        servers.uses_containers |= matches!(&server.transport,
            Transport::Stdio(command) if command.container.is_some());
        servers.has_plans |= matches!(&server.transport,
            Transport::Stdio(command) if command.container.as_ref().is_some_and(has_plan));
        servers.servers.push(server);
    }
    servers.asks_workflow = found.iter().any(|found| found.asks_workflow);
    servers.is_watched = watch::settle(found, &mut servers.servers, guards, report);
    servers
}

fn has_plan(care: &ContainerCare) -> bool {
    care.plan.is_some()
}

/// The server, and why it must not be started, if it must not.
type Resolved = Option<(Server, Option<String>)>;

fn resolve(
    name: &str,
    fields: &Fields<'_>,
    overall: &Overall,
    (sources, policy): (&Sources, &Policy<'_>),
    report: &mut Report,
) -> Resolved {
    let name: Arc<str> = name.into();
    let (transport, broken) = match kind(fields, sources.format, report)? {
        Transports::Http => {
            fields.only_for(Transports::Http, report);
            let target = http::resolve(fields, &name, report)?;
            if let Some(env) = fields.item("env").filter(|env| !env.value.is_empty()) {
                report.ignored.push(env.path);
            }
            (Transport::Http(Arc::new(target)), None)
        }
        _ => {
            fields.only_for(Transports::Stdio, report);
            let server = Arc::clone(&name);
            let child =
                container::resolve(&Cx { fields, server, overall, sources, policy }, report)?;
            (Transport::Stdio(Arc::new(child.command)), child.broken)
        }
    };
    let server = Server {
        name,
        transport,
        tools: tools(fields),
        startup_timeout: fields.duration("startup_timeout").unwrap_or(overall.startup_timeout),
        tool_timeout: fields.duration("tool_timeout").unwrap_or(overall.tool_timeout),
        patience: patience(fields, overall, report),
        tasks: fields.flag("tasks").unwrap_or(false),
        shared: fields.flag("shared").unwrap_or(false),
        required: fields.flag("required").unwrap_or(false),
        response: fields
            .text("response")
            .map_or(ResponseMode::Auto, |response| client::response_mode(response.value)),
        schema: fields.text("schema").and_then(|schema| Care::of(schema.value)).unwrap_or_default(),
        watch: None,
    };
    Some((server, broken))
}

/// The bound on calls with progress, and the tools with a timeout of their own. A bound that cuts
/// what stands beside it is a mistake; one that cuts what holds for all servers is meant.
fn patience(fields: &Fields<'_>, overall: &Overall, report: &mut Report) -> Patience {
    let whole = fields.duration("tool_timeout_max");
    let tools = fields.seconds_map("tool_timeouts");
    if let (Some(whole), Some(timeout)) = (whole, fields.duration("tool_timeout"))
        && timeout > whole
        && let Some(place) = fields.item("tool_timeout")
    {
        too_long(&place.path, place.span, report);
    }
    for (_, timeout) in &tools {
        if whole.is_some_and(|whole| timeout.value > whole) {
            too_long(&timeout.path, timeout.span, report);
        }
    }
    let rows = tools.iter().map(|(name, timeout)| (Box::from(*name), timeout.value)).collect();
    Patience::new(whole.or(overall.tool_timeout_max), rows)
}

fn too_long(path: &str, span: Span, report: &mut Report) {
    let message = "the timeout is longer than this server's tool_timeout_max".to_owned();
    let problem = Problem::value(path, Some(span), message);
    report.add(problem.suggest("Raise 'tool_timeout_max' or remove it"));
}

/// What sort of server it is. In JSON only `type` says so; TOML also understands a lone `url`.
fn kind(fields: &Fields<'_>, format: Format, report: &mut Report) -> Option<Transports> {
    let kind = fields.text("type");
    let is_child = fields.item("command").is_some() || fields.item("container").is_some();
    match kind.as_ref().map_or("", |kind| kind.value) {
        "" if format == Format::Toml && fields.item("url").is_some() && !is_child => {
            Some(Transports::Http)
        }
        "" | "stdio" | "local" => Some(Transports::Stdio),
        "http" => Some(Transports::Http),
        other => {
            let message = format!("unsupported server type '{other}'");
            let (path, span) =
                kind.map_or((fields.path.clone(), fields.span), |kind| (kind.path, kind.span));
            report.add(Problem::value(path, Some(span), message).suggest(
                "Use 'stdio' or 'http'; a custom type must be registered in customSchemas, which \
                 is not supported by this version",
            ));
            None
        }
    }
}

/// An empty list and one with a lone `*` let everything through.
fn tools(fields: &Fields<'_>) -> Option<Arc<[Box<str>]>> {
    let tools = fields.texts("tools");
    if tools.is_empty() || tools.iter().any(|tool| tool.value == "*") {
        return None;
    }
    Some(tools.iter().map(|tool| Box::from(tool.value)).collect())
}

/// A name becomes a path segment, a file name and a label.
fn check_name(member: &Member, path: &str, earlier: &[Member], report: &mut Report) {
    let name = member.name.as_str();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let why = if name.is_empty() {
        "is empty"
    } else if !name.bytes().all(is_part) {
        "may contain only the letters A-Z and a-z, digits, '.', '_' and '-'"
    } else if name.starts_with('.') {
        "must not begin with a dot"
    } else if name.len() > NAME_BYTES_MAX {
        "is longer than 64 characters"
    } else if name == "mcp-gateway" {
        "is reserved: the gateway's own log is called so"
    } else if earlier.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        "is used twice (upper and lower case are not told apart in file names)"
    } else {
        return;
    };
    let message = format!("server name '{}' {why}", name.escape_debug());
    report.add(
        Problem::value(path, Some(member.name_span), message)
            .suggest("Choose a name such as 'github' or 'my-server'"),
    );
}
