// SPDX-License-Identifier: MIT
//! The older HTTP transport: one stream that carries everything a server says, and an endpoint to
//! post to.
//!
//! Spec: MCP 2024-11-05, basic/transports, "HTTP with SSE".

use super::http::is_success;
use super::{Backend, Carrier, EventsSession, Link};
use crate::base::{Key, Message};
use crate::gateway::Gateway;
use crate::gateway::call::Call;
use crate::gateway::fault::BackendFaultKind;
use crate::gateway::fetch::{Fetch, Purpose, Sentence};
use crate::gateway::io::{FetchError, FetchMethod};
use crate::gateway::snapshot::HttpTarget;

impl Gateway {
    /// The server refused to be spoken to in Streamable HTTP: the older transport begins with a
    /// GET.
    pub(super) fn try_events(&mut self, key: Key<Backend>, call: Key<Call>) -> bool {
        let Some(entry) = self.calls.get(call) else { return false };
        let request = entry.request.clone();
        let is_first_try = entry.is_handshake()
            && self.backends.get(key).is_some_and(|backend| matches!(backend.link, Link::Http(_)));
        if !is_first_try {
            return false;
        }
        let stream = self.fetch(key, Purpose::Events, FetchMethod::Get, None, None, None);
        let (Some(stream), Some(backend)) = (stream, self.backends.get_mut(key)) else {
            return false;
        };
        backend.link = Link::Events(EventsSession { stream, endpoint: None });
        backend.held.push_front((request, Carrier::Call(call)));
        true
    }

    /// The server has said where it wants its messages: on the same host, whatever it says.
    pub(super) fn endpoint_known(&mut self, key: Key<Backend>, said: &Message) {
        let Some(target) = self.target_of(key) else { return };
        let said = String::from_utf8_lossy(said);
        let Some(path) = endpoint_path(&said, &target) else {
            let detail = format!("its endpoint {said} is on another host");
            let fault = self.backend_fault(key, BackendFaultKind::Misbehaved, &detail);
            return self.backend_failed(key, &fault);
        };
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Link::Events(events) = &mut backend.link else { return };
        if events.endpoint.replace(path).is_some() {
            return;
        }
        // The handshake is the first of what waits; the rest goes when it is answered.
        if let Some((request, carrier)) = backend.held.pop_front() {
            self.post(key, request, carrier);
        }
    }

    pub(super) fn call_delivered(
        &mut self,
        key: Key<Fetch>,
        backend: Key<Backend>,
        call: Key<Call>,
        end: Result<(), FetchError>,
    ) {
        let Some(fetch) = self.fetches.remove(key) else { return };
        let taken = fetch.head.as_ref().is_some_and(|head| is_success(head.status));
        let detail = match (end, taken) {
            (Ok(()), true) => return,
            (Err(error), _) => format!("{}", Sentence(&error)),
            (Ok(()), false) => {
                format!("HTTP {}", fetch.head.as_ref().map_or(0, |head| head.status))
            }
        };
        let fault = self.backend_fault(backend, BackendFaultKind::Down, &detail);
        self.fail_call(call, &fault);
    }

    pub(super) fn events_done(
        &mut self,
        key: Key<Fetch>,
        backend: Key<Backend>,
        end: Result<(), FetchError>,
    ) {
        let Some(fetch) = self.fetches.remove(key) else { return };
        let status = fetch.head.as_ref().map_or(0, |head| head.status);
        let detail = match end {
            Err(error) => format!("{}", Sentence(&error)),
            Ok(()) if is_success(status) => "it closed its event stream".to_owned(),
            Ok(()) => format!("HTTP {status} to POST and to GET: it speaks no transport we know"),
        };
        let fault = self.backend_fault(backend, BackendFaultKind::Down, &detail);
        self.backend_failed(backend, &fault);
    }
}

/// The path to post to, if `said` is a path or a URL on the host of `target`.
fn endpoint_path(said: &str, target: &HttpTarget) -> Option<Box<str>> {
    let said = said.trim();
    if said.starts_with('/') && !said.starts_with("//") {
        return Some(said.into());
    }
    let scheme = if target.tls { "https://" } else { "http://" };
    if let Some(rest) = said.strip_prefix(scheme) {
        let slash = rest.find('/')?;
        let (authority, path) = rest.split_at(slash);
        let default_port = if target.tls { 443 } else { 80 };
        let full = format!("{}:{}", target.host, target.port);
        let is_same =
            authority == full || target.port == default_port && *authority == *target.host;
        return is_same.then(|| path.into());
    }
    if said.contains("://") || said.starts_with("//") || said.is_empty() {
        return None;
    }
    // Relative to the folder of the stream's path.
    let folder = target.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{folder}/{said}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[track_caller]
    fn check(said: &str, want: Option<&str>) {
        let target = HttpTarget {
            server: "s".into(),
            tls: false,
            host: "h".into(),
            port: 81,
            path: "/v1/sse".into(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(1),
        };
        assert_eq!(endpoint_path(said, &target).as_deref(), want, "{said}");
    }

    #[test]
    fn an_endpoint_stays_on_its_host() {
        check("/messages?id=1", Some("/messages?id=1"));
        check("messages?id=1", Some("/v1/messages?id=1"));
        check("http://h:81/m", Some("/m"));
        check("http://evil:81/m", None);
        check("https://h:81/m", None);
        check("//evil/m", None);
        check("", None);
    }
}
