// SPDX-License-Identifier: MIT
//! The options of `docker run`, as far as one must understand them to find the image and to see
//! what is asked for.
//!
//! Only options without a value are listed. Everything else takes one, so an option that we have
//! never heard of can hide neither the image nor another option.

/// Long options of `run` that take no value.
const BARE_LONG: &[&str] = &[
    "detach",
    "disable-content-trust",
    "env-host",
    "help",
    "http-proxy",
    "init",
    "interactive",
    "no-healthcheck",
    "no-hosts",
    "no-hostname",
    "oom-kill-disable",
    "privileged",
    "publish-all",
    "quiet",
    "read-only",
    "read-only-tmpfs",
    "replace",
    "rm",
    "rmi",
    "rootfs",
    "sig-proxy",
    "tls-verify",
    "tty",
    "use-api-socket",
];

/// The same for short ones.
const BARE_SHORT: &[char] = &['d', 'i', 't', 'P', 'q'];

/// One option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// With its dashes, without its value: `--volume`, `-v`.
    pub name: String,
    /// Its value.
    pub value: Option<&'a str>,
}

/// Takes `args` apart up to the first word that is no option; gives where that word is.
#[must_use]
pub fn parse<'a>(args: &[&'a str]) -> (Vec<Given<'a>>, Option<usize>) {
    let mut given = Vec::new();
    let mut at = 0;
    while let Some(&arg) = args.get(at) {
        let next = args.get(at + 1).copied();
        if arg == "--" {
            return (given, (at + 1 < args.len()).then_some(at + 1));
        }
        let takes_next = if let Some(long) = arg.strip_prefix("--") {
            parse_long(long, next, &mut given)
        } else if arg.len() > 1 && arg.starts_with('-') {
            parse_short(arg, next, &mut given)
        } else {
            return (given, Some(at));
        };
        at += 1 + usize::from(takes_next);
    }
    (given, None)
}

/// Takes all of `args` apart; words that are no options are passed over.
///
/// For the options of a configuration, which are followed by the image: whatever stands there could
/// be read as an option by the runtime.
#[must_use]
pub fn parse_all<'a>(args: &[&'a str]) -> Vec<Given<'a>> {
    let (mut given, mut from) = (Vec::new(), 0);
    loop {
        let (more, at) = parse(&args[from..]);
        given.extend(more);
        match at {
            Some(at) => from += at + 1,
            None => return given,
        }
    }
}

fn parse_long<'a>(long: &'a str, next: Option<&'a str>, given: &mut Vec<Given<'a>>) -> bool {
    if let Some((name, value)) = long.split_once('=') {
        given.push(Given { name: format!("--{name}"), value: Some(value) });
        return false;
    }
    let is_bare = BARE_LONG.contains(&long);
    let value = next.filter(|_| !is_bare);
    given.push(Given { name: format!("--{long}"), value });
    // A known option never hides behind one that we may have misjudged.
    value.is_some_and(|value| !looks_like_option(value))
}

/// `-it`, `-vA:B`, `-v=A:B`, `-itv A:B`.
fn parse_short<'a>(arg: &'a str, next: Option<&'a str>, given: &mut Vec<Given<'a>>) -> bool {
    for (offset, letter) in arg.char_indices().skip(1) {
        let name = format!("-{letter}");
        let rest = &arg[offset + letter.len_utf8()..];
        if BARE_SHORT.contains(&letter) {
            given.push(Given { name, value: None });
            if rest.starts_with('=') {
                return false;
            }
            continue;
        }
        if !rest.is_empty() {
            given.push(Given { name, value: Some(rest.strip_prefix('=').unwrap_or(rest)) });
            return false;
        }
        given.push(Given { name, value: next });
        return next.is_some_and(|value| !looks_like_option(value));
    }
    false
}

/// `-1` is a value; `-v` and `--privileged` are not.
fn looks_like_option(value: &str) -> bool {
    value.starts_with('-') && value.as_bytes().get(1).is_some_and(|byte| !byte.is_ascii_digit())
}

/// The variables that are passed on by name alone (`-e NAME`).
pub fn passed_by_name<'a>(given: &'a [Given<'a>]) -> impl Iterator<Item = &'a str> {
    given
        .iter()
        .filter(|option| option.name == "-e" || option.name == "--env")
        .filter_map(|option| option.value)
        .filter(|value| !value.contains('='))
}

/// Whether `--name` was given.
#[must_use]
pub fn has(given: &[Given<'_>], name: &str) -> bool {
    given.iter().any(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: &str, image: Option<&str>) {
        let args: Vec<&str> = line.split_whitespace().collect();
        let (given, at) = parse(&args);
        let shown: Vec<String> = given
            .iter()
            .map(|option| format!("{}={}", option.name, option.value.unwrap_or_default()))
            .collect();
        assert_eq!(shown.join(" "), want);
        assert_eq!(at.map(|at| args[at]), image);
    }

    #[test]
    fn the_image_is_the_first_word_that_is_no_option() {
        check("--rm -i img -v /a:/b", "--rm= -i=", Some("img"));
        check("-m 1g --ip 10.0.0.1 img", "-m=1g --ip=10.0.0.1", Some("img"));
        check("--memory-swap -1 -- img", "--memory-swap=-1", Some("img"));
        check("--never-heard-of x img", "--never-heard-of=x", Some("img"));
        check("--rm", "--rm=", None);
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        check("-v=/a:/b -v/c:/d -itv /e:/f img", "-v=/a:/b -v=/c:/d -i= -t= -v=/e:/f", Some("img"));
        check("--volume=/a:/b -e A -eB=1 img", "--volume=/a:/b -e=A -e=B=1", Some("img"));
        check("--strange --privileged img", "--strange=--privileged --privileged=", Some("img"));
    }
}
