// SPDX-License-Identifier: MIT
//! From flags and variables to a proxy that is ready, or to the reason why there is none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::facts::Facts;
use super::judge::{Guard, Introduced};
use super::log::{Log, SERVER};
use super::serve::{AGENT, Proxy};
use crate::base::{Limits, Message, Secret};
use crate::cli::proxy::{LISTEN, ProxyOptions};
use crate::config::env::{Environment, parse_flag};
use crate::config::forge;
use crate::gateway::io::Level;
use crate::github_proxy::Care;
use crate::observe::debug::Patterns;
use crate::policy::auth;
use crate::policy::guard::agents::Agents;
use crate::policy::guard::forced;
use crate::policy::guard::rule::{AllowOnly, Policy, label_agent_payload, value};
use crate::policy::guard::{Mode, github, source, wasm};
use crate::reactor::Roots;
use crate::run::fetch::Forge;
use crate::run::{guards, lookup};
use crate::wire::json::tree;
use crate::worker::{LogOptions, Logs};

/// Where logs go if nothing is said.
const LOG_DIR: &str = "/tmp/gh-aw/mcp-logs";
/// What a policy is told as, if no flag says one.
const POLICY: &str = "MCP_GATEWAY_GUARD_POLICY_JSON";
/// The variable that keeps the reference's holes open.
const COMPAT: &str = "PENSTOCK_GUARDS_COMPAT";
/// The folder for the certificate below that of the logs.
const TLS_DIR: &str = "proxy-tls";
/// How deep the JSON of a policy may be nested.
const POLICY_DEPTH_MAX: usize = 16;

/// What is wanted.
pub struct Wanted {
    /// The environment, with what flags say in its place.
    environment: Environment,
    /// Where to listen.
    pub listen: String,
    /// Where logs go.
    log_dir: PathBuf,
    /// Where the certificate goes; `None`: no TLS.
    pub tls_dir: Option<PathBuf>,
    /// The module, if the guard is one.
    guard_wasm: Option<String>,
    policy: Option<AllowOnly>,
    trusted_bots: Vec<Box<str>>,
    mode: Option<Mode>,
    care: Care,
    forces_public: bool,
    api: forge::Api,
}

/// A proxy with what people are told of it.
pub struct Ready {
    /// The proxy.
    pub proxy: Proxy,
    /// The log thread.
    pub logs: Logs,
    /// What the guard is called.
    pub guard: String,
}

impl Wanted {
    /// What these flags want in this environment.
    ///
    /// # Errors
    ///
    /// What cannot be followed.
    pub fn of(options: &ProxyOptions, environment: Environment) -> Result<Self, String> {
        let environment = said(options, environment);
        let variable = |name: &str| {
            environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
        };
        let care = match variable(COMPAT).and_then(parse_flag) {
            Some(true) => Care::Compat,
            _ => Care::Strict,
        };
        let log_dir = options.log_dir.as_deref().or_else(|| variable("MCP_GATEWAY_LOG_DIR"));
        let log_dir = PathBuf::from(log_dir.unwrap_or(LOG_DIR));
        let tls_dir = options.tls_dir.as_ref().map_or_else(|| log_dir.join(TLS_DIR), PathBuf::from);
        let mode = options.guards_mode.as_deref().or_else(|| variable("MCP_GATEWAY_GUARDS_MODE"));
        let mode = mode.map(Mode::of).transpose();
        let mode = mode.map_err(|why| format!("invalid --guards-mode flag: {why}"))?;
        let policy = options.policy.as_deref().or_else(|| variable(POLICY)).unwrap_or_default();
        let mut policy = parse_policy(policy)
            .map_err(|why| format!("failed to initialize guard policy: {why}"))?;
        if let Some(rule) = &mut policy {
            source::unite(rule, &|name| environment.get(name).map(String::as_str));
            for user in &options.trusted_users {
                value::add(&mut rule.trusted_users, user, value::List::Names);
            }
        }
        let forced = variable("MCP_GATEWAY_FORCE_PUBLIC_REPOS").and_then(parse_flag);
        let compat = care == Care::Compat;
        Ok(Self {
            listen: options.listen.clone().unwrap_or_else(|| LISTEN.to_owned()),
            log_dir,
            tls_dir: options.tls.then_some(tls_dir),
            guard_wasm: options.guard_wasm.clone().filter(|path| !path.is_empty()),
            policy,
            trusted_bots: options.trusted_bots.iter().map(|bot| bot.as_str().into()).collect(),
            mode,
            care,
            forces_public: forced::is_forced(options.force_public_repos, forced, compat),
            api: forge::api(&environment)?,
            environment,
        })
    }

