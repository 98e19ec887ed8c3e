// SPDX-License-Identifier: MIT
//! `gateway.sandbox`: what the process gives up once it has begun.

use crate::config::diagnostics::Report;
use crate::config::fields::Fields;
use crate::config::keys::{Place, Section};
use crate::config::raw::{Format, Item, Sourced};
use crate::sandbox::{Options, Switch};

/// Reads the section; without it, everything is given up that can be.
pub fn resolve(item: Option<&Sourced<&Item>>, format: Format, report: &mut Report) -> Options {
    let Some(item) = item else { return Options::default() };
    let place = Place { section: Section::Sandbox, path: &item.path, format };
    let fields = Fields::read(item.value, place, report);
    let word = |name| fields.text(name).map_or("auto", |word| word.value);
    let switch = |name| match word(name) {
        "off" => Switch::Off,
        "on" | "kill" => Switch::On,
        _ => Switch::Auto,
    };
    Options {
        no_new_privileges: switch("no_new_privileges"),
        landlock: switch("landlock"),
        seccomp: switch("seccomp"),
        kills: word("seccomp") == "kill",
    }
}
