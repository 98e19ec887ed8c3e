// SPDX-License-Identifier: MIT
//! What watches over a server, and what holds for all that watches.

use std::sync::Arc;

use super::snapshot::HttpTarget;
use crate::base::Message;
use crate::policy::guard::Mode;
use crate::policy::guard::rule::{Policy, WriteSink};
use crate::policy::guard::source::Source;

/// What watches over a server.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Who labels.
    pub kind: WatchKind,
    /// What the agent may do; `None`: nobody has said.
    pub policy: Option<Policy>,
    /// Who said the policy.
    pub source: Option<Source>,
    /// What a guard is told in `label_agent`; empty for guards that are told nothing.
    pub payload: Message,
    /// How often a session may call a tool, by its name; sorted.
    pub tool_limits: Arc<[(Box<str>, u64)]>,
    /// Tools of the server that its guard may call, whatever they do.
    pub may_call: Arc<[Box<str>]>,
    /// The mode that was asked for; `None`: the guard's own.
    pub mode: Option<Mode>,
    /// Whether what would be withheld is only written down.
    pub shadow: bool,
}

/// Who labels the calls of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchKind {
    /// Nobody: nothing is secret, and nobody vouches for anything.
    Noop,
    /// The built-in sink; its visibility is settled.
    WriteSink(WriteSink),
    /// The built-in guard for GitHub's own server.
    GitHub,
    /// A module.
    Wasm {
        /// What it is called in messages.
        name: Arc<str>,
        /// The file.
        path: Box<str>,
        /// What its bytes must hash to, if that was said.
        sha256: Option<[u8; 32]>,
    },
}

/// What holds for all that watches.
#[derive(Clone, Debug, Default)]
pub struct GuardOptions {
    /// What happens where labels do not fit, unless a guard has its own mode.
    pub mode: Mode,
    /// Whether somebody has asked for `mode`; then guards' own modes do not count.
    pub mode_is_set: bool,
    /// Whether everything is as the reference has it, also where that lets something through.
    pub compat: bool,
    /// Servers whose log records carry the agent's labels.
    pub sinks: Vec<Box<str>>,
    /// The API of the forge, with its token among the fields; its path ends where `/repos` begins.
    /// `None`: there is no token, and the forge is not asked.
    pub forge: Option<Arc<HttpTarget>>,
    /// Whether anything watches over any server.
    pub is_enabled: bool,
    /// Logins that are trusted beside the built-in ones.
    pub trusted_bots: Vec<Box<str>>,
}
