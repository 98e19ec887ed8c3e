// SPDX-License-Identifier: MIT
//! A forge on loopback: answers by path, and what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Method and target.
    pub line: String,
    /// Names in lower case, and values.
    pub fields: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// What is answered to a method and a path.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    fields: String,
    body: String,
}

/// A forge.
pub struct Forge {
    port: u16,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Forge {
    /// A forge that knows no path but those of repositories, one of which is private.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, asked) = (Arc::default(), Arc::default());
        let forge = Self { port, answers, asked };
        let (answers, asked) = (Arc::clone(&forge.answers), Arc::clone(&forge.asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                thread::spawn(move || serve(stream, &answers, &asked));
            }
        });
        forge
    }

    /// The base of its interface.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers `line`, such as `GET /meta`, with JSON.
    pub fn answers(&self, line: &str, body: &str) {
        self.answers_with(line, 200, "Content-Type: application/json\r\n", body);
    }

    /// Answers each query in which `word` stands.
    pub fn answers_query(&self, word: &str, body: &str) {
        self.answers(&format!("POST /graphql {word}"), body);
    }

    /// The same with a status and fields.
    pub fn answers_with(&self, line: &str, status: u16, fields: &str, body: &str) {
        let answer = Answer { status, fields: fields.into(), body: body.into() };
        self.answers.lock().unwrap().insert(line.to_owned(), answer);
    }

    /// What it was asked, but for facts.
    pub fn asked(&self) -> Vec<Asked> {
        let is_fact = |asked: &&Asked| {
            ["/search/repositories?q=repo%3A", "/collaborators/"]
                .iter()
                .any(|fact| asked.line.contains(fact))
        };
        self.asked.lock().unwrap().iter().filter(|asked| !is_fact(asked)).cloned().collect()
    }

    /// The method and the target of what it was asked.
    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

fn serve(stream: TcpStream, answers: &Mutex<BTreeMap<String, Answer>>, asked: &Mutex<Vec<Asked>>) {
    let Some(request) = read(&stream) else { return };
    asked.lock().unwrap().push(request.clone());
    let known = known(&answers.lock().unwrap(), &request);
    let answer = known.unwrap_or_else(|| usual(&request.line));
    let length = answer.body.len();
    let Answer { status, fields, body } = answer;
    let head = format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\n\r\n");
    let body = if request.line.starts_with("HEAD") { String::new() } else { body };
    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
}

fn known(answers: &BTreeMap<String, Answer>, request: &Asked) -> Option<Answer> {
    let is_asked = |line: &str| {
        let word = line.strip_prefix(&request.line).and_then(|rest| rest.strip_prefix(' '));
        word.is_some_and(|word| request.body.contains(word))
    };
    let query = answers.iter().find(|(line, _)| is_asked(line)).map(|(_, answer)| answer);
    query.or_else(|| answers.get(&request.line)).cloned()
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut request = Asked::default();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    request.line = line.rsplit_once(" HTTP/")?.0.to_owned();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.fields.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.fields.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

/// Repositories are public unless they are called so; nobody may write.
fn usual(line: &str) -> Answer {
    let fields = "Content-Type: application/json\r\n".to_owned();
    if let Some(query) = line.strip_prefix("GET /search/repositories?q=repo%3A") {
        let name = query.split('&').next().unwrap().replace("%2F", "/");
        let is_private = name.contains("secret");
        let body = format!(
            r#"{{"total_count":1,"items":[{{"full_name":"{name}","private":{is_private}}}]}}"#
        );
        return Answer { status: 200, fields, body };
    }
    Answer { status: 404, fields, body: r#"{"message":"Not Found"}"#.into() }
}
