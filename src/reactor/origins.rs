// SPDX-License-Identifier: MIT
//! Where connections lead to, and which of them are idle. Knows no sockets.

use super::connect::Connection;
use crate::base::Key;
use crate::gateway::snapshot::HttpTarget;
use crate::wire::http1::target;

/// The places that connections lead to, with those that are idle.
#[derive(Default)]
pub(super) struct Origins {
    /// As many as the configuration has different hosts; never removed.
    origins: Vec<Origin>,
}

struct Origin {
    tls: bool,
    host: Box<str>,
    port: u16,
    /// What `Host` says.
    authority: Box<str>,
    /// The one that was used last comes last, and is used first.
    idle: Vec<Key<Connection>>,
}

impl Origins {
    /// The place of `target`, made if it is new.
    pub(super) fn find(&mut self, target: &HttpTarget) -> usize {
        let (tls, host, port) = (target.tls, &target.host, target.port);
        let known = |o: &Origin| o.tls == tls && o.port == port && o.host == *host;
        self.origins.iter().position(known).unwrap_or_else(|| {
            let (host, authority) = (host.clone(), authority(target));
            self.origins.push(Origin { tls, host, port, authority, idle: Vec::new() });
            self.origins.len() - 1
        })
    }

    /// What `Host` says for `origin`.
    pub(super) fn authority(&self, origin: usize) -> &str {
        &self.origins[origin].authority
    }

    /// The idle connection to `origin` that was used last.
    pub(super) fn take_idle(&mut self, origin: usize) -> Option<Key<Connection>> {
        self.origins[origin].idle.pop()
    }

    /// Keeps a connection, unless `max` of them are kept.
    pub(super) fn keep(&mut self, origin: usize, key: Key<Connection>, max: usize) -> bool {
        let idle = &mut self.origins[origin].idle;
        let room = idle.len() < max;
        if room {
            idle.push(key);
        }
        room
    }

    /// Forgets a connection that is gone.
    pub(super) fn forget(&mut self, origin: usize, key: Key<Connection>) {
        self.origins[origin].idle.retain(|&idle| idle != key);
    }
}

fn authority(target: &HttpTarget) -> Box<str> {
    target::authority(target.tls, &target.host, target.port).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn target(tls: bool, host: &str, port: u16) -> HttpTarget {
        HttpTarget {
            server: "s".into(),
            tls,
            host: host.into(),
            port,
            path: "/".into(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(1),
        }
    }

    #[track_caller]
    fn check(tls: bool, host: &str, port: u16, want: &str) {
        assert_eq!(&*authority(&target(tls, host, port)), want);
    }

    #[test]
    fn the_port_is_named_unless_it_is_the_one_of_the_scheme() {
        check(false, "example.test", 80, "example.test");
        check(true, "example.test", 443, "example.test");
        check(true, "example.test", 80, "example.test:80");
        check(false, "::1", 8080, "[::1]:8080");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let mut origins = Origins::default();
        let first = origins.find(&target(false, "a", 1));
        assert_eq!(origins.find(&target(false, "a", 1)), first);
        for (tls, host, port) in [(true, "a", 1), (false, "b", 1), (false, "a", 2)] {
            assert_ne!(origins.find(&target(tls, host, port)), first);
        }
    }

    #[test]
    fn the_pool_is_bounded_and_gives_the_freshest_first() {
        let mut origins = Origins::default();
        let origin = origins.find(&target(false, "a", 1));
        let key = |n| Key::from_parts(n, 0);
        assert!(origins.keep(origin, key(1), 2));
        assert!(origins.keep(origin, key(2), 2));
        assert!(!origins.keep(origin, key(3), 2));
        assert_eq!(origins.take_idle(origin), Some(key(2)));
        origins.forget(origin, key(1));
        assert_eq!(origins.take_idle(origin), None);
    }
}
