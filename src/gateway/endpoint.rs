// SPDX-License-Identifier: MIT
//! Which door a path leads to.

use crate::gateway::snapshot::{ServerId, Snapshot};

/// What stands behind a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/mcp/{server}`, with or without more segments, `/mcp` or `/mcp/view/{name}`.
    Mcp(ServerId),
    /// `/sse/{server}`: the transport of 2024-11-05.
    Events(ServerId),
    /// `/ws/{server}`: a WebSocket, if they are served.
    Socket(ServerId),
    /// `/health`: the process is alive; open to everybody.
    Health,
    /// `/ready`: the required servers are up; open to everybody.
    Ready,
    /// `/reflect`: what identities carry.
    Reflect,
    /// `/metrics`: what was counted, if that is served.
    Metrics,
    /// `/close`: stop the gateway.
    Close,
}

type Front = fn(ServerId) -> Endpoint;

/// Where servers are reached, and in which of their transports.
const FRONTS: [(&[u8], Front); 3] =
    [(b"/mcp/", Endpoint::Mcp), (b"/sse/", Endpoint::Events), (b"/ws/", Endpoint::Socket)];

/// The endpoint at `path`; `None` if there is nothing.
#[must_use]
pub fn find(snapshot: &Snapshot, path: &[u8]) -> Option<Endpoint> {
    match path {
        b"/health" => Some(Endpoint::Health),
        b"/ready" => Some(Endpoint::Ready),
        b"/reflect" => Some(Endpoint::Reflect),
        b"/metrics" if snapshot.metrics => Some(Endpoint::Metrics),
        b"/close" => Some(Endpoint::Close),
        _ => {
            if let Some(view) = view_at(path) {
                return snapshot.find_view(view).map(Endpoint::Mcp);
            }
            let (front, rest) = FRONTS
                .iter()
                .find_map(|(prefix, front)| Some((front, path.strip_prefix(*prefix)?)))?;
            let name = rest.split(|&byte| byte == b'/').next()?;
            let found = snapshot.find(name).map(front)?;
            let is_served = snapshot.websocket || !matches!(found, Endpoint::Socket(_));
            is_served.then_some(found)
        }
    }
}

/// The name of the view at `path`: none at `/mcp`, which shows everything.
fn view_at(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/mcp")?;
    if rest.is_empty() || rest == b"/" {
        return Some(b"");
    }
    // There is no server called `view` beside views.
    let name = rest.strip_prefix(b"/view/")?.split(|&byte| byte == b'/').next()?;
    Some(name).filter(|name| !name.is_empty())
}
