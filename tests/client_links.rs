// SPDX-License-Identifier: MIT
//! Byte scripts against the links that face backends: no sockets, no clock.

mod client_links {
    mod http_client;
    mod reuse;
    mod samples;
    mod tls;
}
