// SPDX-License-Identifier: MIT
//! The command line: what was said, without defaults and without looking at anything else.
//!
//! What a flag means together with variables and the configuration is decided in
//! [`config`](crate::config).

use std::ffi::OsString;
use std::fmt;

use lexopt::{Arg, Parser};

use crate::config::env;

mod completion;
mod flags;
pub mod proxy;

pub use completion::Shell;
pub use flags::{FLAGS, Flag, Group, Takes};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run the gateway.
    Run(Flags),
    /// Check a configuration and start nothing.
    Check(Flags),
    /// Say what would become of a call, step by step.
    Explain {
        /// The configuration.
        flags: Flags,
        /// The file with the call; `-` is stdin.
        call: String,
        /// Whether scripts will read it.
        is_json: bool,
    },
    /// Be the calculator, on stdin and stdout or on this HTTP address.
    ServeCalculator {
        /// Where to listen; `None`: stdin and stdout.
        http: Option<String>,
    },
    /// Stand before the interfaces of GitHub.
    Proxy(Box<proxy::ProxyOptions>),
    /// Ask a running gateway whether it is well.
    Health {
        /// Whom to ask; `None`: the usual address.
        url: Option<String>,
    },
    /// Print a completion script.
    Completion(Shell),
    /// Watch over a child, for the gateway itself; the arguments are its own affair.
    Keeper(Vec<OsString>),
    /// Print this text and be done.
    Print(String),
}

/// The flags of the gateway that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// How often `-v` was said.
    pub verbosity: u8,
    said: Vec<(&'static str, String)>,
}

/// Why a command line cannot be followed. Displays as the text for stderr; exit status 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError(pub String);

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CliError {}

impl Flags {
    /// The value of `--name`, as it was said; the last one wins.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(FLAGS.iter().any(|flag| flag.long == name), "{name} has no row");
        self.said.iter().rev().find(|(long, _)| *long == name).map(|(_, value)| value.as_str())
    }

    /// Whether the switch `--name` is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(env::parse_flag).unwrap_or(false)
    }

    /// The same with `--name value` said last, for tests and for running from code.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.said.push((name, value.to_owned()));
        self
    }
}

/// Reads the arguments, without the program's own name.
///
/// Errors: what stderr should say; the exit status is 1.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, CliError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let word = arguments.first().and_then(|first| first.to_str()).unwrap_or_default();
    if word == "keeper" {
        return Ok(Command::Keeper(arguments[1..].to_vec()));
    }
    let rest = || Parser::from_args(arguments[1..].iter().cloned());
    match word {
        "help" => help(&arguments),
        "check" => match read_flags(rest(), "check", nothing_else)? {
            Said::Print(text) => Ok(Command::Print(text)),
            Said::Flags(flags) => groups(&flags).map(|()| Command::Check(flags)),
        },
        "explain" => explain(rest()),
        "serve" => serve(rest()),
        "health" => health(rest()),
        "completion" => completion(rest()),
        "proxy" => {
            let options = proxy::parse(rest())?;
            if options.is_help {
                return Ok(Command::Print(proxy::HELP.to_owned()));
            }
            Ok(Command::Proxy(Box::new(options)))
        }
        _ => match read_flags(Parser::from_args(arguments.iter().cloned()), "", nothing_else)? {
            Said::Print(text) => Ok(Command::Print(text)),
            Said::Flags(flags) => groups(&flags).map(|()| Command::Run(flags)),
        },
    }
}

enum Said {
    Print(String),
    Flags(Flags),
}

/// A command that knows the flags of the gateway alone.
fn nothing_else(_: &Arg<'_>) -> bool {
    false
}

/// Reads the flags of the gateway; `command` is empty for the gateway itself. `takes` is asked
/// first whether an argument is the command's own.
fn read_flags(
    mut parser: Parser,
    command: &str,
    mut takes: impl FnMut(&Arg<'_>) -> bool,
) -> Result<Said, CliError> {
    let mut flags = Flags::default();
    let wrong = |text: String| usage(command, &text);
    while let Some(argument) = parser.next().map_err(|e| wrong(e.to_string()))? {
        if takes(&argument) {
            continue;
        }
        let flag = match &argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Said::Print(flags::help(command))),
            Arg::Long("version") if command.is_empty() => return Ok(Said::Print(version())),
            Arg::Short('v') => {
                flags.verbosity = flags.verbosity.saturating_add(1);
                continue;
            }
            Arg::Long("verbose") => {
                let count = parser.optional_value().and_then(|value| value.to_str()?.parse().ok());
                flags.verbosity = count.unwrap_or(flags.verbosity.saturating_add(1));
                continue;
            }
            Arg::Long(name) => match FLAGS.iter().find(|flag| flag.long == *name) {
                Some(flag) => flag,
                None => return Err(wrong(format!("unknown flag: --{name}"))),
            },
            Arg::Short(letter) => match FLAGS.iter().find(|flag| flag.short == Some(*letter)) {
                Some(flag) => flag,
                None => {
                    return Err(wrong(format!("unknown shorthand flag: '{letter}' in -{letter}")));
                }
            },
            Arg::Value(value) => return Err(unknown_command(command, &value.to_string_lossy())),
        };
        let value = match flag.takes {
            Takes::Nothing => parser.optional_value().unwrap_or_else(|| "true".into()),
            _ => parser
                .value()
                .map_err(|_| wrong(format!("flag needs an argument: --{}", flag.long)))?,
        };
        let value = value.into_string().map_err(|value| {
            wrong(format!("invalid argument {value:?} for \"--{}\" flag: not UTF-8", flag.long))
        })?;
        flags::check(flag, &value).map_err(wrong)?;
        flags.said.push((flag.long, value));
    }
    Ok(Said::Flags(flags))
}

