// SPDX-License-Identifier: MIT
//! The engine itself: which version it speaks, whether it knows the container that we run in, and
//! which containers gateways before us have left.
//!
//! ```text
//!  Unasked ──> AwaitVersion ──> AwaitLabelled ──> AwaitRunning ──> Known
//!     ^             │ no answer      └───────────────┴─ no matter ──^
//!     └─────────────┘
//! ```
//!
//! Nothing is created before it is known. What is left of others is looked for once.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::EngineOptions;
use super::call::{Call, Outcome};
use crate::docker::OWNER_LABEL;
use crate::docker::body::{self, Listed};
use crate::docker::owner::{self, Owner};
use crate::docker::request::{self, Dialect};
use crate::docker::version::Version;
use crate::reactor::sys;
use crate::reactor::token::{Source, Work};
use crate::reactor::turn::{Timer, Turn};

/// How long the engine may take to say who it is.
const ANSWER_AFTER_MAX: Duration = Duration::from_secs(5);

/// Containers that are looked at, and removed, when we start.
const STALE_MAX: usize = 1000;

/// What has become of the question.
pub(super) enum Heard {
    /// The engine is there. These containers are nobody's.
    Known { stale: Vec<Box<str>> },
    /// It is not, or it is none: why.
    Unreachable(String),
}

enum State {
    Unasked,
    AwaitVersion,
    AwaitLabelled(Version),
    AwaitRunning(Version, Vec<Listed>),
    Known(Version),
}

/// The engine, and what we know of it.
pub(super) struct Daemon {
    options: EngineOptions,
    state: State,
    call: Option<Call>,
    until: Option<Instant>,
    armed_at: Option<Instant>,
    queued: bool,
    /// What is left of others has been looked for.
    swept: bool,
    /// Our own label; without our container if the engine does not know it.
    owner: Option<Owner>,
}

impl Daemon {
    pub(super) fn new(options: EngineOptions) -> Self {
        Self {
            state: State::Unasked,
            call: None,
            until: None,
            armed_at: None,
            queued: false,
            swept: options.owner.is_none(),
            owner: options.owner.clone().map(|owner| Owner { container: None, ..owner }),
            options,
        }
    }

    pub(super) const fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub(super) fn socket(&self) -> &Path {
        &self.options.socket
    }

    /// How it is spoken to.
    pub(super) const fn dialect(&self) -> Dialect {
        match self.state {
            State::Known(version)
            | State::AwaitLabelled(version)
            | State::AwaitRunning(version, _) => Dialect(Some(version)),
            State::Unasked | State::AwaitVersion => Dialect(None),
        }
    }

