// SPDX-License-Identifier: MIT
//! The modules of guards: read, held against what they must hash to, and compiled, each file once.
//!
//! A server that shall be watched over and cannot be is not served without: nothing starts. Only
//! with `guards.compat` it has no guard then.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::base::GuardLimits;
use crate::config::{Diagnostics, Loaded, Problem};
use crate::gateway::Gateway;
use crate::gateway::snapshot::{Server, Snapshot, Watch, WatchKind};
use crate::policy::guard::wasm::{self, Module};

/// The modules of a configuration, by their files.
#[derive(Default)]
pub struct Modules {
    files: HashMap<Box<str>, Arc<Module>>,
}

/// What a server needs a module for.
struct Wanted<'s> {
    server: &'s str,
    guard: &'s str,
    path: &'s str,
    sha256: Option<[u8; 32]>,
}

impl Modules {
    /// Reads every module that a server needs, unless that was done before. With `guards.compat`,
    /// servers whose module cannot be used are left without a guard, and notices say so.
    ///
    /// # Errors
    ///
    /// All modules that cannot be used.
    pub fn read(&mut self, loaded: &mut Loaded) -> Result<(), String> {
        let Loaded { snapshot, notices, run, .. } = loaded;
        let (limits, is_compat) = (snapshot.limits.guard, snapshot.guards.compat);
        let mut problems = Vec::new();
        for server in &mut snapshot.servers {
            let Some(wanted) = wanted(server) else { continue };
            let Err(why) = self.read_one(&wanted, &limits) else { continue };
            let why = format!("server \"{}\": {why}", wanted.server);
            if is_compat {
                notices.push(format!("{why}; it has no guard"));
                leave_alone(server);
            } else {
                problems.push(problem(&wanted, why));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Diagnostics::new(&run.source, "", Vec::new(), problems).to_string())
    }

    fn read_one(&mut self, wanted: &Wanted<'_>, limits: &GuardLimits) -> Result<(), String> {
        if let Some(module) = self.files.get(wanted.path) {
            return check(wanted, module.sha256());
        }
        let wasm = read(wanted.path, limits.module_bytes_max)?;
        check(wanted, wasm::sha256(&wasm))?;
        let module = Module::new(wanted.guard, &wasm, limits)
            .map_err(|error| format!("{}: {}", wanted.path, error.text))?;
        self.files.insert(wanted.path.into(), Arc::new(module));
        Ok(())
    }

    /// Gives each server's guard its module.
    pub fn give(&self, snapshot: &Snapshot, gateway: &mut Gateway) {
        for id in snapshot.ids() {
            if let Some(wanted) = wanted(snapshot.server(id))
                && let Some(module) = self.files.get(wanted.path)
            {
                gateway.load_guard(id, Ok(Arc::clone(module)));
            }
        }
    }
}

fn wanted(server: &Server) -> Option<Wanted<'_>> {
    let watch = server.watch.as_deref()?;
    let WatchKind::Wasm { name, path, sha256 } = &watch.kind else { return None };
    Some(Wanted { server: &server.name, guard: name, path, sha256: *sha256 })
}

/// The file, if it is one and not longer than modules may be.
pub(super) fn read(path: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
    let failed =
        |why: &dyn ToString| format!("failed to read WASM file: {path}: {}", why.to_string());
    // Whatever else may have this name could keep us waiting.
    if !Path::new(path).metadata().map_err(|error| failed(&error))?.is_file() {
        return Err(failed(&"it is no file"));
    }
    let mut wasm = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    let end = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(end).read_to_end(&mut wasm).map_err(|error| failed(&error))?;
    if wasm.len() > bytes_max {
        return Err(failed(&format!("it is longer than {bytes_max} bytes")));
    }
    Ok(wasm)
}

/// Whether the file is the one that was meant.
fn check(wanted: &Wanted<'_>, sha256: [u8; 32]) -> Result<(), String> {
    match wanted.sha256 {
        Some(meant) if meant != sha256 => Err(format!(
            "WASM file {} is not the one that was meant: its SHA-256 is {} and not {}",
            wanted.path,
            hex(sha256),
            hex(meant)
        )),
        _ => Ok(()),
    }
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong, and the ways out: a module that lies ready has the name of its server.
fn problem(wanted: &Wanted<'_>, why: String) -> Problem {
    if wanted.guard == wanted.server && wanted.sha256.is_none() {
        return Problem::value(wanted.path, None, why).suggest(
            "Replace the module, remove it, or set MCP_GATEWAY_WASM_GUARDS_DIR to another \
             directory or to nothing",
        );
    }
    let path = format!("guards.{}", wanted.guard);
    Problem::value(path, None, why).suggest("Correct 'path' or 'sha256', or replace the module")
}

/// Takes a server's guard away.
fn leave_alone(server: &mut Server) {
    if let Some(watch) = &server.watch {
        let watch = Watch { kind: WatchKind::Noop, ..Watch::clone(watch) };
        server.watch = Some(Arc::new(watch));
    }
}
