// SPDX-License-Identifier: MIT
//! The words behind `docker run`, as far as the engine can be told the same without that command.
//!
//! The table of flags is closed. What stands elsewhere, or means more to the command than to the
//! engine, is not guessed: it is [`Inexpressible`], and the command itself can still run it.

mod flags;
mod value;

use std::fmt;

use self::flags::{FLAGS, Flag, Takes};

pub use self::value::{Mount, MountKind, Port};

/// When an image is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Before every start.
    Always,
    /// If it is not there.
    #[default]
    Missing,
    /// Never.
    Never,
}

/// One container, as the words of `docker run` describe it. Empty and `None`: as the engine likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The image, as it was written.
    pub image: Box<str>,
    /// What stands behind the image.
    pub command: Vec<Box<str>>,
    /// `--add-host`: `name:address`.
    pub hosts: Vec<Box<str>>,
    /// `--cap-add`
    pub caps_added: Vec<Box<str>>,
    /// `--cap-drop`
    pub caps_dropped: Vec<Box<str>>,
    /// `--cpus`, in billionths.
    pub nano_cpus: Option<u64>,
    /// `--entrypoint`
    pub entrypoint: Option<Box<str>>,
    /// `--env`: `NAME=value`, or `NAME` alone for the value of the same name of ours.
    pub env: Vec<Box<str>>,
    /// `--hostname`
    pub hostname: Option<Box<str>>,
    /// `--init`
    pub init: bool,
    /// `--label`: name and value.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// `--log-driver`; `None`: none.
    pub log_driver: Option<Box<str>>,
    /// `--memory`, in bytes.
    pub memory: Option<u64>,
    /// `--mount`
    pub mounts: Vec<Mount>,
    /// `--name`
    pub name: Option<Box<str>>,
    /// `--network`
    pub network: Option<Box<str>>,
    /// `--pids-limit`
    pub pids_max: Option<i64>,
    /// `--platform`
    pub platform: Option<Box<str>>,
    /// `--publish`
    pub ports: Vec<Port>,
    /// `--pull`
    pub pull: Pull,
    /// `--read-only`
    pub read_only: bool,
    /// `--security-opt`
    pub security: Vec<Box<str>>,
    /// `--tmpfs`: path and options.
    pub tmpfs: Vec<(Box<str>, Box<str>)>,
    /// `--user`
    pub user: Option<Box<str>>,
    /// `--volume`: `source:destination[:mode]`.
    pub volumes: Vec<Box<str>>,
    /// `--workdir`
    pub workdir: Option<Box<str>>,
}

/// What cannot be said to the engine: a flag, perhaps with its value, or what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexpressible(pub String);

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not expressible: {}", self.0)
    }
}

impl std::error::Error for Inexpressible {}

/// Reads the words behind `run`: flags, the image, and what the container is to run.
///
/// Errors: the first flag that is not in the table, or whose value we do not understand.
pub fn parse(words: &[&str]) -> Result<Run, Inexpressible> {
    let mut run = Run::default();
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        at += 1;
        let next = words.get(at).copied();
        let takes_next = match word.strip_prefix("--") {
            Some("") => break,
            Some(long) => long_flag(&mut run, long, next)?,
            None if word.len() > 1 && word.starts_with('-') => short_flags(&mut run, word, next)?,
            None => {
                at -= 1;
                break;
            }
        };
        at += usize::from(takes_next);
    }
    let (image, command) =
        words.get(at..).and_then(<[_]>::split_first).ok_or_else(|| missing("the image"))?;
    run.image = (*image).into();
    run.command = command.iter().map(|&word| word.into()).collect();
    Ok(run)
}

fn missing(what: &str) -> Inexpressible {
    Inexpressible(format!("{what} is missing"))
}

/// `--name`, `--name value` or `--name=value`; whether the next word was taken.
fn long_flag(run: &mut Run, long: &str, next: Option<&str>) -> Result<bool, Inexpressible> {
    let (name, assigned) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long, None),
    };
    let unknown = || Inexpressible(format!("--{name}"));
    let flag = FLAGS.iter().find(|flag| flag.names.contains(&name)).ok_or_else(unknown)?;
    match flag.takes {
        Takes::Nothing(_) => {
            set_bare(run, flag, assigned.unwrap_or("true"), &format!("--{name}"))?;
            Ok(false)
        }
        Takes::Value(_) => {
            let value =
                assigned.or(next).ok_or_else(|| missing(&format!("the value of --{name}")))?;
            set_value(run, flag, value, &format!("--{name}"))?;
            Ok(assigned.is_none())
        }
    }
}

/// `-i`, `-iv value`, `-ivvalue`, `-v=value`; whether the next word was taken.
fn short_flags(run: &mut Run, word: &str, next: Option<&str>) -> Result<bool, Inexpressible> {
    for (at, letter) in word.char_indices().skip(1) {
        let shown = format!("-{letter}");
        let unknown = || Inexpressible(shown.clone());
        let flag = FLAGS.iter().find(|flag| flag.letter == Some(letter)).ok_or_else(unknown)?;
        let rest = &word[at + letter.len_utf8()..];
        if let Takes::Nothing(_) = flag.takes {
            if let Some(value) = rest.strip_prefix('=') {
                set_bare(run, flag, value, &shown)?;
                return Ok(false);
            }
            set_bare(run, flag, "true", &shown)?;
            continue;
        }
        let attached = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest));
        let value = attached.or(next).ok_or_else(|| missing(&format!("the value of {shown}")))?;
        set_value(run, flag, value, &shown)?;
        return Ok(attached.is_none());
    }
    Ok(false)
}

fn set_bare(run: &mut Run, flag: &Flag, value: &str, shown: &str) -> Result<(), Inexpressible> {
    let Takes::Nothing(set) = flag.takes else { return Ok(()) };
    let said = match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    };
    said.and_then(|said| set(run, said)).ok_or_else(|| Inexpressible(format!("{shown}={value}")))
}

/// The value may be a secret, so only its flag is told.
fn set_value(run: &mut Run, flag: &Flag, value: &str, shown: &str) -> Result<(), Inexpressible> {
    let Takes::Value(set) = flag.takes else { return Ok(()) };
    set(run, value).ok_or_else(|| {
        let shows_value = !flag.names.contains(&"env") && !flag.names.contains(&"label");
        Inexpressible(if shows_value { format!("{shown} {value}") } else { shown.to_owned() })
    })
}

#[cfg(test)]
mod tests;
