// SPDX-License-Identifier: MIT
//! What a container may be given of the host: how mounts are spelled, which options are never
//! allowed, and below which directories mounts may lie.
//!
//! Roots are enforced only where they are known: `MCP_GATEWAY_ALLOWED_MOUNT_ROOTS` or
//! `GITHUB_WORKSPACE`. Elsewhere the paths are those of a host that we may not even see.

use std::path::{Component, Path, PathBuf};

use super::options::Given;
use crate::config::Sources;

/// Options that hand over more of the host than mounts do.
const DENIED: &[&str] = &[
    "--mount",
    "--volumes-from",
    "--privileged",
    "--device",
    "--rootfs",
    "--cap-add",
    "--env-file",
    "--use-api-socket",
];

/// Options that may not ask for the namespace of the host.
const NAMESPACES: &[&str] = &["--pid", "--ipc", "--uts", "--userns", "--cgroupns"];

/// What a `source:destination:mode` of the `mounts` key must look like.
///
/// Errors: what is wrong, in one sentence.
pub fn check_syntax(mount: &str) -> Result<(), String> {
    let parts: Vec<&str> = mount.split(':').collect();
    let [source, destination, mode] = parts[..] else {
        return Err(format!("invalid mount format '{mount}' (expected 'source:dest:mode')"));
    };
    for (what, path) in [("source", source), ("destination", destination)] {
        if path.is_empty() {
            return Err(format!("mount {what} cannot be empty in '{mount}'"));
        }
        if !path.starts_with('/') {
            return Err(format!("mount {what} must be an absolute path, got '{path}'"));
        }
    }
    if mode != "ro" && mode != "rw" {
        return Err(format!("invalid mount mode '{mode}' (must be 'ro' or 'rw')"));
    }
    Ok(())
}

/// What containers of this run may mount.
pub struct Policy<'s> {
    sources: &'s Sources,
    roots: Option<Vec<Root>>,
}

struct Root {
    path: PathBuf,
    is_writable: bool,
}

impl<'s> Policy<'s> {
    /// From the variables that name roots.
    #[must_use]
    pub fn new(sources: &'s Sources) -> Self {
        let variable = |name: &str| sources.environment.get(name).filter(|v| !v.is_empty());
        let mut policy = Self { sources, roots: None };
        if let Some(list) = variable("MCP_GATEWAY_ALLOWED_MOUNT_ROOTS") {
            policy.roots = Some(list.split(',').filter_map(|root| policy.listed(root)).collect());
        } else if let Some(workspace) = variable("GITHUB_WORKSPACE") {
            let temporary = variable("TMPDIR").map_or("/tmp", String::as_str);
            let working = (sources.canonicalize)(Path::new("."));
            let mut roots = Vec::new();
            for (path, is_writable) in [
                (Some(PathBuf::from(workspace)), false),
                (working, false),
                (Some(PathBuf::from(temporary)), true),
            ] {
                let path = path.and_then(|path| policy.canonical(&path));
                // The root directory as a root would allow everything.
                roots.extend(
                    path.filter(|p| p != Path::new("/")).map(|path| Root { path, is_writable }),
                );
            }
            policy.roots = Some(roots);
        }
        policy
    }

    /// Whether roots are enforced.
    #[must_use]
    pub const fn is_enforced(&self) -> bool {
        self.roots.is_some()
    }

    fn listed(&self, entry: &str) -> Option<Root> {
        let entry = entry.trim();
        let (path, is_writable) = match entry.rsplit_once(':') {
            Some((path, "ro")) => (path, false),
            Some((path, "rw")) => (path, true),
            _ => (entry, false),
        };
        let path = Path::new(path);
        if !path.is_absolute() {
            return None;
        }
        let path = self.canonical(path).filter(|path| path != Path::new("/"))?;
        Some(Root { path, is_writable })
    }

