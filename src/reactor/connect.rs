// SPDX-License-Identifier: MIT
//! Connections to HTTP backends: opened without waiting, secured if asked for, kept for the next
//! request.
//!
//! Knows sockets, TLS and the HTTP link; who asked for what is kept in `fetch`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use mio::Interest;
use mio::net::TcpStream;
use rustls::ClientConfig;

use super::fetch::Fetching;
use super::source::{self, Owing, Pulled, Pushed, Readiness};
use super::sys;
use super::token::{Source, Work};
use super::turn::Turn;
use crate::base::{Key, Outbox};
use crate::gateway::io::FetchErrorKind;
use crate::link::http_client::HttpClient;
use crate::link::tls::Tls;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Securing,
    Open,
}

/// One connection to a backend.
pub(super) struct Connection {
    stream: TcpStream,
    stage: Stage,
    tls: Option<Box<Tls>>,
    pub(super) http: HttpClient,
    /// The request it carries; none while it is idle.
    pub(super) user: Option<Key<Fetching>>,
    /// Whom it leads to, as a place in [`Origins`](super::origins::Origins).
    pub(super) origin: usize,
    pub(super) input: Readiness,
    writable: bool,
    pub(super) queued: bool,
    pub(super) dirty: bool,
    /// Some byte of the answer to the current request has come.
    pub(super) answered: bool,
    /// The other side has ended, in whatever manner.
    pub(super) ended: bool,
    pub(super) idle_until: Instant,
    pub(super) armed_at: Option<Instant>,
}

/// What is wrong with a connection.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) kind: FetchErrorKind,
    pub(super) text: String,
}

impl Trouble {
    fn new(kind: FetchErrorKind, text: impl ToString) -> Self {
        Self { kind, text: text.to_string() }
    }

    /// The system's words without its number.
    pub(super) fn connect(error: &io::Error) -> Self {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        Self::new(FetchErrorKind::Connect, text)
    }
}

/// What a look at a connection has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not open yet.
    Opening,
    /// It has just become open: the request can be sent.
    Opened,
    /// Something of an answer may have come.
    Answering,
}

impl Owing for HttpClient {
    fn owed(&self) -> &Outbox {
        self.outbox()
    }
    fn wrote(&mut self, n: usize) {
        Self::wrote(self, n);
    }
}

impl Owing for Tls {
    fn owed(&self) -> &Outbox {
        self.outbox()
    }
    fn wrote(&mut self, n: usize) {
        Self::wrote(self, n);
    }
}