/// The rules between flags.
fn groups(flags: &Flags) -> Result<(), CliError> {
    let fail = |text: &str| Err(CliError(text.to_owned()));
    if flags.is_on("routed") && flags.is_on("unified") {
        return fail(
            "if any flags in the group [routed unified] are set none of the others can be; \
             [routed unified] were all set",
        );
    }
    if flags.get("config").unwrap_or_default().is_empty() && !flags.is_on("config-stdin") {
        return fail("at least one of the flags in the group [config config-stdin] is required");
    }
    for (one, other) in [("tls-cert", "tls-key"), ("tls-key", "tls-cert")] {
        if flags.get(one).is_some() && flags.get(other).is_none() {
            return fail(&format!(
                "if any flags in the group [tls-cert tls-key] are set they must all be set; \
                 missing [{other}]"
            ));
        }
    }
    Ok(())
}

fn explain(parser: Parser) -> Result<Command, CliError> {
    let (mut call, mut is_json) = (None, false);
    let said = read_flags(parser, "explain", |argument| match argument {
        Arg::Value(value) if call.is_none() => {
            call = Some(value.to_string_lossy().into_owned());
            true
        }
        Arg::Long("json") => {
            is_json = true;
            true
        }
        _ => false,
    })?;
    let flags = match said {
        Said::Print(text) => return Ok(Command::Print(text)),
        Said::Flags(flags) => flags,
    };
    let call = call.ok_or_else(|| usage("explain", "which call? Name a file that describes it"))?;
    if call == "-" && flags.is_on("config-stdin") {
        return Err(usage("explain", "stdin cannot be both the call and the configuration"));
    }
    groups(&flags).map(|()| Command::Explain { flags, call, is_json })
}

fn serve(mut parser: Parser) -> Result<Command, CliError> {
    let wrong = |text: String| usage("serve", &text);
    let mut what = None;
    let mut http = None;
    while let Some(argument) = parser.next().map_err(|e| wrong(e.to_string()))? {
        match argument {
            Arg::Value(value) if what.is_none() => what = Some(value),
            Arg::Long("http") => {
                let value = parser.value().map_err(|e| wrong(e.to_string()))?;
                http = Some(value.to_string_lossy().into_owned());
            }
            Arg::Long("help") | Arg::Short('h') => {
                return Ok(Command::Print(flags::help("serve")));
            }
            other => return Err(wrong(other.unexpected().to_string())),
        }
    }
    match what {
        Some(what) if what == "calculator" => Ok(Command::ServeCalculator { http }),
        Some(what) => Err(wrong(format!("there is no server called {what:?}; try calculator"))),
        None => Err(wrong("which server? There is one: calculator".to_owned())),
    }
}

fn health(mut parser: Parser) -> Result<Command, CliError> {
    let wrong = |text: String| usage("health", &text);
    let mut url = None;
    while let Some(argument) = parser.next().map_err(|e| wrong(e.to_string()))? {
        match argument {
            Arg::Value(value) if url.is_none() => url = Some(value.to_string_lossy().into_owned()),
            Arg::Long("help") | Arg::Short('h') => {
                return Ok(Command::Print(flags::help("health")));
            }
            other => return Err(wrong(other.unexpected().to_string())),
        }
    }
    Ok(Command::Health { url })
}

fn completion(mut parser: Parser) -> Result<Command, CliError> {
    let wrong = |text: String| usage("completion", &text);
    let mut shells = Vec::new();
    while let Some(argument) = parser.next().map_err(|e| wrong(e.to_string()))? {
        match argument {
            Arg::Value(value) => shells.push(value.to_string_lossy().into_owned()),
            Arg::Long("help") | Arg::Short('h') => {
                return Ok(Command::Print(flags::help("completion")));
            }
            other => return Err(wrong(other.unexpected().to_string())),
        }
    }
    if shells.len() != 1 {
        return Err(CliError(format!("accepts 1 arg(s), received {}", shells.len())));
    }
    match Shell::parse(&shells[0]) {
        Some(shell) => Ok(Command::Completion(shell)),
        None => {
            Err(CliError(format!("invalid argument \"{}\" for \"penstock completion\"", shells[0])))
        }
    }
}

fn help(arguments: &[OsString]) -> Result<Command, CliError> {
    let topic = arguments.get(1).map(|topic| topic.to_string_lossy()).unwrap_or_default();
    match &*topic {
        "" | "check" | "explain" | "serve" | "health" | "completion" | "help" => {
            Ok(Command::Print(flags::help(&topic)))
        }
        _ => Err(CliError(format!("Unknown help topic [`{topic}`]"))),
    }
}

/// What `--version` prints.
#[must_use]
pub fn version() -> String {
    format!("MCPG Gateway {} (penstock)\n", crate::config::VERSION)
}

fn usage(command: &str, text: &str) -> CliError {
    let program =
        if command.is_empty() { "penstock".to_owned() } else { format!("penstock {command}") };
    CliError(format!("{text}\nSee '{program} --help' for usage"))
}

fn unknown_command(command: &str, word: &str) -> CliError {
    let program =
        if command.is_empty() { "penstock".to_owned() } else { format!("penstock {command}") };
    CliError(format!("unknown command \"{word}\" for \"{program}\""))
}

#[cfg(test)]
mod tests;
