// SPDX-License-Identifier: MIT
//! Guards at work on real threads.

use std::any::Any;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// Where a step says that it has begun.
type Begun = Sender<u32>;

/// A task that counts, and may wait until it is let go.
#[derive(Debug, Default)]
struct Count {
    number: u32,
    steps: u32,
    begun: Option<Begun>,
    gate: Option<Receiver<()>>,
}

impl Work for Count {
    fn step(&mut self) {
        self.steps += 1;
        if let Some(begun) = &self.begun {
            begun.send(self.number).unwrap();
        }
        if let Some(gate) = &self.gate {
            // Let go, or given up.
            let _ = gate.recv_timeout(PATIENCE);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

fn count(number: u32) -> Count {
    Count { number, ..Count::default() }
}

fn key(n: u32) -> Key<Judging> {
    Key::from_parts(n, 7)
}

/// A pool of two threads, and where it rings.
fn guards() -> (Guards, Receiver<()>) {
    let (ring, rings) = channel();
    let notify = Box::new(move || ring.send(()).unwrap_or_default());
    (Guards::start(2, 1 << 20, notify, || ()), rings)
}

fn give(guards: &mut Guards, at: u32, task: Count) {
    guards.give((key(at), Box::new(task))).unwrap();
}

/// The next `n` tasks that come back.
fn take(guards: &mut Guards, rings: &Receiver<()>, n: usize) -> Vec<(Key<Judging>, Count)> {
    let mut all = Vec::new();
    while all.len() < n {
        rings.recv_timeout(PATIENCE).unwrap();
        for (key, task) in guards.take() {
            all.push((key, *task.into_any().downcast().unwrap()));
        }
    }
    assert_eq!(all.len(), n);
    all
}

#[test]
fn every_task_comes_back_once_and_one_step_further() {
    let (mut guards, rings) = guards();
    for n in 0..1000 {
        give(&mut guards, n, count(n));
    }
    let mut all = take(&mut guards, &rings, 1000);
    all.sort_by_key(|(key, _)| *key);
    for (n, (at, task)) in (0..).zip(&all) {
        assert_eq!((*at, task.number, task.steps), (key(n), n, 1));
    }
    assert_eq!(guards.threads, 2);
    assert_eq!(guards.take().count(), 0);
}

#[test]
fn tasks_under_one_key_keep_their_order() {
    let (mut guards, rings) = guards();
    for n in 0..1000 {
        give(&mut guards, n % 3, count(n));
    }
    let all = take(&mut guards, &rings, 1000);
    for at in 0..3 {
        let of_key = all.iter().filter(|(other, _)| *other == key(at));
        let numbers: Vec<_> = of_key.map(|(_, task)| task.number).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
}

#[test]
fn a_slow_task_holds_up_nobody_but_those_behind_it_under_its_key() {
    let (mut guards, rings) = guards();
    let (open, gate) = channel();
    give(&mut guards, 0, Count { gate: Some(gate), ..count(0) });
    give(&mut guards, 0, count(1));
    for n in 2..100 {
        give(&mut guards, n, count(n));
    }
    let others = take(&mut guards, &rings, 98);
    assert!(others.iter().all(|(_, task)| task.number > 1));
    assert_eq!(guards.take().count(), 0);
    open.send(()).unwrap();
    let last = take(&mut guards, &rings, 2);
    assert_eq!(last.iter().map(|(_, task)| task.number).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_comes_first_is_begun_first() {
    let (mut guards, rings) = guards();
    let (begun, order) = channel();
    let (open, gate) = channel();
    give(&mut guards, 0, Count { gate: Some(gate), begun: Some(begun.clone()), ..count(0) });
    assert_eq!(order.recv_timeout(PATIENCE), Ok(0));
    // One thread is busy, so the other has the line for itself.
    for n in 1..100 {
        give(&mut guards, n, Count { begun: Some(begun.clone()), ..count(n) });
    }
    take(&mut guards, &rings, 99);
    assert!(order.try_iter().eq(1..100));
    open.send(()).unwrap();
    take(&mut guards, &rings, 1);
}

#[test]
fn what_is_taken_together_rings_once() {
    let (mut guards, rings) = guards();
    let (open, gate) = channel();
    let (begun, order) = channel();
    for n in 0..50 {
        give(&mut guards, n, Count { begun: Some(begun.clone()), ..count(n) });
    }
    give(&mut guards, 50, Count { begun: Some(begun), gate: Some(gate), ..count(50) });
    for _ in 0..=50 {
        order.recv_timeout(PATIENCE).unwrap();
    }
    open.send(()).unwrap();
    let until = Instant::now() + PATIENCE;
    while guards.shared.lock().done.len() < 51 {
        assert!(Instant::now() < until, "it never happened");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(guards.take().count(), 51);
    rings.recv_timeout(PATIENCE).unwrap();
    assert!(rings.try_recv().is_err());
}

#[test]
fn without_work_there_is_no_thread_and_never_more_than_are_needed() {
    let (mut guards, rings) = guards();
    assert_eq!(guards.threads, 0);
    for n in 0..20 {
        give(&mut guards, n, count(n));
        take(&mut guards, &rings, 1);
        let until = Instant::now() + PATIENCE;
        while guards.shared.lock().idle_threads < guards.threads {
            assert!(Instant::now() < until, "it never sleeps");
            thread::yield_now();
        }
    }
    assert_eq!(guards.threads, 1, "one after the other needs one");
}

#[test]
fn nobody_waits_for_a_piece_that_is_under_way_at_the_end() {
    let (mut guards, _rings) = guards();
    let (open, gate) = channel();
    let (begun, order) = channel();
    give(&mut guards, 0, Count { gate: Some(gate), begun: Some(begun.clone()), ..count(0) });
    assert_eq!(order.recv_timeout(PATIENCE), Ok(0));
    let shared = Arc::downgrade(&guards.shared);
    let start = Instant::now();
    drop(guards);
    assert!(start.elapsed() < PATIENCE / 2);
    // What waits in line is not begun, and the threads go when they can.
    open.send(()).unwrap();
    let until = Instant::now() + PATIENCE;
    while shared.strong_count() > 0 {
        assert!(Instant::now() < until, "a thread stays");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(order.try_recv().is_err());
}
