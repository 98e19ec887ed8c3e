// SPDX-License-Identifier: MIT
//! From text to options: what was said becomes what is meant, or a list of everything that is
//! wrong, each with its place.
//!
//! [`load()`] is a function of its [`Sources`]: the text, the environment, the flags. Only
//! [`source`] touches the world. Nobody but `run` imports this module: it produces the option types
//! of the others.
//!
//! ```text
//! text ── toml | json ──> raw (places) ── env: ${NAME} ──> fields by keys ──> sections ──> Loaded
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::Secret;
use crate::cli::Flags;
use crate::gateway::snapshot::{ServerId, Snapshot};
use crate::policy::guard::forced::Workflow;
use crate::sandbox;

pub mod diagnostics;
pub mod document;
pub mod env;
pub mod fields;
pub mod forge;
pub mod json;
pub mod keys;
pub mod modules;
pub mod raw;
pub mod sections;
pub mod size;
pub mod source;
pub mod toml;

mod load;

pub use diagnostics::{Diagnostics, Problem};
pub use env::Environment;
pub use load::load;
pub use raw::Format;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Asks the file system for a path without symbolic links; `None` if there is none.
pub type Canonicalize = Box<dyn Fn(&Path) -> Option<PathBuf>>;

/// Asks the file system for the guard module of a server; `None` if there is none, and an error if
/// it cannot be told.
pub type Discover = Box<dyn Fn(&str) -> Result<Option<PathBuf>, String>>;

/// Everything that a configuration is made from.
pub struct Sources {
    /// What the text is called in messages: a path, or `stdin`.
    pub name: String,
    /// In which language it is written.
    pub format: Format,
    /// The text.
    pub text: String,
    /// The environment, with a `.env` file already in it.
    pub environment: Environment,
    /// What the command line said.
    pub flags: Flags,
    /// This very program, for `command = "self"`.
    pub program: String,
    /// A random word that marks the containers of this run.
    pub instance: String,
    /// 64 random hexadecimal digits, in case a key has to be made.
    pub fresh_key: String,
    /// The path without symbolic links, if it exists and may be read.
    pub canonicalize: Canonicalize,
    /// The guard module that lies ready for a server, if one does.
    pub discovered: Discover,
    /// The repository that we run for, if there is one and the forge could be asked about it.
    pub workflow: Option<Workflow>,
}

/// A configuration that is fit to run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the gateway is told.
    pub snapshot: Snapshot,
    /// What the process around it is told.
    pub run: RunOptions,
    /// Lines that somebody should read, without secrets.
    pub notices: Vec<String>,
    /// Values that must never be logged; at least six bytes each.
    pub secrets: Vec<Secret>,
    /// Servers that must not be started, and why; the others run.
    pub broken: Vec<(ServerId, String)>,
}

/// What log files hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogDetail {
    /// Messages without their secrets.
    #[default]
    Payloads,
    /// The lengths of messages.
    Shapes,
    /// There are no files.
    Nothing,
}

/// What log files hold, and who waits for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogChoices {
    /// What they hold.
    pub detail: LogDetail,
    /// Whether calls wait for a disk that is slower than their logs; if not, records are dropped.
    pub waits: bool,
}

/// What concerns the process and not the gateway.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where to listen: `host:port`, never without a host.
    pub listen: String,
    /// How many threads serve clients; 0: one for each processor.
    pub threads: u16,
    /// Where log files go.
    pub log_dir: PathBuf,
    /// What they hold, and who waits for them.
    pub logs: LogChoices,
    /// How long running exchanges get after a signal.
    pub shutdown_timeout: Duration,
    /// The patterns of `DEBUG`, after `-v`; empty: nothing.
    pub debug: String,
    /// Whether the only key is one that we made.
    pub has_generated_agent: bool,
    /// What the document on stdout says.
    pub client_config: ClientConfigFacts,
    /// Where the configuration came from: `stdin` or a path.
    pub source: String,
    /// Whether `--validate-env` was given.
    pub validate_env: bool,
    /// The variables that `--validate-env` asks for and that are not set.
    pub missing_variables: Vec<&'static str>,
    /// What runs containers, for `--validate-env`.
    pub runtime: ContainerRuntime,
    /// Whether any server runs in a container.
    pub uses_containers: bool,
    /// The engine, if it can run any of them without a command line.
    pub engine: Option<ContainerEngine>,
    /// `SSL_CERT_FILE`: whom we believe when we speak TLS; `None`: whom the system believes.
    pub ca_file: Option<PathBuf>,
    /// Whether something depends on who can read the repository that we run for.
    pub asks_workflow: bool,
    /// What the process gives up once it has begun.
    pub sandbox: sandbox::Options,
}

