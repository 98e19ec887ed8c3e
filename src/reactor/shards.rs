// SPDX-License-Identifier: MIT
//! The other loops of this gateway: connections that move to them or come from them, and the end of
//! all.
//!
//! ```text
//!  loop 1                            mailbox of loop 0          loop 0
//!  Output::Move ─ socket, link ────> Letter::Peer ── waker ───> Input::Moved
//!                  no room ────────> Input::NotMoved, at loop 1
//!                                    of 1, of 2, …
//!              Input::Drain, Halt <─ Letter::Drain, Halt <───── Output::DrainOthers, HaltOthers
//!  its end ────────────────────────> Letter::Left ────────────> the end, once all have left
//! ```
//!
//! A letter is pushed under a lock that is held for a moment; loops share nothing else. A gateway
//! with one loop has no mailbox, and looks into none.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mio::Waker;
use mio::net::TcpStream;

use super::peer::Moving;
use super::{Core, Observer, Reactor, ReactorError};
use crate::base::Key;
use crate::gateway::io::{Input, Peer, PeerAddress};
use crate::gateway::shards::Moved;

/// A loop may have one connection in so many more than another: less is not worth the way.
const SLACK: usize = 16;

/// What one loop tells another.
enum Letter {
    /// Take this connection over: its client has asked for this.
    Peer(Box<Moving>, Box<Moved>),
    /// Take this connection over, which has come a moment ago: you have fewer.
    Fresh(TcpStream, PeerAddress),
    /// Finish what runs until then.
    Drain { deadline: Instant, why: &'static str },
    /// Stop at once.
    Halt,
    /// To the main loop: another one has ended, as it should or not.
    Left { well: bool },
}

/// What waits for one loop.
#[derive(Default)]
struct Mail {
    letters: VecDeque<Letter>,
    /// The letters among them that are connections.
    n_peers: usize,
    /// What ends its wait; `None` while it has not begun, for then it looks by itself.
    waker: Option<Arc<Waker>>,
    /// It has ended, or is about to.
    closed: bool,
}

/// What one loop shows the others.
#[derive(Default)]
struct Desk {
    mail: Mutex<Mail>,
    /// How many connections it has, more or less.
    n_peers: AtomicUsize,
}

/// The place of a loop among those of one gateway.
pub struct Seat {
    index: usize,
    desks: Arc<[Desk]>,
    /// Somebody has woken us; asking costs a lock.
    woken: bool,
    /// The loops that have not ended, without this one.
    n_others: usize,
    /// The core has said `Exit`, and others are still there.
    exits: bool,
    /// The loop has come to its end by itself.
    well: bool,
}

impl Seat {
    /// The places of `n` loops, the main one first.
    #[must_use]
    pub fn all(n: usize) -> Vec<Self> {
        let desks: Arc<[Desk]> = (0..n).map(|_| Desk::default()).collect();
        let seat = |index| Self {
            index,
            desks: Arc::clone(&desks),
            woken: true,
            n_others: n - 1,
            exits: false,
            well: false,
        };
        (0..n).map(seat).collect()
    }

