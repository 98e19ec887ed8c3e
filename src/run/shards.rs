// SPDX-License-Identifier: MIT
//! Several loops in one process: how many, what each of them starts with, and their threads.

use std::iter::Zip;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::base::{Now, Rng};
use crate::config::{Loaded, RunOptions};
use crate::gateway::Gateway;
use crate::gateway::shards::{self, SHARDS_MAX, Shard};
use crate::gateway::snapshot::{ServerId, Snapshot};
use crate::reactor::{Core, Listener, Observer, Options, Reactor, Seat, Starter};
use crate::worker::Logs;

/// As much as the first thread of a process has on most systems.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// How many loops were asked for.
fn wanted(run: &RunOptions) -> u16 {
    match run.threads {
        0 => thread::available_parallelism()
            .ok()
            .and_then(|n| u16::try_from(n.get()).ok())
            .map_or(1, |n| n.min(SHARDS_MAX)),
        n => n,
    }
}

/// Binds a listener for each loop that there will be: one alone where several would leave all but
/// one idle, and then there is something to say.
pub(super) fn listen(loaded: &Loaded) -> Result<(Vec<Listener>, Option<String>), String> {
    let (listen, wanted) = (&loaded.run.listen, wanted(&loaded.run));
    let is_divided = wanted > 1 && shards::is_divisible(&loaded.snapshot);
    let listeners = match is_divided {
        true => Listener::bind_many(listen, usize::from(wanted)),
        false => Listener::bind(listen).map(|one| vec![one]),
    };
    let idle = (wanted > 1 && !is_divided).then(|| {
        format!(
            "threads = {wanted} has no effect: no server can be served by more than one thread \
             (children, guards, budgets, `shared` and `tasks` belong to one)"
        )
    });
    Ok((listeners.map_err(|error| error.to_string())?, idle))
}

/// What a gateway is made from, fit to be sent to its thread.
pub(super) struct Start {
    snapshot: Arc<Snapshot>,
    broken: Arc<[(ServerId, String)]>,
    now: Now,
    shard: Shard,
    seed: [u8; 32],
    /// The same for all.
    key: [u8; 32],
}

/// What each of `n` gateways starts with; they share everything except for their bounds.
///
/// Errors: the system gives no random numbers.
pub(super) fn starts(loaded: &Loaded, n: usize, now: Now) -> Result<Vec<Start>, String> {
    let limits = loaded.snapshot.limits.share(n);
    let snapshot = Arc::new(Snapshot { limits, ..loaded.snapshot.clone() });
    let broken: Arc<[_]> = loaded.broken.as_slice().into();
    let key = random()?;
    let count = u16::try_from(n).unwrap_or(SHARDS_MAX);
    let start = |index| {
        let (snapshot, broken) = (Arc::clone(&snapshot), Arc::clone(&broken));
        let shard = Shard::new(index, count);
        Ok(Start { snapshot, broken, now, shard, seed: random()?, key })
    };
    (0..count).map(start).collect()
}

fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(bytes)
}

impl Start {
    /// The gateway; its first effects wait to be done.
    pub(super) fn gateway(self) -> Gateway {
        let own = (self.shard, self.key);
        let mut gateway = Gateway::shard(self.snapshot, Rng::new(self.seed), self.now, own);
        for (server, why) in self.broken.iter() {
            gateway.break_server(*server, why);
        }
        gateway
    }
}

/// The threads of all loops but the main one.
pub(super) struct Crew(Vec<JoinHandle<()>>);

/// What the threads begin with.
type Hands = Zip<std::vec::IntoIter<Start>, std::vec::IntoIter<Listener>>;

impl Crew {
    /// Starts a thread for each of `hands`, beside the loop `main`. The options are those of the
    /// main loop, which alone has children and signals.
    ///
    /// Errors: the system gives no thread.
    pub(super) fn start<C: Core, O: Observer>(
        main: &mut Reactor<C, O>,
        hands: Hands,
        options: &Options,
        logs: &Logs,
    ) -> Result<Self, String> {
        let mut seats = Seat::all(hands.len() + 1).into_iter();
        let mut crew = Self(Vec::new());
        if hands.len() == 0 {
            return Ok(crew);
        }
        if let Some(seat) = seats.next() {
            main.join(seat).map_err(|error| error.to_string())?;
        }
        for ((start, listener), seat) in hands.zip(seats) {
            let options = Options {
                signals: false,
                keeper: None,
                engine: None,
                starter: Starter::default(),
                ..options.clone()
            };
            let name = format!("shard {}", start.shard.index());
            let sender = logs.sender();
            let run = move || {
                // What goes wrong ends the seat, and with it the main loop.
                let Ok(mut reactor) = Reactor::new(&options, listener, start.gateway(), sender)
                else {
                    return;
                };
                if reactor.join(seat).is_ok() {
                    let _ = reactor.run();
                }
            };
            let thread = thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(run);
            crew.0.push(thread.map_err(|error| format!("no thread: {error}"))?);
        }
        Ok(crew)
    }

    /// Waits for the threads, whose loops have ended.
    pub(super) fn wait(self) {
        for thread in self.0 {
            let _ = thread.join();
        }
    }
}
