// SPDX-License-Identifier: MIT
//! The example servers in the world: the calculator on stdin and stdout, or on a socket.
//!
//! Blocking and simple on purpose: this is a tool for trying the gateway out, not the gateway.
//! Knows no tool; what a line means is `calculator`'s business.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;

use crate::base::Limits;
use crate::calculator::Server;

mod http;

pub use http::over_http;

/// Serves the calculator: on the address `http`, such as `127.0.0.1:8081`, or on stdin and stdout
/// until stdin ends.
///
/// Errors: a sentence for the operator, if the address or stdin cannot be used.
pub fn calculator(http: Option<&str>) -> Result<(), String> {
    let Some(address) = http else {
        return over_stdio(io::stdin().lock(), io::stdout().lock())
            .map_err(|error| format!("cannot go on reading stdin or writing stdout: {error}"));
    };
    let listener = TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    if let Ok(address) = listener.local_addr() {
        eprintln!("penstock: the calculator listens on http://{address}/mcp");
    }
    over_http(&listener)
}

/// Answers the lines of `input` on `output` until `input` ends. The lines that arrive together are
/// answered with one write.
///
/// Errors: those of the two streams, except that a reader who is gone is an end like any other.
pub fn over_stdio(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut lines = Lines::new(Limits::DEFAULT.message_bytes_max);
    let mut server = Server::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let n = match input.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut answers = Vec::new();
        let mut answer = |line: Line<'_>| {
            let answer = match line {
                Line::Whole(line) => server.handle(line),
                Line::TooLong => Some(Server::refuse_too_long()),
            };
            if let Some(bytes) = answer {
                answers.extend_from_slice(&bytes);
                answers.push(b'\n');
            }
        };
        match n {
            0 => lines.end(&mut answer),
            _ => lines.feed(&chunk[..n], &mut answer),
        }
        match output.write_all(&answers).and_then(|()| output.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        if n == 0 {
            return Ok(());
        }
    }
}

/// A line of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Line<'l> {
    /// All of it, without its end.
    Whole(&'l [u8]),
    /// It was longer than allowed and is gone.
    TooLong,
}

/// Cuts a stream into lines.
struct Lines {
    line_bytes_max: usize,
    /// The beginning of a line whose end has not come yet; nothing once it is too long.
    begun: Vec<u8>,
    too_long: bool,
}

impl Lines {
    const fn new(line_bytes_max: usize) -> Self {
        Self { line_bytes_max, begun: Vec::new(), too_long: false }
    }

    /// Gives every line that `input` completes to `take`; blank ones vanish.
    fn feed(&mut self, mut input: &[u8], take: &mut impl FnMut(Line<'_>)) {
        while let Some(at) = memchr::memchr(b'\n', input) {
            self.keep(&input[..at]);
            self.end(take);
            input = &input[at + 1..];
        }
        self.keep(input);
    }

    fn keep(&mut self, part: &[u8]) {
        self.too_long |= part.len() > self.line_bytes_max - self.begun.len();
        if self.too_long {
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    /// The line ends here, be it because the stream does.
    fn end(&mut self, take: &mut impl FnMut(Line<'_>)) {
        if std::mem::take(&mut self.too_long) {
            take(Line::TooLong);
        } else if !self.begun.trim_ascii().is_empty() {
            take(Line::Whole(&self.begun));
        }
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stream: &str, want: &[&str]) {
        for cut in 0..=stream.len() {
            let (head, tail) = stream.as_bytes().split_at(cut);
            let mut lines = Lines::new(4);
            let mut got = Vec::new();
            let mut take = |line: Line<'_>| {
                got.push(match line {
                    Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Line::TooLong => "too long".to_owned(),
                });
            };
            lines.feed(head, &mut take);
            lines.feed(tail, &mut take);
            lines.end(&mut take);
            assert_eq!(got, want, "cut at byte {cut} of {stream:?}");
        }
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_stream() {
        check("", &[]);
        check("a\nbcde\n\n \r\nf", &["a", "bcde", "f"]);
        check("a\r\n", &["a\r"]);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_harm_the_next() {
        check("abcdefghijk\nl\n12345", &["too long", "l", "too long"]);
    }

    #[test]
    fn lines_that_arrive_together_are_answered_together() {
        struct Once(Vec<Vec<u8>>);
        impl Write for Once {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.to_vec());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
        let pong = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        let mut output = Once(Vec::new());
        over_stdio(format!("{ping}\n\n{ping}\n{ping}").as_bytes(), &mut output).unwrap();
        let written: Vec<_> = output.0.iter().map(|all| String::from_utf8_lossy(all)).collect();
        assert_eq!(written, [format!("{pong}\n{pong}\n"), format!("{pong}\n")]);
    }
}
