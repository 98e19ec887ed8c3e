// SPDX-License-Identifier: MIT
//! The sections of a configuration, each from what was said to the options of one module.

pub mod auth;
pub mod budgets;
pub mod client;
pub mod container;
pub mod gateway;
pub mod guard;
pub mod guards;
pub mod http;
pub mod image;
pub mod launcher;
pub mod mount;
pub mod options;
pub mod policy;
pub mod refused;
pub mod sandbox;
pub mod server;
pub mod view;
pub mod watch;
