// SPDX-License-Identifier: MIT
//! Who can read the repository that we run for: one question to the forge before anything is
//! served, by plain blocking calls on a thread of its own.
//!
//! Whoever asks waits for a bounded time, whatever the name server, the network or the forge do;
//! the thread may be left behind.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::{Limits, Message, Outbox};
use crate::config::{Environment, forge};
use crate::gateway::snapshot::HttpTarget;
use crate::link::http_client::{ClientEvent, ClientRequest, HttpClient};
use crate::link::tls::Tls;
use crate::policy::guard::forced::{self, Workflow};
use crate::reactor::{self, Roots};

/// How long the forge may take; beyond: it has not told.
const LOOKUP_AFTER_MAX: Duration = Duration::from_secs(10);

/// As much as is read at a time.
const READ_BYTES_MAX: usize = 16 * 1024;

/// The repository that a workflow runs for with what the forge tells of it, and a line if it does
/// not tell; `None`: there is no workflow, or no token to ask with.
pub fn workflow(
    environment: &Environment,
    ca_file: Option<PathBuf>,
) -> Option<(Workflow, Option<String>)> {
    let repo = forge::repository(environment)?;
    forge::token(environment)?;
    let answer = request(environment, repo).and_then(|target| ask(target, ca_file));
    let visibility = answer.and_then(|answer| {
        forced::parse_visibility(&answer).ok_or_else(|| "its answer does not say".to_owned())
    });
    let repo = repo.into();
    match visibility {
        Ok(visibility) => Some((Workflow { repo, visibility: Some(visibility) }, None)),
        Err(why) => {
            let line = format!(
                "cannot tell whether workflow repo {repo} is public, so nothing is narrowed for \
                 its sake: {why}"
            );
            Some((Workflow { repo, visibility: None }, Some(line)))
        }
    }
}

/// Where to ask about `repo`.
fn request(environment: &Environment, repo: &str) -> Result<HttpTarget, String> {
    let api = forge::target(environment)?.ok_or("there is no token")?;
    let path = forge::path_of(repo, &api)?;
    Ok(HttpTarget { path, ..api })
}

/// Asks, and waits for as long as that is worth.
fn ask(target: HttpTarget, ca_file: Option<PathBuf>) -> Result<Message, String> {
    let (done, answer) = channel();
    let until = Instant::now() + LOOKUP_AFTER_MAX;
    let work = move || {
        // If it is left behind, signals must still reach the loop.
        let answer = reactor::block_signals().map_err(|error| error.to_string());
        let answer = answer.and_then(|()| Exchange::begin(&target, ca_file, until)?.finish(until));
        // Nobody waits any more if it has taken too long.
        let _ = done.send(answer);
    };
    thread::Builder::new().name("lookup".into()).spawn(work).map_err(|error| error.to_string())?;
    let late = |_| Err(format!("no answer within {} s", LOOKUP_AFTER_MAX.as_secs()));
    answer.recv_timeout(LOOKUP_AFTER_MAX).unwrap_or_else(late)
}

/// One request and its answer on a connection of their own.
struct Exchange {
    stream: TcpStream,
    tls: Option<Tls>,
    http: HttpClient,
}

impl Exchange {
    /// Connects and owes the request.
    fn begin(
        target: &HttpTarget,
        ca_file: Option<PathBuf>,
        until: Instant,
    ) -> Result<Self, String> {
        let addresses = (&*target.host, target.port).to_socket_addrs().map_err(text)?;
        let stream = connect(addresses, until)?;
        let mut tls = None;
        if target.tls {
            let config = Roots::new(ca_file).config()?;
            tls = Some(Tls::new(config, &target.host).map_err(text)?);
        }
        let limits = Limits::DEFAULT;
        let bytes_max = limits.forge_answer_bytes_max;
        let limits = Limits { backend_message_bytes_max: bytes_max, ..limits };
        let mut http = HttpClient::new(Arc::new(limits));
        let mut fields: Vec<(&str, &[u8])> =
            vec![("Accept", b"application/vnd.github+json"), ("Connection", b"close")];
        fields.extend(target.headers.iter().map(|(name, value)| (&**name, value.expose())));
        http.send(&ClientRequest {
            method: "GET",
            target: &target.path,
            host: &authority(target),
            fields: &fields,
            body: None,
        });
        Ok(Self { stream, tls, http })
    }

    /// The body of the answer.
    fn finish(mut self, until: Instant) -> Result<Message, String> {
        let mut body = None;
        let mut input = vec![0; READ_BYTES_MAX];
        loop {
            self.write(until)?;
            while let Some(event) = self.http.poll_event() {
                match event {
                    // A redirect is not followed: the token is for one host.
                    ClientEvent::Head { status, .. } if status != 200 => {
                        return Err(format!("status {status}"));
                    }
                    ClientEvent::Head { .. } => {}
                    ClientEvent::Message { message, .. } => body = Some(message),
                    ClientEvent::Done { .. } => return body.ok_or("no answer".to_owned()),
                    ClientEvent::Failed(error) => return Err(error.to_string()),
                }
            }
            self.stream.set_read_timeout(Some(left(until)?)).map_err(text)?;
            let n = self.stream.read(&mut input).map_err(text)?;
            self.take(&input[..n])?;
        }
    }

    /// Takes what has come; nothing: the other side has ended.
    fn take(&mut self, input: &[u8]) -> Result<(), String> {
        let Some(tls) = self.tls.as_mut().filter(|_| !input.is_empty()) else {
            match input {
                [] => self.http.end_of_input(),
                input => self.http.feed(input),
            }
            return Ok(());
        };
        let mut plain = Vec::new();
        tls.feed(input, &mut plain).map_err(text)?;
        self.http.feed(&plain);
        Ok(())
    }

    /// Writes all that is owed, as far as that can be.
    fn write(&mut self, until: Instant) -> Result<(), String> {
        self.stream.set_write_timeout(Some(left(until)?)).map_err(text)?;
        let Some(tls) = &mut self.tls else {
            let n = write_all(&mut self.stream, self.http.outbox())?;
            self.http.wrote(n);
            return Ok(());
        };
        loop {
            let sealed = tls.seal(self.http.outbox()).map_err(text)?;
            self.http.wrote(sealed);
            let n = write_all(&mut self.stream, tls.outbox())?;
            tls.wrote(n);
            if sealed == 0 {
                return Ok(());
            }
        }
    }
}

fn write_all(stream: &mut TcpStream, outbox: &Outbox) -> Result<usize, String> {
    let bytes = outbox.to_vec();
    stream.write_all(&bytes).map_err(text)?;
    Ok(bytes.len())
}

/// The first address that can be connected to.
fn connect(
    addresses: impl Iterator<Item = SocketAddr>,
    until: Instant,
) -> Result<TcpStream, String> {
    let mut failed = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(failed)
}

/// RFC 9110 §7.2: the port unless it is the one of the scheme, IPv6 in brackets.
fn authority(target: &HttpTarget) -> String {
    let HttpTarget { tls, host, port, .. } = target;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
    if *port == if *tls { 443 } else { 80 } { host } else { format!("{host}:{port}") }
}

/// The time that is left; never nothing, which would be for ever.
fn left(until: Instant) -> Result<Duration, String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err("it takes too long".to_owned()) } else { Ok(left) }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
