// SPDX-License-Identifier: MIT
//! The resolved configuration: immutable, shared, without a trace of where it was written.

use std::sync::Arc;
use std::time::Duration;

use super::patience::Patience;
pub use super::watch::{GuardOptions, Watch, WatchKind};
use crate::base::{Limits, Secret};
use crate::docker;
pub use crate::mcp::schema::Care;
use crate::policy::auth;
use crate::policy::guard::budget;

/// Names a configured server: its place in [`Snapshot::servers`]. Behind the last one, the numbers
/// go on with [`Snapshot::views`]: to a client, a view is a server.
pub use crate::mcp::tolerance::{Rule, Tolerance};

/// Names a configured server: its place in [`Snapshot::servers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u16);

/// Everything the gateway is told before it starts.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// In the order of the configuration.
    pub servers: Vec<Server>,
    /// The addresses behind which several servers are one; the first is `/mcp`.
    pub views: Vec<View>,
    /// Who may speak, and from where.
    pub auth: auth::Options,
    /// In what form each agent gets answers, by its place in `auth.agents`; `None`, and beyond the
    /// end: as the server says.
    pub responses: Vec<Option<ResponseMode>>,
    /// What each agent needs of the schemas and names of tools, as above; `None`: as the server
    /// says.
    pub schemas: Vec<Option<Care>>,
    /// An idle session is ended after this.
    pub session_timeout: Duration,
    /// How long `/close` waits for running exchanges.
    pub close_timeout: Duration,
    /// Whether `/ws/{server}` is served.
    pub websocket: bool,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// The slips of clients that are let pass.
    pub tolerance: Tolerance,
    /// How much may be done while the gateway runs.
    pub budgets: Arc<budget::Limits>,
    /// What holds for all that watches over servers.
    pub guards: GuardOptions,
    /// The bounds.
    pub limits: Limits,
    /// What `/health` and `serverInfo` say about us.
    pub version: Arc<str>,
}

/// One configured server.
#[derive(Clone, Debug)]
pub struct Server {
    /// The key in the configuration: path segment, log file, label.
    pub name: Arc<str>,
    /// How it is reached.
    pub transport: Transport,
    /// The tools that clients may see and call, with `*` for anything; `None`: all.
    pub tools: Option<Arc<[Box<str>]>>,
    /// From spawn or connect to the answer to `initialize`.
    pub startup_timeout: Duration,
    /// From a request, or its latest progress, to its answer.
    pub tool_timeout: Duration,
    /// The bound on calls with progress, and tools with a timeout of their own.
    pub patience: Patience,
    /// Whether calls can become tasks of ours, if the server has none.
    pub tasks: bool,
    /// Whether all sessions share one child or backend session.
    pub shared: bool,
    /// Whether `/ready` waits for it.
    pub required: bool,
    /// In what form clients get answers.
    pub response: ResponseMode,
    /// What is done about the schemas and names of its tools.
    pub schema: Care,
    /// What watches over it; `None`: nothing, and no call of it is looked into.
    pub watch: Option<Arc<Watch>>,
}

/// Several servers, or parts of them, as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The last segment of `/mcp/view/{name}`; empty for `/mcp`.
    pub name: Box<str>,
    /// What is seen of which server, in the order of the configuration.
    pub parts: Vec<ViewPart>,
}

/// What a view shows of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewPart {
    /// The server.
    pub server: ServerId,
    /// Patterns of the tools that are seen, without the server's name; `None`: all.
    pub tools: Option<Box<[Box<str>]>>,
    /// Whether its prompts are seen.
    pub prompts: bool,
    /// Whether its resources are seen.
    pub resources: bool,
}

impl View {
    /// All of these servers: what stands behind `/mcp`.
    pub fn of_all(ids: impl Iterator<Item = ServerId>) -> Self {
        let all = |server| ViewPart { server, tools: None, prompts: true, resources: true };
        Self { name: "".into(), parts: ids.map(all).collect() }
    }

