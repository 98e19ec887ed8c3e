// SPDX-License-Identifier: MIT
//! Calls without a waiting client: tasks that the gateway offers for servers that have none.
//!
//! ```text
//! start ──> Working ── answer ──> Completed, Failed ──┐
//!              ├────── cancel ──> Cancelled ──────────┤
//!              └────── its time is over ──────────────┴──> gone
//! ```
//!
//! A job belongs to who started it, and not to a session: its principal finds it from wherever it
//! comes. It ends with the backend that executes it; what it came to is kept for its time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::call::Call;
use super::session::Session;
use super::snapshot::ServerId;
use crate::base::{Key, Message, Slab};
use crate::mcp::task::{Status, Task};
use crate::policy::auth::Principal;

/// How long clients are asked to wait between two questions.
const POLL_AFTER: Duration = Duration::from_secs(1);

/// One task of ours.
#[derive(Debug)]
pub struct Job {
    /// What its client calls it: unguessable.
    pub id: Box<str>,
    /// Who was asked.
    pub server: ServerId,
    /// Whose it is.
    pub principal: Principal,
    /// Where it was started; it may have ended.
    pub session: Key<Session>,
    /// The request at the backend, while it is under way.
    pub call: Option<Key<Call>>,
    /// How it is.
    pub status: Status,
    /// Whether its client speaks the modern protocol.
    pub is_modern: bool,
    /// What it came to.
    pub outcome: Option<Outcome>,
    /// The calls that wait for what it comes to.
    pub waiters: Vec<Key<Call>>,
    /// When it is forgotten.
    pub expires_at: Instant,
    why: Option<Box<str>>,
    created_ms: u64,
    updated_ms: u64,
    ttl: Duration,
}

/// What a job came to: JSON values, as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `result`
    Result(Message),
    /// `error`
    Error(Message),
}

/// How many jobs there may be, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Jobs.
    pub jobs: usize,
    /// Bytes of what they came to.
    pub bytes: usize,
}

/// Whose job it is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'j> {
    /// Unguessable.
    pub id: &'j str,
    /// Who is asked.
    pub server: ServerId,
    /// Who asks.
    pub principal: Principal,
    /// Where.
    pub session: Key<Session>,
    /// How long it is to be kept, from now on.
    pub ttl: Duration,
}

/// All jobs.
#[derive(Default)]
pub struct Jobs {
    slab: Slab<Job>,
    by_id: HashMap<Box<str>, Key<Job>>,
    bytes: usize,
}

impl Outcome {
    const fn json(&self) -> &Message {
        match self {
            Self::Result(json) | Self::Error(json) => json,
        }
    }
}

impl Job {
    /// What is told about it.
    #[must_use]
    pub fn task(&self) -> Task<'_> {
        Task {
            id: &self.id,
            status: self.status,
            why: self.why.as_deref(),
            created_ms: self.created_ms,
            updated_ms: self.updated_ms,
            ttl: self.ttl,
            poll_after: POLL_AFTER,
        }
    }

    fn bytes(&self) -> usize {
        self.outcome.as_ref().map_or(0, |outcome| outcome.json().len())
    }
}

impl Jobs {
    /// Begins a job; `None`: there is no room, and all that there is is at work. What is done gives
    /// way, the oldest first.
    pub fn start(
        &mut self,
        new: NewJob<'_>,
        (now, unix_ms): (Instant, u64),
        room: Room,
    ) -> Option<Key<Job>> {
        while self.slab.len() >= room.jobs {
            let oldest = self.oldest_that_is_done(None)?;
            self.remove(oldest);
        }
        let key = self.slab.insert(Job {
            id: new.id.into(),
            server: new.server,
            principal: new.principal,
            session: new.session,
            call: None,
            status: Status::Working,
            is_modern: false,
            outcome: None,
            waiters: Vec::new(),
            expires_at: now + new.ttl,
            why: None,
            created_ms: unix_ms,
            updated_ms: unix_ms,
            ttl: new.ttl,
        });
        self.by_id.insert(new.id.into(), key);
        Some(key)
    }