    /// Makes the proxy that listens at `address`.
    ///
    /// # Errors
    ///
    /// Its guard cannot be used.
    pub fn ready(mut self, address: SocketAddr) -> Result<Ready, String> {
        let token = forge::token(&self.environment).map(str::to_owned);
        let secrets = token.iter().map(|token| Secret::new(token.as_bytes())).collect();
        let guard_name = self.guard_wasm.clone().unwrap_or_else(|| "github (built in)".to_owned());
        let ca_file = self.environment.get("SSL_CERT_FILE").map(PathBuf::from);
        let config = Roots::new(ca_file.clone()).config()?;
        let lines = self.force_public(ca_file);
        let (guard, introduced) = match self.guard()? {
            Some((guard, introduced)) => (Some(guard), Some(introduced)),
            None => (None, None),
        };
        let given = introduced.as_ref().map(|introduced| introduced.mode);
        let mode = match self.care {
            Care::Strict => self.mode.or(given),
            // There a guard's own mode wins.
            Care::Compat => given.or(self.mode),
        };
        let mut agents = Agents::new(&Limits::DEFAULT);
        if let Some(introduced) = introduced {
            let full = |full: crate::policy::guard::agents::Full| full.to_string();
            agents.add(AGENT, &introduced.labels).map_err(full)?;
        }
        let options = LogOptions {
            dir: Some(self.log_dir),
            patterns: Patterns::parse(self.environment.get("DEBUG").map_or("", String::as_str)),
            ..LogOptions::default()
        };
        let (logs, sender) = Logs::start(options, vec![SERVER.into()], secrets);
        let log = Log::new(sender);
        for (level, line) in lines {
            log.note(level, "startup", line);
        }
        let loopback_bind = address.ip().is_loopback();
        let origins = auth::Options { loopback_bind, ..auth::Options::default() };
        let proxy = Proxy {
            forge: Forge { api: self.api, config },
            token: token.map(|token| Secret::new(format!("token {token}").as_bytes())),
            guard,
            mode: mode.unwrap_or_default(),
            care: self.care,
            origins,
            agents: Mutex::new(agents),
            facts: Facts::default(),
            log,
        };
        Ok(Ready { proxy, logs, guard: guard_name })
    }

    /// Narrows the policy for a workflow in a public repository, and says so.
    fn force_public(&mut self, ca_file: Option<PathBuf>) -> Vec<(Level, String)> {
        let skipping = |why: &str| vec![(Level::Info, format!("forcePublicRepos: {why}"))];
        let Some(rule) = &mut self.policy else { return Vec::new() };
        if !self.forces_public {
            return skipping("disabled");
        }
        if forge::repository(&self.environment).is_none() {
            return skipping("GITHUB_REPOSITORY not set — skipping");
        }
        let Some((workflow, line)) = lookup::workflow(&self.environment, ca_file) else {
            return skipping("no GitHub token available — skipping");
        };
        let mut lines: Vec<_> = line.into_iter().map(|line| (Level::Warn, line)).collect();
        let policy = Some(Policy::AllowOnly(rule.clone()));
        let forced = forced::public_repos(policy, Some(&workflow), false);
        if let (Some(Policy::AllowOnly(forced)), Some(_)) = forced {
            *rule = forced;
            let line = format!(
                "FORCED REPOS=PUBLIC: workflow repo {} is public — overriding proxy allow-only \
                 scope to prevent private data reads",
                workflow.repo
            );
            lines.push((Level::Warn, line));
        }
        lines
    }

