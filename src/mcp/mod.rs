// SPDX-License-Identifier: MIT
//! What messages mean: revisions, methods, error codes, the handshake of the legacy era, and what
//! a message of one era is in the other one.
//!
//! Nothing here knows HTTP statuses, sockets or sessions; it reads messages and writes our own.
//!
//! Spec: Model Context Protocol, revisions 2024-11-05 to 2026-07-28.

pub mod answer;
pub mod catalogue;
pub mod era;
pub mod error;
pub mod freshness;
pub mod input_request;
pub mod input_round;
pub mod legacy;
pub mod log_level;
pub mod meta;
pub mod method;
pub mod mirror;
pub mod modern;
pub mod only_reads;
pub mod park_state;
pub mod pattern;
pub mod revision;
pub mod schema;
pub mod subscription;
pub mod task;
pub mod task_id;
pub mod tolerance;
pub mod tool_name;
pub mod tools;

pub use era::Era;
pub use error::Code;
pub use log_level::LogLevel;
pub use mirror::{Mirror, MirrorError};
pub use revision::Revision;
pub use tolerance::Tolerance;
