// SPDX-License-Identifier: MIT
//! Work that leaves the loop and comes back to it.

use std::any::Any;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use penstock::base::Key;
use penstock::gateway::io::{Input, Judging, Output, Work};
use penstock::reactor::Options;

use crate::toy::{PATIENCE, World, ask, eventually};

/// A task that notes where it was done, and may wait until it is let go.
#[derive(Debug)]
struct Task {
    done_by: String,
    gate: Option<Receiver<()>>,
}

impl Work for Task {
    fn step(&mut self) {
        self.done_by = std::thread::current().name().unwrap_or_default().to_owned();
        if let Some(gate) = &self.gate {
            // Let go, or given up.
            let _ = gate.recv_timeout(PATIENCE);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// A world that begins a task for each `/N`, under the key N; the first one waits for the gate.
fn world(gate: Option<Receiver<()>>) -> World {
    let mut gate = gate;
    World::with(Options::default(), Vec::new(), move |input, outputs| {
        let Input::Head { head, .. } = input else { return };
        let Ok(n) = String::from_utf8_lossy(&head.path()[1..]).parse() else { return };
        let task = Box::new(Task { done_by: String::new(), gate: gate.take() });
        outputs.push_back(Output::Work { judging: Key::from_parts(n, 0), task });
    })
}

/// The next task that comes back.
#[track_caller]
fn worked(world: &World) -> (Key<Judging>, String) {
    world.wait(|fact| match fact {
        Input::Worked { judging, task } => {
            let task: Box<Task> = task.into_any().downcast().unwrap();
            Some((judging, task.done_by))
        }
        _ => None,
    })
}

/// How many threads of this process do what guards want done.
fn guard_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while we look.
    let names =
        tasks.filter_map(|entry| std::fs::read_to_string(entry.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("guard-")).count()
}

// One test, since it counts the threads of the process.
#[test]
fn work_is_done_by_threads_that_come_with_it_and_hold_up_nobody() {
    let (open, gate) = channel();
    let world = world(Some(gate));
    let mut client = world.connect();
    assert_eq!(ask(&mut client, "/echo", "a"), "a");
    assert_eq!(guard_threads(), 0, "nobody has asked for work");

    // The loop and the other thread go on while the first task takes its time.
    for n in 1..20 {
        assert_eq!(ask(&mut client, &format!("/{n}"), "b"), "b");
    }
    let mut others: Vec<_> = (2..20).map(|_| worked(&world)).collect();
    others.sort();
    for (n, (at, done_by)) in (2..).zip(others) {
        assert_eq!(at, Key::from_parts(n, 0));
        assert!(done_by.starts_with("guard-"), "{done_by}");
    }
    open.send(()).unwrap();
    assert_eq!(worked(&world).0, Key::from_parts(1, 0));

    // An idle loop sleeps, and so do they.
    let turns = world.turns();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(world.turns() <= turns + 1, "the loop turns without a reason");
    world.end();
    eventually(|| guard_threads() == 0);

    // What is under way at the end is not waited for.
    let (open, gate) = channel();
    let world = self::world(Some(gate));
    ask(&mut world.connect(), "/1", "");
    let start = Instant::now();
    world.end();
    assert!(start.elapsed() < PATIENCE / 2);
    drop(open);
    eventually(|| guard_threads() == 0);
}
