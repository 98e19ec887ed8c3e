// SPDX-License-Identifier: MIT
//! Guards in WebAssembly: what a module must be, how it is asked, and what it cannot do to us.
//!
//! Most guards here are a few lines of WebAssembly text; those of `guards/` are run as they are.

#[path = "guard_wasm/backend.rs"]
mod backend;
#[path = "guard_wasm/built.rs"]
mod built;
#[path = "guard_wasm/calls.rs"]
mod calls;
#[path = "guard_wasm/load.rs"]
mod load;
#[path = "guard_wasm/made.rs"]
mod made;
#[path = "guard_wasm/stack.rs"]
mod stack;
#[path = "guard_wasm/traps.rs"]
mod traps;
#[path = "guard_wasm/wasi.rs"]
mod wasi;