    fn mail(&self, index: usize) -> Option<MutexGuard<'_, Mail>> {
        // A thread that panicked while it held the lock leaves a queue that is still one.
        Some(self.desks.get(index)?.mail.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for letters when `waker` has ended the wait, and once at the beginning.
    fn wake_by(&self, waker: Arc<Waker>) {
        if let Some(mut mail) = self.mail(self.index) {
            mail.waker = Some(waker);
        }
    }

    /// Takes no letters any more; connections among those that wait are closed.
    pub(super) fn close(&self) {
        if let Some(mut mail) = self.mail(self.index) {
            mail.closed = true;
            mail.letters.clear();
        }
    }

    /// Hands the connection over that `take` gives, if there is room for one more than those on
    /// their way.
    fn post_peer(
        &self,
        to: usize,
        moves_max: usize,
        take: impl FnOnce() -> Option<Letter>,
    ) -> bool {
        let Some(mut mail) = self.mail(to) else { return false };
        if mail.closed || mail.n_peers >= moves_max {
            return false;
        }
        if let Some(letter) = take() {
            mail.n_peers += 1;
            mail.post(letter);
        }
        true
    }

    /// Hands a connection that has just come to the loop that has the fewest, if that is far fewer
    /// than the `own` ones here; gives it back otherwise. The system deals connections out as the
    /// dice fall.
    pub(super) fn spread(
        &self,
        own: usize,
        moves_max: usize,
        stream: TcpStream,
        from: PeerAddress,
    ) -> Option<TcpStream> {
        let Some(to) = self.emptier(own) else { return Some(stream) };
        let mut stream = Some(stream);
        if self.post_peer(to, moves_max, || Some(Letter::Fresh(stream.take()?, from))) {
            self.desks[to].n_peers.fetch_add(1, Ordering::Relaxed);
        }
        stream
    }

    fn emptier(&self, own: usize) -> Option<usize> {
        let counts = self.desks.iter().map(|desk| desk.n_peers.load(Ordering::Relaxed));
        let (to, fewest) = counts.enumerate().min_by_key(|(_, n)| *n)?;
        (to != self.index && fewest + own / SLACK < own).then_some(to)
    }

    /// Shows the others how many connections there are.
    pub(super) fn show(&self, n_peers: usize) {
        self.desks[self.index].n_peers.store(n_peers, Ordering::Relaxed);
    }

    fn tell_others(&self, letter: impl Fn() -> Letter) {
        for index in (0..self.desks.len()).filter(|index| *index != self.index) {
            if let Some(mut mail) = self.mail(index) {
                mail.post(letter());
            }
        }
    }

    fn take_letters(&mut self) -> VecDeque<Letter> {
        if !std::mem::take(&mut self.woken) {
            return VecDeque::new();
        }
        let Some(mut mail) = self.mail(self.index) else { return VecDeque::new() };
        mail.n_peers = 0;
        std::mem::take(&mut mail.letters)
    }

    /// Notes that some loop has posted something, perhaps.
    pub(super) const fn note(&mut self) {
        self.woken = true;
    }

    /// Whether there are letters that nobody has looked at: without being told of them.
    pub(super) const fn is_woken(&self) -> bool {
        self.woken
    }

    /// The loop has come to its end by itself.
    pub(super) const fn has_ended_well(&mut self) {
        self.well = true;
    }
}

impl Mail {
    fn post(&mut self, letter: Letter) {
        if self.closed {
            return;
        }
        self.letters.push_back(letter);
        if let Some(waker) = &self.waker {
            // A poll that cannot be woken is gone, and its connections with it.
            let _ = waker.wake();
        }
    }
}

impl Drop for Seat {
    /// Also when the thread of the loop panics: the main loop must not wait for it.
    fn drop(&mut self) {
        self.close();
        if self.index > 0
            && let Some(mut mail) = self.mail(0)
        {
            mail.post(Letter::Left { well: self.well });
        }
    }
}

impl<C: Core, O: Observer> Reactor<C, O> {
    /// Makes this loop one of several; before [`Reactor::run`]. The main one ends when all others
    /// have, and with an error if one of them ends before it is told to.
    ///
    /// Errors: the poll cannot be woken.
    pub fn join(&mut self, seat: Seat) -> Result<(), ReactorError> {
        seat.wake_by(self.turn.waker()?);
        self.seat = Some(seat);
        Ok(())
    }