    /// The guard with its policy; `None`: there is no policy. A module is read in any case.
    fn guard(&self) -> Result<Option<(Guard, Introduced)>, String> {
        let limits = Limits::DEFAULT;
        let module = match &self.guard_wasm {
            None => None,
            Some(path) => Some(
                module(path)
                    .map_err(|why| format!("failed to load WASM guard from {path}: {why}"))?,
            ),
        };
        let Some(rule) = &self.policy else { return Ok(None) };
        let payload = label_agent_payload(rule, &self.trusted_bots);
        let failed =
            |error: crate::policy::guard::GuardError| format!("LabelAgent failed: {}", error.text);
        match module {
            Some(module) => {
                let instances_max = limits.guard_instances_max;
                let guard = Guard::module(module, Message::new(payload), instances_max);
                guard.map(Some).map_err(failed)
            }
            None => {
                let compat = self.care == Care::Compat;
                let policy = github::Policy::new(rule, &self.trusted_bots);
                let policy = policy.with_options(github::Options { compat });
                let agent = policy.agent();
                let agent = Introduced { labels: agent.labels, mode: agent.mode };
                Ok(Some((Guard::GitHub(Arc::new(policy)), agent)))
            }
        }
    }
}

fn module(path: &str) -> Result<Arc<wasm::Module>, String> {
    let limits = Limits::DEFAULT.guard;
    let wasm = guards::read(path, limits.module_bytes_max)?;
    let module = wasm::Module::new(SERVER, &wasm, &limits).map_err(|error| error.text)?;
    Ok(Arc::new(module))
}

/// The environment with what flags say in the place of variables.
fn said(options: &ProxyOptions, mut environment: Environment) -> Environment {
    let flags = [
        // The first variable that is looked at for a token.
        ("GITHUB_MCP_SERVER_TOKEN", &options.github_token),
        ("GITHUB_API_URL", &options.github_api_url),
    ];
    for (name, value) in flags {
        if let Some(value) = value.as_ref().filter(|value| !value.trim().is_empty()) {
            environment.insert(name.to_owned(), value.clone());
        }
    }
    environment
}

/// The policy that this JSON text says; `None`: it is empty.
fn parse_policy(text: &str) -> Result<Option<AllowOnly>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let node = tree::parse(text.as_bytes(), POLICY_DEPTH_MAX)
        .map_err(|error| format!("invalid policy JSON: {error}"))?;
    match Policy::of(&node) {
        Ok(Policy::AllowOnly(rule)) => Ok(Some(rule)),
        Ok(Policy::WriteSink(_)) => {
            Err("policy validation failed: write-sink policies are not supported for guard \
             initialization; expected top-level allow-only/allowonly policy"
                .to_owned())
        }
        Err(why) => Err(format!("policy validation failed: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_none_stops_the_start() {
        let error = |text| parse_policy(text).unwrap_err();
        assert_eq!(parse_policy("  "), Ok(None));
        assert!(error("{").starts_with("invalid policy JSON: "));
        assert!(error("{}").starts_with("policy validation failed: "));
        assert!(error(r#"{"write-sink":{"accept":["*"]}}"#).contains("write-sink policies"));
        let legacy = r#"{"allowonly":{"repos":"public","min-integrity":"none"}}"#;
        assert!(parse_policy(legacy).unwrap().is_some());
    }

    #[test]
    fn flags_count_before_variables() {
        let options = ProxyOptions {
            github_token: Some("flag".into()),
            github_api_url: Some("http://127.0.0.1:9".into()),
            trusted_users: vec!["ann".into()],
            policy: Some(r#"{"allow-only":{"repos":"all","min-integrity":"none"}}"#.into()),
            ..ProxyOptions::default()
        };
        let variables = [("GH_TOKEN", "variable"), ("MCP_GATEWAY_LOG_DIR", "/l"), (POLICY, "{")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let wanted = Wanted::of(&options, Environment::from(variables)).unwrap();
        assert_eq!(forge::token(&wanted.environment), Some("flag"));
        assert_eq!((wanted.api.0, &*wanted.api.1, wanted.api.2), (false, "127.0.0.1", 9));
        assert_eq!(wanted.log_dir, PathBuf::from("/l"));
        assert_eq!(*wanted.policy.unwrap().trusted_users[0], *"ann");
        assert_eq!((wanted.care, wanted.mode), (Care::Strict, None));
    }
}
