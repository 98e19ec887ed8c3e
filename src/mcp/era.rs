// SPDX-License-Identifier: MIT
//! The two eras of the protocol.

/// Which of the two protocols that share the name MCP somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// With a handshake, sessions and requests of the server: 2024-11-05 to 2025-11-25.
    Legacy,
    /// Without: each request says what it needs in its `_meta`. 2026-07-28.
    Modern,
}
