// SPDX-License-Identifier: MIT
//! Addresses of names: `getaddrinfo`, which blocks, on threads of its own.
//!
//! ```text
//!   resolve ──> cache ──> ready ──> poll
//!                 │         ^
//!                 v         │
//!               jobs ──> threads
//! ```
//!
//! Threads are started with the first name and sleep without one. Several who ask for the same name
//! at once get the answer to one question. Does not know what the addresses are for.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer is good. Failures are not kept.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Names that are kept; beyond: the answers among them are forgotten.
const NAMES_MAX: usize = 256;

/// What asks the system.
type Lookup = fn(&str) -> Result<Vec<IpAddr>, String>;

/// What the caller gets for a ticket.
pub type Answer = (u64, Result<Vec<SocketAddr>, String>);

/// Finds the addresses of names. Belongs to one thread.
pub struct Resolver {
    shared: Arc<Shared>,
    lookup: Lookup,
    threads_max: usize,
    threads: usize,
    names: HashMap<String, Name>,
    ready: VecDeque<Answer>,
}

/// What is known of a name.
enum Name {
    /// A thread has been asked; these wait: ticket and port.
    Asked(Vec<(u64, u16)>),
    /// The answer, and when it came.
    Known(Vec<IpAddr>, Instant),
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    notify: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<String>,
    done: VecDeque<(String, Result<Vec<IpAddr>, String>)>,
    idle_threads: usize,
    closing: bool,
}

impl Shared {
    /// A thread that panicked while it held the lock leaves a queue that is still one.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// Will use up to `threads` threads, at least one. `notify` is called whenever [`Self::poll`]
    /// has something new: on one of the threads, or during [`Self::resolve`].
    #[must_use]
    pub fn start(threads: usize, notify: Box<dyn Fn() + Send + Sync>) -> Self {
        Self::with_lookup(threads, notify, ask_system)
    }

    fn with_lookup(threads: usize, notify: Box<dyn Fn() + Send + Sync>, lookup: Lookup) -> Self {
        let shared = Shared { queue: Mutex::default(), wake: Condvar::new(), notify };
        Self {
            shared: Arc::new(shared),
            lookup,
            threads_max: threads.max(1),
            threads: 0,
            names: HashMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// Asks for the addresses of `host`, a name or an IP address without brackets. Exactly one
    /// answer with this `ticket` follows.
    pub fn resolve(&mut self, ticket: u64, host: String, port: u16) {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return self.answer(ticket, Ok(vec![SocketAddr::new(ip, port)]));
        }
        self.forget_old();
        match self.names.get_mut(&host) {
            Some(Name::Asked(waiting)) => waiting.push((ticket, port)),
            Some(Name::Known(ips, _)) => {
                let addresses = with_port(ips, port);
                self.answer(ticket, Ok(addresses));
            }
            None => self.ask(ticket, host, port),
        }
    }

    /// The next answer: at least one address, or why there is none.
    pub fn poll(&mut self) -> Option<Answer> {
        if self.ready.is_empty() {
            self.collect();
        }
        self.ready.pop_front()
    }

    fn answer(&mut self, ticket: u64, result: Result<Vec<SocketAddr>, String>) {
        self.ready.push_back((ticket, result));
        (self.shared.notify)();
    }

    fn forget_old(&mut self) {
        let is_full = self.names.len() >= NAMES_MAX;
        self.names.retain(|_, name| match name {
            Name::Asked(_) => true,
            Name::Known(_, at) => !is_full && at.elapsed() < ANSWER_MAX,
        });
    }

    fn ask(&mut self, ticket: u64, host: String, port: u16) {
        if self.names.len() >= NAMES_MAX {
            return self.answer(ticket, Err("too many names at once".into()));
        }
        let mut queue = self.shared.lock();
        queue.jobs.push_back(host.clone());
        let needs_thread = queue.idle_threads < queue.jobs.len() && self.threads < self.threads_max;
        drop(queue);
        self.shared.wake.notify_one();
        self.names.insert(host, Name::Asked(vec![(ticket, port)]));
        if needs_thread {
            self.start_thread();
        }
    }

    fn start_thread(&mut self) {
        let (shared, lookup) = (Arc::clone(&self.shared), self.lookup);
        let run = move || serve(&shared, lookup);
        // The C library may need some hundred KiB for one name.
        match thread::Builder::new().name("resolver".into()).stack_size(1024 * 1024).spawn(run) {
            Ok(_) => self.threads += 1,
            Err(_) if self.threads > 0 => {} // The others will do it.
            Err(error) => {
                let mut queue = self.shared.lock();
                let failed = |host| (host, Err(format!("no thread to resolve names: {error}")));
                let jobs = std::mem::take(&mut queue.jobs);
                queue.done.extend(jobs.into_iter().map(failed));
                drop(queue);
                (self.shared.notify)();
            }
        }
    }

    /// Takes what the threads have found and answers all who wait for it.
    fn collect(&mut self) {
        let done = std::mem::take(&mut self.shared.lock().done);
        for (host, result) in done {
            let Some(Name::Asked(waiting)) = self.names.remove(&host) else { continue };
            for (ticket, port) in waiting {
                let addresses = result.as_ref().map(|ips| with_port(ips, port));
                self.ready.push_back((ticket, addresses.map_err(Clone::clone)));
            }
            if let Ok(ips) = result {
                self.names.insert(host, Name::Known(ips, Instant::now()));
            }
        }
    }
}

impl Drop for Resolver {
    /// Threads end when they have nothing to do; nobody waits for them, since a name may take long.
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closing = true;
        queue.jobs.clear();
        drop(queue);
        self.shared.wake.notify_all();
    }
}

