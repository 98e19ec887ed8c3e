// SPDX-License-Identifier: MIT
//! Landlock: the places of [`places`](super::places) and the ports of [`Needs`], and nothing else.
//!
//! Binding a TCP port is never allowed: the one that we listen on is bound before. Landlock bounds
//! what is opened from now on; what is open stays open.
//!
//! Spec: Linux, Documentation/userspace-api/landlock.rst.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::Needs;
use super::places::{self, Access, Place};
use crate::reactor::sys::landlock::{self, Governed, Ruleset};

const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const TRUNCATE: u64 = 1 << 14;
const BIND_TCP: u64 = 1 << 0;
const CONNECT_TCP: u64 = 1 << 1;
const ABSTRACT_SOCKETS: u64 = 1 << 0;
const SIGNALS: u64 = 1 << 1;

/// The rights that a rule about something other than a directory may name.
const ON_FILES: u64 = WRITE_FILE | READ_FILE | TRUNCATE;

/// Asking for addresses, where an answer is too long for UDP.
const DNS: u16 = 53;

/// Puts the calling thread and its successors under the rules, and says how far they reach.
///
/// Errors: why not, in words; then nothing has changed.
pub(super) fn restrict(needs: &Needs) -> Result<String, String> {
    let version = landlock::version().map_err(|error| missing(&error))?;
    let governed = governed(version, needs.starts_programs);
    let places = places::places(needs, &|path| fs::canonicalize(path).ok(), is_replaced());
    let ports = ports(needs);
    let restricted = apply(governed, &places, &ports);
    restricted.map_err(|error| error.to_string())?;
    Ok(describe(version, places.len(), governed, &ports))
}

fn apply(governed: Governed, places: &[Place], ports: &[u16]) -> io::Result<()> {
    let ruleset = Ruleset::new(governed)?;
    for place in places {
        // It may have gone meanwhile.
        let Ok(file) = open(&place.path) else { continue };
        let is_dir = file.metadata()?.is_dir();
        ruleset.allow_beneath(&file, rights(place.access, is_dir) & governed.files)?;
    }
    for &port in ports.iter().filter(|_| governed.ports != 0) {
        ruleset.allow_port(port, CONNECT_TCP)?;
    }
    ruleset.restrict()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path)
}

/// Whether the file of name servers is one of the system, which may put another in its place.
fn is_replaced() -> bool {
    let device = |path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    device(places::RESOLVER) == device("/etc")
}

/// What a kernel with this version of Landlock can govern, as far as it is of use.
fn governed(version: i64, starts_programs: bool) -> Governed {
    let files = match version {
        ..=1 => 13,
        2 => 14,
        3..=4 => 15,
        _ => 16,
    };
    let ports = if version >= 4 { BIND_TCP | CONNECT_TCP } else { 0 };
    let scopes = match (version >= 6, starts_programs) {
        (false, _) => 0,
        // Children are outside, and have to be told when to end.
        (true, true) => ABSTRACT_SOCKETS,
        (true, false) => ABSTRACT_SOCKETS | SIGNALS,
    };
    Governed { files: (1 << files) - 1, ports, scopes }
}

fn rights(access: Access, is_dir: bool) -> u64 {
    let rights = match access {
        Access::Read => READ_FILE | READ_DIR,
        Access::Use => READ_FILE | WRITE_FILE,
        Access::Write => {
            let files = READ_FILE | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE;
            files | READ_DIR | MAKE_DIR | REMOVE_DIR
        }
    };
    if is_dir { rights } else { rights & ON_FILES }
}

/// The ports that may be connected to, each once, in their order.
fn ports(needs: &Needs) -> Vec<u16> {
    let mut ports = needs.ports.clone();
    ports.push(DNS);
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn missing(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSYS) => "not supported by this kernel".to_owned(),
        Some(libc::EOPNOTSUPP) => "switched off in this kernel".to_owned(),
        _ => error.to_string(),
    }
}

fn describe(version: i64, places: usize, governed: Governed, ports: &[u16]) -> String {
    let ports = match governed.ports {
        0 => "any port".to_owned(),
        _ => {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            format!("TCP to {}", ports.join(", "))
        }
    };
    format!("version {version}, {places} places, {ports}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_kernel_is_asked_for_what_it_has() {
        #[track_caller]
        fn check(version: i64, files: u64, ports: u64, scopes: u64) {
            assert_eq!(governed(version, false), Governed { files, ports, scopes });
        }
        check(1, 0x1fff, 0, 0);
        check(2, 0x3fff, 0, 0);
        check(3, 0x7fff, 0, 0);
        check(4, 0x7fff, 3, 0);
        check(5, 0xffff, 3, 0);
        check(6, 0xffff, 3, 3);
        check(9, 0xffff, 3, 3);
        assert_eq!(governed(7, true).scopes, ABSTRACT_SOCKETS, "children are signalled");
    }

    #[test]
    fn nothing_is_ever_executed_linked_or_made_a_device() {
        let never = 1 << 0 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 15;
        for access in [Access::Read, Access::Use, Access::Write] {
            for is_dir in [false, true] {
                assert_eq!(rights(access, is_dir) & never, 0);
            }
            assert_eq!(rights(access, false) & !ON_FILES, 0, "the kernel refuses such a rule");
        }
        assert_eq!(rights(Access::Read, true), READ_FILE | READ_DIR);
    }

    #[test]
    fn ports_are_those_of_servers_and_of_names() {
        let needs = Needs { ports: vec![443, 8080, 443], ..Needs::default() };
        assert_eq!(ports(&needs), [53, 443, 8080]);
        let text = describe(7, 9, governed(7, false), &ports(&needs));
        assert_eq!(text, "version 7, 9 places, TCP to 53, 443, 8080");
        assert_eq!(describe(1, 9, governed(1, false), &[53]), "version 1, 9 places, any port");
    }

    #[test]
    fn a_kernel_without_it_says_so() {
        let missing = |number| missing(&io::Error::from_raw_os_error(number));
        assert_eq!(missing(libc::ENOSYS), "not supported by this kernel");
        assert_eq!(missing(libc::EOPNOTSUPP), "switched off in this kernel");
    }

    #[test]
    fn a_thread_under_rules_opens_what_they_name_and_nothing_else() {
        let Ok(version) = landlock::version() else { return };
        let dir = std::env::temp_dir().join(format!("penstock-landlock-{}", std::process::id()));
        fs::create_dir_all(dir.join("open")).unwrap();
        fs::write(dir.join("shut"), "x").unwrap();
        let here = dir.clone();
        let thread = std::thread::spawn(move || {
            crate::reactor::sys::refuse_new_privileges().unwrap();
            let writes = vec![here.join("open")];
            restrict(&Needs { writes, ..Needs::default() }).unwrap();
            fs::write(here.join("open/new"), "x").unwrap();
            fs::rename(here.join("open/new"), here.join("open/old")).unwrap();
            let denied = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
            assert!(fs::read(here.join("shut")).is_err_and(denied));
            assert!(fs::write(here.join("other"), "x").is_err_and(denied));
            let bound = std::net::TcpListener::bind("127.0.0.1:0");
            assert!(version < 4 || bound.is_err_and(denied));
        });
        thread.join().unwrap();
        assert_eq!(
            fs::read(dir.join("shut")).unwrap(),
            b"x",
            "other threads are as free as before"
        );
        fs::remove_dir_all(dir).unwrap();
    }
}