    /// What is seen of `server`, if anything.
    #[must_use]
    pub fn part(&self, server: ServerId) -> Option<&ViewPart> {
        self.parts.iter().find(|part| part.server == server)
    }
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A child process, or a container behind its runtime's command line.
    Stdio(Arc<ChildCommand>),
    /// Streamable HTTP, or the older HTTP+SSE.
    Http(Arc<HttpTarget>),
}

/// What form an answer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// JSON when the answer is one message, an event stream as soon as something precedes it.
    #[default]
    Auto,
    /// JSON always; what precedes the answer goes to the GET stream.
    Json,
    /// An event stream always, where the client accepts one.
    Sse,
}

/// A program to run as a child.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// The server it belongs to, for messages.
    pub server: Arc<str>,
    /// The program: a path, or a name that is looked up in `PATH` of `env`.
    pub program: Box<str>,
    /// Its arguments, without the program.
    pub args: Vec<Box<str>>,
    /// Its whole environment.
    pub env: Vec<(Box<str>, Secret)>,
    /// Its working directory; `None`: ours.
    pub cwd: Option<Box<str>>,
    /// What has to be removed when the child is gone.
    pub container: Option<ContainerCare>,
    /// From closing stdin to SIGTERM.
    pub leave_after_max: Duration,
    /// From SIGTERM to SIGKILL.
    pub term_after_max: Duration,
}

/// How a container is found again after the command that ran it is gone.
#[derive(Clone, Debug)]
pub struct ContainerCare {
    /// The runtime's program, such as `docker`.
    pub runtime: Box<str>,
    /// What stands before `rm` on its command line.
    pub runtime_args: Vec<Box<str>>,
    /// Where in `ChildCommand::args` the reactor inserts `--cidfile FILE`.
    pub cidfile_at: usize,
    /// How the engine runs it without that command; `None`: only the command can.
    pub plan: Option<Arc<docker::Plan>>,
}

/// An HTTP address to speak MCP with.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    /// The server it belongs to, for messages.
    pub server: Arc<str>,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// A name or an address; IPv6 without brackets.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The path and query; begins with `/`.
    pub path: Box<str>,
    /// Fields sent with every request; they replace ours of the same name.
    pub headers: Vec<(Box<str>, Secret)>,
    /// From resolving the name to a connection that can be written to, TLS included.
    pub connect_timeout: Duration,
}

impl Snapshot {
    /// The server `id`. Ids are made from this snapshot, so it is there.
    #[must_use]
    pub fn server(&self, id: ServerId) -> &Server {
        &self.servers[usize::from(id.0)]
    }

    /// The server called `name`.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<ServerId> {
        let at = self.servers.iter().position(|server| server.name.as_bytes() == name)?;
        u16::try_from(at).ok().map(ServerId)
    }

    /// The view that `id` names; `None`: it names a server.
    #[must_use]
    pub fn view(&self, id: ServerId) -> Option<&View> {
        self.views.get(usize::from(id.0).checked_sub(self.servers.len())?)
    }

    /// The view called `name`, empty for `/mcp`, by its number.
    #[must_use]
    pub fn find_view(&self, name: &[u8]) -> Option<ServerId> {
        let at = self.views.iter().position(|view| view.name.as_bytes() == name)?;
        u16::try_from(self.servers.len() + at).ok().map(ServerId)
    }

    /// What people call the server or view `id`.
    #[must_use]
    pub fn title(&self, id: ServerId) -> &str {
        match self.view(id) {
            Some(view) if view.name.is_empty() => "unified",
            Some(view) => &view.name,
            None => &self.server(id).name,
        }
    }

    /// All ids of servers, in order.
    pub fn ids(&self) -> impl Iterator<Item = ServerId> + use<> {
        (0..u16::try_from(self.servers.len()).unwrap_or(u16::MAX)).map(ServerId)
    }
}
