// SPDX-License-Identifier: MIT
//! What the engine is asked, as whole requests: one on each connection, except that an attached
//! stream goes on where its request ends.
//!
//! Spec: Docker Engine API; RFC 9112.

use super::create;
use super::run_args::Run;
use super::version::Version;
use crate::base::bytes::push_u64;
use crate::wire::json::write;

/// How requests are spelled: in a version of the API, or in the engine's newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect(pub Option<Version>);

/// Asks which versions the engine speaks.
#[must_use]
pub fn ping() -> Vec<u8> {
    request("GET", "/_ping", &[])
}

impl Dialect {
    /// Creates a container; see [`create::push`].
    pub fn create(
        self,
        run: &Run,
        labels: &[(&str, &str)],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Vec<u8> {
        let mut path = self.path("/containers/create");
        let mut query = Query::new(&mut path);
        query.opt("name", run.name.as_deref());
        query.opt("platform", run.platform.as_deref());
        let mut body = Vec::new();
        create::push(&mut body, run, labels, variable);
        request("POST", &path, &body)
    }

    /// Turns its connection into the three streams of container `id`. Before the start, or what the
    /// container says first is lost.
    #[must_use]
    pub fn attach(self, id: &str) -> Vec<u8> {
        let path =
            self.path(&format!("/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1"));
        let mut out = head("POST", &path);
        out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n");
        out
    }

    /// Asks with which status container `id` exits. Before the start, or a short life is missed.
    #[must_use]
    pub fn wait(self, id: &str) -> Vec<u8> {
        self.post(&format!("/containers/{id}/wait?condition=next-exit"))
    }

    /// Starts container `id`.
    #[must_use]
    pub fn start(self, id: &str) -> Vec<u8> {
        self.post(&format!("/containers/{id}/start"))
    }

    /// Asks container `id` to end, and ends it after so many seconds.
    #[must_use]
    pub fn stop(self, id: &str, seconds: u64) -> Vec<u8> {
        self.post(&format!("/containers/{id}/stop?t={seconds}"))
    }

    /// Ends container `id`.
    #[must_use]
    pub fn kill(self, id: &str) -> Vec<u8> {
        self.post(&format!("/containers/{id}/kill"))
    }

    /// Removes container `id`, running or not, with the volumes that have no name.
    #[must_use]
    pub fn remove(self, id: &str) -> Vec<u8> {
        request("DELETE", &self.path(&format!("/containers/{id}?force=1&v=1")), &[])
    }

    /// Fetches `image`: the tag it names, or `latest`. Without one, an engine fetches all tags.
    /// `credentials` is the value of [`credentials::header`](super::credentials::header).
    #[must_use]
    pub fn pull(self, image: &str, platform: Option<&str>, credentials: Option<&str>) -> Vec<u8> {
        let (name, tag) = split_image(image);
        let mut path = self.path("/images/create");
        let mut query = Query::new(&mut path);
        query.opt("fromImage", Some(name));
        query.opt("tag", Some(tag));
        query.opt("platform", platform);
        let fields = credentials.map(|value| format!("X-Registry-Auth: {value}\r\n"));
        request_with("POST", &path, &fields.unwrap_or_default(), &[])
    }

    /// Lists the containers, in whatever state, that carry `label`: a name, or `name=value`.
    #[must_use]
    pub fn list_labelled(self, label: &str) -> Vec<u8> {
        self.list("all", &[("label", &[label])])
    }

    /// Lists which of the containers `ids` have not ended. What is just being started is not
    /// running yet for the engine, although its first process runs already.
    #[must_use]
    pub fn list_alive(self, ids: &[&str]) -> Vec<u8> {
        let states = ["created", "paused", "restarting", "running"];
        self.list("all", &[("id", ids), ("status", &states)])
    }

    fn list(self, which: &str, filters: &[(&str, &[&str])]) -> Vec<u8> {
        let mut text = Vec::new();
        write::object(&mut text, |object| {
            for (name, values) in filters {
                object.array(name, |array| {
                    for value in *values {
                        array.str(value);
                    }
                });
            }
        });
        let mut path = self.path("/containers/json");
        let mut query = Query::new(&mut path);
        query.opt(which, (!which.is_empty()).then_some("1"));
        query.opt("filters", Some(&String::from_utf8_lossy(&text)));
        request("GET", &path, &[])
    }

    fn path(self, rest: &str) -> String {
        self.0.map_or_else(|| rest.to_owned(), |version| format!("/v{version}{rest}"))
    }

    fn post(self, path: &str) -> Vec<u8> {
        request("POST", &self.path(path), &[])
    }
}

/// The name of an image, and its digest or tag.
#[must_use]
pub fn split_image(image: &str) -> (&str, &str) {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    // A colon before a slash belongs to the port of a registry.
    let tag_at = name.rfind(':').filter(|&at| !name[at..].contains('/'));
    let (name, tag) = tag_at.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
    (name, digest.or(tag).unwrap_or("latest"))
}

fn head(method: &str, path: &str) -> Vec<u8> {
    // The engine wants a host, and means nothing by it.
    format!("{method} {path} HTTP/1.1\r\nHost: docker\r\nUser-Agent: penstock\r\n").into_bytes()
}

fn request(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    request_with(method, path, "", body)
}

fn request_with(method: &str, path: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut out = head(method, path);
    out.extend_from_slice(fields.as_bytes());
    out.extend_from_slice(b"Connection: close\r\n");
    if method != "GET" {
        out.extend_from_slice(b"Content-Length: ");
        push_u64(&mut out, body.len() as u64);
        out.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() {
        out.extend_from_slice(b"Content-Type: application/json\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Appends parameters to a path.
struct Query<'p> {
    path: &'p mut String,
    mark: char,
}

impl<'p> Query<'p> {
    const fn new(path: &'p mut String) -> Self {
        Self { path, mark: '?' }
    }

    fn opt(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.path.push(std::mem::replace(&mut self.mark, '&'));
        self.path.push_str(name);
        self.path.push('=');
        for byte in value.bytes() {
            // RFC 3986 §2.3.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.path.push(char::from(byte));
            } else {
                self.path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::OURS;
    use super::*;

    #[track_caller]
    fn check(request: Vec<u8>, want: &str) {
        let text = String::from_utf8(request).expect("text");
        assert_eq!(text.lines().next(), Some(want), "{text}");
        assert!(text.contains("\r\nHost: ") && text.contains("\r\n\r\n"), "{text}");
    }

    #[test]
    fn requests_name_their_version_path_and_parameters() {
        let ours = Dialect(Some(OURS));
        check(ping(), "GET /_ping HTTP/1.1");
        check(ours.start("ab1"), "POST /v1.47/containers/ab1/start HTTP/1.1");
        check(Dialect(None).kill("ab1"), "POST /containers/ab1/kill HTTP/1.1");
        check(ours.stop("a", 4), "POST /v1.47/containers/a/stop?t=4 HTTP/1.1");
        check(ours.remove("a"), "DELETE /v1.47/containers/a?force=1&v=1 HTTP/1.1");
        check(ours.wait("a"), "POST /v1.47/containers/a/wait?condition=next-exit HTTP/1.1");
        check(
            ours.list_labelled("a=b"),
            "GET /v1.47/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D \
             HTTP/1.1",
        );
        check(
            ours.list_alive(&["x"]),
            "GET /v1.47/containers/json?all=1&filters=%7B%22id%22%3A%5B%22x%22%5D%2C%22status%22\
             %3A%5B%22created%22%2C%22paused%22%2C%22restarting%22%2C%22running%22%5D%7D HTTP/1.1",
        );
        let attach = String::from_utf8(ours.attach("a")).expect("text");
        assert!(attach.contains("Upgrade: tcp\r\n") && attach.contains("Content-Length: 0\r\n"));
    }

    #[test]
    fn a_container_is_created_by_name_and_platform() {
        let words = ["--name", "a b", "--platform", "linux/arm64", "img"];
        let run = super::super::run_args::parse(&words).expect("it can be said");
        let text = Dialect(Some(OURS)).create(&run, &[], |_| None);
        let text = String::from_utf8(text).expect("text");
        assert!(text.starts_with(
            "POST /v1.47/containers/create?name=a%20b&platform=linux%2Farm64 HTTP/1.1\r\n"
        ));
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }

    #[test]
    fn one_tag_is_fetched_and_never_all() {
        for (image, name, tag) in [
            ("img", "img", "latest"),
            ("img:1", "img", "1"),
            ("host:5000/a/img", "host:5000/a/img", "latest"),
            ("host:5000/img:t", "host:5000/img", "t"),
            ("img:1@sha256:ab", "img", "sha256:ab"),
        ] {
            assert_eq!(split_image(image), (name, tag), "{image}");
        }
        check(
            Dialect(None).pull("ghcr.io/a/b", Some("linux/amd64"), None),
            "POST /images/create?fromImage=ghcr.io%2Fa%2Fb&tag=latest&platform=linux%2Famd64 \
             HTTP/1.1",
        );
        let text = String::from_utf8(Dialect(None).pull("a", None, Some("e30="))).expect("text");
        assert!(text.contains("\r\nX-Registry-Auth: e30=\r\n"), "{text}");
    }
}
