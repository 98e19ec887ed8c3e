// SPDX-License-Identifier: MIT
//! Flags and variables for features that this version does not have.
//!
//! What protects something is refused: silence would take a protection away. The rest is accepted
//! with a notice.

use crate::cli::{FLAGS, Flag, Group, Takes};
use crate::config::diagnostics::Report;
use crate::config::{Sources, env};

/// Adds problems and notices for the flags of absent features, whether given as flags or variables.
pub fn flags(sources: &Sources, report: &mut Report) {
    for flag in FLAGS {
        let said = sources.flags.get(flag.long);
        let set = sources.environment.get(flag.variable).map(String::as_str);
        let Some(value) = said.or(set) else { continue };
        if !asks_for_something(flag, value) {
            continue;
        }
        let name = match said {
            Some(_) => format!("--{}", flag.long),
            None => flag.variable.to_owned(),
        };
        match flag.group {
            Group::Used => {}
            Group::Refused => report.refuse(&name, None, &format!("'{name}'")),
            Group::Ignored if said.is_some() => report.ignored.push(name),
            // Images and runners set these for everyone; a notice each time would be noise.
            Group::Ignored => {}
        }
    }
}

fn asks_for_something(flag: &Flag, value: &str) -> bool {
    match flag.takes {
        Takes::Nothing => env::parse_flag(value) == Some(true),
        _ => !value.is_empty(),
    }
}
