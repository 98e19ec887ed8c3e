// SPDX-License-Identifier: MIT
//! The table: which flags of `docker run` there are for us, and what each of them says.

use super::value::{self, boxed};
use super::{Pull, Run};

/// One flag.
pub(super) struct Flag {
    /// Its long names.
    pub(super) names: &'static [&'static str],
    /// Its short one.
    pub(super) letter: Option<char>,
    /// What it does.
    pub(super) takes: Takes,
}

/// How a flag changes what is run; `None`: it cannot be said to the engine.
pub(super) enum Takes {
    /// It is on or off.
    Nothing(fn(&mut Run, bool) -> Option<()>),
    /// It has a value.
    Value(fn(&mut Run, &str) -> Option<()>),
}

const fn bare(
    names: &'static [&'static str],
    letter: Option<char>,
    set: fn(&mut Run, bool) -> Option<()>,
) -> Flag {
    Flag { names, letter, takes: Takes::Nothing(set) }
}

const fn valued(
    names: &'static [&'static str],
    letter: Option<char>,
    set: fn(&mut Run, &str) -> Option<()>,
) -> Flag {
    Flag { names, letter, takes: Takes::Value(set) }
}

/// What we do anyway can be asked for, and not be forbidden.
fn always(_: &mut Run, said: bool) -> Option<()> {
    said.then_some(())
}

pub(super) const FLAGS: &[Flag] = &[
    valued(&["add-host"], None, |run, value| push(&mut run.hosts, value::host(value)?)),
    valued(&["cap-add"], None, |run, value| push(&mut run.caps_added, boxed(value))),
    valued(&["cap-drop"], None, |run, value| push(&mut run.caps_dropped, boxed(value))),
    valued(&["cpus"], None, |run, value| set(&mut run.nano_cpus, value::billionths(value)?)),
    valued(&["entrypoint"], None, |run, value| set(&mut run.entrypoint, boxed(value))),
    valued(&["env"], Some('e'), |run, value| {
        let name = value.split('=').next().unwrap_or_default();
        if name.is_empty() { None } else { push(&mut run.env, boxed(value)) }
    }),
    valued(&["hostname"], Some('h'), |run, value| set(&mut run.hostname, boxed(value))),
    bare(&["init"], None, |run, said| {
        run.init = said;
        Some(())
    }),
    bare(&["interactive"], Some('i'), always),
    valued(&["label"], Some('l'), |run, value| {
        let (name, value) = value.split_once('=').unwrap_or((value, ""));
        run.labels.push((boxed(name), boxed(value)));
        (!name.is_empty()).then_some(())
    }),
    valued(&["log-driver"], None, |run, value| set(&mut run.log_driver, boxed(value))),
    valued(&["memory"], Some('m'), |run, value| set(&mut run.memory, value::bytes(value)?)),
    valued(&["mount"], None, |run, value| push(&mut run.mounts, value::mount(value)?)),
    valued(&["name"], None, |run, value| set(&mut run.name, boxed(value))),
    // With a comma or `=` it is the long form, and a second one is a second network.
    valued(&["network", "net"], None, |run, value| {
        let is_plain = !value.is_empty() && !value.contains([',', '=']) && run.network.is_none();
        if is_plain { set(&mut run.network, boxed(value)) } else { None }
    }),
    valued(&["pids-limit"], None, |run, value| set(&mut run.pids_max, value.parse().ok()?)),
    valued(&["platform"], None, |run, value| set(&mut run.platform, boxed(value))),
    valued(&["publish"], Some('p'), |run, value| push(&mut run.ports, value::port(value)?)),
    valued(&["pull"], None, |run, value| {
        run.pull = match value {
            "always" => Pull::Always,
            "missing" => Pull::Missing,
            "never" => Pull::Never,
            _ => return None,
        };
        Some(())
    }),
    bare(&["read-only"], None, |run, said| {
        run.read_only = said;
        Some(())
    }),
    bare(&["rm"], None, always),
    valued(&["security-opt"], None, |run, value| {
        if value::is_plain_security(value) { push(&mut run.security, boxed(value)) } else { None }
    }),
    valued(&["tmpfs"], None, |run, value| {
        let (path, options) = value.split_once(':').unwrap_or((value, ""));
        run.tmpfs.push((boxed(path), boxed(options)));
        path.starts_with('/').then_some(())
    }),
    valued(&["user"], Some('u'), |run, value| set(&mut run.user, boxed(value))),
    valued(&["volume"], Some('v'), |run, value| {
        if value::is_bind(value) { push(&mut run.volumes, boxed(value)) } else { None }
    }),
    valued(&["workdir"], Some('w'), |run, value| set(&mut run.workdir, boxed(value))),
];

/// The last one counts.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    *place = Some(value);
    Some(())
}

fn push<T>(list: &mut Vec<T>, value: T) -> Option<()> {
    list.push(value);
    Some(())
}
