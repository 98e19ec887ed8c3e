// SPDX-License-Identifier: MIT
//! The core.

pub mod backend;
pub mod fetch;
pub mod io;
pub mod snapshot;
