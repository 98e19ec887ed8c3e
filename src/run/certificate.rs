// SPDX-License-Identifier: MIT
//! A certificate for a listener on this machine, and an authority that has signed nothing else and
//! never will: its key is forgotten as soon as it has signed.
//!
//! ```text
//!  CN=MCPG Proxy CA ──signs──> CN=localhost, 127.0.0.1, ::1
//!  ca.crt for clients          server.crt and server.key for the listener
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};

use crate::base::base64;

/// How far before now validity begins, since clocks of clients may be slow, and how long it lasts.
/// Nothing that is signed outlives the authority.
const BEGINS_BEFORE: Duration = Duration::from_secs(3600);
const LASTS: Duration = Duration::from_secs(23 * 3600);

/// Bytes of a serial number.
const SERIAL_BYTES: usize = 16;

/// What was made, in PEM.
pub struct Certificate {
    /// The authority, for clients.
    pub ca: String,
    /// The certificate of the listener.
    pub server: String,
    /// Its key, as RFC 5915 (SEC 1) has it.
    pub key: String,
}

/// Where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `ca.crt`
    pub ca: PathBuf,
    /// `server.crt`
    pub server: PathBuf,
    /// `server.key`
    pub key: PathBuf,
}

/// Makes an authority and a certificate, valid from an hour before `unix_s` on for a day.
///
/// # Errors
///
/// A sentence, if there is no randomness.
pub fn generate(unix_s: u64) -> Result<Certificate, String> {
    let wrong = |error: rcgen::Error| format!("cannot make a certificate: {error}");
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let ca_params = authority(unix_s)?;
    let ca = ca_params.self_signed(&ca_key).map_err(wrong)?;
    let issuer = Issuer::new(ca_params, ca_key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let server = listener(unix_s)?.signed_by(&key, &issuer).map_err(wrong)?;
    let sec1 = sec1(&key.serialize_der(), key.public_key_raw())
        .ok_or("cannot make a certificate: its key has a form of its own")?;
    Ok(Certificate { ca: ca.pem(), server: server.pem(), key: pem("EC PRIVATE KEY", &sec1) })
}

fn authority(unix_s: u64) -> Result<CertificateParams, String> {
    let mut params = valid(unix_s)?;
    params.distinguished_name.push(DnType::OrganizationName, "MCPG Proxy");
    params.distinguished_name.push(DnType::CommonName, "MCPG Proxy CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn listener(unix_s: u64) -> Result<CertificateParams, String> {
    let mut params = valid(unix_s)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let name = "localhost".try_into().map_err(|error: rcgen::Error| error.to_string())?;
    params.subject_alt_names = vec![
        SanType::DnsName(name),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn valid(unix_s: u64) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(unix_s);
    params.not_before = now - BEGINS_BEFORE;
    params.not_after = now + LASTS;
    params.serial_number = Some(serial()?);
    Ok(params)
}

/// 128 random bits; the highest one is clear, for a serial number is positive (RFC 5280 §4.1.2.2).
fn serial() -> Result<SerialNumber, String> {
    let mut bytes = [0; SERIAL_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// The key in `pkcs8` as an `ECPrivateKey` with its curve and its public key (RFC 5915 §3), which
/// is what `EC PRIVATE KEY` says.
fn sec1(pkcs8: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    // version 1 and an octet string of 32 bytes: how the key begins in either form.
    const SECRET: &[u8] = &[0x02, 0x01, 0x01, 0x04, 0x20];
    const P256: &[u8] = &[0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const PUBLIC: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];
    const PUBLIC_BYTES: usize = 65;
    let start = pkcs8.windows(SECRET.len()).position(|window| window == SECRET)? + SECRET.len();
    let secret = pkcs8.get(start..start + 32)?;
    if public.len() != PUBLIC_BYTES {
        return None;
    }
    let inner = [SECRET, secret, P256, PUBLIC, public].concat();
    Some([&[0x30, u8::try_from(inner.len()).ok()?][..], &inner].concat())
}

/// Spec: RFC 7468 §2.
fn pem(label: &str, der: &[u8]) -> String {
    const COLUMNS: usize = 64;
    let letters = base64::encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in letters.as_bytes().chunks(COLUMNS) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// Writes the three files into `folder`, which is made if it is missing; old ones are replaced.
///
/// # Errors
///
/// Which file, and why not.
pub fn write(folder: &Path, certificate: &Certificate) -> Result<Paths, String> {
    const FOR_ALL: u32 = 0o644;
    const FOR_US: u32 = 0o600;
    let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let made = DirBuilder::new().recursive(true).mode(0o755).create(folder);
    made.map_err(|error| wrong(folder, error))?;
    let paths = Paths {
        ca: folder.join("ca.crt"),
        server: folder.join("server.crt"),
        key: folder.join("server.key"),
    };
    for (path, text, mode) in [
        (&paths.key, &certificate.key, FOR_US),
        (&paths.server, &certificate.server, FOR_ALL),
        (&paths.ca, &certificate.ca, FOR_ALL),
    ] {
        replace(path, text, mode).map_err(|error| wrong(path, error))?;
    }
    Ok(paths)
}

/// A new file instead of whatever is there: an old one may be readable for others, or a link.
fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // What the mask has taken away: others are meant to read what is for them.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{SystemTime, UNIX_EPOCH};

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn der(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn made() -> Certificate {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        generate(now.as_secs()).unwrap()
    }

    /// Whether a client that trusts the authority believes the listener to be `name`.
    fn is_believed(certificate: &Certificate, name: &'static str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(der(&certificate.ca)).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        assert!(matches!(key, PrivateKeyDer::Sec1(_)));
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![der(&certificate.server)], key)
            .unwrap();
        let name = ServerName::try_from(name).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets().unwrap();
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &wire[..]).unwrap();
            if client.process_new_packets().is_err() {
                return false;
            }
        }
        true
    }

    #[test]
    fn clients_believe_the_listener_on_this_machine_alone() {
        let certificate = made();
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(is_believed(&certificate, name), "{name}");
        }
        assert!(!is_believed(&certificate, "example.com"));
        let other = Certificate { ca: made().ca, ..certificate };
        assert!(!is_believed(&other, "localhost"), "another authority");
    }

    /// The dates in a certificate, as they are spelled.
    fn dates(pem: &str) -> Vec<String> {
        let der = der(pem);
        let is_date = |window: &&[u8]| {
            window[0] == 0x17 && window[1] == 13 && window[2..14].iter().all(u8::is_ascii_digit)
        };
        let found = der.windows(15).filter(is_date);
        found.map(|window| String::from_utf8_lossy(&window[2..]).into_owned()).collect()
    }

    #[test]
    fn nothing_outlives_its_authority() {
        let certificate = generate(1_750_000_000).unwrap();
        // From 2025-06-15 15:06:40 an hour back and 23 hours on.
        assert_eq!(dates(&certificate.ca), ["250615140640Z", "250616140640Z"]);
        assert_eq!(dates(&certificate.server), dates(&certificate.ca));
        assert_ne!(certificate.key, generate(1_750_000_000).unwrap().key);
    }

    #[test]
    fn the_key_is_for_us_alone_and_old_files_are_replaced() {
        let folder = std::env::temp_dir().join(format!("penstock-tls-{}", std::process::id()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let first = write(&folder, &made()).unwrap();
        fs::set_permissions(&first.key, fs::Permissions::from_mode(0o666)).unwrap();
        let certificate = made();
        let paths = write(&folder, &certificate).unwrap();
        assert_eq!(fs::read_to_string(&paths.key).unwrap(), certificate.key);
        assert_eq!(fs::read_to_string(&paths.ca).unwrap(), certificate.ca);
        assert_eq!([mode(&paths.ca), mode(&paths.server), mode(&paths.key)], [0o644, 0o644, 0o600]);
        fs::remove_dir_all(&folder).unwrap();
        let _ = write(Path::new("/dev/null/x"), &certificate).unwrap_err();
    }
}
