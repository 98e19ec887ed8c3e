// SPDX-License-Identifier: MIT
//! What people read at the start: where it listens, what it stands before, and how to connect.

use std::net::SocketAddr;
use std::path::Path;

use crate::config::forge::Api;

/// What the start tells.
pub struct Banner<'b> {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whom it asks.
    pub api: &'b Api,
    /// What happens where labels do not fit.
    pub mode: &'b str,
    /// Who labels.
    pub guard: &'b str,
    /// The authority that clients have to believe, with TLS.
    pub ca: Option<&'b Path>,
}

impl Banner<'_> {
    /// The text for stderr.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { address, mode, guard, .. } = self;
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        let host = self.host();
        let mut text = format!(
            "\nMCPG GitHub API Proxy\n  Listening: {scheme}://{address}\n  Upstream:  {}\n  \
             Mode:      {mode}\n  Guard:     {guard}\n",
            url(self.api)
        );
        match self.ca {
            Some(ca) => {
                let ca = ca.display();
                text += &format!(
                    "  CA cert:   {ca}\n\nConnect with:\n  export GH_HOST={host}\n  export \
                     NODE_EXTRA_CA_CERTS={ca}\n  export SSL_CERT_FILE={ca}\n  export \
                     GIT_SSL_CAINFO={ca}\n\n"
                );
            }
            None => text += &format!("\nConnect with:\n  curl http://{host}/api/v3/meta\n\n"),
        }
        text
    }

    /// An address that clients can use; the certificate is for this machine by name.
    fn host(&self) -> String {
        let port = self.address.port();
        let ip = self.address.ip();
        match ip.is_unspecified() || ip.is_loopback() {
            true => format!("localhost:{port}"),
            false => self.address.to_string(),
        }
    }
}

/// The base of the interface as it is written.
fn url((is_tls, host, port, path): &Api) -> String {
    let (scheme, usual) = if *is_tls { ("https", 443) } else { ("http", 80) };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
    let port = if *port == usual { String::new() } else { format!(":{port}") };
    format!("{scheme}://{host}{port}{}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_to_connect() {
        let api = (true, "api.github.com".into(), 443, "/".into());
        let address = SocketAddr::from(([0, 0, 0, 0], 8443));
        let (mode, guard) = ("filter", "g.wasm");
        let ca = Some(Path::new("/t/ca.crt"));
        let text = Banner { address, api: &api, mode, guard, ca }.text();
        assert!(text.starts_with("\nMCPG GitHub API Proxy\n  Listening: https://0.0.0.0:8443\n"));
        assert!(text.contains("  Upstream:  https://api.github.com\n"));
        assert!(text.contains("  export GH_HOST=localhost:8443\n"), "{text}");
        assert!(text.contains("  export NODE_EXTRA_CA_CERTS=/t/ca.crt\n"), "{text}");
        let api = (false, "::1".into(), 9, "/api/v3".into());
        let text = Banner { address, api: &api, mode, guard, ca: None }.text();
        assert!(text.contains("http://[::1]:9/api/v3\n") && text.contains("curl http://localhost"));
    }
}