    /// Whether a container may run with these options.
    ///
    /// Errors: why not, with the way out.
    pub fn check(&self, given: &[Given<'_>]) -> Result<(), String> {
        for option in given {
            let Given { name, value } = option;
            let value = value.unwrap_or_default();
            let denied = |why: &str| {
                Err(format!("container option \"{name}\" rejected by mount policy: {why}"))
            };
            if DENIED.contains(&name.as_str()) {
                return denied("it gives the container more of the host than mounts do");
            }
            let is_harmless =
                ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"]
                    .contains(&value);
            if name == "--security-opt" && !is_harmless {
                return denied("only no-new-privileges is allowed");
            }
            if NAMESPACES.contains(&name.as_str()) && value == "host" {
                return denied("the namespace of the host is not allowed");
            }
            if name == "-v" || name == "--volume" {
                self.check_volume(value)?;
            }
        }
        Ok(())
    }

    fn check_volume(&self, mount: &str) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("invalid mount declaration \"{mount}\": {why}"));
        let parts: Vec<&str> = mount.split(':').collect();
        let (source, destination, mode) = match parts[..] {
            [source, destination] => (source, destination, "rw"),
            [source, destination, mode] => (source, destination, mode),
            _ => return wrong("expected source:destination[:mode]"),
        };
        if !source.starts_with('/') || !destination.starts_with('/') {
            return wrong("source and destination must be absolute paths");
        }
        let modes: Vec<&str> = mode.split(',').collect();
        if modes.iter().any(|mode| !["ro", "rw"].contains(mode)) || modes.len() != 1 {
            return wrong("the mode must be ro or rw");
        }
        self.check_source(source, modes == ["rw"])
    }

    fn check_source(&self, source: &str, is_written: bool) -> Result<(), String> {
        let Some(roots) = &self.roots else { return Ok(()) };
        let Some(path) = self.canonical(Path::new(source)) else {
            return Err(format!(
                "mount \"{source}\" rejected: host source cannot be canonicalized"
            ));
        };
        let inside = roots.iter().filter(|root| path.starts_with(&root.path));
        // Of two roots at the same place the more generous one was surely meant.
        match inside.max_by_key(|root| (root.path.components().count(), root.is_writable)) {
            None => Err(format!(
                "mount \"{source}\" rejected: host source is outside the allowed mount roots; \
                 allow it with MCP_GATEWAY_ALLOWED_MOUNT_ROOTS={source}:{}",
                if is_written { "rw" } else { "ro" }
            )),
            Some(root) if is_written && !root.is_writable => Err(format!(
                "mount \"{source}\" rejected: read-write access to this host root is not \
                 permitted by mount policy"
            )),
            Some(_) => Ok(()),
        }
    }

    /// `path` without symbolic links in its longest existing part; `None` if nothing of it can be
    /// read or it climbs with `..` where nothing exists.
    fn canonical(&self, path: &Path) -> Option<PathBuf> {
        path.ancestors()
            .find_map(|ancestor| {
                let found = (self.sources.canonicalize)(ancestor)?;
                Some((found, path.strip_prefix(ancestor).ok()?))
            })
            .and_then(|(found, rest)| {
                let is_plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
                is_plain.then(|| found.join(rest))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::options;
    use super::*;
    use crate::cli::Flags;
    use crate::config::Format;

    /// A host with two directories, `/ws` and `/tmp`, and a link from `/ws/out` to `/etc`.
    fn sources(variables: &[(&str, &str)]) -> Sources {
        let pairs = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Sources {
            discovered: Box::new(|_| Ok(None)),
            workflow: None,
            name: "t".into(),
            format: Format::Json,
            text: String::new(),
            environment: pairs.collect(),
            flags: Flags::default(),
            program: "p".into(),
            instance: "i".into(),
            fresh_key: "k".into(),
            canonicalize: Box::new(|path| match path.to_str()? {
                "/" | "/ws" | "/tmp" | "/ws/sub" => Some(path.to_path_buf()),
                "/ws/out" => Some("/etc".into()),
                "." => Some("/work".into()),
                _ => None,
            }),
        }
    }

    #[track_caller]
    fn check(sources: &Sources, line: &str, want: &str) {
        let args: Vec<&str> = line.split_whitespace().collect();
        let result = Policy::new(sources).check(&options::parse(&args).0);
        match result {
            Ok(()) => assert_eq!(want, "", "{line}"),
            Err(why) => assert!(!want.is_empty() && why.contains(want), "{line}: {why}"),
        }
    }

    #[test]
    fn some_options_are_never_allowed() {
        let free = sources(&[]);
        for line in [
            "--mount type=bind",
            "--mount=x",
            "--volumes-from c",
            "--privileged",
            "-it --device /d",
            "--cap-add ALL",
            "--cap-add=ALL",
            "--security-opt seccomp=unconfined",
            "--pid host",
            "--ipc=host",
            "--userns host",
            "--env-file /e",
            "--rootfs",
        ] {
            check(&free, line, "rejected by mount policy");
        }
        check(&free, "--security-opt no-new-privileges --cap-drop ALL --network none -w /x", "");
        check(&free, "--network host --init -u 1:1 --tmpfs /tmp:rw,nosuid --pids-limit 256", "");
        check(&free, "-v /anything:/b -v /var/run/docker.sock:/d:rw", "");
        for line in ["-v cache:/c", "-va:b", "-v=/a", "-itv /a:/b:z", "--volume=/a:/b:ro,rw"] {
            check(&free, line, "invalid mount declaration");
        }
    }

    #[test]
    fn in_a_github_run_mounts_must_lie_below_known_roots() {
        let github = sources(&[("GITHUB_WORKSPACE", "/ws")]);
        check(&github, "-v /ws/sub/new:/b:ro -v /tmp/x:/t:rw -v /work:/w:ro", "");
        check(&github, "-v /ws/sub:/b:rw", "read-write access");
        check(&github, "-v /ws/sub:/b", "read-write access");
        check(&github, "-v /home/me:/b:ro", "outside the allowed mount roots");
        check(&github, "-v /wsx:/b:ro", "outside the allowed mount roots");
        check(&github, "-v /ws/out/passwd:/b:ro", "outside the allowed mount roots");
        check(&github, "-v /ws/new/../../etc:/b:ro", "cannot be canonicalized");
    }

    #[test]
    fn listed_roots_replace_the_known_ones() {
        let listed = sources(&[
            ("GITHUB_WORKSPACE", "/ws"),
            ("MCP_GATEWAY_ALLOWED_MOUNT_ROOTS", "/data:rw, relative, /, /opt:ro,/data/secret"),
        ]);
        check(&listed, "-v /data/x:/b:rw -v /opt:/o:ro", "");
        check(&listed, "-v /data/secret/x:/b:rw", "read-write access");
        check(&listed, "-v /ws:/b:ro", "outside");
        let nothing = sources(&[("MCP_GATEWAY_ALLOWED_MOUNT_ROOTS", "/")]);
        check(&nothing, "-v /tmp:/b:ro", "outside");
    }
}
