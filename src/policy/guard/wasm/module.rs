// SPDX-License-Identifier: MIT
//! A module: checked, compiled, and shared by its instances.

use std::sync::Arc;

use wasmi::{
    CompilationMode, Config, EnforcedLimits, Engine, ExternType, FuncType, Linker, OperatorCost,
    ValType,
};

use super::instance::Instance;
use super::{host, wasi};
use crate::base::GuardLimits;
use crate::policy::guard::GuardError;

/// Calls within calls; beyond: the guard traps. Readers of nested JSON need a few per level.
const CALL_DEPTH_MAX: usize = 4096;

/// The functions that a guard is asked by, in the order in which they are checked.
const ASKED: [&str; 3] = ["label_resource", "label_response", "label_agent"];

/// A module, checked and ready to be instantiated; it is never changed and may be shared.
pub struct Module {
    pub(super) name: Box<str>,
    pub(super) code: wasmi::Module,
    pub(super) linker: Linker<host::Host>,
    pub(super) limits: GuardLimits,
    sha256: [u8; 32],
}

impl Module {
    /// Compiles `wasm` and checks what it imports and exports. `name` is for messages.
    ///
    /// # Errors
    ///
    /// What is missing or wrong. A start section runs here once, for a bounded time.
    pub fn new(name: &str, wasm: &[u8], limits: &GuardLimits) -> Result<Self, GuardError> {
        if wasm.len() > limits.module_bytes_max {
            let (len, max) = (wasm.len(), limits.module_bytes_max);
            return Err(GuardError::new(format!("WASM module too large: {len} bytes (max {max})")));
        }
        // An engine keeps the code of modules that are gone, so each module has its own.
        let engine = Engine::new(&config());
        let code = wasmi::Module::new(&engine, wasm).map_err(|error| not_instantiated(&error))?;
        let mut linker = Linker::new(&engine);
        host::link(&mut linker)
            .and_then(|()| wasi::link(&mut linker))
            .map_err(|error| not_instantiated(&error.into()))?;
        let sha256 = sha256(wasm);
        let module = Self { name: name.into(), code, linker, limits: *limits, sha256 };
        module.check_exports()?;
        // Whether all imports are there is known when it has been instantiated.
        Instance::of(&module, [0; 32])?;
        Ok(module)
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the file.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Whether it hands out its own memory for messages. If not, they are laid at its end.
    #[must_use]
    pub fn has_allocator(&self) -> bool {
        self.function("alloc").is_some() && self.function("dealloc").is_some()
    }

    fn check_exports(&self) -> Result<(), GuardError> {
        if self.function("label_resource").is_none() || self.function("label_response").is_none() {
            return Err(GuardError::new(self.what_is_missing()));
        }
        if self.function("label_agent").is_none() {
            return Err(GuardError::new("WASM module must export label_agent"));
        }
        for name in ASKED {
            self.check(name, &[ValType::I32; 4], &[ValType::I32])?;
        }
        if self.has_allocator() {
            self.check("alloc", &[ValType::I32], &[ValType::I32])?;
            self.check("dealloc", &[ValType::I32; 2], &[])?;
        }
        Ok(())
    }

    fn what_is_missing(&self) -> &'static str {
        if self.function("_start").is_some() && self.function("label_resource").is_none() {
            "WASM module must export label_resource and label_response functions; it exports \
             _start, so it was built as a program: export the functions, for instance with \
             TinyGo's //export"
        } else {
            "WASM module must export label_resource and label_response functions"
        }
    }

    fn check(&self, name: &str, params: &[ValType], results: &[ValType]) -> Result<(), GuardError> {
        match self.function(name) {
            Some(ty) if ty.params() != params || ty.results() != results => {
                let wanted = signature(params, results);
                let got = signature(ty.params(), ty.results());
                Err(GuardError::new(format!(
                    "WASM module function {name} must have signature {wanted}, got {got}"
                )))
            }
            _ => Ok(()),
        }
    }

    fn function(&self, name: &str) -> Option<FuncType> {
        match self.code.get_export(name) {
            Some(ExternType::Func(ty)) => Some(ty),
            _ => None,
        }
    }
}

/// The SHA-256 of a file, to be known before any of it runs.
///
/// Spec: FIPS 180-4.
#[must_use]
pub fn sha256(wasm: &[u8]) -> [u8; 32] {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, wasm).as_ref());
    sha256
}

/// Strict about size and shape; metered; compiled at once, since lazy code cannot be resumed.
fn config() -> Config {
    // Growing is the one thing from which the compiler makes no tail call, so it counts as much as
    // it can: a slice has room for so many on our stack.
    let (memory_grow, table_grow) = (u8::MAX, u8::MAX);
    let cost = OperatorCost { memory_grow, table_grow, ..OperatorCost::default() };
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .operator_cost(cost)
        .ignore_custom_sections(true)
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .set_max_recursion_depth(CALL_DEPTH_MAX);
    config
}

pub(super) fn not_instantiated(error: &wasmi::Error) -> GuardError {
    GuardError::new(format!("failed to instantiate WASM module: {error}"))
}

/// As in `(i32,i32)->i32`.
fn signature(params: &[ValType], results: &[ValType]) -> String {
    match results {
        [one] => format!("({})->{}", list(params), type_name(*one)),
        _ => format!("({})->({})", list(params), list(results)),
    }
}

fn list(types: &[ValType]) -> String {
    types.iter().map(|ty| type_name(*ty)).collect::<Vec<_>>().join(",")
}

const fn type_name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "funcref",
        ValType::ExternRef => "externref",
    }
}

/// For [`Instance::new`]: whoever has an instance has its module.
pub(super) type Shared = Arc<Module>;
