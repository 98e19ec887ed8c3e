// SPDX-License-Identifier: MIT
//! Variables: `${NAME}` in values, `.env` texts, durations as variables spell them, and which
//! variables a child may see.
//!
//! The environment is an argument here; nobody in this file reads the real one.

use std::collections::BTreeMap;
use std::time::Duration;

/// The environment: names and values.
pub type Environment = BTreeMap<String, String>;

/// The longest line of a `.env` file.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What every child sees of our environment, if it is set.
pub const BASE: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What the command line of a container runtime sees beside [`BASE`]: where its daemon, its
/// registries and their credentials are.
pub const RUNTIME: &[&str] = &[
    "DOCKER_*",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "CONTAINERS_*",
    "REGISTRY_AUTH_FILE",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Names that change what the runtime's command line does if they are in *its* environment; their
/// values for the container go into its arguments instead.
const STEERING: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "DOCKER_*",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "CONTAINERS_*",
    "XDG_*",
    "LD_*",
    "SSL_CERT_*",
    "GODEBUG",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
];

fn is_one_of(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    })
}

/// Whether a container's variable `name` must stay out of the environment of the runtime.
#[must_use]
pub fn steers_runtime(name: &str) -> bool {
    is_one_of(name, STEERING)
}

/// What a child sees of `environment` before anything is configured for it.
#[must_use]
pub fn inherited(environment: &Environment, for_runtime: bool) -> Environment {
    let is_inherited =
        |name: &str| is_one_of(name, BASE) || (for_runtime && is_one_of(name, RUNTIME));
    environment
        .iter()
        .filter(|(name, _)| is_inherited(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a variable, field or argument called `name` probably holds a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "token",
        "secret",
        "passw",
        "passphrase",
        "credential",
        "auth",
        "cookie",
        "private",
        "apikey",
    ];
    let name = name.to_ascii_lowercase();
    let is_key = ["key", "pat", "pwd", "dsn"].iter().any(|word| {
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| part == *word)
    });
    is_key || WORDS.iter().any(|word| name.contains(word))
}

/// Replaces every `${NAME}` in `text`.
///
/// Errors: the names that are not set, each once. A set but empty variable is fine. What a variable
/// holds is not looked at again.
pub fn expand(text: &str, environment: &Environment) -> Result<Option<String>, Vec<String>> {
    let mut expanded = String::new();
    let mut missing: Vec<String> = Vec::new();
    let mut rest = text;
    let mut is_changed = false;
    while let Some(dollar) = rest.find("${") {
        let (before, from) = rest.split_at(dollar);
        expanded.push_str(before);
        let Some(name) = variable(&from[2..]) else {
            expanded.push_str("${");
            rest = &from[2..];
            continue;
        };
        match environment.get(name) {
            Some(value) => expanded.push_str(value),
            None if missing.iter().any(|other| other == name) => {}
            None => missing.push(name.to_owned()),
        }
        is_changed = true;
        rest = &from[name.len() + 3..];
    }
    expanded.push_str(rest);
    if missing.is_empty() { Ok(is_changed.then_some(expanded)) } else { Err(missing) }
}

/// Where the first `${NAME}` in `text` starts, and how long it is.
#[must_use]
pub fn find_variable(text: &str) -> Option<(usize, usize)> {
    let mut dollars = text.match_indices("${");
    dollars.find_map(|(start, _)| Some((start, variable(&text[start + 2..])?.len() + 3)))
}

/// The name at the start of `text`, if a closing brace follows it.
fn variable(text: &str) -> Option<&str> {
    let name = &text[..text.find('}')?];
    is_name(name).then_some(name)
}

/// Whether `name` is one that a variable can have.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Adds the variables of a `.env` text to `environment`; gives notices.
///
/// A line is `NAME=value`; `$NAME` and `${NAME}` in a value are replaced, undefined ones by
/// nothing. Quotes are part of the value. What is there already is overwritten.
pub fn load_dotenv(text: &str, environment: &mut Environment) -> Result<Vec<String>, String> {
    let mut notices = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.len() > LINE_BYTES_MAX {
            return Err(format!("line {} is longer than {LINE_BYTES_MAX} bytes", index + 1));
        }
        let line = line.trim();
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        if line.starts_with('#') || name.is_empty() || name.contains('\0') {
            continue;
        }
        let value = substitute(value.trim(), environment);
        let before = environment.insert(name.to_owned(), value);
        if before.is_some_and(|old| !old.is_empty()) && environment[name].is_empty() {
            notices.push(format!(
                "the .env file sets {name} to nothing; its value from the environment is gone"
            ));
        }
    }
    Ok(notices)
}

