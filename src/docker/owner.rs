// SPDX-License-Identifier: MIT
//! Which gateway a container belongs to, and whether that gateway can be known to be gone.
//!
//! ```text
//!   boot id . number of the process namespace . process . its start in clock ticks [. container]
//! ```
//!
//! An engine serves many gateways, on the same system and in containers beside each other. A
//! process number means something in its own namespace alone; from elsewhere, a gateway is known to
//! be gone only if it ran in a container of the same engine which runs no more. Whatever cannot be
//! known is left alone.

use std::fmt;

/// A gateway, as a label names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The run of the system, as the kernel calls it.
    pub boot: Box<str>,
    /// The namespace of its process number.
    pub space: u64,
    /// Its process number.
    pub pid: u32,
    /// When the process began, so that a number which is used again is not taken for it.
    pub started: u64,
    /// The container it runs in, if the engine has said that it knows this container.
    pub container: Option<Box<str>>,
}

/// The longest label that is read, in bytes.
const LABEL_BYTES_MAX: usize = 256;

impl Owner {
    /// Reads a label.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let (boot, space, pid, started, container) = match parts[..] {
            [boot, space, pid, started] => (boot, space, pid, started, None),
            [boot, space, pid, started, container] => (boot, space, pid, started, Some(container)),
            _ => return None,
        };
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_sound =
            text.len() <= LABEL_BYTES_MAX && is_word(boot) && container.is_none_or(is_word);
        is_sound.then_some(())?;
        Some(Self {
            boot: boot.into(),
            space: space.parse().ok()?,
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
            container: container.map(Box::from),
        })
    }

    /// Whether this gateway is known to be gone. `lives` tells whether a process of our namespace
    /// that began then may be alive, and `runs` whether the engine runs a container.
    pub fn is_gone(
        &self,
        us: &Self,
        lives: impl Fn(u32, u64) -> bool,
        runs: impl Fn(&str) -> bool,
    ) -> bool {
        if self.boot != us.boot {
            return false;
        }
        if self.space == us.space {
            return !lives(self.pid, self.started);
        }
        self.container.as_deref().is_some_and(|container| !runs(container))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { boot, space, pid, started, container } = self;
        write!(f, "{boot}.{space}.{pid}.{started}")?;
        container.as_ref().map_or(Ok(()), |container| write!(f, ".{container}"))
    }
}

/// The container that a process with these mounts runs in: the engine mounts files of a folder that
/// has the id for its name.
#[must_use]
pub fn container_of(mountinfo: &str) -> Option<&str> {
    const ID_LETTERS: usize = 64;
    mountinfo
        .split(['/', ' '])
        .skip_while(|part| *part != "containers")
        .find(|part| part.len() == ID_LETTERS && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// When a process began, from its `stat`: the 22nd field. The name before it may hold blanks.
#[must_use]
pub fn start_of(stat: &str) -> Option<u64> {
    const FIELDS_BETWEEN: usize = 19;
    stat.rsplit_once(')')?.1.split_whitespace().nth(FIELDS_BETWEEN)?.parse().ok()
}

/// Any text is an owner that is written as it was read, or none.
pub fn fuzz(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Some(owner) = Owner::parse(text) {
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
    }
    // They read what the system says, which must not end us either.
    let _ = (container_of(text), start_of(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(text: &str) -> Owner {
        Owner::parse(text).expect("an owner")
    }

    #[track_caller]
    fn check(label: &str, us: &str, is_gone: bool) {
        // In our namespace there is process 7, which began at 70, and the engine runs `alive`.
        let lives = |pid, started| (pid, started) == (7, 70);
        let runs = |id: &str| id == "alive";
        assert_eq!(owner(label).is_gone(&owner(us), lives, runs), is_gone, "{label} for {us}");
    }

    #[test]
    fn a_gateway_of_our_namespace_is_gone_with_its_process() {
        check("b.1.7.70", "b.1.9.90", false);
        check("b.1.7.71", "b.1.9.90", true);
        check("b.1.8.80", "b.1.9.90", true);
        check("b.1.8.80.alive", "b.1.9.90", true);
    }

    #[test]
    fn a_gateway_of_another_namespace_is_gone_with_its_container() {
        check("b.2.8.80", "b.1.9.90", false);
        check("b.2.8.80.alive", "b.1.9.90", false);
        check("b.2.8.80.dead", "b.1.9.90", true);
    }

    #[test]
    fn a_gateway_of_another_system_is_never_known_to_be_gone() {
        check("c.1.8.80", "b.1.9.90", false);
        check("c.2.8.80.dead", "b.1.9.90", false);
    }

    #[test]
    fn labels_come_back_as_they_were_written() {
        for text in ["3f1e-aa.4026531836.1.512", "b.1.2.3.0123456789abcdef"] {
            assert_eq!(owner(text).to_string(), text);
            fuzz(text.as_bytes());
        }
        for text in ["", "b.1.2", "b.1.2.3.", "b.x.2.3", ".1.2.3", "b.1.2.3.c.d", "b/.1.2.3"] {
            assert_eq!(Owner::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_container_is_named_by_its_mounts() {
        let id = "0123456789abcdef".repeat(4);
        let line = format!(
            "612 598 254:0 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 x rw"
        );
        assert_eq!(container_of(&line), Some(id.as_str()));
        assert_eq!(container_of("1 2 3:4 / / rw - ext4 /dev/vda rw"), None);
    }

    #[test]
    fn the_start_of_a_process_is_found_behind_its_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 5 6";
        assert_eq!(start_of(stat), Some(4711));
        assert_eq!(start_of("7 (x) S 1"), None);
    }
}
