// SPDX-License-Identifier: MIT
//! What stands behind a flag: sizes, ports, mounts. What has a second reading is not understood.

/// What `--mount` mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A volume of the engine.
    Volume,
    /// Memory.
    Tmpfs,
}

/// One `--mount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// The path or the volume; empty for memory, and for a volume without a name.
    pub source: Box<str>,
    /// Where in the container.
    pub target: Box<str>,
    /// Whether it cannot be written to.
    pub read_only: bool,
}

/// One `--publish`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The address of the host; empty: all.
    pub host_address: Box<str>,
    /// The port of the host; empty: any.
    pub host_port: Box<str>,
    /// The port in the container and its protocol, such as `80/tcp`.
    pub inside: Box<str>,
}

pub(super) fn boxed(text: &str) -> Box<str> {
    text.into()
}

/// `512m`, `1g`, `1GiB`, `1048576`: powers of 1024.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim_start_matches(' ').to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let unit = unit.strip_suffix('i').unwrap_or(unit);
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}

/// `1.5` as billionths, without a float in between.
pub(super) fn billionths(text: &str) -> Option<u64> {
    const PLACES: usize = 9;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > PLACES || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<PLACES$}").parse().ok()
}

/// `name:address`, also written with `=` and with brackets around an IPv6 address.
pub(super) fn host(text: &str) -> Option<Box<str>> {
    let (name, address) = text.split_once('=').or_else(|| text.split_once(':'))?;
    let address = address.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(address);
    let is_sound = !name.is_empty() && !name.contains(':') && !address.is_empty();
    is_sound.then(|| format!("{name}:{address}").into())
}

/// `[[address:]port:]port[/protocol]`, one port each and no IPv6.
pub(super) fn port(text: &str) -> Option<Port> {
    let (rest, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let parts: Vec<&str> = rest.split(':').collect();
    let (host_address, host_port, inside) = match parts[..] {
        [inside] => ("", "", inside),
        [host_port, inside] => ("", host_port, inside),
        [address, host_port, inside] => (address, host_port, inside),
        _ => return None,
    };
    let is_sound = is_port(inside)
        && (host_port.is_empty() || is_port(host_port))
        && ["tcp", "udp", "sctp"].contains(&protocol)
        && !host_address.contains(['[', ']']);
    is_sound.then(|| Port {
        host_address: host_address.into(),
        host_port: host_port.into(),
        inside: format!("{inside}/{protocol}").into(),
    })
}

/// `type=…,source=…,target=…,readonly`, without the quotes that a comma in a path would need.
pub(super) fn mount(text: &str) -> Option<Mount> {
    let mut mount =
        Mount { kind: MountKind::Volume, source: "".into(), target: "".into(), read_only: false };
    for field in text.split(',') {
        let (name, value) = field.split_once('=').unwrap_or((field, "true"));
        match (name, value) {
            ("type", "bind") => mount.kind = MountKind::Bind,
            ("type", "volume") => mount.kind = MountKind::Volume,
            ("type", "tmpfs") => mount.kind = MountKind::Tmpfs,
            ("source" | "src", _) => mount.source = value.into(),
            ("target" | "destination" | "dst", _) => mount.target = value.into(),
            ("readonly" | "ro", "true" | "1") => mount.read_only = true,
            ("readonly" | "ro", "false" | "0") => mount.read_only = false,
            _ => return None,
        }
    }
    let is_source_sound = match mount.kind {
        MountKind::Bind => mount.source.starts_with('/'),
        MountKind::Volume => !mount.source.contains('/'),
        MountKind::Tmpfs => mount.source.is_empty(),
    };
    let is_sound = is_source_sound && mount.target.starts_with('/') && !text.contains('"');
    is_sound.then_some(mount)
}

/// A path or a volume for a path. A relative path would be looked up by the command.
pub(super) fn is_bind(text: &str) -> bool {
    let mut parts = text.split(':');
    let (source, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_source_sound = source.starts_with('/')
        || source.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
            && !source.contains(['/', '\\']);
    is_source_sound && target.starts_with('/') && parts.count() <= 1
}

/// Options that the engine understands itself. A profile in a file is read by the command.
pub(super) fn is_plain_security(text: &str) -> bool {
    let (name, value) = text.split_once(['=', ':']).unwrap_or((text, ""));
    match name {
        "no-new-privileges" => ["", "true", "false"].contains(&value),
        "seccomp" => value == "unconfined",
        "apparmor" | "label" => !value.is_empty(),
        _ => false,
    }
}