impl Connection {
    /// Begins to connect to `address`.
    pub(super) fn begin(
        address: SocketAddr,
        origin: usize,
        user: Key<Fetching>,
        turn: &Turn,
    ) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(address).map_err(|error| Trouble::connect(&error))?;
        Ok(Self {
            stream,
            stage: Stage::Connecting,
            tls: None,
            http: HttpClient::new(turn.limits.clone()),
            user: Some(user),
            origin,
            input: Readiness::default(),
            writable: false,
            queued: false,
            dirty: false,
            answered: false,
            ended: false,
            idle_until: turn.now.mono,
            armed_at: None,
        })
    }

    pub(super) fn watch(&mut self, key: Key<Self>, turn: &Turn) -> Result<(), Trouble> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let watched = turn.watch(&mut self.stream, Source::Connection(key), both);
        watched.map_err(|error| Trouble::connect(&error))
    }

    /// Speaks TLS with `host` as soon as it is connected.
    pub(super) fn secure(&mut self, config: Arc<ClientConfig>, host: &str) -> Result<(), Trouble> {
        let tls = Tls::new(config, host);
        let tls = tls.map_err(|error| Trouble::new(FetchErrorKind::Tls, error))?;
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// Whether it may carry the next request.
    pub(super) fn is_reusable(&self) -> bool {
        self.stage == Stage::Open && !self.ended && !self.input.readable && self.http.is_idle()
    }

    /// Notes what the poll says.
    pub(super) fn note(&mut self, event: &mio::event::Event) {
        self.input.note(event);
        self.writable |= event.is_writable() || event.is_write_closed();
    }

    /// Does what readiness allows: connects, shakes hands, reads within the budget.
    pub(super) fn advance(
        &mut self,
        key: Key<Self>,
        paused: bool,
        turn: &mut Turn,
    ) -> Result<Progress, Trouble> {
        self.queued = false;
        let was_open = self.stage == Stage::Open;
        if self.stage == Stage::Connecting && !self.has_connected()? {
            return Ok(Progress::Opening);
        }
        // A handshake is nobody's answer: it goes on while the request is paused.
        if !paused && self.http.wants_input() || self.stage == Stage::Securing {
            self.read(key, turn)?;
        }
        if self.stage == Stage::Securing {
            self.look_at_handshake()?;
        }
        self.soil(key, turn);
        Ok(match self.stage {
            Stage::Open if was_open => Progress::Answering,
            Stage::Open => Progress::Opened,
            Stage::Connecting | Stage::Securing => Progress::Opening,
        })
    }

    fn has_connected(&mut self) -> Result<bool, Trouble> {
        if !self.writable && !self.input.readable {
            return Ok(false);
        }
        let failed = |error: io::Error| Trouble::connect(&error);
        if let Some(error) = self.stream.take_error().map_err(failed)? {
            return Err(failed(error));
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        // A request leaves in one call; waiting for more to send would only delay it. And a stream
        // on which nothing is sent would never notice that the backend has vanished. Without the
        // options it is slower, or later, and still right.
        let _ = self.stream.set_nodelay(true);
        let _ = sys::keep_alive(&self.stream);
        self.stage = if self.tls.is_some() { Stage::Securing } else { Stage::Open };
        Ok(true)
    }

    fn look_at_handshake(&mut self) -> Result<(), Trouble> {
        let shaking = self.tls.as_ref().is_some_and(|tls| tls.is_handshaking());
        if !shaking {
            self.stage = Stage::Open;
        } else if self.ended {
            let text = "the connection ended during the TLS handshake";
            return Err(Trouble::new(FetchErrorKind::Tls, text));
        }
        Ok(())
    }

    fn read(&mut self, key: Key<Self>, turn: &mut Turn) -> Result<(), Trouble> {
        let (http, tls) = (&mut self.http, &mut self.tls);
        let mut plain = std::mem::take(&mut turn.plain);
        let (mut broken, mut answered) = (None, false);
        let take = |bytes: &[u8]| {
            let Some(tls) = tls else {
                answered = true;
                http.feed(bytes);
                return http.wants_input();
            };
            plain.clear();
            if let Err(error) = tls.feed(bytes, &mut plain) {
                broken = Some(Trouble::new(FetchErrorKind::Tls, error));
            }
            if !plain.is_empty() {
                answered = true;
                http.feed(&plain);
            }
            broken.is_none() && http.wants_input()
        };
        let budget = turn.limits.read_bytes_per_turn_max;
        let pulled =
            source::read_some(&mut self.stream, &mut self.input, &mut turn.buffer, budget, take);
        turn.plain = plain;
        self.answered |= answered;
        if let Some(trouble) = broken {
            return Err(trouble);
        }
        let said_goodbye = self.tls.as_ref().is_some_and(|tls| tls.peer_closed());
        match pulled {
            Pulled::Dry => {}
            Pulled::Rationed => turn.queue(&mut self.queued, Work::Connection(key)),
            Pulled::Ended | Pulled::Failed => self.ended = true,
        }
        self.ended |= said_goodbye;
        if self.ended {
            self.http.end_of_input();
        }
        Ok(())
    }

    /// Puts itself on the list of the flush if it owes something that can be written.
    pub(super) fn soil(&mut self, key: Key<Self>, turn: &mut Turn) {
        let ciphertext = self.tls.as_ref().is_some_and(|tls| !tls.outbox().is_empty());
        let plain = self.stage == Stage::Open && !self.http.outbox().is_empty();
        if self.stage != Stage::Connecting && self.writable && (ciphertext || plain) {
            turn.soil(&mut self.dirty, Work::Connection(key));
        }
    }

    /// Writes within the budget; says whether any byte of the request has left.
    pub(super) fn write(&mut self, key: Key<Self>, turn: &mut Turn) -> Result<bool, Trouble> {
        self.dirty = false;
        let budget = turn.limits.write_bytes_per_turn_max;
        let owed = self.owed();
        let pushed = match &mut self.tls {
            None => {
                source::write_some(&mut self.stream, &mut self.writable, &mut self.http, budget)
            }
            Some(tls) => {
                if !self.http.outbox().is_empty() {
                    let sealed = tls.seal(self.http.outbox());
                    let n = sealed.map_err(|error| Trouble::new(FetchErrorKind::Tls, error))?;
                    self.http.wrote(n);
                }
                source::write_some(&mut self.stream, &mut self.writable, &mut **tls, budget)
            }
        };
        if pushed == Pushed::Failed {
            // An answer may have come before the connection broke: reading will tell.
            self.writable = false;
            self.input = Readiness { readable: true, ending: true };
            turn.queue(&mut self.queued, Work::Connection(key));
        }
        let left = self.stage == Stage::Open && owed != self.owed();
        self.soil(key, turn);
        Ok(left)
    }

    /// What is owed in both layers; it changes when something is sealed or written.
    fn owed(&self) -> (usize, usize) {
        (self.http.outbox().len(), self.tls.as_ref().map_or(0, |tls| tls.outbox().len()))
    }
}
