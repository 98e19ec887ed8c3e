// SPDX-License-Identifier: MIT
//! Several threads: whoever comes to whichever of them gets the right answer.

use std::collections::HashSet;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::binary::{CALCULATOR, INITIALIZE, LIST, Running, eventually, run};

#[path = "shards/server.rs"]
mod server;

use server::{Server, field, read_request};

const N: u16 = 3;

/// A gateway with three threads, a child and two HTTP servers.
struct Crowd {
    gateway: Running,
    a: Server,
    b: Server,
}

/// A client's session at a server, and what its backend calls it.
struct Session {
    server: &'static str,
    id: String,
    name: String,
}

/// One connection that is kept.
struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

fn threads(n: u16) -> String {
    format!("[gateway]\nthreads = {n}\n\n{CALCULATOR}")
}

impl Crowd {
    fn start() -> Self {
        let (a, b) = (Server::start("a"), Server::start("b"));
        let mut toml = threads(N);
        for (name, server) in [("a", &a), ("b", &b)] {
            toml += &format!("[servers.{name}]\nurl = \"{}\"\n", server.url);
        }
        Self { gateway: Running::start(&toml), a, b }
    }

    fn client(&self) -> Client {
        let stream = self.gateway.connect();
        stream.set_nodelay(true).unwrap();
        Client { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    /// Opens a session through a connection of its own.
    fn session(&self, server: &'static str) -> Session {
        let mut client = self.client();
        let path = format!("/mcp/{server}");
        client.send("POST", &path, "", INITIALIZE);
        let (head, body) = client.read();
        let id = field(&head, "mcp-session-id").unwrap_or_else(|| panic!("{head}{body}"));
        let mut session = Session { server, id: id.to_owned(), name: String::new() };
        client.call(&session, 1, "who");
        let (_, answer) = client.read();
        let (_, rest) = answer.split_once("I am ").unwrap_or_else(|| panic!("{answer}"));
        session.name = rest.split_once('.').unwrap().0.to_owned();
        assert!(session.name.starts_with(server));
        session
    }
}

impl Client {
    fn send(&mut self, method: &str, path: &str, fields: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{fields}Content-Length: {length}\r\n\r\n"
        );
        self.stream.write_all((head + body).as_bytes()).unwrap();
    }

    fn call(&mut self, session: &Session, id: usize, tool: &str) {
        let (path, fields) = (format!("/mcp/{}", session.server), session.fields());
        self.send("POST", &path, &fields, &call(id, tool));
    }

    fn read(&mut self) -> (String, String) {
        read_request(&mut self.reader).expect("the connection has ended")
    }
}

impl Session {
    fn fields(&self) -> String {
        format!("Mcp-Session-Id: {}\r\n", self.id)
    }