    /// The job that `principal` calls `id` at `server`; nobody else's.
    #[must_use]
    pub fn find(&self, server: ServerId, principal: Principal, id: &str) -> Option<Key<Job>> {
        let key = *self.by_id.get(id)?;
        let job = self.slab.get(key)?;
        (job.server == server && job.principal == principal).then_some(key)
    }

    /// The job of this key.
    #[must_use]
    pub fn get(&self, key: Key<Job>) -> Option<&Job> {
        self.slab.get(key)
    }

    /// Like [`Jobs::get`], to change it; what it came to is changed by [`Jobs::finish`] alone.
    pub fn get_mut(&mut self, key: Key<Job>) -> Option<&mut Job> {
        self.slab.get_mut(key)
    }

    /// All jobs.
    pub fn iter(&self) -> impl Iterator<Item = (Key<Job>, &Job)> {
        self.slab.iter()
    }

    /// The jobs of `principal` at `server`.
    pub fn of(&self, server: ServerId, principal: Principal) -> impl Iterator<Item = &Job> {
        let all = self.slab.iter().map(|(_, job)| job);
        all.filter(move |job| job.server == server && job.principal == principal)
    }

    /// Ends a job that is at work: those who wait for it. What is kept of others gives way to what
    /// it came to, which is itself no more than there is room for.
    pub fn finish(
        &mut self,
        key: Key<Job>,
        (status, outcome): (Status, Outcome),
        why: Option<&str>,
        unix_ms: u64,
        room: Room,
    ) -> Vec<Key<Call>> {
        let is_at_work = |job: &&mut Job| !job.status.is_final();
        let Some(job) = self.slab.get_mut(key).filter(is_at_work) else { return Vec::new() };
        job.status = status;
        job.why = why.map(Box::from);
        job.updated_ms = unix_ms;
        job.call = None;
        // A copy, since a slice would keep all of the message that it came in.
        let outcome = match outcome {
            Outcome::Result(json) => Outcome::Result(Message::copy_of(&json)),
            Outcome::Error(json) => Outcome::Error(Message::copy_of(&json)),
        };
        self.bytes += outcome.json().len();
        job.outcome = Some(outcome);
        let waiters = std::mem::take(&mut job.waiters);
        while self.bytes > room.bytes {
            let Some(oldest) = self.oldest_that_is_done(Some(key)) else { break };
            self.remove(oldest);
        }
        waiters
    }

    fn oldest_that_is_done(&self, but: Option<Key<Job>>) -> Option<Key<Job>> {
        let done = self.slab.iter().filter(|(key, job)| job.status.is_final() && Some(*key) != but);
        done.min_by_key(|(_, job)| (job.updated_ms, job.created_ms)).map(|(key, _)| key)
    }

