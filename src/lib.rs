// SPDX-License-Identifier: MIT
//! Penstock, an MCP gateway: agents speak MCP over HTTP to one address, and behind it stand MCP
//! servers as child processes, containers or HTTP services.

pub mod base;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod policy;
pub mod wire;