/// Shell-like substitution without errors, for `.env` values.
fn substitute(value: &str, environment: &Environment) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(name) = after.strip_prefix('{').and_then(variable) {
            out.push_str(environment.get(name).map_or("", String::as_str));
            rest = &after[name.len() + 2..];
            continue;
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let length = after.find(|letter| !is_part(letter)).unwrap_or(after.len());
        if is_name(&after[..length]) {
            out.push_str(environment.get(&after[..length]).map_or("", String::as_str));
            rest = &after[length..];
        } else {
            out.push('$');
            rest = after;
        }
    }
    out + rest
}

/// A duration as Go spells it: `90s`, `1h30m`, `1.5h`, `300ms`; `None` if it is none or above a
/// year.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: &[(&str, f64)] = &[
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    const SECONDS_MAX: f64 = 366.0 * 86_400.0;
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (unit, after) = rest.split_at(letters.unwrap_or(rest.len()));
        seconds += amount * UNITS.iter().find(|(name, _)| *name == unit)?.1;
        rest = after;
    }
    (seconds <= SECONDS_MAX).then(|| Duration::from_secs_f64(seconds))
}

/// A truth value as variables spell it.
#[must_use]
pub fn parse_flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "t" => Some(true),
        "0" | "false" | "no" | "off" | "f" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn variables_are_expanded_once() {
        let set = environment(&[("A", "1"), ("B", "${A}"), ("EMPTY", "")]);
        let check = |text: &str, want: &str| {
            assert_eq!(expand(text, &set).unwrap().unwrap_or(text.to_owned()), want);
        };
        check("x${A}y${A}", "x1y1");
        check("${B}", "${A}");
        check("${EMPTY}", "");
        check("$A ${a-b} ${} ${", "$A ${a-b} ${} ${");
        check("${${A}", "${1");
        assert_eq!(expand("${X}${A}${Y}${X}", &set), Err(vec!["X".into(), "Y".into()]));
    }

    #[test]
    fn a_dotenv_text_overwrites_and_substitutes() {
        let mut set = environment(&[("OLD", "1"), ("GH_TOKEN", "t")]);
        let text = "# c\n\nA = x$OLD\nB=${A}-$NOPE-$\nC=\"q\"\nnothing\nGH_TOKEN=\nexport D=1\n";
        let notices = load_dotenv(text, &mut set).unwrap();
        assert_eq!(set["A"], "x1");
        assert_eq!(set["B"], "x1--$");
        assert_eq!(set["C"], "\"q\"");
        assert_eq!(set["GH_TOKEN"], "");
        assert_eq!(set["export D"], "1");
        assert_eq!(notices.len(), 1);
        assert!(load_dotenv(&"x".repeat(70_000), &mut set).is_err());
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(parse_duration(text), want.map(Duration::from_millis), "{text}");
        };
        check("5s", Some(5000));
        check("1h30m", Some(5_400_000));
        check("1.5h", Some(5_400_000));
        check("300ms", Some(300));
        check("0", Some(0));
        for bad in ["", "5", "s", "-5s", "5 s", "1e9h", "5x", "9999999h", "..s"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_child_inherits_little() {
        let set = environment(&[
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("DOCKER_HOST", "d"),
            ("MCP_GATEWAY_API_KEY", "k"),
            ("GITHUB_TOKEN", "t"),
        ]);
        assert_eq!(inherited(&set, false).into_keys().collect::<Vec<_>>(), ["LC_ALL", "PATH"]);
        let keys = inherited(&set, true).into_keys().collect::<Vec<_>>();
        assert_eq!(keys, ["DOCKER_HOST", "LC_ALL", "PATH"]);
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in
            ["GITHUB_TOKEN", "apiKey", "Authorization", "DB_PASSWORD", "MY_PAT", "X-Api-Key"]
        {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["PATH", "WORKSPACE", "MONKEY", "KEYBOARD", "LOG_LEVEL"] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