    /// The thread that it belongs to.
    fn shard(&self) -> u16 {
        let value = |at: usize| {
            let letter = self.id.as_bytes()[at];
            u16::from(if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' })
        };
        (value(0) * 32 + value(1)) % N
    }
}

fn call(id: usize, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

#[test]
fn two_hundred_connections_get_the_right_answers_from_three_threads() {
    let mut crowd = Crowd::start();
    let sessions: Vec<_> =
        (0..60).map(|n| crowd.session(if n % 2 == 0 { "a" } else { "b" })).collect();
    let shards: HashSet<_> = sessions.iter().map(Session::shard).collect();
    assert_eq!(shards.len(), usize::from(N), "the system deals connections out");
    let names: HashSet<_> = sessions.iter().map(|session| &session.name).collect();
    assert_eq!(names.len(), sessions.len(), "each has a backend session of its own");
    let mut clients: Vec<_> = (0..200).map(|_| crowd.client()).collect();
    for round in 0..10 {
        for (n, client) in clients.iter_mut().enumerate() {
            match (n + round) % 8 {
                0 => client.send("POST", "/mcp/calculator", "", LIST),
                1 => client.send("POST", "/mcp/a", "", &call(n, "who")),
                2 => client.send("GET", "/health", "", ""),
                _ => client.call(&sessions[(n * 7 + round) % sessions.len()], n, "who"),
            }
        }
        for (n, client) in clients.iter_mut().enumerate() {
            let (head, body) = client.read();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}{body}");
            let session = &sessions[(n * 7 + round) % sessions.len()];
            let want = match (n + round) % 8 {
                0 => "exact_calculate".to_owned(),
                1 => "I am a-".to_owned(),
                2 => "\"gatewayVersion\"".to_owned(),
                _ => format!("I am {}.", session.name),
            };
            assert!(body.contains(&want), "{want}: {body}");
            if matches!((n + round) % 8, 1 | 3..) {
                assert!(body.contains(&format!("\"id\":{n},")), "{n}: {body}");
            }
        }
    }
    crowd.gateway.ends_well();
}

#[test]
fn what_was_sent_ahead_moves_along_and_is_answered_in_order() {
    let mut crowd = Crowd::start();
    let sessions: Vec<_> = (0..20).map(|_| crowd.session("a")).collect();
    let mut client = crowd.client();
    for (n, session) in sessions.iter().enumerate() {
        client.call(session, n, "who");
        client.send("POST", "/mcp/calculator", "", LIST);
    }
    for (n, session) in sessions.iter().enumerate() {
        let (_, body) = client.read();
        assert!(body.contains(&format!("I am {}.", session.name)), "{n}: {body}");
        let (_, body) = client.read();
        assert!(body.contains("exact_calculate"), "{n}: {body}");
    }
    crowd.gateway.ends_well();
}

#[test]
fn a_body_may_come_after_its_connection_has_moved() {
    let mut crowd = Crowd::start();
    for _ in 0..12 {
        let session = crowd.session("b");
        let mut client = crowd.client();
        let body = call(7, "who");
        let head = format!(
            "POST /mcp/b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}\
             Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            session.fields(),
            body.len()
        );
        client.stream.write_all(head.as_bytes()).unwrap();
        assert!(client.read().0.starts_with("HTTP/1.1 100 "));
        client.stream.write_all(&body.as_bytes()[..9]).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        client.stream.write_all(&body.as_bytes()[9..]).unwrap();
        assert!(client.read().1.contains(&format!("I am {}.", session.name)));
    }
    crowd.gateway.ends_well();
}

/// A stream of a session, through a connection of its own, up to its head.
fn listen(crowd: &Crowd, session: &Session) -> Client {
    let mut client = crowd.client();
    client.send("GET", &format!("/mcp/{}", session.server), &session.fields(), "");
    let (head, _) = client.read();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("event-stream"), "{head}");
    client
}

#[test]
fn streams_and_the_end_of_a_session_are_reached_from_every_thread() {
    let mut crowd = Crowd::start();
    for _ in 0..12 {
        let session = crowd.session("a");
        let mut stream = listen(&crowd, &session);
        let mut client = crowd.client();
        // The stream behind the gateway is opened by the one before it.
        std::thread::sleep(Duration::from_millis(100));
        client.call(&session, 1, "tell");
        assert!(client.read().1.contains(&session.name));
        let mut told = vec![0; 4096];
        let n = stream.reader.read(&mut told).unwrap();
        let told = String::from_utf8_lossy(&told[..n]).into_owned();
        assert!(told.contains("notifications/tools/list_changed"), "{told}");
        let before = crowd.a.site.n_ended();
        client.send("DELETE", "/mcp/a", &session.fields(), "");
        assert!(client.read().0.starts_with("HTTP/1.1 204 "));
        let mut other = crowd.client();
        other.call(&session, 2, "who");
        assert!(other.read().0.starts_with("HTTP/1.1 404 "));
        eventually(|| (crowd.a.site.n_ended() > before).then_some(()));
    }
    crowd.gateway.ends_well();
}

#[test]
fn a_signal_and_close_end_all_threads_and_their_streams() {
    let ways: [fn(&Crowd); 2] = [
        |crowd| crowd.gateway.signal("TERM"),
        |crowd| {
            let answer = crowd.gateway.ask("POST", "/close", "", "");
            assert!(answer.contains("Gateway shutdown initiated"), "{answer}");
        },
    ];
    for way in ways {
        let mut crowd = Crowd::start();
        let sessions: Vec<_> = (0..12).map(|_| crowd.session("b")).collect();
        let streams: Vec<_> = sessions.iter().map(|session| listen(&crowd, session)).collect();
        way(&crowd);
        let (status, took) = crowd.gateway.end();
        assert_eq!(status.code(), Some(0), "{}", crowd.gateway.scratch.read("stderr"));
        assert!(took < Duration::from_secs(4), "{took:?}");
        for mut stream in streams {
            let mut rest = Vec::new();
            stream.reader.read_to_end(&mut rest).unwrap();
            assert!(rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
        }
        eventually(|| (crowd.b.site.n_ended() >= sessions.len()).then_some(()));
        let log = crowd.gateway.scratch.read("logs/mcp-gateway.log");
        assert_eq!(log.matches("Gateway process exiting").count(), 1, "{log}");
    }
}

#[test]
fn what_runs_anywhere_is_waited_for_and_a_second_signal_is_not_patient() {
    let mut crowd = Crowd::start();
    let sessions: Vec<_> = (0..12).map(|_| crowd.session("a")).collect();
    let mut clients: Vec<_> = sessions
        .iter()
        .map(|session| {
            let mut client = crowd.client();
            client.call(session, 1, "hang");
            client
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    crowd.gateway.signal("TERM");
    std::thread::sleep(Duration::from_millis(700));
    assert!(crowd.gateway.child.try_wait().unwrap().is_none(), "it did not wait");
    let start = Instant::now();
    crowd.gateway.signal("TERM");
    let (status, _) = crowd.gateway.end();
    assert!(status.success() && start.elapsed() < Duration::from_secs(4));
    for client in &mut clients {
        let (head, body) = client.read();
        assert!(body.contains("shutting down"), "every call is answered: {head}{body}");
    }
}

/// How many threads serve clients.
fn threads_of(gateway: &Running) -> usize {
    let dir = format!("/proc/{}/task", gateway.child.id());
    let names = std::fs::read_dir(dir).unwrap().flatten();
    let names = names.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap());
    1 + names.filter(|name| name.starts_with("shard")).count()
}

#[test]
fn threads_that_would_have_nothing_to_do_are_not_started() {
    let mut gateway = Running::start(&threads(4));
    assert!(gateway.list("calculator").contains("exact_calculate"));
    let log = gateway.scratch.read("logs/mcp-gateway.log");
    assert!(log.contains("threads = 4 has no effect"), "{log}");
    assert_eq!(threads_of(&gateway), 1);
    gateway.ends_well();
}

#[test]
fn an_address_with_several_threads_is_not_shared_with_another_gateway() {
    let mut crowd = Crowd::start();
    let listen = format!("127.0.0.1:{}", crowd.gateway.port);
    let config = crowd.gateway.scratch.file("c.toml");
    let done = run(&["--config", &config, "--listen", &listen], "");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("cannot listen on"), "{said}");
    crowd.gateway.ends_well();
}

#[test]
fn the_flag_wins_over_the_variable_and_that_over_the_key() {
    let server = Server::start("a");
    let toml = format!("{}[servers.a]\nurl = \"{}\"\n", threads(2), server.url);
    let check = |flag: Option<&str>, variable: Option<&str>, want: usize| {
        let mut gateway = Running::with(&toml, |command| {
            command.args(flag.into_iter().flat_map(|n| ["--threads", n]));
            command.envs(variable.map(|n| ("PENSTOCK_THREADS", n)));
        });
        assert!(gateway.list("a").contains("\"who\""));
        assert_eq!(threads_of(&gateway), want, "{flag:?} {variable:?}");
        gateway.ends_well();
    };
    check(None, None, 2);
    check(None, Some("3"), 3);
    check(Some("1"), Some("3"), 1);
    check(Some("4"), None, 4);
}