    /// Who we are, for a label.
    pub(super) fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(ToString::to_string)
    }

    pub(super) const fn is_known(&self) -> bool {
        matches!(self.state, State::Known(_))
    }

    /// It may be another one by now: it will be asked again.
    pub(super) fn forget(&mut self) {
        if self.is_known() {
            self.state = State::Unasked;
        }
    }

    /// Asks, unless that was done.
    pub(super) fn ask(&mut self, turn: &mut Turn) -> Option<Heard> {
        if !matches!(self.state, State::Unasked) {
            return None;
        }
        self.state = State::AwaitVersion;
        self.until = Some(turn.now.mono + ANSWER_AFTER_MAX);
        self.request(&request::ping(), turn)
    }

    fn request(&mut self, bytes: &[u8], turn: &mut Turn) -> Option<Heard> {
        match Call::begin(&self.options.socket, bytes, Source::Engine, turn) {
            Ok(call) => {
                self.call = Some(call);
                if let Some(until) = self.until {
                    turn.arm(&mut self.armed_at, until, Timer::Engine);
                }
                None
            }
            Err(why) => self.fail(why),
        }
    }

    /// Without a version nothing works; without a list only what is left of others stays.
    fn fail(&mut self, why: String) -> Option<Heard> {
        self.call = None;
        self.until = None;
        match self.state {
            State::AwaitVersion => {
                self.state = State::Unasked;
                Some(Heard::Unreachable(why))
            }
            State::AwaitLabelled(version) | State::AwaitRunning(version, _) => {
                self.state = State::Known(version);
                Some(Heard::Known { stale: Vec::new() })
            }
            State::Unasked | State::Known(_) => None,
        }
    }

    pub(super) fn note(&mut self, event: &mio::event::Event, turn: &mut Turn) {
        if let Some(call) = &mut self.call {
            call.note(event);
            turn.queue(&mut self.queued, Work::Engine);
        }
    }

    /// Goes on with the question as far as the connection allows.
    pub(super) fn pump(&mut self, turn: &mut Turn) -> Option<Heard> {
        self.queued = false;
        let call = self.call.as_mut()?;
        match call.go_on(turn) {
            Outcome::Open => {
                if call.is_rationed() {
                    turn.queue(&mut self.queued, Work::Engine);
                }
                None
            }
            Outcome::Answered => {
                let call = self.call.take()?;
                self.answered(&call, turn)
            }
            Outcome::Broken(why) => self.fail(why),
        }
    }

    /// Looks whether it takes too long.
    pub(super) fn expire(&mut self, turn: &mut Turn) -> Option<Heard> {
        if !turn.fired(&mut self.armed_at) {
            return None;
        }
        let until = self.until?;
        if until > turn.now.mono {
            turn.arm(&mut self.armed_at, until, Timer::Engine);
            return None;
        }
        self.fail("the engine does not answer".to_owned())
    }

    fn answered(&mut self, call: &Call, turn: &mut Turn) -> Option<Heard> {
        let (is_good, body) = (call.answer.is_good(), call.answer.body());
        match std::mem::replace(&mut self.state, State::AwaitVersion) {
            State::AwaitVersion => {
                let version = call.answer.version().filter(|_| is_good);
                let Some(version) = version.map(Version::spoken) else {
                    return self.fail(match is_good {
                        true => "it is no Docker engine".to_owned(),
                        false => body::refusal(call.status(), body),
                    });
                };
                self.look_for_others(version, turn)
            }
            State::AwaitLabelled(version) => {
                self.state = State::AwaitLabelled(version);
                let listed = body::listed(body, STALE_MAX).filter(|_| is_good);
                self.look_for_their_containers(version, listed.unwrap_or_default(), turn)
            }
            State::AwaitRunning(version, listed) => {
                let running = body::listed(body, STALE_MAX).filter(|_| is_good);
                self.settle(version, &listed, running.as_deref())
            }
            state @ (State::Unasked | State::Known(_)) => {
                self.state = state;
                None
            }
        }
    }

    fn look_for_others(&mut self, version: Version, turn: &mut Turn) -> Option<Heard> {
        if std::mem::replace(&mut self.swept, true) {
            self.state = State::Known(version);
            self.until = None;
            return Some(Heard::Known { stale: Vec::new() });
        }
        self.state = State::AwaitLabelled(version);
        self.request(&Dialect(Some(version)).list_labelled(OWNER_LABEL), turn)
    }

    /// Asks which of the gateways in containers are alive, ourselves among them: if the engine
    /// does not know us, nobody could tell by our container that we are gone.
    fn look_for_their_containers(
        &mut self,
        version: Version,
        listed: Vec<Listed>,
        turn: &mut Turn,
    ) -> Option<Heard> {
        let theirs = listed.iter().filter_map(|one| one.owner.as_ref()?.container.as_deref());
        let ours = self.options.owner.as_ref().and_then(|owner| owner.container.as_deref());
        let mut ids: Vec<&str> = theirs.chain(ours).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return self.settle(version, &listed, Some(&[]));
        }
        let bytes = Dialect(Some(version)).list_alive(&ids);
        self.state = State::AwaitRunning(version, listed);
        self.request(&bytes, turn)
    }

    /// `running`: which gateways in containers run; `None`: it cannot be said.
    fn settle(
        &mut self,
        version: Version,
        listed: &[Listed],
        running: Option<&[Listed]>,
    ) -> Option<Heard> {
        self.state = State::Known(version);
        self.until = None;
        let runs =
            |id: &str| running.is_none_or(|running| running.iter().any(|one| *one.id == *id));
        let us = self.options.owner.as_ref();
        if let Some(us) = us
            && running.is_some()
            && us.container.as_deref().is_some_and(runs)
        {
            self.owner = Some(us.clone());
        }
        let is_stale = |one: &&Listed| match (us, &one.owner) {
            (Some(us), Some(owner)) => owner != us && owner.is_gone(us, lives, runs),
            _ => false,
        };
        let stale = listed.iter().filter(is_stale).map(|one| one.id.clone()).collect();
        Some(Heard::Known { stale })
    }
}

/// Whether process `pid` of our namespace may be alive and have begun then. Systems may hide the
/// processes of others, but not that they exist.
fn lives(pid: u32, started: u64) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => owner::start_of(&stat).is_none_or(|began| began == started),
        Err(_) => sys::process_exists(pid),
    }
}
