// SPDX-License-Identifier: MIT
//! Every key of a configuration: its spellings, what it takes, what happens without it, and a
//! sentence. Reading and the documentation both come from this table.

use super::raw::Format;
use crate::gateway::shards::SHARDS_MAX;

/// Which table a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The document itself.
    Top,
    /// `gateway`.
    Gateway,
    /// `servers.<name>`, in JSON `mcpServers.<name>`.
    Server,
    /// `clients.<name>`.
    Client,
    /// `views.<name>`.
    View,
    /// `budgets`.
    Budgets,
    /// `budgets.run` and whatever else is one budget.
    Budget,
    /// `budgets.flow`.
    Flow,
    /// `budgets.flow.after_private`.
    FlowBudget,
    /// `guards.<name>`.
    Guard,
    /// `gateway.opentelemetry`.
    Telemetry,
    /// `gateway.sandbox`.
    Sandbox,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string, perhaps empty.
    Text,
    /// A string that is not blank.
    Word,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A truth value.
    Flag,
    /// A port number, 1 to 65535.
    Port,
    /// Whole seconds, at least so many.
    Seconds(i64),
    /// Whole seconds, at least so many, or zero for the default.
    SecondsOrZero(i64),
    /// A table from names to whole seconds, at least so many each.
    SecondsMap(i64),
    /// A whole number in this range.
    Whole(i64, i64),
    /// A span of time such as `90s`, `1h30m`.
    Duration,
    /// Bytes: a whole number, or a string such as `10MB`.
    Size,
    /// A list of strings.
    Texts,
    /// A list of strings, not empty and none of them blank.
    Words,
    /// A table from names to strings.
    TextMap,
    /// A table.
    Table,
    /// Anything; its section looks closer.
    Any,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What its sentence says.
    Used,
    /// Nothing, and nobody needs to be told.
    Silent,
    /// Nothing yet; it is accepted with a notice.
    Ignored,
    /// It protects something that we cannot protect: refused unless empty.
    Refused,
}

/// For which servers a key is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transports {
    /// All.
    Any,
    /// Those that run as a child.
    Stdio,
    /// Those that are reached over HTTP.
    Http,
}

/// One key.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it belongs.
    pub section: Section,
    /// Its TOML spelling; `camelCase` is accepted in TOML as well.
    pub name: &'static str,
    /// Its JSON spelling; empty if JSON does not know it.
    pub json: &'static str,
    /// For which servers.
    pub on: Transports,
    /// What it takes.
    pub kind: Kind,
    /// What it does.
    pub effect: Effect,
    /// What holds without it.
    pub default: &'static str,
    /// What it means.
    pub sentence: &'static str,
}

/// A table that is being read.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// What sort of table.
    pub section: Section,
    /// Its path.
    pub path: &'p str,
    /// The language.
    pub format: Format,
}

impl Key {
    /// Whether `said` is a spelling of this key in `format`.
    #[must_use]
    pub fn is_spelled(&self, said: &str, format: Format) -> bool {
        match format {
            Format::Json => {
                !self.json.is_empty() && (said == self.json || said == self.json_alias())
            }
            Format::Toml => said == self.name || said == self.json || said == camel(self.name),
        }
    }

    /// The other spellings that JSON knows.
    fn json_alias(&self) -> &'static str {
        match self.name {
            "tool_timeout" if self.section == Section::Server => "tool_timeout",
            "connect_timeout" => "connect_timeout",
            "guard_policies" => "guard_policies",
            _ => self.json,
        }
    }
}

