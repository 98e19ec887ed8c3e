// SPDX-License-Identifier: MIT
//! Guards that find nothing to withhold: what they stand before goes on as before, only later.

use std::sync::{Arc, OnceLock};

use penstock::base::{GuardLimits, Message};
use penstock::gateway::Gateway;
use penstock::gateway::snapshot::{Server, ServerId, Watch, WatchKind};
use penstock::policy::guard::wasm::Module;

use crate::dice::Dice;
use crate::world::ServerSide;

/// The guard, compiled once.
fn module() -> Arc<Module> {
    static MODULE: OnceLock<Arc<Module>> = OnceLock::new();
    let new = || {
        let wasm = wat::parse_str(include_str!("../core/guard.wat")).unwrap();
        let limits = GuardLimits { output_bytes_first: 32 * 1024, ..GuardLimits::DEFAULT };
        Arc::new(Module::new("sim", &wasm, &limits).unwrap())
    };
    MODULE.get_or_init(new).clone()
}

/// Lets guards stand before some servers: not those that ask or log, since nothing of that passes.
pub fn place(servers: &mut [Server], sides: &mut [ServerSide], seed: u64) -> bool {
    // Dice of their own, so that seeds without guards stay what they were.
    let mut dice = Dice::new(seed ^ 0x6775_6172);
    for (server, side) in servers.iter_mut().zip(sides) {
        let is_quiet = side.manner.ask == 0 && side.manner.log == 0 && side.manner.notify == 0;
        if is_quiet && dice.one_in(2) {
            side.guarded = true;
            let name = "sim".into();
            server.watch = Some(Arc::new(Watch {
                kind: WatchKind::Wasm { name, path: "".into(), sha256: None },
                policy: None,
                source: None,
                payload: Message::from("{}"),
                tool_limits: Arc::new([]),
                may_call: Arc::new([]),
                mode: None,
                shadow: false,
            }));
        }
    }
    servers.iter().any(|server| server.watch.is_some())
}

/// Gives the guards their module.
pub fn load(gateway: &mut Gateway, sides: &[ServerSide]) {
    for (at, _) in sides.iter().enumerate().filter(|(_, side)| side.guarded) {
        gateway.load_guard(ServerId(at as u16), Ok(module()));
    }
}
