// SPDX-License-Identifier: MIT
//! Landlock's three calls: which files and ports a thread, and all that it starts, may still open.
//!
//! It knows numbers and descriptors; what they are for is said by the caller.
//!
//! Spec: Linux, Documentation/userspace-api/landlock.rst.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use super::owned;

/// What a ruleset governs; a right that is not governed is as free as before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Governed {
    /// Rights on files, `LANDLOCK_ACCESS_FS_*`.
    pub files: u64,
    /// Rights on ports, `LANDLOCK_ACCESS_NET_*`.
    pub ports: u64,
    /// What is refused towards everybody outside, `LANDLOCK_SCOPE_*`.
    pub scopes: u64,
}

/// Rules that are being collected.
#[derive(Debug)]
pub struct Ruleset(OwnedFd);

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    place: i32,
}

/// `struct landlock_net_port_attr`.
#[repr(C)]
struct Port {
    allowed: u64,
    port: u64,
}

const VERSION: u32 = 1;
const RULE_BENEATH: u32 = 1;
const RULE_PORT: u32 = 2;

/// Which version of Landlock the kernel has.
///
/// Errors: none, or it is switched off.
pub fn version() -> io::Result<i64> {
    // WHY UNSAFE: std has no Landlock.
    // SAFETY: with this flag the kernel wants no attributes: a null pointer of size zero.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0, VERSION) };
    if version < 0 { Err(io::Error::last_os_error()) } else { Ok(version) }
}

impl Ruleset {
    /// Begins a ruleset that allows nothing of what it governs.
    ///
    /// Errors: the kernel does not know all of it.
    pub fn new(governed: Governed) -> io::Result<Self> {
        // WHY UNSAFE: std has no Landlock.
        // SAFETY: `governed` is laid out as the kernel wants it and outlives the call; fields that
        // an old kernel does not know are zero, which it accepts. The result is a new descriptor
        // (with close-on-exec) or -1.
        let fd = unsafe {
            let size = size_of::<Governed>();
            libc::syscall(libc::SYS_landlock_create_ruleset, &raw const governed, size, 0)
        };
        owned(i32::try_from(fd).unwrap_or(-1)).map(Self)
    }

    /// Allows `rights` on `place`, and on all beneath it if it is a directory.
    pub fn allow_beneath(&self, place: &impl AsRawFd, rights: u64) -> io::Result<()> {
        let rule = Beneath { allowed: rights, place: place.as_raw_fd() };
        self.add(RULE_BENEATH, &rule)
    }

    /// Allows `rights` on a TCP port.
    pub fn allow_port(&self, port: u16, rights: u64) -> io::Result<()> {
        let rule = Port { allowed: rights, port: u64::from(port) };
        self.add(RULE_PORT, &rule)
    }

    fn add<R>(&self, kind: u32, rule: &R) -> io::Result<()> {
        let rule: *const R = rule;
        // WHY UNSAFE: std has no Landlock.
        // SAFETY: the two callers pass the attribute that belongs to the kind; it is borrowed for
        // the call, and the kernel only reads it. The descriptor is ours.
        let status = unsafe {
            libc::syscall(libc::SYS_landlock_add_rule, self.0.as_raw_fd(), kind, rule, 0)
        };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Puts the calling thread, and all threads and processes that it starts from now on, under
    /// these rules, for ever. The thread must have given up new privileges.
    pub fn restrict(&self) -> io::Result<()> {
        // WHY UNSAFE: std has no Landlock.
        // SAFETY: plain integers; the descriptor is ours.
        let status =
            unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.0.as_raw_fd(), 0) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
