// SPDX-License-Identifier: MIT
//! Links: one connection each as a state machine, bytes in and messages out.

pub mod http_client;
pub mod stdio;
pub mod tls;
