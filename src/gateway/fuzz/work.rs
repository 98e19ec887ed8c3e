// SPDX-License-Identifier: MIT
//! Workers of a gateway under fuzz: most pieces are done at once, some only after the next fact.

use super::world::World;
use crate::base::Key;
use crate::gateway::io::{Input, Judging, Work};

/// Every so many pieces one is late, so that the world goes on while somebody waits for it.
const LATE_EVERY: usize = 3;

/// No fact is worth so many pieces.
const PIECES_MAX: usize = 1000;

/// What workers have been given and not done.
#[derive(Default)]
pub struct Workers {
    pieces: Vec<Piece>,
    n: usize,
}

struct Piece {
    judging: Key<Judging>,
    task: Box<dyn Work>,
    late: bool,
}

impl Workers {
    /// Takes a task; two of one judgement do not overtake each other.
    pub fn take(&mut self, judging: Key<Judging>, task: Box<dyn Work>) {
        self.n += 1;
        let behind = self.pieces.iter().any(|piece| piece.judging == judging && piece.late);
        let late = behind || self.n.is_multiple_of(LATE_EVERY);
        self.pieces.push(Piece { judging, task, late });
    }

    /// Nothing is late any more.
    pub fn hurry(&mut self) {
        self.pieces.iter_mut().for_each(|piece| piece.late = false);
    }
}

impl World {
    /// Does what is not late; whether there was anything.
    pub fn work(&mut self) -> bool {
        let Some(at) = self.workers.pieces.iter().position(|piece| !piece.late) else {
            return false;
        };
        let Piece { judging, mut task, .. } = self.workers.pieces.remove(at);
        task.step();
        self.gateway.handle_input(Input::Worked { judging, task }, self.now);
        true
    }

    /// Takes outputs and does pieces until there are none of both.
    pub fn pump_and_work(&mut self) {
        for _ in 0..PIECES_MAX {
            self.pump();
            if !self.work() {
                return;
            }
        }
        panic!("a task that is never done");
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Instant;

    use super::*;

    /// A task that says its number when it is done.
    #[derive(Debug)]
    struct Say(u32, Sender<u32>);

    impl Work for Say {
        fn step(&mut self) {
            self.1.send(self.0).unwrap();
        }
        fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
            self
        }
    }

    #[test]
    fn some_pieces_are_late_and_none_overtakes_another_of_its_judgement() {
        let mut world = World::new(Instant::now(), 0);
        let (done, said) = channel();
        // The third is late, and the fourth stands behind it.
        for (n, key) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3)] {
            world.workers.take(Key::from_parts(key, 0), Box::new(Say(n, done.clone())));
        }
        world.pump_and_work();
        assert!(said.try_iter().eq([1, 2, 5]));
        world.workers.hurry();
        world.pump_and_work();
        assert!(said.try_iter().eq([3, 4]));
        assert!(!world.work());
    }
}
