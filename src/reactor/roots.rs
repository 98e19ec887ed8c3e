// SPDX-License-Identifier: MIT
//! Whom we believe when we speak TLS: read once, with the first backend that needs it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::link::tls;

/// Where most systems keep their certificates.
pub const SYSTEM_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The TLS configuration of all backends.
pub struct Roots {
    ca_file: Option<PathBuf>,
    config: Option<Arc<ClientConfig>>,
}

impl Roots {
    /// Nothing is read yet. `ca_file`: the file that the operator named.
    #[must_use]
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, config: None }
    }

    /// The configuration. It reads files, but only when it is asked for the first time.
    ///
    /// Errors: the file that was asked for holds no certificate; trying again reads it again.
    pub fn config(&mut self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = &self.config {
            return Ok(config.clone());
        }
        let config = self.read()?;
        self.config = Some(config.clone());
        Ok(config)
    }

    /// What the operator named; else what the system has; else what was built in.
    fn read(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(file) = &self.ca_file {
            let place = format!("SSL_CERT_FILE {}", file.display());
            let pem = fs::read(file).map_err(|error| format!("{place}: {error}"))?;
            return tls::client_config(Some(&pem)).map_err(|error| format!("{place}: {error}"));
        }
        let system = fs::read(SYSTEM_FILE).ok();
        let system = system.and_then(|pem| tls::client_config(Some(&pem)).ok());
        system.map_or_else(|| tls::client_config(None), Ok).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_and_a_missing_bundle_is_replaced() {
        assert!(Roots::new(Some("/dev/null".into())).config().is_err());
        assert!(Roots::new(Some("/nowhere".into())).config().is_err());
        assert!(Roots::new(None).config().is_ok());
    }
}
