// SPDX-License-Identifier: MIT
//! Workers without threads: what they are given comes back later, and in another order.

use std::time::{Duration, Instant};

use penstock::base::Key;
use penstock::gateway::io::{Input, Judging, Work};

use crate::world::World;

/// How long a worker takes, in milliseconds; in calm weather it hurries.
const TAKES_CALM: [u64; 4] = [0, 0, 1, 10];
const TAKES: [u64; 6] = [0, 0, 1, 10, 500, 3000];

/// The tasks that workers have, and when they are done.
#[derive(Default)]
pub struct Workers(Vec<(Instant, Key<Judging>, Box<dyn Work>)>);

impl Workers {
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().map(|(at, ..)| *at).min()
    }
}

impl World {
    /// Gives a task to a worker. Two of one judgement do not overtake each other.
    pub fn give_work(&mut self, judging: Key<Judging>, task: Box<dyn Work>) {
        let takes = if self.weather.calm { &TAKES_CALM[..] } else { &TAKES[..] };
        let at = self.now.mono + Duration::from_millis(self.dice.pick(takes));
        let before = self.workers.0.iter().filter(|(_, key, _)| *key == judging);
        let at = before.map(|(at, ..)| *at).fold(at, Instant::max);
        self.workers.0.push((at, judging, task));
    }

    /// Takes what is done back.
    pub fn take_work(&mut self) {
        let now = self.now.mono;
        while let Some(at) = self.workers.0.iter().position(|(at, ..)| *at <= now) {
            let (_, judging, mut task) = self.workers.0.remove(at);
            task.step();
            self.ledger.count("pieces of work");
            self.inbox.push_back(Input::Worked { judging, task });
        }
    }
}
