// SPDX-License-Identifier: MIT
//! `penstock proxy` between a client and a forge on loopback.

#![cfg(feature = "proxy")]
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test that cannot go on panics, and what tests share is more than one of them needs"
)]

#[path = "support/child.rs"]
mod child;
#[path = "proxy/forge.rs"]
mod forge;
#[path = "proxy/graphql.rs"]
mod graphql;
#[path = "support/http.rs"]
mod http;
#[path = "support/place.rs"]
mod place;
#[path = "proxy/rest.rs"]
mod rest;
#[path = "proxy/start.rs"]
mod start;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use child::{Process, eventually};
use forge::Forge;
use http::{Connection, Response};

/// What nobody may keep waiting.
const PATIENCE: Duration = Duration::from_secs(20);

/// Public repositories, and what somebody who may write has vouched for.
pub const APPROVED: &str = r#"{"allow-only":{"repos":"public","min-integrity":"approved"}}"#;
/// Public repositories, whoever has written there.
pub const PUBLIC: &str = r#"{"allow-only":{"repos":"public","min-integrity":"none"}}"#;

/// A proxy before a forge.
pub struct World {
    /// What it stands before.
    pub forge: Forge,
    /// The proxy.
    pub proxy: Process,
    /// Where it listens.
    pub port: u16,
    folder: place::Scratch,
}

impl World {
    /// A proxy with this policy.
    pub fn with(policy: &str) -> Self {
        Self::start(&["--policy", policy], &[])
    }

    /// A proxy with these flags and variables.
    pub fn start(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let forge = Forge::start();
        let folder = place::Scratch::new("proxy");
        let dir = folder.path();
        let (stdout, stderr) = (dir.join("stdout"), dir.join("stderr"));
        let mut command = Command::new(place::PENSTOCK);
        command.args(["proxy", "-l", "127.0.0.1:0", "--github-api-url", &forge.url()]);
        command.arg("--log-dir").arg(dir.join("logs")).args(flags);
        command.env_clear().envs(variables.iter().copied());
        let proxy = Process::start(&mut command, &stdout, &stderr);
        let port = eventually("the proxy says where it listens", PATIENCE, || {
            let text = fs::read_to_string(&stderr).unwrap();
            let line = text.lines().find(|line| line.contains("Listening:"))?;
            line.rsplit(':').next()?.parse().ok()
        });
        Self { forge, proxy, port, folder }
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// What it has told its operator.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.dir().join("stderr")).unwrap()
    }

    /// What it has written down.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir().join("logs/mcp-gateway.log")).unwrap_or_default()
    }

    /// What programs read of it.
    pub fn records(&self) -> String {
        fs::read_to_string(self.dir().join("logs/rpc-messages.jsonl")).unwrap_or_default()
    }

    /// A client.
    pub fn connect(&self) -> Connection {
        Connection::open(&format!("127.0.0.1:{}", self.port), PATIENCE).unwrap()
    }

    /// Asks on a connection of its own.
    pub fn ask(&self, method: &str, target: &str, body: &str) -> Response {
        self.connect().exchange(method, target, &[], body).unwrap()
    }

    /// The same for what is only looked at.
    pub fn get(&self, target: &str) -> Response {
        self.ask("GET", target, "")
    }

    /// Asks, and compares what is answered.
    #[track_caller]
    pub fn check(&self, method: &str, target: &str, status: u16, body: &str) {
        let response = self.ask(method, target, "");
        assert_eq!((response.status, response.body.as_str()), (status, body), "{target}");
    }
}

/// An issue of acme/web with its author's association.
pub fn issue(number: u32, association: &str) -> String {
    format!(
        r#"{{"number":{number},"title":"t{number}","user":{{"login":"u{number}"}},"author_association":"{association}","html_url":"https://github.com/acme/web/issues/{number}"}}"#
    )
}
