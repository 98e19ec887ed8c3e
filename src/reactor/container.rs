// SPDX-License-Identifier: MIT
//! Containers are no children of ours: what is left of them is removed by their runtime.
//!
//! The runtime's command line writes the id of its container into a file in a private directory.
//! When that command has ended, for whatever reason, the container is removed by that id.

use std::fs::{self, DirBuilder};
use std::io::{self, Error};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use mio::Interest;
use mio::unix::SourceFd;

use super::command;
use super::keeper::Keeper;
use super::starter::Starter;
use super::sys::{self, Signal};
use super::token::Source;
use super::turn::{Timer, Turn};
use crate::base::{Key, Slab};
use crate::gateway::snapshot::{ChildCommand, ContainerCare};

/// A runtime that is removing a container.
pub(super) struct Remover {
    process: Child,
    exit: Option<OwnedFd>,
    cidfile: PathBuf,
    kill_at: Instant,
}

/// The private directory and the removals that are under way.
pub(super) struct Containers {
    parent: PathBuf,
    dir: Option<PathBuf>,
    starter: Starter,
    removers: Slab<Remover>,
}

/// How long a removal may take.
const REMOVAL_MAX: Duration = Duration::from_secs(10);

/// How often a removal is looked after if the system cannot tell when a process ends.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Containers {
    /// `parent` is where the private directory is made, with the first container.
    pub(super) fn new(parent: PathBuf, starter: Starter) -> Self {
        Self { parent, dir: None, starter, removers: Slab::new() }
    }

    /// Whether no removal is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.removers.is_empty()
    }

    /// A file name that no one else has; the runtime insists on making the file itself.
    pub(super) fn cidfile(&mut self) -> io::Result<PathBuf> {
        let dir = match &self.dir {
            Some(dir) => dir,
            None => {
                let dir = self.parent.join(format!("penstock-{}", random_name()?));
                DirBuilder::new().mode(0o700).create(&dir)?;
                self.dir.insert(dir)
            }
        };
        Ok(dir.join(format!("{}.cid", random_name()?)))
    }

    /// The command of a container has ended: removes what it may have left.
    pub(super) fn clean_up(
        &mut self,
        command: &ChildCommand,
        cidfile: PathBuf,
        keeper: &mut Keeper,
        turn: &mut Turn,
    ) {
        let started = match (&command.container, read_id(&cidfile)) {
            (Some(care), Some(id)) => self.start(command, care, &id, &cidfile, turn),
            _ => false,
        };
        if !started {
            forget(&cidfile, keeper);
        }
    }

    fn start(
        &mut self,
        command: &ChildCommand,
        care: &ContainerCare,
        id: &str,
        cidfile: &Path,
        turn: &mut Turn,
    ) -> bool {
        let mut removal = command::with_env(&care.runtime, &command.env);
        removal.args(care.runtime_args.iter().map(|arg| &**arg)).args(["rm", "-f", id]);
        removal.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It must not end with us: half a removal is none.
        sys::prepare_child(&mut removal, None, false);
        let Ok(process) = self.starter.spawn(removal) else { return false };
        let exit = sys::exit_descriptor(process.id()).ok();
        let kill_at = turn.now.mono + REMOVAL_MAX;
        let fd = exit.as_ref().map(AsRawFd::as_raw_fd);
        let key = self.removers.insert(Remover { process, exit, cidfile: cidfile.into(), kill_at });
        let watched = fd.is_some_and(|fd| {
            turn.watch(&mut SourceFd(&fd), Source::Remover(key), Interest::READABLE).is_ok()
        });
        let look_at = if watched { kill_at } else { turn.now.mono + LOOK_EVERY };
        turn.deadlines.arm(look_at, Timer::Remover(key));
        true
    }

    /// Looks whether a removal has ended or takes too long.
    pub(super) fn look(&mut self, key: Key<Remover>, keeper: &mut Keeper, turn: &mut Turn) {
        let Some(remover) = self.removers.get_mut(key) else { return };
        if matches!(remover.process.try_wait(), Ok(None)) {
            if remover.kill_at <= turn.now.mono {
                // Nothing can be done about a group that refuses to be killed.
                let _ = sys::signal_group(remover.process.id(), Signal::Kill);
            }
            let watched = remover.exit.is_some() && remover.kill_at > turn.now.mono;
            if !watched {
                turn.deadlines.arm(turn.now.mono + LOOK_EVERY, Timer::Remover(key));
            }
            return;
        }
        if let Some(remover) = self.removers.remove(key) {
            forget(&remover.cidfile, keeper);
        }
    }

    /// Removes the private directory, if nothing is left in it.
    pub(super) fn close(&mut self) {
        if let Some(dir) = self.dir.take() {
            // What is still there is the keeper's.
            let _ = fs::remove_dir(dir);
        }
    }
}

fn forget(cidfile: &Path, keeper: &mut Keeper) {
    // It may never have been written.
    let _ = fs::remove_file(cidfile);
    keeper.remove_container(cidfile);
}

/// The id in `cidfile`: letters and digits, so that it can never be an option.
pub fn read_id(cidfile: &Path) -> Option<String> {
    let text = fs::read_to_string(cidfile).ok()?;
    let id = text.trim();
    let sound = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    sound.then(|| id.to_owned())
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(Error::other)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}
