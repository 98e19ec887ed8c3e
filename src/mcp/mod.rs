// SPDX-License-Identifier: MIT
//! What messages mean: revisions, methods, error codes and the handshake of the legacy era.
//!
//! Nothing here knows HTTP statuses, sockets or sessions; it reads messages and writes our own.
//!
//! Spec: Model Context Protocol, revisions 2024-11-05 to 2025-11-25.

pub mod catalogue;
pub mod era;
pub mod error;
pub mod input_request;
pub mod input_round;
pub mod legacy;
pub mod log_level;
pub mod method;
pub mod park_state;
pub mod pattern;
pub mod revision;
pub mod task_id;
pub mod tool_name;

pub use era::Era;
pub use error::Code;
pub use log_level::LogLevel;
pub use revision::Revision;
