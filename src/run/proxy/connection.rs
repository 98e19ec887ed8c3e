// SPDX-License-Identifier: MIT
//! One client's connection on a thread of its own: one request after the other, in the clear or
//! with TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

use super::crowd::Crowd;
use super::serve::Proxy;
use crate::base::{Limits, Message};
use crate::link::http_server::{HttpServer, ServerEvent, Status};
use crate::run::read_clock;
use crate::wire::Splice;
use crate::wire::http1::RequestHead;

/// As much as is read at a time.
const READ_BYTES_MAX: usize = 16 * 1024;
/// How long a thread sleeps at most before it looks at the time again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A client's connection.
pub struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    http: HttpServer,
    head: Option<Arc<RequestHead>>,
    is_shut: bool,
}

/// The connection is over.
struct Over;

impl Connection {
    /// A connection that was just accepted; `tls`: how it is secured.
    ///
    /// # Errors
    ///
    /// There is no state for it.
    pub fn new(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Result<Self, String> {
        let text = |error: &dyn ToString| error.to_string();
        let limits = Limits::DEFAULT;
        stream.set_nodelay(true).map_err(|error| text(&error))?;
        let patience = Some(limits.write_stall_max);
        stream.set_write_timeout(patience).map_err(|error| text(&error))?;
        let tls = tls.map(ServerConnection::new).transpose().map_err(|error| text(&error))?;
        let http = HttpServer::new(Arc::new(limits), read_clock());
        Ok(Self { stream, tls: tls.map(Box::new), http, head: None, is_shut: false })
    }

    /// Serves it until it is over.
    pub fn serve(mut self, proxy: &Proxy, crowd: &Crowd) {
        while self.turn(proxy, crowd).is_ok() {}
    }

    fn turn(&mut self, proxy: &Proxy, crowd: &Crowd) -> Result<(), Over> {
        if crowd.is_leaving() {
            self.http.stop_accepting();
        }
        while let Some(event) = self.http.poll_event() {
            self.take(event, proxy, crowd);
            self.write()?;
        }
        self.write()?;
        match self.http.status() {
            Status::Closed => return Err(Over),
            Status::ShutdownWrite if !self.is_shut => self.shut()?,
            Status::Open | Status::ShutdownWrite => {}
        }
        self.read()
    }

    fn take(&mut self, event: ServerEvent, proxy: &Proxy, crowd: &Crowd) {
        match event {
            ServerEvent::Head(head) => {
                self.head = Some(head);
                self.http.receive(Limits::DEFAULT.message_bytes_max, read_clock());
            }
            ServerEvent::Body(body) => {
                let Some(head) = self.head.take() else { return };
                let busy = crowd.busy();
                self.answer(&head, &body, proxy, crowd);
                // What is owed has left before anybody counts us out.
                let _ = self.write();
                drop(busy);
            }
            ServerEvent::Frame(_) | ServerEvent::Left | ServerEvent::Violation(_) => {}
        }
    }

    fn answer(&mut self, head: &RequestHead, body: &Message, proxy: &Proxy, crowd: &Crowd) {
        let reply = proxy.answer(head, body);
        let body = Splice::whole(reply.body);
        self.http.respond(&reply.head, &body, crowd.is_leaving(), read_clock());
    }

    /// Writes all that is owed.
    fn write(&mut self) -> Result<(), Over> {
        let Some(tls) = &mut self.tls else {
            while !self.http.outbox().is_empty() {
                let bytes = self.http.outbox().to_vec();
                self.stream.write_all(&bytes).map_err(|_| Over)?;
                self.http.wrote(bytes.len(), read_clock());
            }
            return Ok(());
        };
        if !tls.is_handshaking() && !self.http.outbox().is_empty() {
            for part in self.http.outbox().to_vec().chunks(READ_BYTES_MAX) {
                tls.writer().write_all(part).map_err(|_| Over)?;
                write_tls(tls, &mut self.stream)?;
                self.http.wrote(part.len(), read_clock());
            }
        }
        write_tls(tls, &mut self.stream)
    }

    /// Says that nothing more comes.
    fn shut(&mut self) -> Result<(), Over> {
        self.is_shut = true;
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            write_tls(tls, &mut self.stream)?;
        }
        self.stream.shutdown(Shutdown::Write).map_err(|_| Over)
    }

    /// Reads what comes next, or ends what has waited too long.
    fn read(&mut self) -> Result<(), Over> {
        let now = read_clock();
        let left = self.http.deadline().map(|until| until.saturating_duration_since(now.mono));
        if left.is_some_and(|left| left.is_zero()) {
            self.http.handle_timeout(now);
            return Ok(());
        }
        let patience = left.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        self.stream.set_read_timeout(Some(patience)).map_err(|_| Over)?;
        let mut input = vec![0; READ_BYTES_MAX];
        match self.stream.read(&mut input) {
            Ok(0) if self.http.has_input_ended() => Err(Over),
            Ok(0) => {
                self.http.end_of_input(read_clock());
                Ok(())
            }
            Ok(n) => self.feed(&input[..n]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    self.http.handle_timeout(read_clock());
                    Ok(())
                }
                _ => Err(Over),
            },
        }
    }

    fn feed(&mut self, mut input: &[u8]) -> Result<(), Over> {
        let Some(tls) = &mut self.tls else {
            self.http.feed(input, read_clock());
            return Ok(());
        };
        let mut plain = Vec::new();
        while !input.is_empty() {
            if tls.read_tls(&mut input).map_err(|_| Over)? == 0 {
                break;
            }
            let state = tls.process_new_packets();
            // The reader always ends with "nothing more yet".
            let _ = tls.reader().read_to_end(&mut plain);
            if state.is_err() {
                // The alert says why.
                let _ = write_tls(tls, &mut self.stream);
                return Err(Over);
            }
        }
        if !plain.is_empty() {
            self.http.feed(&plain, read_clock());
        }
        Ok(())
    }
}

fn write_tls(tls: &mut ServerConnection, stream: &mut TcpStream) -> Result<(), Over> {
    while tls.wants_write() {
        tls.write_tls(stream).map_err(|_| Over)?;
    }
    Ok(())
}
