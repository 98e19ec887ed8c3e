// SPDX-License-Identifier: MIT
//! `penstock health`: asks a running gateway whether it is alive, for the `HEALTHCHECK` of an image
//! that holds nothing else.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long each step may take.
const STEP_AFTER_MAX: Duration = Duration::from_secs(2);
/// As much of the answer as matters.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Asks `url`, or the usual address; the port is then `MCP_GATEWAY_PORT` or 3000.
///
/// Errors: why the gateway is not well.
pub fn ask(url: Option<&str>) -> Result<String, String> {
    let usual = || {
        let port = std::env::var("MCP_GATEWAY_PORT").unwrap_or_else(|_| "3000".to_owned());
        format!("http://127.0.0.1:{port}/health")
    };
    let url = url.map_or_else(usual, str::to_owned);
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} is no http:// URL"))?;
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) if !path.is_empty() => (authority, format!("/{path}")),
        Some((authority, _)) => (authority, "/health".to_owned()),
        None => (rest, "/health".to_owned()),
    };
    let answer = exchange(authority, &path).map_err(|error| format!("{url}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.starts_with("HTTP/1.1 200 ") {
        Ok(format!("{body}\n"))
    } else {
        Err(format!("{url}: {}", head.lines().next().unwrap_or_default()))
    }
}

fn exchange(authority: &str, path: &str) -> std::io::Result<String> {
    let with_port = if authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok())
    {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let mut failed = std::io::Error::other("it has no address");
    for address in with_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, STEP_AFTER_MAX) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(STEP_AFTER_MAX))?;
                stream.set_write_timeout(Some(STEP_AFTER_MAX))?;
                let head = format!(
                    "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes())?;
                let mut answer = String::new();
                stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
                return Ok(answer);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
