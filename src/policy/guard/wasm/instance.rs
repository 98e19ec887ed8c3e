// SPDX-License-Identifier: MIT
//! One instance: a module with a memory of its own. It moves to where it runs.

use std::sync::Arc;

use wasmi::{Func, Memory, Store, StoreLimitsBuilder};

use super::host::Host;
use super::module::{Module, Shared, not_instantiated};
use crate::policy::guard::GuardError;

/// Tables of one instance; compilers make one.
const TABLES_MAX: usize = 4;

/// One instance with its memory. What a guard remembers, it remembers here.
pub struct Instance {
    pub(super) store: Store<Host>,
    pub(super) functions: Functions,
    /// Kept so that its engine outlives the code.
    _module: Option<Shared>,
}

/// What an instance exports that we call.
pub(super) struct Functions {
    pub label_agent: Func,
    pub label_resource: Func,
    pub label_response: Func,
    pub allocator: Option<Allocator>,
}

/// The pair by which a guard hands out its memory.
#[derive(Clone, Copy)]
pub(super) struct Allocator {
    pub alloc: Func,
    pub dealloc: Func,
}

impl Instance {
    /// A fresh instance. `seed` is what its random numbers come from.
    ///
    /// # Errors
    ///
    /// It does not start: its start section or `_initialize` failed, or took too long.
    pub fn new(module: &Arc<Module>, seed: [u8; 32]) -> Result<Self, GuardError> {
        let mut instance = Self::of(module, seed)?;
        instance._module = Some(Arc::clone(module));
        if !module.has_allocator() {
            let text = "no alloc and dealloc: messages are laid at the end of the guard's memory";
            instance.store.data_mut().log.say(2, text.as_bytes());
        }
        Ok(instance)
    }

    pub(super) fn of(module: &Module, seed: [u8; 32]) -> Result<Self, GuardError> {
        let limits = module.limits;
        let growth = StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes_max)
            .table_elements(limits.table_elements_max)
            .tables(TABLES_MAX)
            .memories(1)
            .instances(1)
            .build();
        let mut store = Store::new(module.code.engine(), Host::new(limits, growth, seed));
        store.limiter(|host| &mut host.growth);
        let failed = |error: wasmi::Error| not_instantiated(&error);
        store.set_fuel(limits.start_fuel).map_err(failed)?;
        let exports =
            module.linker.instantiate_and_start(&mut store, &module.code).map_err(failed)?;
        store.data_mut().memory = exports.get_memory(&store, "memory");
        if let Ok(start) = exports.get_typed_func::<(), ()>(&store, "_initialize") {
            start.call(&mut store, ()).map_err(failed)?;
        }
        let function = |name: &str| exports.get_func(&store, name);
        let asked = |name: &str| {
            function(name).ok_or_else(|| GuardError::new(format!("WASM module must export {name}")))
        };
        let functions = Functions {
            label_agent: asked("label_agent")?,
            label_resource: asked("label_resource")?,
            label_response: asked("label_response")?,
            allocator: function("alloc")
                .zip(function("dealloc"))
                .map(|(alloc, dealloc)| Allocator { alloc, dealloc }),
        };
        Ok(Self { store, functions, _module: None })
    }

    /// How many bytes of memory it has taken.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory().map_or(0, |memory| memory.data_size(&self.store))
    }

    pub(super) fn memory(&self) -> Option<Memory> {
        self.store.data().memory
    }

    /// Its memory, and what the host keeps for it.
    pub(super) fn parts(&mut self) -> (&mut [u8], &mut Host) {
        match self.memory() {
            Some(memory) => memory.data_and_store_mut(&mut self.store),
            None => (&mut [], self.store.data_mut()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_may_move_to_another_thread() {
        fn moves<T: Send>() {}
        fn is_shared<T: Send + Sync>() {}
        moves::<Instance>();
        moves::<super::super::Run>();
        is_shared::<Arc<Module>>();
    }
}
