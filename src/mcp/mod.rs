// SPDX-License-Identifier: MIT
//! What messages mean: revisions, methods, error codes and the handshake of the legacy era.
//!
//! Nothing here knows HTTP statuses, sockets or sessions; it reads messages and writes our own.
//!
//! Spec: Model Context Protocol, revisions 2024-11-05 to 2025-11-25.

pub mod era;
pub mod error;
pub mod freshness;
pub mod legacy;
pub mod log_level;
pub mod method;
pub mod revision;

pub use era::Era;
pub use error::Code;
pub use log_level::LogLevel;
pub use revision::Revision;