/// A container runtime's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRuntime {
    /// The program, such as `docker`.
    pub program: String,
    /// Arguments before its first word.
    pub args: Vec<String>,
    /// `DOCKER_HOST`, if it is set.
    pub docker_host: Option<String>,
}

/// An engine that runs containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEngine {
    /// Its socket.
    pub socket: PathBuf,
    /// The random word that marks our containers.
    pub instance: String,
}

/// What the client configuration on stdout is made from.
#[derive(Clone, Debug, Default)]
pub struct ClientConfigFacts {
    /// The key to print; `None`: no `Authorization`.
    pub agent: Option<Secret>,
    /// All servers, in the order of the configuration, broken ones included.
    pub servers: Vec<ClientServer>,
    /// Whether clients are told of `/mcp` instead of the addresses of the servers.
    pub unified: bool,
}

/// One server of the client configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientServer {
    /// Its name.
    pub name: String,
    /// Its tools as they are configured; empty: none are printed.
    pub tools: Vec<String>,
}

impl Loaded {
    /// The configuration in a few lines, without secrets, for `check`.
    #[must_use]
    pub fn summary(&self) -> String {
        use crate::gateway::snapshot::Transport;
        let Self { snapshot, run, .. } = self;
        let keys = match snapshot.auth.agents.len() {
            0 => "no key, everybody is let in".to_owned(),
            _ if run.has_generated_agent => "a random key".to_owned(),
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        let mut text = format!(
            "{}: {} server(s); listens on {}; {keys}\n",
            run.source,
            snapshot.servers.len(),
            run.listen
        );
        for id in snapshot.ids() {
            let server = snapshot.server(id);
            let how = match &server.transport {
                Transport::Http(target) => {
                    let scheme = if target.tls { "https" } else { "http" };
                    format!("{scheme}://{}:{}", target.host, target.port)
                }
                Transport::Stdio(command) if command.container.is_some() => {
                    format!("container ({})", command.program)
                }
                Transport::Stdio(command) => format!("command {}", command.program),
            };
            text.push_str(&format!("  {}: {how}", server.name));
            if let Some((_, why)) = self.broken.iter().find(|(broken, _)| *broken == id) {
                text.push_str(&format!("; will not start: {why}"));
            }
            text.push('\n');
        }
        text
    }
}

/// Any bytes as a configuration: loading ends, and every problem of a text has a place in it.
pub fn fuzz(input: &[u8], format: Format) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let sources = Sources {
        name: "fuzz".to_owned(),
        format,
        text: text.to_owned(),
        environment: [("SET".to_owned(), "value${SET}".to_owned())].into(),
        flags: Flags::default(),
        program: "/penstock".to_owned(),
        instance: "fuzz".to_owned(),
        fresh_key: "0".repeat(64),
        canonicalize: Box::new(|path| Some(path.to_path_buf())),
        discovered: Box::new(|_| Ok(None)),
        workflow: None,
    };
    match load(&sources) {
        Ok(loaded) => {
            assert!(!loaded.run.listen.starts_with(':'));
            assert!(loaded.secrets.iter().all(|secret| secret.expose().len() >= 6));
            let _summary = loaded.summary();
        }
        Err(diagnostics) => {
            assert!(!diagnostics.problems.is_empty());
            for span in diagnostics.problems.iter().filter_map(|problem| problem.span) {
                assert!(span.start <= span.end && span.end as usize <= text.len());
            }
            let _shown = diagnostics.to_string();
        }
    }
}
