// SPDX-License-Identifier: MIT
//! What the reactor is told before it starts.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::engine::EngineOptions;
use super::starter::Starter;
use crate::base::Limits;
use crate::worker::Counters;

/// What the reactor is told before it starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bounds; the same that the gateway works with.
    pub limits: Limits,
    /// From the first SIGTERM or SIGINT to the deadline of `Input::Drain`.
    pub shutdown_timeout: Duration,
    /// Whether SIGTERM and SIGINT are taken; needs [`block_signals`](super::block_signals) before.
    pub signals: bool,
    /// The program and arguments that run [`crate::keeper::run`]; `None`: without a keeper, so
    /// that children of children and containers may outlive a gateway that is killed.
    pub keeper: Option<Vec<OsString>>,
    /// Certificates in PEM that backends are checked against (`SSL_CERT_FILE`); `None`: those of
    /// the system, or the ones that were built in.
    pub ca_file: Option<PathBuf>,
    /// Where the private directory for container ids is made.
    pub temporary_dir: PathBuf,
    /// Who starts children and the keeper.
    pub starter: Starter,
    /// The engine that runs containers without a command line; `None`: nobody asks it.
    pub engine: Option<EngineOptions>,
    /// Who counts turns, connections and sessions; `None`: nobody.
    pub counters: Option<Arc<Counters>>,
    /// Our version, for `User-Agent`.
    pub version: Box<str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::DEFAULT,
            shutdown_timeout: Duration::from_secs(5),
            signals: false,
            keeper: None,
            ca_file: None,
            temporary_dir: std::env::temp_dir(),
            starter: Starter::default(),
            engine: None,
            counters: None,
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}
