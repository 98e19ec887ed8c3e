// SPDX-License-Identifier: MIT
//! Who we are, so that a later gateway can find out whether we are gone.

use std::fs;

use crate::docker::owner::{self, Owner};

/// This process, as the system describes it; `None` if it does not.
pub fn ourselves() -> Option<Owner> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let space = space.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()?;
    let started = owner::start_of(&fs::read_to_string("/proc/self/stat").ok()?)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let container = owner::container_of(&mounts).map(Box::from);
    Some(Owner { boot: boot.trim().into(), space, pid: std::process::id(), started, container })
}
