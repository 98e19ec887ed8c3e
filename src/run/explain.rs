// SPDX-License-Identifier: MIT
//! `penstock explain`: what would become of a call, step by step.
//!
//! ```text
//!  call.json ──> request ──> a gateway in memory ──> answer ──> verdict
//!                              │    ^
//!                              v    │ what call.json says that servers and the forge answer
//!                            a rehearsal of the world: nothing is started, nothing is called
//! ```
//!
//! Nothing is judged here: the gateway judges as it always does, and is watched while it does.

mod notes;
mod rehearsal;
mod request;
mod server;

use std::io::Read;

use notes::Notes;
use rehearsal::Rehearsal;

use super::guards::Modules;
use super::{Ready, load};
use crate::cli::Flags;
use crate::config;
use crate::gateway::snapshot::Snapshot;
use crate::policy::auth::Principal;
use crate::policy::guard::explain::{Call, Explanation};

/// A longer file is no description of a call.
const CALL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The name of agents in logs, before their place.
const AGENT: &str = "agent-";

/// Explains the call that the file `path` describes; `-` is stdin.
///
/// # Errors
///
/// The text for stderr.
pub fn explain(flags: &Flags, path: &str, is_json: bool) -> Result<String, String> {
    let Ready { loaded, modules, .. } = load(&config::source::gather(flags)?, Modules::default())?;
    let call = Call::parse(&read(path)?)?;
    let mut explanation = explained(&loaded.snapshot, &modules, call)?;
    if loaded.run.asks_workflow {
        let text = "the forge was not asked who can read the repository of the workflow";
        explanation.step("not known", text);
    }
    Ok(match is_json {
        true => String::from_utf8_lossy(&explanation.json()).into_owned(),
        false => explanation.text(),
    })
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    let source: std::io::Result<Box<dyn Read>> = match path {
        "-" => Ok(Box::new(std::io::stdin())),
        _ => std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let mut text = Vec::new();
    source
        .and_then(|source| source.take(CALL_BYTES_MAX).read_to_end(&mut text))
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    Ok(text)
}

/// What would become of `call` in a gateway with this configuration that has just been started.
///
/// # Errors
///
/// The call is for nobody, or from nobody.
pub fn explained(
    snapshot: &Snapshot,
    modules: &Modules,
    call: Call,
) -> Result<Explanation, String> {
    let server = snapshot.find(call.server.as_bytes()).ok_or_else(|| {
        let names: Vec<_> = snapshot.servers.iter().map(|server| &*server.name).collect();
        format!("there is no server \"{}\", only: {}", call.server, names.join(", "))
    })?;
    let who = agent(snapshot, &call.agent)?;
    let mut notes = Notes::begin(snapshot, (server, who), &call);
    let mut rehearsal = Rehearsal::new(snapshot, modules, who, call);
    rehearsal.run(&mut notes)?;
    Ok(notes.end())
}

/// Whom the file means: the place of a key, as in logs or bare, or the key itself.
fn agent(snapshot: &Snapshot, name: &str) -> Result<Principal, String> {
    let keys = &snapshot.auth.agents;
    if keys.is_empty() {
        return Ok(Principal::ANYONE);
    }
    let place = name.strip_prefix(AGENT).unwrap_or(name).parse::<usize>();
    let numbered = place.ok().and_then(|place| place.checked_sub(1)).filter(|at| *at < keys.len());
    let own = keys.iter().position(|key| key.matches(name.as_bytes()));
    let only = (name.is_empty() && keys.len() == 1).then_some(0);
    let found = own.or(numbered).or(only).and_then(|at| u16::try_from(at).ok());
    found.map(Principal).ok_or_else(|| {
        format!("'agent' is none of the {} keys: name one by its place, such as 1", keys.len())
    })
}

#[cfg(test)]
mod tests;
