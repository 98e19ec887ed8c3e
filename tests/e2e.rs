// SPDX-License-Identifier: MIT
//! End to end: the real binary, real sockets, real children, real clients.
//!
//! Most tests here need programs that `scripts/test.sh e2e` installs, and are ignored elsewhere.

#![cfg(feature = "proxy")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics, and says on its way what it sees"
)]

#[path = "support/child.rs"]
mod child;
#[path = "e2e/clients.rs"]
mod clients;
#[path = "e2e/conformance.rs"]
mod conformance;
#[path = "e2e/conformance_next.rs"]
mod conformance_next;
#[path = "e2e/contract.rs"]
mod contract;
#[path = "e2e/docker.rs"]
mod docker;
#[path = "e2e/eras.rs"]
mod eras;
#[path = "proxy/forge.rs"]
mod forge;
#[path = "e2e/fronts.rs"]
mod fronts;
#[path = "support/gateway.rs"]
mod gateway;
#[path = "e2e/hostile.rs"]
mod hostile;
#[path = "support/http.rs"]
mod http;
#[path = "e2e/images.rs"]
mod images;
#[path = "e2e/matrix.rs"]
mod matrix;
#[path = "support/place.rs"]
mod place;
#[path = "e2e/proxy.rs"]
mod proxy;
#[path = "e2e/schemas.rs"]
mod schemas;
#[path = "e2e/unified.rs"]
mod unified;
#[path = "e2e/wire.rs"]
mod wire;
