// SPDX-License-Identifier: MIT
//! Which door a path leads to.

use crate::gateway::snapshot::{ServerId, Snapshot};

/// What stands behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/mcp/{server}`, with or without more segments, `/mcp` or `/mcp/view/{name}`.
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
            let rest = path.strip_prefix(b"/mcp")?;
            let Some(rest) = rest.strip_prefix(b"/").filter(|rest| !rest.is_empty()) else {
                let is_whole = rest.is_empty() || rest == b"/";
                return snapshot.find_view(b"").filter(|_| is_whole).map(Endpoint::Mcp);
            };
            let mut segments = rest.split(|&byte| byte == b'/');
            let name = segments.next()?;
            // A server called `view` and views exclude each other.
            let found = snapshot.find(name).or_else(|| {
                let view = segments.next().filter(|view| name == b"view" && !view.is_empty())?;
                snapshot.find_view(view)
            });
            found.map(Endpoint::Mcp)
        }
    }
}
