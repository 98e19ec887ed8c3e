// SPDX-License-Identifier: MIT
//! Which door a path leads to.

use crate::gateway::snapshot::{ServerId, Snapshot};

/// What stands behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/mcp/{server}`, with or without more segments.
    Mcp(ServerId),
    /// `/health`: the process is alive; open to everybody.
    Health,
    /// `/ready`: the required servers are up; open to everybody.
    Ready,
    /// `/close`: stop the gateway.
    Close,
}

/// The endpoint at `path`; `None` if there is nothing.
#[must_use]
pub fn find(snapshot: &Snapshot, path: &[u8]) -> Option<Endpoint> {
    match path {
        b"/health" => Some(Endpoint::Health),
        b"/ready" => Some(Endpoint::Ready),
        b"/close" => Some(Endpoint::Close),
        _ => {
            let rest = path.strip_prefix(b"/mcp/")?;
            let name = rest.split(|&byte| byte == b'/').next()?;
            snapshot.find(name).map(Endpoint::Mcp)
        }
    }
}
