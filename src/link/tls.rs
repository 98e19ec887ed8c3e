// SPDX-License-Identifier: MIT
//! TLS between a connection and the link that it carries: ciphertext outside, plaintext inside.
//!
//! Nothing here knows sockets or what the plaintext means. Certificates come as bytes; the only
//! thing that is not an argument is the time, which rustls itself asks for when it checks them.
//!
//! ```text
//!   socket ──> feed ──> plain ──> link          link ──> its outbox ──> seal ──> outbox ──> socket
//! ```
//!
//! Spec: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 7301 (ALPN).

use std::fmt;
use std::io::{IoSlice, Read, Write};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::base::Outbox;

/// Why there is no secure connection, for people. Final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError(String);

impl TlsError {
    fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

/// What all connections share: whom to trust, and sessions to resume.
///
/// `pem` is a bundle of certificates that are trusted instead of the ones of the Mozilla root
/// programme; what in it is no certificate is skipped.
///
/// Errors: if the bundle has no certificate at all.
pub fn client_config(pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    match pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
            let (trusted, _) = roots.add_parsable_certificates(certificates);
            if trusted == 0 {
                return Err(TlsError::new("no certificate in the bundle"));
            }
        }
    }
    config_with(roots)
}

fn config_with(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::new)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The client's side of one connection.
pub struct Tls {
    connection: ClientConnection,
    outbox: Outbox,
    peer_closed: bool,
}

/// Pieces of an outbox that are sealed at a time.
const SLICES_MAX: usize = 64;

impl Tls {
    /// Begins a handshake with `host`, a name or an address without a port; brackets around an
    /// address are allowed. The first bytes to write are in the outbox at once.
    ///
    /// Errors: if `host` is neither a name nor an address.
    pub fn new(config: Arc<ClientConfig>, host: &str) -> Result<Self, TlsError> {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let name = ServerName::try_from(inner.unwrap_or(host)).map_err(TlsError::new)?;
        let connection = ClientConnection::new(config, name.to_owned()).map_err(TlsError::new)?;
        let mut tls = Self { connection, outbox: Outbox::new(), peer_closed: false };
        tls.pump();
        Ok(tls)
    }

    /// Takes ciphertext, cut anywhere, and appends what can be decrypted to `plain`.
    ///
    /// It may put bytes into the outbox, and may end the handshake: call [`Tls::seal`] afterwards.
    /// After an error the outbox may hold an alert for the peer.
    pub fn feed(&mut self, mut ciphertext: &[u8], plain: &mut Vec<u8>) -> Result<(), TlsError> {
        while !ciphertext.is_empty() {
            let used = self.connection.read_tls(&mut ciphertext).map_err(TlsError::new)?;
            if used == 0 {
                // After close_notify nothing is read any more (RFC 8446 §6.1).
                break;
            }
            let state = self.connection.process_new_packets();
            self.pump();
            // The reader always ends with "nothing more yet"; before a broken record there may
            // have been good ones.
            let _ = self.connection.reader().read_to_end(plain);
            self.peer_closed |= state.map_err(TlsError::new)?.peer_has_closed();
        }
        Ok(())
    }

    /// Encrypts what `plain` owes and returns how many bytes of it have been taken: none during
    /// the handshake, otherwise at least one if there is one; all of it when called until none.
    pub fn seal(&mut self, plain: &Outbox) -> Result<usize, TlsError> {
        if self.connection.is_handshaking() {
            return Ok(0);
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let lent = plain.lend(&mut slices);
        let mut taken = 0;
        for slice in &slices[..lent] {
            let mut rest: &[u8] = slice;
            while !rest.is_empty() {
                let n = self.connection.writer().write(rest).map_err(TlsError::new)?;
                self.pump();
                if n == 0 {
                    return Ok(taken);
                }
                taken += n;
                rest = &rest[n..];
            }
        }
        Ok(taken)
    }

    /// Tells the peer that nothing more will be sent.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
        self.pump();
    }

    /// Ciphertext to write, the handshake included.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// `n` bytes of the outbox have been written.
    pub fn wrote(&mut self, n: usize) {
        self.outbox.consume(n);
    }

    /// Whether the handshake goes on; nothing is sealed before its end.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the peer has said that it will send nothing more (`close_notify`). A connection
    /// that ends without it may have been cut by somebody else (RFC 8446 §6.1).
    #[must_use]
    pub const fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// Moves what the connection wants to write into the outbox.
    fn pump(&mut self) {
        let connection = &mut self.connection;
        self.outbox.write_with(|out| {
            // Writing to memory cannot fail.
            while connection.wants_write() && connection.write_tls(out).is_ok_and(|n| n > 0) {}
        });
    }
}

/// Feeds junk to a handshake, in one piece and in small ones: it fails in both or in neither, and
/// no plaintext comes of it.
pub fn fuzz(input: &[u8]) {
    let failed = |size: usize| {
        let config = config_with(RootCertStore::empty()).ok()?;
        let mut tls = Tls::new(config, "localhost").ok()?;
        assert!(!tls.outbox.is_empty() && tls.is_handshaking());
        let mut plain = Vec::new();
        let result = input.chunks(size).try_for_each(|piece| tls.feed(piece, &mut plain));
        assert!(plain.is_empty());
        Some(result.is_err())
    };
    let size = input.first().map_or(1, |&byte| usize::from(byte % 16) + 1);
    assert_eq!(failed(input.len().max(1)), failed(size));
}
