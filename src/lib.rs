// SPDX-License-Identifier: MIT
//! Penstock, an MCP gateway: agents speak MCP over HTTP to one address, and behind it stand MCP
//! servers as child processes, containers or HTTP services.

pub mod base;
pub mod calculator;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod keeper;
pub mod link;
pub mod mcp;
pub mod observe;
pub mod policy;
pub mod reactor;
pub mod run;
pub mod serve;
pub mod wire;
pub mod worker;
