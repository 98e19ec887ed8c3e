// SPDX-License-Identifier: MIT
//! The listening socket and those who knock at it.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::{
    Ipv6Addr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream, ToSocketAddrs,
};
use std::os::fd::AsFd;
use std::time::Duration;

use mio::Interest;
use mio::net::{TcpListener, TcpStream};

use super::peer::Peers;
use super::shards::Seat;
use super::sys;
use super::token::Source;
use super::turn::{Timer, Turn};
use crate::gateway::io::PeerAddress;

/// A socket that listens; nobody is accepted before the reactor runs.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// Why nobody can be listened to.
#[derive(Debug)]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    /// The system's words.
    pub error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.error)
    }
}

impl std::error::Error for BindError {}

impl Listener {
    /// Listens on `address`: `host:port`, `[v6]:port` or `:port` for all addresses. Port 0 lets the
    /// system choose. Resolves a name with the system's resolver and may block for it.
    ///
    /// Errors: the last one, if none of the addresses of the name can be listened on.
    pub fn bind(address: &str) -> Result<Self, BindError> {
        first_of(address, Self::listen)
    }

    /// The same for `n` listeners on one address, among which the system deals out clients.
    ///
    /// Errors: as above; also if somebody else listens there already who would share the address.
    pub fn bind_many(address: &str, n: usize) -> Result<Vec<Self>, BindError> {
        first_of(address, |candidate| {
            // Whoever shares an address is not told that others do. So this one is taken alone
            // first, which also has the system choose a port.
            let alone = StdListener::from(sys::bound_socket(candidate, false)?);
            let address = alone.local_addr()?;
            drop(alone);
            let shared = || Self::new(StdListener::from(sys::bound_socket(address, true)?));
            (0..n).map(|_| shared()).collect()
        })
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn listen(address: SocketAddr) -> io::Result<Self> {
        Self::of(TcpListener::bind(address)?)
    }

    fn new(socket: StdListener) -> io::Result<Self> {
        Self::of(TcpListener::from_std(socket))
    }

    fn of(socket: TcpListener) -> io::Result<Self> {
        sys::set_backlog(&socket, BACKLOG)?;
        // Accepted sockets inherit the option on Linux, which saves a call for each of them. std
        // offers it for streams only, so a second descriptor of the socket poses as one.
        StdStream::from(socket.as_fd().try_clone_to_owned()?).set_nodelay(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }
}

/// What `listen` makes of the first address of a name that it can use.
fn first_of<T>(
    address: &str,
    listen: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<T, BindError> {
    let failed = |error| BindError { address: address.to_owned(), error };
    let mut candidates = candidates(address).map_err(failed)?;
    // A name such as `localhost` has addresses of both families. Clients try IPv4 in any case.
    candidates.sort_by_key(|candidate| candidate.is_ipv6() && !address.starts_with(':'));
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for candidate in candidates {
        match listen(candidate) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// How many clients may wait to be accepted; what the system allows by default.
const BACKLOG: i32 = 4096;

fn candidates(address: &str) -> io::Result<Vec<SocketAddr>> {
    if let Some(port) = address.strip_prefix(':') {
        let port = port.parse().map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        return Ok(vec![everywhere, SocketAddr::from(([0, 0, 0, 0], port))]);
    }
    Ok(address.to_socket_addrs()?.collect())
}

/// Lets clients in, a few per turn.
pub(super) struct Acceptor {
    listener: Option<Listener>,
    readable: bool,
    /// Given up for a moment when descriptors have run out, so that a client can be told goodbye
    /// instead of waiting in the backlog for ever.
    spare: Option<File>,
}

/// How long nobody is accepted after the system has run out of something.
const PAUSE: Duration = Duration::from_millis(100);

impl Acceptor {
    pub(super) fn new(mut listener: Listener, turn: &Turn) -> io::Result<Self> {
        turn.watch(&mut listener.socket, Source::Listener, Interest::READABLE)?;
        Ok(Self { listener: Some(listener), readable: true, spare: spare() })
    }

    /// Notes that somebody knocks.
    pub(super) fn note(&mut self) {
        self.readable = true;
    }

    /// Whether somebody may still wait at the door.
    pub(super) fn is_ready(&self) -> bool {
        self.readable && self.listener.is_some()
    }

    /// Closes the listening socket.
    pub(super) fn stop(&mut self) {
        self.listener = None;
    }

    /// Accepts up to `accepts_per_turn_max` clients.
    pub(super) fn accept(&mut self, peers: &mut Peers, seat: Option<&Seat>, turn: &mut Turn) {
        if let Some(seat) = seat {
            seat.show(peers.len());
        }
        for _ in 0..turn.limits.accepts_per_turn_max {
            let Some(listener) = self.listener.as_ref().filter(|_| self.readable) else { return };
            match listener.socket.accept() {
                Ok((stream, from)) => {
                    welcome((stream, from), listener.address, (peers, seat), turn);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                // Whoever knocked has gone again.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                Err(_) => self.turn_away(turn),
            }
        }
    }

    /// Descriptors or memory have run out: closes the connections that wait, then rests.
    fn turn_away(&mut self, turn: &mut Turn) {
        if let Some(listener) = &self.listener {
            for _ in 0..turn.limits.accepts_per_turn_max {
                // What is given up is what the next client takes for a moment.
                if self.spare.take().is_none() || listener.socket.accept().is_err() {
                    break;
                }
                self.spare = spare();
            }
        }
        self.spare = self.spare.take().or_else(spare);
        self.readable = false;
        turn.deadlines.arm(turn.now.mono + PAUSE, Timer::Accept);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

fn welcome(
    (stream, from): (TcpStream, SocketAddr),
    listening: SocketAddr,
    (peers, seat): (&mut Peers, Option<&Seat>),
    turn: &mut Turn,
) {
    let ip = from.ip().to_canonical();
    if !peers.has_room(ip, turn) {
        return;
    }
    // Whoever listens everywhere has to ask where this connection arrived.
    let local = if listening.ip().is_unspecified() {
        stream.local_addr().ok().map(|local| local.ip())
    } else {
        Some(listening.ip())
    };
    let local_is_loopback = local.is_some_and(|ip| ip.to_canonical().is_loopback());
    let from = PeerAddress { ip, port: from.port(), local_is_loopback };
    let stream = match seat {
        Some(seat) => seat.spread(peers.len(), turn.limits.moves_max, stream, from),
        None => Some(stream),
    };
    if let Some(stream) = stream {
        peers.insert(stream, from, turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, want: &str) {
        let listener = Listener::bind(address).unwrap();
        assert!(listener.local_addr().ip().to_string() == want, "{}", listener.local_addr());
        assert_ne!(listener.local_addr().port(), 0);
    }

    #[test]
    fn names_and_addresses_are_listened_on() {
        check("127.0.0.1:0", "127.0.0.1");
        check("localhost:0", "127.0.0.1");
    }

    #[test]
    fn many_listen_on_one_address_and_nobody_else_does() {
        for address in ["127.0.0.1:0", "[::1]:0", ":0"] {
            let many = Listener::bind_many(address, 3).unwrap();
            let port = many[0].local_addr();
            assert!(many.iter().all(|one| one.local_addr() == port), "{many:?}");
            assert!(Listener::bind_many(&port.to_string(), 2).is_err(), "{port}");
            assert!(Listener::bind(&port.to_string()).is_err(), "{port}");
        }
    }

    #[test]
    fn an_address_that_is_taken_says_so() {
        let first = Listener::bind("127.0.0.1:0").unwrap();
        let error = Listener::bind(&first.local_addr().to_string()).unwrap_err();
        assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"), "{error}");
        assert!(Listener::bind("127.0.0.1").is_err());
        assert!(Listener::bind("127.0.0.1:99999").is_err());
    }
}
