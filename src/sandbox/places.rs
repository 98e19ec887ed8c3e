// SPDX-License-Identifier: MIT
//! Which places of the file system stay open, from what is needed and from what the C library reads
//! of its own accord.
//!
//! A rule is tied to the file that is there now, not to its name. Where a file may be replaced, its
//! directory is opened instead.

use std::path::{Path, PathBuf};

use super::Needs;

/// A place and what may be done there and beneath it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) access: Access,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading files and lists of files.
    Read,
    /// That, and making, writing and removing files and directories.
    Write,
    /// Reading and writing something that exists.
    Use,
}

/// What the C library reads to find the address of a name.
const NAMES: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
];

/// Where parts of the C library lie that it loads when the first name is looked up, and how many
/// processors there are for us.
const SYSTEM: [&str; 10] = [
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/dev/urandom",
    "/dev/random",
    "/proc/self",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// The file whose successor must be found when the network changes.
pub(super) const RESOLVER: &str = "/etc/resolv.conf";

/// The places that stay open. `resolve` is the path without symbolic links, if it is there.
/// `is_replaced`: whether [`RESOLVER`] is an ordinary file of the system, and not one that a
/// container engine has put there.
pub(super) fn places(
    needs: &Needs,
    resolve: &dyn Fn(&Path) -> Option<PathBuf>,
    is_replaced: bool,
) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |path: &Path, access| {
        if let Some(path) = resolve(path) {
            let place = Place { path, access };
            if !places.contains(&place) {
                places.push(place);
            }
        }
    };
    for path in SYSTEM.iter().chain(&NAMES) {
        add(Path::new(path), Access::Read);
    }
    if is_replaced {
        add(Path::new("/etc"), Access::Read);
    }
    for name in NAMES {
        // A service that keeps it current replaces it in its own directory.
        let real = resolve(Path::new(name));
        if let Some(dir) =
            real.as_deref().and_then(directory).filter(|dir| *dir != Path::new("/etc"))
        {
            add(dir, Access::Read);
        }
    }
    add(Path::new("/dev/null"), Access::Use);
    for path in &needs.reads {
        add(path, Access::Read);
    }
    for path in &needs.renewed {
        let real = resolve(path);
        for path in [Some(path.as_path()), real.as_deref()].into_iter().flatten() {
            add(path, Access::Read);
            if let Some(dir) = directory(path) {
                add(dir, Access::Read);
            }
        }
    }
    for path in &needs.writes {
        add(path, Access::Write);
    }
    places
}

/// The directory of a file, unless that is everything.
fn directory(file: &Path) -> Option<&Path> {
    file.parent().filter(|dir| dir.parent().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with the link of systemd-resolved, and one certificate behind two links.
    fn resolve(path: &Path) -> Option<PathBuf> {
        let real = match path.to_str()? {
            "/etc/resolv.conf" => "/run/systemd/resolve/stub-resolv.conf",
            "/certs/ca.pem" => "/certs/now/ca.pem",
            "/etc/gai.conf" | "/nowhere" => return None,
            path => path,
        };
        Some(real.into())
    }

    fn open(needs: &Needs, is_replaced: bool) -> Vec<(String, Access)> {
        let places = places(needs, &resolve, is_replaced);
        places.into_iter().map(|place| (place.path.display().to_string(), place.access)).collect()
    }

    #[track_caller]
    fn check(needs: &Needs, want: &[(&str, Access)]) {
        let plain = open(&Needs::default(), false);
        let more: Vec<_> =
            open(needs, false).into_iter().filter(|place| !plain.contains(place)).collect();
        let more: Vec<_> = more.iter().map(|(path, access)| (path.as_str(), *access)).collect();
        assert_eq!(more, want);
    }

    #[test]
    fn names_are_found_and_nothing_else_of_etc_is_read() {
        let open = open(&Needs::default(), false);
        let has = |path: &str| open.contains(&(path.to_owned(), Access::Read));
        assert!(has("/etc/hosts") && has("/run/systemd/resolve/stub-resolv.conf"));
        assert!(has("/run/systemd/resolve"), "the service replaces the file");
        assert!(!has("/etc") && !has("/") && !has("/etc/gai.conf") && !has("/etc/passwd"));
        assert!(open.iter().all(|(_, access)| *access != Access::Write));
        assert!(open.contains(&("/dev/null".to_owned(), Access::Use)));
    }

    #[test]
    fn where_the_file_of_name_servers_may_be_replaced_its_directory_is_open() {
        assert!(open(&Needs::default(), true).contains(&("/etc".to_owned(), Access::Read)));
    }

    #[test]
    fn a_file_is_open_alone_unless_it_may_be_replaced() {
        let file = vec![PathBuf::from("/home/me/c.toml")];
        let reads = Needs { reads: file.clone(), ..Needs::default() };
        check(&reads, &[("/home/me/c.toml", Access::Read)]);
        let renewed = Needs { renewed: file, ..Needs::default() };
        check(&renewed, &[("/home/me/c.toml", Access::Read), ("/home/me", Access::Read)]);
    }

    #[test]
    fn a_link_is_open_with_what_it_stands_for_and_the_root_is_nobodys_directory() {
        let renewed = vec!["/certs/ca.pem".into(), "/ca.pem".into(), "/nowhere".into()];
        let want = ["/certs/now/ca.pem", "/certs", "/certs/now", "/ca.pem"];
        check(&Needs { renewed, ..Needs::default() }, &want.map(|path| (path, Access::Read)));
    }

    #[test]
    fn directories_are_written_if_they_are_there() {
        let writes = vec!["/tmp/logs".into(), "/nowhere".into()];
        check(&Needs { writes, ..Needs::default() }, &[("/tmp/logs", Access::Write)]);
    }
}