/// The row of `name`, which is its TOML spelling.
#[must_use]
pub fn find(section: Section, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// How the keys of a section are spelled in `format`.
#[must_use]
pub fn spellings(section: Section, format: Format) -> Vec<String> {
    let keys = KEYS.iter().filter(|key| key.section == section);
    match format {
        Format::Toml => keys.map(|key| key.name.to_owned()).collect(),
        Format::Json => {
            keys.map(|key| key.json.to_owned()).filter(|name| !name.is_empty()).collect()
        }
    }
}

/// `tool_timeout` becomes `toolTimeout`.
#[must_use]
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

const fn key(
    (section, on): (Section, Transports),
    (name, json): (&'static str, &'static str),
    kind: Kind,
    effect: Effect,
    (default, sentence): (&'static str, &'static str),
) -> Key {
    Key { section, name, json, on, kind, effect, default, sentence }
}

use Effect::{Ignored, Refused, Silent, Used};
use Kind::{
    Any, Duration, Flag, OneOf, Port, Seconds, SecondsMap, SecondsOrZero, Size, Table, Text,
    TextMap, Texts, Whole, Word, Words,
};

const TOP: (Section, Transports) = (Section::Top, Transports::Any);
const GATEWAY: (Section, Transports) = (Section::Gateway, Transports::Any);
const SERVER: (Section, Transports) = (Section::Server, Transports::Any);
const STDIO: (Section, Transports) = (Section::Server, Transports::Stdio);
const HTTP: (Section, Transports) = (Section::Server, Transports::Http);
const CLIENT: (Section, Transports) = (Section::Client, Transports::Any);
const VIEW: (Section, Transports) = (Section::View, Transports::Any);
const BUDGETS: (Section, Transports) = (Section::Budgets, Transports::Any);
const BUDGET: (Section, Transports) = (Section::Budget, Transports::Any);
const FLOW: (Section, Transports) = (Section::Flow, Transports::Any);
const FLOW_BUDGET: (Section, Transports) = (Section::FlowBudget, Transports::Any);
const GUARD: (Section, Transports) = (Section::Guard, Transports::Any);
const TELEMETRY: (Section, Transports) = (Section::Telemetry, Transports::Any);
const SANDBOX: (Section, Transports) = (Section::Sandbox, Transports::Any);

/// The spellings of `gateway::snapshot::Care`.
const SCHEMAS: &[&str] = &["reference", "verbatim", "copilot", "claude", "strict"];

/// The spellings of `sandbox::Switch`.
const SWITCH: &[&str] = &["auto", "on", "off"];

const MIB: i64 = 1024 * 1024;

/// All keys, in the order of the documentation.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key(TOP, ("servers", "mcpServers"), Table, Used, ("",
        "The MCP servers, by name: `A-Z a-z 0-9 . _ -`, at most 64, not beginning with a dot, \
         not `mcp-gateway`.")),
    key(TOP, ("gateway", "gateway"), Table, Used, ("all defaults",
        "What holds for the whole gateway.")),
    key(TOP, ("clients", ""), Table, Used, ("",
        "Clients with keys of their own, by name; beside `gateway.agent_id` and `agent_ids`.")),
    key(TOP, ("views", ""), Table, Used, ("",
        "Parts of several servers behind one address, `/mcp/view/<name>`, by name; `/mcp` shows \
         all of all servers.")),
    key(TOP, ("budgets", "budgets"), Table, Used, ("nothing is bounded",
        "How much may be done while the gateway runs.")),
    key(TOP, ("sequential_launch", ""), Flag, Ignored, ("",
        "Servers always start at the same time, and none holds up another.")),
    key(TOP, ("guards_mode", ""), Text, Used, ("the guard's own, `strict`",
        "What happens where labels do not fit: `strict` withholds the answer, `filter` the items, \
         `propagate` lets the reader carry the labels. `--guards-mode` wins.")),
    key(TOP, ("guards_compat", ""), Flag, Used, ("false",
        "Whether guards act as in the gateway that Penstock replaces, also where that lets \
         something through; also written `guards.compat`.")),
    key(TOP, ("guards", "guards"), Any, Used, ("", "Guards that servers may name, by name.")),
    key(TOP, ("custom_schemas", "customSchemas"), Any, Refused, ("",
        "Custom server types and their schemas.")),

    key(GATEWAY, ("listen", ""), Word, Used, ("`127.0.0.1:3000`",
        "Where to listen; `--listen` wins.")),
    key(GATEWAY, ("threads", ""), Whole(0, SHARDS_MAX as i64), Used, ("1",
        "How many threads serve clients, 0: one for each processor; `--threads` and \
         `PENSTOCK_THREADS` win. See below.")),
    key(GATEWAY, ("port", "port"), Port, Used, ("",
        "Checked, and otherwise informational: `listen` decides.")),
    key(GATEWAY, ("domain", "domain"), Word, Used, ("",
        "A host name under which clients reach the gateway; it is accepted in `Host`.")),
    key(GATEWAY, ("agent_id", "agentId"), Word, Used, ("see below",
        "The key that clients send in `Authorization`.")),
    key(GATEWAY, ("agent_ids", "agentIds"), Words, Used, ("",
        "Several such keys, each an identity of its own; not together with `agent_id`.")),
    key(GATEWAY, ("api_key", "apiKey"), Word, Used, ("", "The old name of `agent_id`.")),
    key(GATEWAY, ("startup_timeout", "startupTimeout"), Seconds(1), Used, ("30",
        "From starting a server to the end of its handshake, in seconds.")),
    key(GATEWAY, ("tool_timeout", "toolTimeout"), Seconds(10), Used, ("60",
        "From a request, or its latest progress, to its answer, in seconds; in JSON \
         `MCP_GATEWAY_TOOL_TIMEOUT` stands in.")),
    key(GATEWAY, ("tool_timeout_max", "toolTimeoutMax"), Seconds(10),
        Used, ("21600, or longer if a timeout is",
        "From a request to its answer however much progress there is, in seconds.")),
    key(GATEWAY, ("session_timeout", "sessionTimeout"), Duration,
        Used, ("`MCP_GATEWAY_SESSION_TIMEOUT`, `6h`",
        "After so long without a request a session ends.")),
    key(GATEWAY, ("websocket", "websocket"), Flag, Used, ("false",
        "Serve `/ws/<server>`: WebSockets with one message in each frame.")),
    key(GATEWAY, ("metrics", "metrics"), Flag, Used, ("true",
        "Serve `/metrics`: counts and times for Prometheus, to whoever has a key.")),
    key(GATEWAY, ("allowed_hosts", ""), Words, Used, ("",
        "Further host names that are accepted in `Host`.")),
    key(GATEWAY, ("allowed_origins", ""), Words, Used, ("",
        "Origins that browsers may come from, such as `https://app.example`.")),
    key(GATEWAY, ("tolerate", ""), Texts, Used, ("all",
        "Slips of clients that are let pass: `discover-method-mismatch` (`server/discover` under \
         another `Mcp-Method`), `listen-version-missing` (`subscriptions/listen` without \
         `MCP-Protocol-Version`); `[]` is strict.")),
    key(GATEWAY, ("max_message_bytes", ""), Whole(64 * 1024, 1024 * MIB), Used, ("16777216",
        "The longest message that clients may send, in bytes.")),
    key(GATEWAY, ("require_containers", ""), Flag, Used, ("false",
        "Refuse servers that are plain commands.")),
    key(GATEWAY, ("container_runtime", "containerRuntime"), OneOf(&["docker", "podman"]),
        Used, ("`docker`",
        "What runs containers; `MCP_GATEWAY_CONTAINER_RUNTIME` wins.")),
    key(GATEWAY, ("container_runtime_command", "containerRuntimeCommand"), Word, Used, ("",
        "The program of the runtime, if it is called otherwise.")),
    key(GATEWAY, ("container_runtime_args", "containerRuntimeArgs"), Texts, Used, ("",
        "Arguments of the runtime that stand before `run`.")),
    key(GATEWAY, ("container_launcher", ""), OneOf(&["auto", "api", "command"]),
        Used, ("`auto`",
        "Who starts containers: the Docker engine over its socket, or the command line; `auto`: \
         the engine if it can and answers. `MCP_GATEWAY_CONTAINER_LAUNCHER` wins.")),
    key(GATEWAY, ("logs", ""), OneOf(&["payloads", "shapes", "none"]), Used, ("`payloads`",
        "What log files hold: whole messages up to 64 KiB without their secrets, lengths instead \
         of them, or nothing, for then there are no files.")),
    key(GATEWAY, ("logs_when_full", ""), OneOf(&["drop", "wait"]), Used, ("`drop`",
        "What happens if calls come faster than the disk takes their logs: records are dropped \
         and counted, or calls wait, three seconds at most.")),
    key(GATEWAY, ("dockerless", "dockerless"), Flag, Used, ("false",
        "Use podman and never docker.")),
    key(GATEWAY, ("log_driver", ""), Word, Used, ("`none`",
        "The log driver of containers; without `none` the runtime keeps a copy of every \
         message.")),
    key(GATEWAY, ("keepalive_interval", "keepaliveInterval"), Whole(-1, i64::MAX), Ignored, ("",
        "Seconds between pings to HTTP servers.")),
    key(GATEWAY, ("payload_dir", "payloadDir"), Text, Ignored, ("",
        "Where large results go; an absolute path.")),
    key(GATEWAY, ("payload_path_prefix", "payloadPathPrefix"), Word, Ignored, ("",
        "What clients see instead of that path.")),
    key(GATEWAY, ("payload_size_threshold", "payloadSizeThreshold"), Whole(1, i64::MAX),
        Ignored, ("",
        "From how many bytes on a result is large.")),
    key(GATEWAY, ("trusted_bots", "trustedBots"), Words, Used, ("",
        "Further logins that guards trust as bots.")),
    key(GATEWAY, ("force_public_repos", "forcePublicRepos"), Flag, Used, ("true",
        "Whether allow-only policies are narrowed to public repositories while a workflow runs for \
         a public one; `MCP_GATEWAY_FORCE_PUBLIC_REPOS` stands in.")),
    key(GATEWAY, ("sink_visibility_exempt_servers", "sinkVisibilityExemptServers"), Texts,
        Used, ("",
        "Write sinks whose visibility is not `public` by default; `*`: all.")),
    key(GATEWAY, ("sandbox", "sandbox"), Table, Used, ("all measures, as far as they go",
        "What the gateway gives up once it has begun: see [sandbox.md](sandbox.md).")),
    key(GATEWAY, ("opentelemetry", "opentelemetry"), Table, Ignored, ("",
        "Where traces would go; checked, not used.")),
    key(GATEWAY, ("tracing", ""), Table, Ignored, ("", "The old name of `opentelemetry`.")),

    key(CLIENT, ("agent_id", ""), Word, Used, ("",
        "The key that this client sends in `Authorization`.")),
    key(CLIENT, ("response", ""), OneOf(&["auto", "json", "sse"]), Used, ("as the server says",
        "In what form this client gets answers, whichever server gives them.")),
    key(CLIENT, ("schema", ""), OneOf(SCHEMAS), Used, ("as the server says",
        "What this client needs of the schemas and names of tools, whichever server has them.")),

    key(VIEW, ("tools", ""), Words, Used, ("required",
        "The tools that are seen, as `server.tool`; `*` stands for any characters, and as the \
         server for all.")),
    key(VIEW, ("prompts", ""), Flag, Used, ("true",
        "Whether the prompts of the servers in `tools` are seen.")),
    key(VIEW, ("resources", ""), Flag, Used, ("true",
        "Whether the resources of the servers in `tools` are seen.")),

    key(BUDGETS, ("run", "run"), Table, Used, ("",
        "The budget of everything together.")),
    key(BUDGETS, ("servers", "servers"), Table, Used, ("",
        "Budgets of servers, by name.")),
    key(BUDGETS, ("tools", "tools"), Table, Used, ("",
        "Budgets of tools, by `server.tool`; `*` stands for any characters, and as the server for \
         all. The tools of one row share its budget, and a call counts against every row that \
         means it.")),
    key(BUDGETS, ("agents", "agents"), Table, Used, ("",
        "Budgets of agents, by the name of a client, by the place of the key (`agent-1` is \
         the first one) or by the key itself; `*` is the budget of each agent that has none of its own.")),
    key(BUDGETS, ("flow", "flow"), Table, Used, ("",
        "Budgets of what goes from one place to another, as guards see it.")),

    key(BUDGET, ("calls", "calls"), Whole(0, i64::MAX), Used, ("",
        "How many calls of tools are let through; 0: none.")),
    key(BUDGET, ("bytes", "bytes"), Size, Used, ("",
        "How many bytes the messages of calls and of their answers may have; an answer beyond \
         that is withheld.")),
    key(BUDGET, ("time", "time"), Duration, Used, ("",
        "For how long calls may be under way, by the clock on the wall: two at once take no more \
         of it than one.")),
    key(BUDGET, ("concurrent", "concurrent"), Whole(1, u32::MAX as i64), Used, ("",
        "How many calls may be under way at once.")),

    key(FLOW, ("after_private", "afterPrivate"), Table, Used, ("",
        "What an agent may still write to public places once it has read private data.")),

    key(FLOW_BUDGET, ("calls", "calls"), Whole(0, i64::MAX), Used, ("",
        "How many calls that write to a public place are let through; 0: none.")),
    key(FLOW_BUDGET, ("bytes", "bytes"), Size, Used, ("",
        "How many bytes the messages of these calls may have.")),
    key(GUARD, ("type", "type"), Text, Used, ("`noop`", "`wasm`, `github` or `noop`.")),
    key(GUARD, ("path", "path"), Word, Used, ("", "The file of a `wasm` guard.")),
    key(GUARD, ("sha256", "sha256"), Word, Used, ("",
        "What the bytes of that file must hash to, in hexadecimal digits.")),
    key(GUARD, ("may_call", "mayCall"), Words, Used, ("tools that only read",
        "Further tools of its server that it may call while it judges, by name and whatever they \
         do.")),
    key(GUARD, ("policy", "policy"), Any, Used, ("",
        "The policy of the servers that name this guard and have none of their own.")),
    key(GUARD, ("config", "config"), Any, Silent, ("", "For the guard; informational.")),

    key(TELEMETRY, ("endpoint", "endpoint"), Text, Silent, ("required",
        "An `http` or `https` URL.")),
    key(TELEMETRY, ("trace_id", "traceId"), Text, Silent, ("",
        "32 lower-case hexadecimal digits.")),
    key(TELEMETRY, ("span_id", "spanId"), Text, Silent, ("", "16 lower-case hexadecimal digits.")),
    key(TELEMETRY, ("service_name", "serviceName"), Word, Silent, ("`mcp-gateway`",
        "The name of this service.")),
    key(TELEMETRY, ("headers", ""), Text, Silent, ("", "`name=value`, separated by commas.")),
    key(TELEMETRY, ("sample_rate", ""), Any, Silent, ("", "From 0 to 1.")),
    key(TELEMETRY, ("signal_path", ""), Text, Silent, ("", "A path below the endpoint.")),
    key(TELEMETRY, ("exporter_timeout", ""), Any, Silent, ("", "How long an export may take.")),

    key(SANDBOX, ("no_new_privileges", "noNewPrivileges"), OneOf(SWITCH), Used, ("`auto`",
        "Whether set-user-ID programs are of no use; the other two need it. `auto`: where the \
         kernel has it; `on`: no start without it.")),
    key(SANDBOX, ("landlock", "landlock"), OneOf(SWITCH), Used, ("`auto`",
        "Whether only known files and ports can be opened.")),
    key(SANDBOX, ("seccomp", "seccomp"), OneOf(&["auto", "on", "off", "kill"]), Used, ("`auto`",
        "Whether only known calls of the system can be made; `kill` is `on`, and ends the gateway \
         at any other one instead of refusing it.")),

    key(SERVER, ("type", "type"), Text, Used, ("`stdio`; in TOML `http` if there is a `url`",
        "`stdio` (also `local`) or `http`.")),
    key(STDIO, ("container", "container"), Word, Used, ("",
        "The image to run; in JSON every stdio server has one.")),
    key(STDIO, ("command", ""), Word, Used, ("",
        "In TOML instead of `container`: the program to run; `self` is this very program.")),
    key(STDIO, ("args", "args"), Texts, Used, ("",
        "Arguments of `command`; with `container`, options of the runtime before the image.")),
    key(STDIO, ("entrypoint", "entrypoint"), Text, Used, ("",
        "What to run in the container instead of its own entry point.")),
    key(STDIO, ("entrypoint_args", "entrypointArgs"), Texts, Used, ("",
        "Arguments after the image.")),
    key(STDIO, ("mounts", "mounts"), Texts, Used, ("",
        "`source:destination:ro` or `:rw`, both absolute.")),
    key(SERVER, ("env", "env"), TextMap, Used, ("",
        "Variables for the server. In JSON an empty value passes the gateway's own on.")),
    key(STDIO, ("env_passthrough", ""), Words, Used, ("",
        "Names of variables of the gateway that are passed on.")),
    key(STDIO, ("working_directory", ""), Word, Used, ("the gateway's", "Where `command` runs.")),
    key(HTTP, ("url", "url"), Text, Used, ("",
        "Where an HTTP server is: `http://` or `https://`.")),
    key(HTTP, ("headers", "headers"), TextMap, Used, ("",
        "Fields sent with every request to an HTTP server.")),
    key(HTTP, ("connect_timeout", "connectTimeout"), Seconds(1), Used, ("30",
        "From resolving the name to a usable connection, in seconds.")),
    key(SERVER, ("tool_timeout", "toolTimeout"), SecondsOrZero(10), Used, ("the gateway's",
        "As in `gateway`, for this server; 0 is the default.")),
    key(SERVER, ("tool_timeout_max", "toolTimeoutMax"), Seconds(10), Used, ("the gateway's",
        "As in `gateway`, for this server.")),
    key(SERVER, ("tool_timeouts", "toolTimeouts"), SecondsMap(1), Used, ("",
        "Instead of `tool_timeout`, for tools by name; `*` stands for any characters, and the row \
         that says most wins.")),
    key(SERVER, ("startup_timeout", ""), Seconds(1), Used, ("the gateway's",
        "As in `gateway`, for this server.")),
    key(SERVER, ("tools", "tools"), Texts, Used, ("all",
        "The tools that clients see and may call, as in `get_*`; empty or with `*`: all.")),
    key(SERVER, ("tasks", "tasks"), Flag, Used, ("false",
        "If the server has no tasks, calls of its tools can become tasks of the gateway, which are \
         asked for later: if a client of 2025-11-25 wants it, or if one of 2026-07-28 that knows \
         tasks has waited for long. `tool_timeout_max` bounds them.")),
    key(SERVER, ("shared", ""), Flag, Used, ("false",
        "One child or backend session for all clients instead of one for each.")),
    key(SERVER, ("required", ""), Flag, Used, ("false", "Whether `/ready` waits for this server.")),
    key(SERVER, ("response", ""), OneOf(&["auto", "json", "sse"]), Used, ("`auto`",
        "The form of answers: as it fits, always JSON, always an event stream.")),
    key(SERVER, ("schema", "schema"), OneOf(SCHEMAS), Used, ("`reference`",
        "What is done about the schemas and names of its tools: see [tools.md](tools.md).")),
    key(SERVER, ("registry", "registry"), Text, Silent, ("",
        "Where the server comes from; informational.")),
    key(SERVER, ("rate_limit_threshold", ""), Whole(0, i64::MAX), Ignored, ("",
        "Failures that open the circuit breaker.")),
    key(SERVER, ("rate_limit_cooldown", ""), Whole(0, i64::MAX), Ignored, ("",
        "Seconds until the breaker tries again.")),
    key(HTTP, ("auth", "auth"), Any, Refused, ("", "Tokens for HTTP servers (`github-oidc`).")),
    key(SERVER, ("guard_policies", "guard-policies"), Any, Used, ("",
        "What agents may see of this server, or what may flow into it: `allow-only` or \
         `write-sink`.")),
    key(SERVER, ("guard", "guard"), Text, Used, ("",
        "The guard of this server: a name of `guards`, `github` or `noop`.")),
    key(SERVER, ("guard_enforcement", "guardEnforcement"), OneOf(&["enforce", "shadow"]),
        Used, ("`enforce`",
        "Whether the guard's verdicts count, or are only written down.")),
    key(SERVER, ("tool_response_filters", "tool_response_filters"), Any, Refused, ("",
        "jq filters on results.")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_one_key() {
        for (index, one) in KEYS.iter().enumerate() {
            for other in &KEYS[index + 1..] {
                if one.section == other.section {
                    assert!(!other.is_spelled(one.name, Format::Toml), "{}", one.name);
                    let both = !one.json.is_empty() && other.is_spelled(one.json, Format::Json);
                    assert!(!both, "{}", one.json);
                }
            }
        }
    }

    #[test]
    fn toml_knows_both_spellings_and_json_one() {
        let key = find(Section::Gateway, "tool_timeout").unwrap();
        assert!(key.is_spelled("toolTimeout", Format::Toml));
        assert!(key.is_spelled("tool_timeout", Format::Toml));
        assert!(!key.is_spelled("tool_timeout", Format::Json));
        let key = find(Section::Server, "tool_timeout").unwrap();
        assert!(key.is_spelled("tool_timeout", Format::Json));
        assert_eq!(camel("max_message_bytes"), "maxMessageBytes");
    }

    #[test]
    fn every_sentence_ends() {
        for key in KEYS {
            assert!(key.sentence.ends_with('.'), "{}", key.name);
        }
    }
}
