// SPDX-License-Identifier: MIT
//! The command line of `proxy`: what was said, without defaults that depend on anything else.

use lexopt::{Arg, Parser};

use super::CliError;
use crate::config::env;

/// What was said after `proxy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyOptions {
    /// `--guard-wasm`: a guard in place of the one that is built in.
    pub guard_wasm: Option<String>,
    /// `--policy`, as JSON.
    pub policy: Option<String>,
    /// `--github-token`, for clients without one.
    pub github_token: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--log-dir`
    pub log_dir: Option<String>,
    /// `--wasm-cache-dir`; it has no effect.
    pub wasm_cache_dir: Option<String>,
    /// `--guards-mode`
    pub guards_mode: Option<String>,
    /// `--github-api-url`, without a slash at its end.
    pub github_api_url: Option<String>,
    /// `--force-public-repos`
    pub force_public_repos: Option<bool>,
    /// `--tls`
    pub tls: bool,
    /// `--tls-dir`
    pub tls_dir: Option<String>,
    /// `--trusted-bots`, one by one.
    pub trusted_bots: Vec<String>,
    /// `--trusted-users`, one by one.
    pub trusted_users: Vec<String>,
    /// `--otlp-endpoint`
    pub otlp_endpoint: Option<String>,
    /// `--otlp-service-name`
    pub otlp_service_name: Option<String>,
    /// `--otlp-sample-rate`, a number.
    pub otlp_sample_rate: Option<String>,
    /// `--help`: the text is [`HELP`].
    pub is_help: bool,
}

/// Where it listens if nothing is said.
pub const LISTEN: &str = "127.0.0.1:8080";

/// What `proxy --help` prints.
pub const HELP: &str = "\
Stand before the REST and GraphQL interfaces of GitHub, and let pass what a policy allows.

Usage:
  penstock proxy [flags]

Flags:
      --guard-wasm string          Path to a guard (default: the one that is built in)
      --policy string              Guard policy as JSON [MCP_GATEWAY_GUARD_POLICY_JSON]
      --github-token string        Token for clients that bring none
  -l, --listen string              Listen address (default \"127.0.0.1:8080\")
      --log-dir string             Directory for log files [MCP_GATEWAY_LOG_DIR]
      --wasm-cache-dir string      Directory for compiled guards (no effect in this version)
      --guards-mode string         strict, filter or propagate [MCP_GATEWAY_GUARDS_MODE]
      --github-api-url string      Base of the interface (default \"https://api.github.com\")
      --force-public-repos         Public repositories only, if the workflow's is public (default true)
      --tls                        Serve HTTPS with a certificate that is made at the start
      --tls-dir string             Directory for that certificate (default <log-dir>/proxy-tls)
      --trusted-bots strings       Bots whose words count as approved
      --trusted-users strings      Users whose words count as approved
      --otlp-endpoint string       Where traces would go (no effect in this version)
      --otlp-service-name string   The name of this service in traces (no effect in this version)
      --otlp-sample-rate float     Which part of the requests is traced (no effect in this version)
  -h, --help                       Help for proxy
";

/// Reads what stands behind `proxy`.
///
/// # Errors
///
/// What stderr should say.
pub fn parse(mut parser: Parser) -> Result<ProxyOptions, CliError> {
    let wrong = |text: String| CliError(format!("{text}\nSee 'penstock proxy --help' for usage"));
    let mut options = ProxyOptions::default();
    while let Some(argument) = parser.next().map_err(|error| wrong(error.to_string()))? {
        let name = match argument {
            Arg::Long("help") | Arg::Short('h') => {
                options.is_help = true;
                continue;
            }
            Arg::Short('l') => "listen".to_owned(),
            Arg::Long(name) => name.to_owned(),
            Arg::Short(letter) => {
                return Err(wrong(format!("unknown shorthand flag: '{letter}' in -{letter}")));
            }
            Arg::Value(value) => {
                let word = value.to_string_lossy();
                return Err(CliError(format!("unknown command \"{word}\" for \"penstock proxy\"")));
            }
        };
        let is_switch = matches!(name.as_str(), "tls" | "force-public-repos");
        if !is_switch && !is_known(&name) {
            return Err(wrong(format!("unknown flag: --{name}")));
        }
        let value = match is_switch {
            true => parser.optional_value().unwrap_or_else(|| "true".into()),
            false => {
                parser.value().map_err(|_| wrong(format!("flag needs an argument: --{name}")))?
            }
        };
        let value = value.into_string().map_err(|value| {
            wrong(format!("invalid argument {value:?} for \"--{name}\" flag: not UTF-8"))
        })?;
        set(&mut options, &name, value).map_err(wrong)?;
    }
    Ok(options)
}

fn is_known(name: &str) -> bool {
    text_of(&mut ProxyOptions::default(), name).is_some()
        || matches!(name, "trusted-bots" | "trusted-users")
}

/// Where the text of `--name` goes.
fn text_of<'o>(options: &'o mut ProxyOptions, name: &str) -> Option<&'o mut Option<String>> {
    Some(match name {
        "guard-wasm" => &mut options.guard_wasm,
        "policy" => &mut options.policy,
        "github-token" => &mut options.github_token,
        "listen" => &mut options.listen,
        "log-dir" => &mut options.log_dir,
        "wasm-cache-dir" => &mut options.wasm_cache_dir,
        "guards-mode" => &mut options.guards_mode,
        "github-api-url" => &mut options.github_api_url,
        "tls-dir" => &mut options.tls_dir,
        "otlp-endpoint" => &mut options.otlp_endpoint,
        "otlp-service-name" => &mut options.otlp_service_name,
        "otlp-sample-rate" => &mut options.otlp_sample_rate,
        _ => return None,
    })
}

fn set(options: &mut ProxyOptions, name: &str, value: String) -> Result<(), String> {
    let invalid = |why: &str| format!("invalid argument \"{value}\" for \"--{name}\" flag: {why}");
    let switch = || env::parse_flag(&value).ok_or_else(|| invalid("neither true nor false"));
    let words = || {
        let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    match name {
        "tls" => options.tls = switch()?,
        "force-public-repos" => options.force_public_repos = Some(switch()?),
        "trusted-bots" => options.trusted_bots.extend(words()),
        "trusted-users" => options.trusted_users.extend(words()),
        "guards-mode" if crate::policy::guard::Mode::of(&value).is_err() => {
            let why = crate::policy::guard::Mode::of(&value).err().unwrap_or_default();
            return Err(format!("invalid --guards-mode flag: {why}"));
        }
        "otlp-sample-rate" if value.parse::<f64>().is_err() => return Err(invalid("not a number")),
        "github-api-url" => {
            options.github_api_url = Some(value.trim_end_matches('/').to_owned());
        }
        _ => {
            if let Some(place) = text_of(options, name) {
                *place = Some(value);
            }
        }
    }
    Ok(())
}

/// The base of the interface that belongs to `server`, the address of a GitHub server; `None` if it
/// is no address.
#[must_use]
pub fn api_url(server: &str) -> Option<String> {
    let server = server.trim().trim_end_matches('/');
    let (scheme, rest) = server.split_once("://")?;
    let host = rest.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme, "http" | "https") || host.is_empty() {
        return None;
    }
    if matches!(host.as_str(), "github.com" | "www.github.com") {
        return Some("https://api.github.com".to_owned());
    }
    if host.ends_with(".ghe.com") {
        let authority = rest.split('/').next().unwrap_or_default();
        let prefix = if host.starts_with("api.") { "" } else { "api." };
        return Some(format!("{scheme}://{prefix}{authority}"));
    }
    Some(format!("{server}/api/v3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<ProxyOptions, String> {
        parse(Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn all_flags_of_the_reference_are_understood() {
        let said = read(&[
            "--guard-wasm",
            "g.wasm",
            "--policy={}",
            "--github-token",
            "t",
            "-l",
            "0.0.0.0:1",
            "--log-dir",
            "/l",
            "--wasm-cache-dir",
            "/w",
            "--guards-mode",
            "Filter",
            "--github-api-url",
            "https://ghe.example/api/v3/",
            "--force-public-repos=false",
            "--tls",
            "--tls-dir",
            "/t",
            "--trusted-bots",
            "a, b,",
            "--trusted-bots=c",
            "--trusted-users",
            "u",
            "--otlp-endpoint",
            "x",
            "--otlp-service-name",
            "y",
            "--otlp-sample-rate",
            "0.5",
        ])
        .unwrap();
        assert_eq!(said.guard_wasm.as_deref(), Some("g.wasm"));
        assert_eq!(said.policy.as_deref(), Some("{}"));
        assert_eq!(said.listen.as_deref(), Some("0.0.0.0:1"));
        assert_eq!(said.guards_mode.as_deref(), Some("Filter"));
        assert_eq!(said.github_api_url.as_deref(), Some("https://ghe.example/api/v3"));
        assert_eq!((said.force_public_repos, said.tls), (Some(false), true));
        assert_eq!(said.trusted_bots, ["a", "b", "c"]);
        assert_eq!(said.trusted_users, ["u"]);
        assert_eq!(read(&[]), Ok(ProxyOptions::default()));
        assert!(read(&["-h"]).unwrap().is_help);
    }

    #[test]
    fn every_flag_stands_in_the_help() {
        for line in HELP.lines().filter(|line| line.contains(" --")) {
            let name = line.split("--").nth(1).unwrap().split(' ').next().unwrap();
            let known = is_known(name) || matches!(name, "tls" | "force-public-repos" | "help");
            assert!(known, "{name}");
        }
        assert!(HELP.contains(LISTEN));
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for (words, want) in [
            (&["--nope"][..], "unknown flag: --nope"),
            (&["-z"], "unknown shorthand flag: 'z'"),
            (&["x"], "unknown command \"x\" for \"penstock proxy\""),
            (&["--policy"], "flag needs an argument: --policy"),
            (&["--tls=maybe"], "invalid argument \"maybe\" for \"--tls\""),
            (
                &["--guards-mode", "loud"],
                "invalid --guards-mode flag: unknown enforcement mode: loud",
            ),
            (&["--otlp-sample-rate", "much"], "invalid argument \"much\""),
        ] {
            let error = read(words).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn every_server_has_its_interface() {
        for (server, want) in [
            ("https://github.com", "https://api.github.com"),
            ("https://www.github.com/", "https://api.github.com"),
            ("https://acme.ghe.com", "https://api.acme.ghe.com"),
            ("https://acme.ghe.com:8443/x", "https://api.acme.ghe.com:8443"),
            ("https://api.acme.ghe.com", "https://api.acme.ghe.com"),
            ("http://git.example:8080/", "http://git.example:8080/api/v3"),
        ] {
            assert_eq!(api_url(server).as_deref(), Some(want), "{server}");
        }
        for server in ["", "github.com", "ftp://x", "https://"] {
            assert_eq!(api_url(server), None, "{server}");
        }
    }
}