    /// Hands a connection to another loop, with what its client has asked for.
    // Rare next to all other effects, whose path it would make longer.
    #[cold]
    pub(super) fn move_peer(&mut self, peer: Key<Peer>, shard: u16, what: Box<Moved>) {
        let mut what = Some(what);
        if let Some(seat) = &self.seat {
            let (peers, turn) = (&mut self.peers, &mut self.turn);
            let moves_max = turn.limits.moves_max;
            let take = || Some(Letter::Peer(Box::new(peers.take(peer, turn)?), what.take()?));
            if seat.post_peer(usize::from(shard), moves_max, take) {
                return;
            }
        }
        if let Some(what) = what {
            self.turn.inbox.push_back(Input::NotMoved { peer, what });
        }
    }

    /// The core of the main loop drains.
    #[cold]
    pub(super) fn drain_others(&self, deadline: Instant, why: &'static str) {
        if let Some(seat) = &self.seat {
            seat.tell_others(|| Letter::Drain { deadline, why });
        }
    }

    /// The core of the main loop stops at once.
    #[cold]
    pub(super) fn halt_others(&self) {
        if let Some(seat) = &self.seat {
            seat.tell_others(|| Letter::Halt);
        }
    }

    /// The core is done; the main loop turns on until all others are too, for the sake of signals.
    #[cold]
    pub(super) fn exit(&mut self) {
        match &mut self.seat {
            Some(seat) if seat.index == 0 && seat.n_others > 0 => seat.exits = true,
            _ => self.over = true,
        }
    }

    /// Deals with what other loops have posted.
    ///
    /// Errors: one of them has ended before it was told to.
    pub(super) fn take_letters(&mut self) -> Result<(), ReactorError> {
        let Some(seat) = &mut self.seat else { return Ok(()) };
        for letter in seat.take_letters() {
            match letter {
                Letter::Peer(moving, what) => self.peers.arrive(*moving, what, &mut self.turn),
                Letter::Fresh(stream, from) if self.peers.has_room(from.ip, &self.turn) => {
                    self.peers.insert(stream, from, &mut self.turn);
                }
                Letter::Fresh(..) => {}
                Letter::Drain { deadline, why } => {
                    self.turn.inbox.push_back(Input::Drain { deadline, why });
                }
                Letter::Halt => self.turn.inbox.push_back(Input::Halt),
                Letter::Left { well: true } => {
                    seat.n_others -= 1;
                    self.over |= seat.exits && seat.n_others == 0;
                }
                Letter::Left { well: false } => {
                    return Err(io::Error::other("one of its threads has ended").into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: [usize; 3], want: Option<usize>) {
        let seats = Seat::all(3);
        for (seat, n) in seats.iter().zip(counts) {
            seat.show(n);
        }
        assert_eq!(seats[1].emptier(counts[1]), want, "{counts:?}");
    }

    #[test]
    fn who_has_more_than_others_gives_what_comes_to_the_one_with_the_fewest() {
        check([0, 0, 0], None);
        check([0, 1, 0], Some(0));
        check([1, 2, 0], Some(2));
        check([2, 1, 3], None);
        check([95, 100, 98], None);
        check([93, 100, 98], Some(0));
    }

    #[test]
    fn there_is_room_for_so_many_on_their_way_and_none_after_the_end() {
        let seats = Seat::all(2);
        let halt = || Some(Letter::Halt);
        assert!(seats[0].post_peer(1, 2, halt) && seats[0].post_peer(1, 2, halt));
        assert!(!seats[0].post_peer(1, 2, halt));
        assert!(!seats[0].post_peer(2, 2, halt), "there is no such loop");
        seats[1].close();
        assert!(!seats[0].post_peer(1, 9, halt));
    }

    #[test]
    fn the_main_loop_learns_of_every_end() {
        let mut seats = Seat::all(3);
        let mut main = seats.remove(0);
        seats[0].has_ended_well();
        drop(seats);
        let left: Vec<_> = main.take_letters().into();
        assert!(matches!(left[..], [Letter::Left { well: true }, Letter::Left { well: false }]));
        assert!(main.take_letters().is_empty(), "nobody has woken it");
    }
}
