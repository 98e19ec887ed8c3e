// SPDX-License-Identifier: MIT
//! The interfaces of GitHub behind the same guards as its tools: what a request asks for, as calls
//! of tools, and what is left of an answer.
//!
//! ```text
//!  request ──> request::kind ──┬─> health, reflect
//!                              ├─> route     method and path ──> Call ──┐
//!                              └─> graphql   query ──> Plan of calls ───┤
//!                                                     guard: label <────┘
//!  answer <── answer, shape <── what may be seen <── monitor
//! ```
//!
//! It knows no socket and asks nobody: a [`Call`] is what a guard labels, as if an agent had called
//! that tool. Whatever it cannot tell is refused when it is strict, and never guessed.

pub mod answer;
pub mod graphql;
pub mod need;
pub mod request;
pub mod route;
pub mod shape;
pub mod target;

pub use crate::policy::guard::github::is_name;
use crate::wire::json::write;

/// What happens to requests that nobody understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Care {
    /// They are refused, and writes are judged as writes.
    #[default]
    Strict,
    /// They pass, and so does every write, as in the reference proxy.
    Compat,
}

/// A request in the words of guards: a tool and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The tool that would do the same.
    pub tool: &'static str,
    /// Its arguments: names and texts, each name once.
    pub args: Vec<(&'static str, String)>,
}

impl Call {
    /// A call without arguments.
    #[must_use]
    pub const fn new(tool: &'static str) -> Self {
        Self { tool, args: Vec::new() }
    }

    /// The argument called `name`.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The same with one more argument; the first one of a name stays.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if self.arg(name).is_none() {
            self.args.push((name, value.into()));
        }
        self
    }

    /// The arguments as a JSON object.
    #[must_use]
    pub fn args_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::object(&mut out, |object| {
            for (name, value) in &self.args {
                object.str(name, value);
            }
        });
        out
    }
}
