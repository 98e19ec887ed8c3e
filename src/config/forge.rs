// SPDX-License-Identifier: MIT
//! The forge that we run for: its API, the operator's token and the workflow's repository, as the
//! environment tells.
//!
//! The token is for the API that goes with it and for nobody else, so that an address which cannot
//! be read is no reason to send it to the usual one.

use std::time::Duration;

use super::VERSION;
use super::env::Environment;
use super::sections::http::parse_url;
use crate::base::Secret;
use crate::gateway::snapshot::HttpTarget;

/// Where a token may be; the first that says something counts.
const TOKENS: [&str; 4] =
    ["GITHUB_MCP_SERVER_TOKEN", "GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN", "GH_TOKEN"];

/// The API, if nothing else is said.
const USUAL_API: &str = "https://api.github.com";

/// From resolving the name to a connection that can be written to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the forge is called in messages.
const NAME: &str = "GitHub API";

/// The operator's token.
#[must_use]
pub fn token(environment: &Environment) -> Option<&str> {
    TOKENS.iter().find_map(|name| said(environment, name))
}

/// The API with the token among its fields; `None`: there is no token.
///
/// # Errors
///
/// Why the address that the environment names is none.
pub fn target(environment: &Environment) -> Result<Option<HttpTarget>, String> {
    let Some(token) = token(environment) else { return Ok(None) };
    let (tls, host, port, path) = api(environment)?;
    let field = |name: &str, value: String| (name.into(), Secret::new(value.as_bytes()));
    Ok(Some(HttpTarget {
        server: NAME.into(),
        tls,
        host,
        port,
        path,
        headers: vec![
            field("Authorization", format!("token {token}")),
            field("User-Agent", format!("penstock/{VERSION}")),
        ],
        connect_timeout: CONNECT_TIMEOUT,
    }))
}

/// The repository that we run for, as `owner/repo`.
#[must_use]
pub fn repository(environment: &Environment) -> Option<&str> {
    said(environment, "GITHUB_REPOSITORY")
}

/// Where the API tells of `repo`, which stands in a path as it is.
///
/// # Errors
///
/// `repo` is not `owner/repo`, or could lead to something else.
pub fn path_of(repo: &str, api: &HttpTarget) -> Result<Box<str>, String> {
    let is_name = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !matches!(name, "" | "." | "..") && name.bytes().all(is_part)
    };
    match repo.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => {
            Ok(format!("{}/repos/{repo}", api.path.trim_end_matches('/')).into())
        }
        _ => Err("GITHUB_REPOSITORY is not of the form owner/repo".to_owned()),
    }
}

/// A variable that says something.
fn said<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Whether TLS is spoken, host, port, and the path that everything begins with.
pub type Api = (bool, Box<str>, u16, Box<str>);

/// The parts of an `http` or `https` URL: the path keeps its query.
///
/// # Errors
///
/// Why it is none.
pub fn address(url: &str) -> Result<Api, &'static str> {
    parse_url(url)
}

/// The API that is named, else the one of the server that is named, else the usual one.
///
/// # Errors
///
/// Why the address that the environment names is none.
pub fn api(environment: &Environment) -> Result<Api, String> {
    let read = |name: &str, url: &str| {
        let (tls, host, port, path) = parse_url(url).map_err(|why| format!("{name}: {why}"))?;
        let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
        Ok::<_, String>((tls, host, port, path.to_owned()))
    };
    let own = ("GITHUB_API_URL", said(environment, "GITHUB_API_URL"));
    let server = ("GITHUB_SERVER_URL", said(environment, "GITHUB_SERVER_URL"));
    let (tls, host, port, path) = match (own, server) {
        ((name, Some(url)), _) => read(name, url)?,
        (_, (name, Some(url))) => of_server(read(name, url)?),
        _ => read("the API", USUAL_API)?,
    };
    Ok((tls, host, port, if path.is_empty() { "/".into() } else { path.into() }))
}

/// The API of the server at an address: a host of its own, or a path.
fn of_server(
    (tls, host, port, path): (bool, Box<str>, u16, String),
) -> (bool, Box<str>, u16, String) {
    let lower = host.to_ascii_lowercase();
    match &*lower {
        "github.com" | "www.github.com" => (true, "api.github.com".into(), 443, String::new()),
        tenant if tenant.ends_with(".ghe.com") => {
            let host = match tenant.starts_with("api.") {
                true => lower.into(),
                false => format!("api.{tenant}").into(),
            };
            (tls, host, port, String::new())
        }
        _ => (tls, host, port, format!("{path}/api/v3")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_first_token_that_says_something_counts() {
        let all = [("GH_TOKEN", "d"), ("GITHUB_PERSONAL_ACCESS_TOKEN", "c"), ("GITHUB_TOKEN", "b")];
        assert_eq!(token(&environment(&all)), Some("b"));
        let blank = [("GITHUB_MCP_SERVER_TOKEN", " "), ("GITHUB_TOKEN", ""), ("GH_TOKEN", " d\n")];
        assert_eq!(token(&environment(&blank)), Some("d"));
        assert_eq!(token(&environment(&blank[..2])), None);
        assert!(target(&environment(&blank[..2])).unwrap().is_none());
    }

    #[track_caller]
    fn check(name: &str, url: &str, want: &str) {
        let target = target(&environment(&[(name, url), ("GH_TOKEN", "secret")])).unwrap().unwrap();
        let scheme = if target.tls { "https" } else { "http" };
        let HttpTarget { host, port, path, .. } = &target;
        assert_eq!(format!("{scheme}://{host}:{port}{path}"), want);
        let (name, value) = &target.headers[0];
        assert_eq!((&**name, value.expose()), ("Authorization", &b"token secret"[..]));
    }

    #[test]
    fn the_api_is_named_or_follows_from_the_server() {
        check("OTHER", "", "https://api.github.com:443/");
        check("GITHUB_API_URL", "http://127.0.0.1:9/v3/", "http://127.0.0.1:9/v3");
        check("GITHUB_SERVER_URL", "https://github.com/", "https://api.github.com:443/");
        check("GITHUB_SERVER_URL", "http://WWW.github.com", "https://api.github.com:443/");
        check("GITHUB_SERVER_URL", "https://acme.ghe.com:8443", "https://api.acme.ghe.com:8443/");
        check("GITHUB_SERVER_URL", "https://api.acme.ghe.com", "https://api.acme.ghe.com:443/");
        check("GITHUB_SERVER_URL", "https://git.acme.test/", "https://git.acme.test:443/api/v3");
        check("GITHUB_SERVER_URL", "http://[::1]:1/git", "http://::1:1/git/api/v3");
    }

    #[test]
    fn a_token_does_not_go_to_the_usual_api_if_another_one_was_meant() {
        for name in ["GITHUB_API_URL", "GITHUB_SERVER_URL"] {
            let odd = environment(&[(name, "git.acme.test"), ("GH_TOKEN", "secret")]);
            assert!(target(&odd).unwrap_err().starts_with(name));
        }
    }

    #[test]
    fn a_repository_is_two_names_and_leads_nowhere_else() {
        let api = target(&environment(&[("GH_TOKEN", "t")])).unwrap().unwrap();
        assert_eq!(&*path_of("acme/web.site", &api).unwrap(), "/repos/acme/web.site");
        for odd in ["", "acme", "acme/", "/web", "acme/web/hooks", "../user", "acme/a?b", "a/.."] {
            assert!(path_of(odd, &api).is_err(), "{odd}");
        }
    }
}
