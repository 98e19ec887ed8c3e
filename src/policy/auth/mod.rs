// SPDX-License-Identifier: MIT
//! Credentials and origins: who speaks, and may they speak from there.

pub mod api_key;
pub mod origin;

pub use api_key::{Principal, Unknown, identify};
pub use origin::Foreign;

use crate::base::Secret;

/// What the front door asks for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The accepted keys; each is an identity of its own. Empty: everybody is let in.
    pub agents: Vec<Secret>,
    /// Host names (without port) that a `Host` field may carry beside loopback ones and the
    /// listening address; the configured domain is one of them.
    pub hosts: Vec<Box<str>>,
    /// Origins that browsers may come from, beside loopback ones, such as `https://a.example`.
    pub origins: Vec<Box<str>>,
    /// Whether the listener has a loopback address: then `Host` is checked on every request.
    pub loopback_bind: bool,
}
