// SPDX-License-Identifier: MIT
//! An HTTP server of the test's own: each session has a name, and says it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that runs for as long as the test.
pub struct Server {
    pub url: String,
    pub site: Arc<Site>,
}

/// What its connections share.
#[derive(Default)]
pub struct Site {
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    n: usize,
    /// The streams of those that listen.
    streams: HashMap<String, TcpStream>,
    ended: Vec<String>,
}

impl Server {
    /// `name` is where the names of its sessions begin.
    pub fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let site = Arc::new(Site::default());
        let of_thread = Arc::clone(&site);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = Arc::clone(&of_thread);
                std::thread::spawn(move || site.serve(name, stream));
            }
        });
        Self { url, site }
    }
}

impl Site {
    /// How many sessions were ended by the gateway.
    pub fn n_ended(&self) -> usize {
        self.sessions.lock().unwrap().ended.len()
    }

    fn serve(&self, name: &str, mut stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((head, body)) = read_request(&mut reader) {
            let session = field(&head, "mcp-session-id").unwrap_or_default().to_owned();
            if head.starts_with("GET ") {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n";
                stream.write_all(head.as_bytes()).unwrap();
                self.sessions.lock().unwrap().streams.insert(session, stream);
                return;
            }
            let answer = self.answer(name, &head, &session, &body);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, name: &str, head: &str, session: &str, body: &str) -> String {
        if head.starts_with("DELETE ") {
            self.sessions.lock().unwrap().ended.push(session.to_owned());
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned();
        }
        let Some(id) = body.split_once("\"id\":").map(|(_, rest)| rest) else {
            return "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned();
        };
        let id = &id[..id.find([',', '}']).unwrap()];
        let mut fields = String::new();
        let result = if body.contains("\"initialize\"") {
            let mut sessions = self.sessions.lock().unwrap();
            sessions.n += 1;
            fields = format!("Mcp-Session-Id: {name}-{}\r\n", sessions.n);
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"t","version":"1"}}"#.to_owned()
        } else if body.contains("\"tools/list\"") {
            r#"{"tools":[{"name":"who","inputSchema":{"type":"object"}}]}"#.to_owned()
        } else {
            self.act(session, body);
            format!(r#"{{"content":[{{"type":"text","text":"I am {session}."}}]}}"#)
        };
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}");
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n{text}",
            text.len()
        )
    }

    fn act(&self, session: &str, body: &str) {
        if body.contains("\"hang\"") {
            std::thread::sleep(Duration::from_secs(60));
        }
        if body.contains("\"tell\"") {
            let text =
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
            let mut sessions = self.sessions.lock().unwrap();
            let stream = sessions.streams.get_mut(session).expect("nobody listens");
            stream.write_all(text.as_bytes()).unwrap();
        }
    }
}

/// The value of a field.
pub fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A head and a body with a length; `None` at the end of the connection.
pub fn read_request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}