    /// Takes out the jobs whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<Job> {
        let over = self.slab.iter().filter(|(_, job)| job.expires_at <= now);
        let over: Vec<_> = over.map(|(key, _)| key).collect();
        over.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    /// When the next job's time is over.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.slab.iter().map(|(_, job)| job.expires_at).min()
    }

    /// Takes a job out.
    pub fn remove(&mut self, key: Key<Job>) -> Option<Job> {
        let job = self.slab.remove(key)?;
        self.by_id.remove(&job.id);
        self.bytes -= job.bytes();
        Some(job)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// What is kept of what they came to.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: Room = Room { jobs: 3, bytes: 100 };
    const SERVER: ServerId = ServerId(0);
    const ONE: Principal = Principal(1);

    fn start(jobs: &mut Jobs, id: &str, at: (Instant, u64)) -> Option<Key<Job>> {
        let (session, ttl) = (Key::from_parts(0, 0), Duration::from_secs(60));
        jobs.start(NewJob { id, server: SERVER, principal: ONE, session, ttl }, at, ROOM)
    }

    fn finish(jobs: &mut Jobs, key: Key<Job>, bytes: usize, ms: u64) -> usize {
        let result = Outcome::Result(Message::new(vec![b'x'; bytes]));
        jobs.finish(key, (Status::Completed, result), None, ms, ROOM).len()
    }

    // Checklist 127, 139.
    #[test]
    fn a_job_is_there_for_its_principal_at_its_server_alone() {
        let (mut jobs, now) = (Jobs::default(), Instant::now());
        let key = start(&mut jobs, "a", (now, 0)).unwrap();
        assert_eq!(jobs.find(SERVER, ONE, "a"), Some(key));
        assert_eq!(jobs.find(SERVER, Principal(2), "a"), None);
        assert_eq!(jobs.find(ServerId(1), ONE, "a"), None);
        assert_eq!(jobs.find(SERVER, ONE, "b"), None);
        assert_eq!(jobs.of(SERVER, Principal(2)).count(), 0);
        assert_eq!(jobs.of(SERVER, ONE).count(), 1);
    }

    #[test]
    fn who_waits_is_told_once_and_the_first_end_is_the_end() {
        let (mut jobs, now) = (Jobs::default(), Instant::now());
        let key = start(&mut jobs, "a", (now, 0)).unwrap();
        jobs.get_mut(key).unwrap().waiters.push(Key::from_parts(4, 0));
        assert_eq!(finish(&mut jobs, key, 5, 1), 1);
        let error = Outcome::Error(Message::from("{}"));
        let again = jobs.finish(key, (Status::Failed, error), Some("no"), 2, ROOM);
        assert!(again.is_empty());
        assert_eq!(jobs.get(key).unwrap().status, Status::Completed);
        assert_eq!(jobs.bytes(), 5);
    }

    #[test]
    fn what_is_done_gives_way_and_what_is_at_work_does_not() {
        let (mut jobs, now) = (Jobs::default(), Instant::now());
        let keys: Vec<_> =
            ["a", "b", "c"].iter().filter_map(|id| start(&mut jobs, id, (now, 0))).collect();
        assert_eq!(start(&mut jobs, "d", (now, 0)), None, "all are at work");
        finish(&mut jobs, keys[1], 40, 7);
        finish(&mut jobs, keys[0], 40, 8);
        let d = start(&mut jobs, "d", (now, 9)).unwrap();
        assert_eq!(jobs.find(SERVER, ONE, "b"), None, "it was done first");
        finish(&mut jobs, d, 70, 10);
        assert_eq!(jobs.find(SERVER, ONE, "a"), None, "its bytes are needed");
        assert_eq!((jobs.len(), jobs.bytes()), (2, 70));
    }

    #[test]
    fn a_job_whose_time_is_over_is_gone() {
        let (mut jobs, now) = (Jobs::default(), Instant::now());
        start(&mut jobs, "a", (now, 0)).unwrap();
        assert_eq!(jobs.next_end(), Some(now + Duration::from_secs(60)));
        assert!(jobs.expire(now + Duration::from_secs(59)).is_empty());
        assert_eq!(jobs.expire(now + Duration::from_secs(60)).len(), 1);
        assert!(jobs.is_empty() && jobs.next_end().is_none());
        assert_eq!(jobs.find(SERVER, ONE, "a"), None);
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_there(
            steps in proptest::collection::vec((0_u8..4, 0_usize..6, 0_usize..60), 0..60),
        ) {
            let (mut jobs, mut now) = (Jobs::default(), Instant::now());
            let mut keys = Vec::new();
            for (n, (what, which, bytes)) in (0_u64..).zip(steps) {
                match what {
                    0 => keys.extend(start(&mut jobs, &n.to_string(), (now, n))),
                    1 | 2 if which < keys.len() => {
                        finish(&mut jobs, keys[which], bytes, n);
                    }
                    _ => {
                        now += Duration::from_secs(bytes as u64);
                        jobs.expire(now);
                    }
                }
                let there: Vec<_> = jobs.of(SERVER, ONE).collect();
                prop_assert_eq!(jobs.len(), there.len());
                prop_assert_eq!(jobs.bytes(), there.iter().map(|job| job.bytes()).sum::<usize>());
                prop_assert!(jobs.len() <= ROOM.jobs && jobs.bytes() <= ROOM.bytes);
                for job in there {
                    prop_assert!(jobs.find(SERVER, ONE, &job.id).is_some());
                }
            }
        }
    }
}
