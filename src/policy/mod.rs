// SPDX-License-Identifier: MIT
//! May it pass, and in what form.
//!
//! A decision is a pure function of facts and gives its reason: the same facts give the same reason
//! for ever. Nothing here knows connections, exchanges or HTTP statuses; what a refusal looks like
//! on the wire is decided in `gateway::fault`.
//!
//! ```text
//!  Host, Origin ──> auth::origin ──> Ok, or Foreign
//!  Authorization ─> auth::identify ─> Principal, or Unknown
//! ```

pub mod auth;
pub mod guard;