fn with_port(ips: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    ips.iter().map(|&ip| SocketAddr::new(ip, port)).collect()
}

/// What each thread does.
fn serve(shared: &Shared, lookup: Lookup) {
    let mut queue = shared.lock();
    while !queue.closing {
        let Some(host) = queue.jobs.pop_front() else {
            queue.idle_threads += 1;
            queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle_threads -= 1;
            continue;
        };
        drop(queue);
        let result = lookup(&host);
        shared.lock().done.push_back((host, result));
        (shared.notify)();
        queue = shared.lock();
    }
}

fn ask_system(host: &str) -> Result<Vec<IpAddr>, String> {
    let found = (host, 0).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut ips: Vec<IpAddr> = Vec::new();
    for ip in found.map(|address| address.ip()) {
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
    if ips.is_empty() { Err("the name has no address".into()) } else { Ok(ips) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

    fn slow_lookup(host: &str) -> Result<Vec<IpAddr>, String> {
        thread::sleep(Duration::from_millis(20));
        LOOKUPS.fetch_add(1, Ordering::SeqCst);
        match host {
            "bad.test" => Err("no such name".into()),
            _ => Ok(vec![IpAddr::from([10, 0, 0, 1])]),
        }
    }

    fn resolver() -> (Resolver, Receiver<()>) {
        let (sender, receiver) = channel();
        let notify = Box::new(move || sender.send(()).unwrap_or_default());
        (Resolver::with_lookup(2, notify, slow_lookup), receiver)
    }

    fn wait(resolver: &mut Resolver, notified: &Receiver<()>) -> Answer {
        loop {
            if let Some(answer) = resolver.poll() {
                return answer;
            }
            notified.recv_timeout(Duration::from_secs(5)).unwrap();
        }
    }

    #[test]
    fn an_address_needs_no_thread() {
        let (mut resolver, _notified) = resolver();
        for (ticket, host) in [(1, "127.0.0.1"), (2, "::1")] {
            resolver.resolve(ticket, host.into(), 80);
            let want = SocketAddr::new(host.parse().unwrap(), 80);
            assert_eq!(resolver.poll(), Some((ticket, Ok(vec![want]))));
        }
        assert_eq!((resolver.threads, resolver.poll()), (0, None));
    }

    #[test]
    fn a_name_is_asked_for_once() {
        let (mut resolver, notified) = resolver();
        let before = LOOKUPS.load(Ordering::SeqCst);
        resolver.resolve(1, "good.test".into(), 80);
        resolver.resolve(2, "good.test".into(), 443);
        let address = |port| Ok(vec![SocketAddr::from(([10, 0, 0, 1], port))]);
        assert_eq!(wait(&mut resolver, &notified), (1, address(80)));
        assert_eq!(wait(&mut resolver, &notified), (2, address(443)));
        resolver.resolve(3, "good.test".into(), 81);
        assert_eq!(resolver.poll(), Some((3, address(81))), "it is remembered");
        assert_eq!(resolver.threads, 1);
        // A failure is not remembered; a second name has the second thread.
        resolver.resolve(4, "bad.test".into(), 80);
        resolver.resolve(5, "other.test".into(), 80);
        let mut tickets = [(); 2].map(|()| wait(&mut resolver, &notified));
        tickets.sort_by_key(|(ticket, _)| *ticket);
        assert_eq!(tickets, [(4, Err("no such name".into())), (5, address(80))]);
        assert_eq!(resolver.threads, 2);
        resolver.resolve(6, "bad.test".into(), 80);
        assert_eq!(wait(&mut resolver, &notified).0, 6);
        assert_eq!(LOOKUPS.load(Ordering::SeqCst) - before, 4);
    }

    #[test]
    fn the_system_knows_this_machine() {
        assert!(ask_system("localhost").is_ok_and(|ips| ips.iter().all(IpAddr::is_loopback)));
        assert!(ask_system("").is_err());
    }
}
