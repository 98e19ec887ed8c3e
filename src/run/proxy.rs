// SPDX-License-Identifier: MIT
//! `penstock proxy`: stands before the REST and GraphQL interfaces of GitHub, and lets pass what a
//! policy allows.
//!
//! ```text
//!  client ══> connection ──> serve ──> github_proxy: what is asked for ──> judge: labels
//!  (a thread each)             │                                            │ facts
//!                              └──> fetch ═════> forge <════════════════════┘
//!  client <══ reply <── remains, graphql: what may be seen
//! ```
//!
//! It is a mode of its own beside the gateway and shares no loop with it: what clients of a forge
//! ask for is one answer each, so a thread that waits is all it takes. Their number is bounded.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use self::banner::Banner;
use self::connection::Connection;
use self::crowd::Crowd;
use self::serve::Proxy;
use self::start::{Ready, Wanted};
use super::certificate;
use crate::base::GuardLimits;
use crate::cli::proxy::ProxyOptions;
use crate::gateway::io::Level;
use crate::reactor;

mod banner;
mod connection;
mod crowd;
mod facts;
mod forward;
mod graphql;
mod judge;
mod log;
mod remains;
mod reply;
mod serve;
mod start;

/// How long requests that are being answered may take once we are told to stop.
const LEFT_AFTER_MAX: Duration = Duration::from_secs(5);

/// How long nothing is accepted after the system had no descriptor for it.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// A certificate that was made, for the listener and for its clients.
struct Secured {
    config: Arc<ServerConfig>,
    ca: PathBuf,
}

/// Runs the proxy until it is told to stop.
///
/// # Errors
///
/// The text for stderr.
pub fn run(options: &ProxyOptions) -> Result<(), String> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let wanted = Wanted::of(options, environment.collect())?;
    let listener = bind(&wanted.listen)?;
    let secured = wanted.tls_dir.clone().map(secure).transpose()?;
    // Before any thread is started: signals are for the one that waits for them.
    reactor::block_signals().map_err(|error| format!("cannot take signals: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let Ready { proxy, logs, guard } = wanted.ready(address)?;
    let ca = secured.as_ref().map(|secured| secured.ca.as_path());
    let (api, mode) = (&proxy.forge.api, proxy.mode.as_str());
    let banner = Banner { address, api, mode, guard: &guard, ca }.text();
    let log = proxy.log.clone();
    log.note(Level::Info, "startup", format!("Starting MCPG proxy on {address}, guard {guard}"));
    let crowd = Arc::new(Crowd::default());
    let tls = secured.map(|secured| secured.config);
    let (all, proxy) = (Arc::clone(&crowd), Arc::new(proxy));
    let work = move || accept(&listener, tls.as_ref(), &proxy, &all);
    thread::Builder::new().name("accept".into()).spawn(work).map_err(|error| error.to_string())?;
    let _ = std::io::stderr().write_all(banner.as_bytes());
    let stopped = reactor::wait_for_signal().map_err(|error| format!("no signals: {error}"));
    log.note(Level::Info, "shutdown", "stopping".to_owned());
    crowd.leave(LEFT_AFTER_MAX);
    logs.finish();
    stopped.map(|_| ())
}

fn bind(listen: &str) -> Result<TcpListener, String> {
    let failed = |error| format!("failed to listen on {listen}: {error}");
    match listen.strip_prefix(':') {
        Some(port) => TcpListener::bind(format!("0.0.0.0:{port}")).map_err(failed),
        None => TcpListener::bind(listen).map_err(failed),
    }
}

/// Makes a certificate, and what a listener needs of it.
fn secure(folder: PathBuf) -> Result<Secured, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let made = certificate::generate(now.as_secs())?;
    let paths = certificate::write(&folder, &made)?;
    let text = |error: &dyn ToString| format!("cannot use the certificate: {}", error.to_string());
    let chain = CertificateDer::from_pem_slice(made.server.as_bytes()).map_err(|e| text(&e))?;
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).map_err(|e| text(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| text(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .map_err(|error| text(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Secured { config: Arc::new(config), ca: paths.ca })
}

/// Gives each connection a thread, as long as there is room.
fn accept(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    proxy: &Arc<Proxy>,
    crowd: &Arc<Crowd>,
) {
    loop {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(REST_AFTER_FAILURE);
            continue;
        };
        let (tls, proxy, crowd) = (tls.cloned(), Arc::clone(proxy), Arc::clone(crowd));
        let work = move || serve(stream, tls, &proxy, &crowd);
        // Without a thread the connection is closed, as it is without room.
        let _ = thread::Builder::new()
            .name("proxy".into())
            .stack_size(GuardLimits::THREAD_STACK_BYTES)
            .spawn(work);
    }
}

fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, proxy: &Proxy, crowd: &Crowd) {
    let Some(_counted) = crowd.enter() else { return };
    if let Ok(connection) = Connection::new(stream, tls) {
        connection.serve(proxy, crowd);
    }
}
