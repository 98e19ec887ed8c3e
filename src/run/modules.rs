// SPDX-License-Identifier: MIT
//! Guards that are files: read, compared with their hash, and compiled.

use std::sync::Arc;

use crate::base::GuardLimits;
use crate::gateway::Gateway;
use crate::gateway::snapshot::{Snapshot, WatchKind};
use crate::policy::guard::GuardError;
use crate::policy::guard::wasm::Module;

/// Gives the gateway the modules that its configuration names, or the reasons why they are none.
pub fn load(gateway: &mut Gateway, snapshot: &Snapshot) {
    for id in snapshot.ids() {
        let watch = snapshot.server(id).watch.as_deref();
        if let Some(WatchKind::Wasm { name, path, sha256 }) = watch.map(|watch| &watch.kind) {
            gateway.load_guard(id, module(name, path, sha256.as_ref()));
        }
    }
}

fn module(name: &str, path: &str, want: Option<&[u8; 32]>) -> Result<Arc<Module>, GuardError> {
    let wasm = std::fs::read(path)
        .map_err(|error| GuardError::new(format!("failed to read WASM file: {path}: {error}")))?;
    let module = Module::new(name, &wasm, &GuardLimits::DEFAULT)?;
    match want {
        Some(want) if *want != module.sha256() => {
            Err(GuardError::new(format!("{path} is not the module whose hash was given")))
        }
        _ => Ok(Arc::new(module)),
    }
}
