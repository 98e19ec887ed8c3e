// SPDX-License-Identifier: MIT
//! Which kind of request it is, from its method and its path alone.

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'t> {
    /// Whether the proxy lives.
    Health,
    /// What the agent carries.
    Reflect,
    /// A query in GraphQL, in the body.
    GraphQl,
    /// Anything else: a target below the base of the interface, with its query.
    Rest(&'t str),
}

/// The prefix that clients of a server of one's own put before every path.
const PREFIX: &str = "/api/v3";

/// Sorts a request by its method and its target.
#[must_use]
pub fn kind<'t>(method: &str, target: &'t str) -> Kind<'t> {
    let target = without_prefix(target);
    let path = target.split('?').next().unwrap_or_default();
    match path {
        "/health" | "/healthz" => Kind::Health,
        "/reflect" if method == "GET" => Kind::Reflect,
        _ if is_graphql(path) && matches!(method, "GET" | "POST") => Kind::GraphQl,
        _ => Kind::Rest(target),
    }
}

/// The prefix ends where a segment ends: what is left is appended to an address, and has to begin
/// with a slash for the host to stay what it is.
fn without_prefix(target: &str) -> &str {
    match target.strip_prefix(PREFIX) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => target,
    }
}

fn is_graphql(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    matches!(path, "/graphql" | "/api/graphql")
}

/// Where queries in GraphQL go, from the base of the interface, such as
/// `https://ghe.example/api/v3`.
///
/// The query string of the request is no part of it: a query that stands there would be read by the
/// server and not by us.
#[must_use]
pub fn graphql_url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    match base.strip_suffix(PREFIX) {
        Some(host) => format!("{host}/api/graphql"),
        None => format!("{base}/graphql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, target: &str, want: Kind<'_>) {
        assert_eq!(kind(method, target), want, "{method} {target}");
    }

    #[test]
    fn paths_say_what_a_request_is_for() {
        check("GET", "/health", Kind::Health);
        check("POST", "/api/v3/healthz?x", Kind::Health);
        check("GET", "/reflect", Kind::Reflect);
        check("POST", "/reflect", Kind::Rest("/reflect"));
        for path in ["/graphql", "/api/graphql/", "/api/v3/graphql", "/graphql?query=x"] {
            check("POST", path, Kind::GraphQl);
            check("GET", path, Kind::GraphQl);
        }
        check("PUT", "/graphql", Kind::Rest("/graphql"));
        check("GET", "/api/v3/repos/a/b?q=1", Kind::Rest("/repos/a/b?q=1"));
        check("GET", "/api/v3", Kind::Rest("/"));
        check("GET", "/graphqlx", Kind::Rest("/graphqlx"));
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        check("GET", "/api/v3repos", Kind::Rest("/api/v3repos"));
        check("GET", "/api/v3.evil.example/x", Kind::Rest("/api/v3.evil.example/x"));
    }

    #[test]
    fn queries_have_an_address_of_their_own() {
        assert_eq!(graphql_url("https://api.github.com/"), "https://api.github.com/graphql");
        assert_eq!(graphql_url("https://ghe.example/api/v3"), "https://ghe.example/api/graphql");
    }
}
