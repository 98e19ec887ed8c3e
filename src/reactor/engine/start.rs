// SPDX-License-Identifier: MIT
//! How a container begins: created, its image fetched if need be, attached, watched, started.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::call::{Call, Outcome};
use super::contained::{Contained, Stage};
use super::daemon::Daemon;
use super::variable;
use crate::base::{Key, Message};
use crate::docker::credentials;
use crate::docker::pull::Step;
use crate::docker::request::split_image;
use crate::docker::run_args::Pull;
use crate::docker::{INSTANCE_LABEL, OWNER_LABEL, body};
use crate::gateway::io::{ChildEnd, Input};
use crate::gateway::snapshot::ChildCommand;
use crate::reactor::token::{Source, Work};
use crate::reactor::turn::Turn;

/// No `config.json` is longer, in bytes: it holds a few lines for each registry.
const LOGINS_BYTES_MAX: u64 = 1024 * 1024;

/// What `docker login` has left for the registry of `image`, where the command would look.
fn credentials_of(command: &ChildCommand, image: &str) -> Option<String> {
    let folder = variable(command, "DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(Path::new(&variable(command, "HOME")?).join(".docker")))?;
    let place = folder.join("config.json");
    // Whatever else has that name could keep us waiting.
    let file = place.is_file().then(|| File::open(&place).ok())??;
    let mut text = Vec::new();
    file.take(LOGINS_BYTES_MAX).read_to_end(&mut text).ok()?;
    credentials::header(&text, image)
}

impl Contained {
    /// The engine is known: begins, if it has waited for that.
    pub(super) fn begin(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        if !matches!(self.stage, Stage::AwaitEngine) {
            return;
        }
        if self.plan.run.pull == Pull::Always {
            self.fetch_image(key, daemon, turn);
        } else {
            self.create(key, daemon, turn);
        }
        self.arm(key, turn);
    }

    /// The engine cannot be asked: the command line may stand in.
    pub(super) fn cannot_begin(&mut self, why: &str) {
        if matches!(self.stage, Stage::AwaitEngine) {
            self.hand_on(format!("the container engine cannot be asked: {why}"));
        }
    }

    /// Leaves it to the command line if that is allowed.
    fn hand_on(&mut self, why: String) {
        if self.plan.is_required {
            return self.fail(why);
        }
        self.step = None;
        self.handed_on = Some(why);
        self.stage = Stage::Over;
    }

    /// It will not be started.
    pub(super) fn fail(&mut self, why: String) {
        // What is being created must not be forgotten; everything else ends with its connection.
        if !matches!(self.stage, Stage::AwaitCreated) {
            self.step = None;
        }
        self.why = Some(ChildEnd::NotStarted(why));
        self.stage = Stage::Over;
    }

    fn create(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let owner = daemon.owner();
        let mut labels = vec![(INSTANCE_LABEL, &*daemon.options().instance)];
        labels.extend(owner.as_deref().map(|owner| (OWNER_LABEL, owner)));
        let command = &self.command;
        let bytes =
            daemon.dialect().create(&self.plan.run, &labels, |name| variable(command, name));
        self.stage = Stage::AwaitCreated;
        self.request(&bytes, key, daemon, turn);
    }

    fn fetch_image(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let run = &self.plan.run;
        let (name, tag) = split_image(&run.image);
        let login = credentials_of(&self.command, &run.image);
        let bytes = daemon.dialect().pull(&run.image, run.platform.as_deref(), login.as_deref());
        let text = format!("fetching the image {name} ({tag})");
        self.is_pulled = true;
        self.stage = Stage::AwaitImage(Box::default());
        self.say(&text, turn);
        self.request(&bytes, key, daemon, turn);
    }

    /// A line in the log of the server, where the command line would have written it as well.
    fn say(&self, text: &str, turn: &mut Turn) {
        let line = Message::copy_of(text.as_bytes());
        turn.inbox.push_back(Input::Stderr { backend: self.talk.backend, line });
    }

    /// Begins the next step. One that cannot be begun has not happened.
    pub(super) fn request(
        &mut self,
        bytes: &[u8],
        key: Key<Self>,
        daemon: &Daemon,
        turn: &mut Turn,
    ) {
        self.step = None;
        match Call::begin(daemon.socket(), bytes, Source::EngineStep(key), turn) {
            Ok(call) => self.step = Some(call),
            Err(why) => self.lose(why),
        }
    }

    /// Goes on with the request under way.
    pub(super) fn pump_step(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let Some(call) = &mut self.step else { return };
        let outcome = call.go_on(turn);
        if let Stage::AwaitImage(progress) = &mut self.stage
            && call.answer.is_good()
        {
            let mut steps = progress.feed(&call.answer.take_body());
            if outcome == Outcome::Answered {
                steps.extend(progress.finish());
            }
            if !self.note_steps(steps, turn) {
                return;
            }
        }
        match outcome {
            Outcome::Open => {
                if self.step.as_ref().is_some_and(Call::is_rationed) {
                    turn.queue(&mut self.queued, Work::Contained(key));
                }
            }
            Outcome::Answered => {
                if let Some(call) = self.step.take() {
                    self.step_answered(call, key, daemon, turn);
                }
            }
            Outcome::Broken(why) => {
                self.is_nameless = matches!(self.stage, Stage::AwaitCreated);
                self.step = None;
                // What it was asked to end by force may have ended before; the watch will tell.
                if !self.is_begun() {
                    self.lose(why);
                }
            }
        }
    }

    /// Tells of the steps of a pull; whether it goes on.
    fn note_steps(&mut self, steps: Vec<Step>, turn: &mut Turn) -> bool {
        for step in steps {
            match step {
                Step::Told(text) => self.say(&text, turn),
                Step::Failed(why) => {
                    self.cannot_fetch(&why, turn);
                    return false;
                }
            }
        }
        true
    }

    /// The command line may know credentials that we do not.
    fn cannot_fetch(&mut self, why: &str, turn: &mut Turn) {
        let why = format!("the engine cannot fetch the image {}: {why}", self.plan.run.image);
        if !self.plan.is_required {
            self.say(&why, turn);
        }
        self.hand_on(why);
    }

    fn step_answered(&mut self, call: Call, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let (is_good, is_missing) = (call.answer.is_good(), call.answer.is_missing());
        let refused = || body::refusal(call.status(), call.answer.body());
        match &self.stage {
            // Whether it was stopped or killed is told by the watch, or by the deadline.
            Stage::Terminating { .. } | Stage::Killed { .. } => {}
            Stage::AwaitCreated if is_good => match body::created(call.answer.body()) {
                Some(id) => self.attach(id, key, daemon, turn),
                None => {
                    self.is_nameless = true;
                    self.fail("the engine names no container".to_owned());
                }
            },
            Stage::AwaitCreated if is_missing && self.lacks_image(&refused()) => {
                self.fetch_image(key, daemon, turn);
            }
            Stage::AwaitImage(_) if is_good => self.create(key, daemon, turn),
            Stage::AwaitImage(_) => self.cannot_fetch(&refused(), turn),
            Stage::AwaitStream if is_good => self.attached(call, key, daemon, turn),
            Stage::AwaitStarted if is_good => self.started(key, turn),
            _ => self.fail(refused()),
        }
    }

    fn lacks_image(&self, refusal: &str) -> bool {
        let is_image = refusal.to_ascii_lowercase().contains("no such image");
        is_image && !self.is_pulled && self.plan.run.pull != Pull::Never
    }

    fn attach(&mut self, id: Box<str>, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let bytes = daemon.dialect().attach(&id);
        self.id = Some(id);
        self.stage = Stage::AwaitStream;
        match Call::begin_stream(daemon.socket(), &bytes, Source::EngineStream(key), turn) {
            Ok(call) => self.step = Some(call),
            Err(why) => self.lose(why),
        }
    }

    fn attached(&mut self, call: Call, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let (mut stream, first) = call.into_attached();
        if let Err(why) = stream.take(&first, &mut self.talk.link) {
            return self.fail(why.to_string());
        }
        self.stream = Some(stream);
        let Some(id) = &self.id else { return };
        let bytes = daemon.dialect().wait(id);
        self.stage = Stage::AwaitWatch;
        match Call::begin(daemon.socket(), &bytes, Source::EngineWait(key), turn) {
            Ok(call) => self.wait = Some(call),
            Err(why) => self.lose(why),
        }
    }

    /// The head of the watch says that the end will be told, long before the end.
    pub(super) fn watch_answered(&mut self, key: Key<Self>, daemon: &Daemon, turn: &mut Turn) {
        let (Stage::AwaitWatch, Some(call), Some(id)) = (&self.stage, &self.wait, &self.id) else {
            return;
        };
        if call.answer.is_good() {
            let bytes = daemon.dialect().start(id);
            self.stage = Stage::AwaitStarted;
            self.request(&bytes, key, daemon, turn);
        } else if call.answer.is_done() {
            let why = body::refusal(call.status(), call.answer.body());
            self.fail(why);
        }
    }

    fn started(&mut self, key: Key<Self>, turn: &mut Turn) {
        self.stage = Stage::Running;
        if self.why.is_some() {
            // It has lived so shortly that its end was told before its start.
            self.has_exited(turn);
        }
        turn.queue(&mut self.queued, Work::Contained(key));
    }
}
