// SPDX-License-Identifier: MIT
//! Reading and writing within a budget, and remembering what the poll will not say twice.
//!
//! The poll tells of a change once (edge-triggered). So whoever stops before the source is dry must
//! keep that in mind and come back by itself. Knows bytes, not what they mean.

use std::io::{ErrorKind, IoSlice, Read, Write};

use crate::base::Outbox;

/// What we know about one readable end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readiness {
    /// There may be bytes, or an end.
    pub(super) readable: bool,
    /// The end was announced: a short read does not mean that the source is dry.
    pub(super) ending: bool,
}

impl Readiness {
    /// Notes one event of the poll.
    pub(super) fn note(&mut self, event: &mio::event::Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.ending |= event.is_read_closed() || event.is_error();
    }
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Nothing is left; the poll will tell when there is more.
    Dry,
    /// The budget is spent or the taker has enough; nobody will tell us to come back.
    Rationed,
    /// The other side has ended its part.
    Ended,
    /// The source is broken; nothing more can be read.
    Failed,
}

/// Reads pieces of at most `buffer.len()` bytes, `budget` in all, as long as `take` returns true.
pub(super) fn read_some(
    source: &mut impl Read,
    ready: &mut Readiness,
    buffer: &mut [u8],
    budget: usize,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Pulled {
    let mut left = budget;
    while ready.readable {
        if left == 0 {
            return Pulled::Rationed;
        }
        let room = buffer.len().min(left);
        match source.read(&mut buffer[..room]) {
            Ok(0) => {
                ready.readable = false;
                return Pulled::Ended;
            }
            Ok(n) => {
                left -= n;
                // A short read means dry, and saves the call that would say so; unless an end is
                // announced, for which no second edge would come.
                ready.readable = n == room || ready.ending;
                if !take(&buffer[..n]) {
                    return if ready.readable { Pulled::Rationed } else { Pulled::Dry };
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                ready.readable = false;
                let blocked = error.kind() == ErrorKind::WouldBlock;
                return if blocked { Pulled::Dry } else { Pulled::Failed };
            }
        }
    }
    Pulled::Dry
}

/// Something that owes bytes.
pub(super) trait Owing {
    /// What is owed.
    fn owed(&self) -> &Outbox;
    /// `n` bytes of it have left.
    fn wrote(&mut self, n: usize);
}

/// Why writing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nothing is owed any more.
    Done,
    /// The other side takes no more; the poll will tell when it does.
    Blocked,
    /// The budget is spent; nobody will tell us to come back.
    Rationed,
    /// The other side will never take anything again.
    Failed,
}

/// How many pieces one call hands to the system.
const SLICES_MAX: usize = 64;

/// One answer has no more pieces than this.
const SLICES_OF_ONE: usize = 8;

/// Writes what is owed until the sink blocks or about `budget` bytes have left.
pub(super) fn write_some(
    sink: &mut impl Write,
    writable: &mut bool,
    owing: &mut impl Owing,
    budget: usize,
) -> Pushed {
    let mut left = budget;
    while !owing.owed().is_empty() {
        if !*writable {
            return Pushed::Blocked;
        }
        if left == 0 {
            return Pushed::Rationed;
        }
        match offer(sink, owing.owed()) {
            Ok(0) => return Pushed::Failed,
            Ok(n) => {
                left = left.saturating_sub(n);
                owing.wrote(n);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => *writable = false,
            Err(_) => return Pushed::Failed,
        }
    }
    Pushed::Done
}

/// Offers what is owed, as far as one call takes it. To clear a long list costs more than to fill a
/// short one.
fn offer(sink: &mut impl Write, owed: &Outbox) -> std::io::Result<usize> {
    if owed.n_pieces() > SLICES_OF_ONE {
        return offer_pieces::<SLICES_MAX>(sink, owed);
    }
    offer_pieces::<SLICES_OF_ONE>(sink, owed)
}

fn offer_pieces<const MAX: usize>(sink: &mut impl Write, owed: &Outbox) -> std::io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); MAX];
    let used = owed.lend(&mut slices);
    sink.write_vectored(&slices[..used])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::io;

    /// A source or sink that follows a script of results.
    struct Script(VecDeque<io::Result<usize>>);

    impl Script {
        fn step(&mut self) -> io::Result<usize> {
            self.0.pop_front().unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
        }
    }

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.step().map(|n| n.min(buffer.len()))
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.step().map(|n| n.min(bytes.len()))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn script(steps: impl IntoIterator<Item = io::Result<usize>>) -> Script {
        Script(steps.into_iter().collect())
    }

    #[track_caller]
    fn check_read(steps: &[usize], ending: bool, want: Pulled, readable_after: bool, calls: usize) {
        let mut source = script(steps.iter().map(|&n| Ok(n)));
        let mut ready = Readiness { readable: true, ending };
        let before = source.0.len();
        let got = read_some(&mut source, &mut ready, &mut [0; 8], 16, |_| true);
        assert_eq!((got, ready.readable), (want, readable_after));
        assert_eq!(before - source.0.len(), calls);
    }

    #[test]
    fn a_short_read_is_the_last_one() {
        check_read(&[8, 3, 5], false, Pulled::Dry, false, 2);
    }

    #[test]
    fn bytes_and_end_in_one_edge_are_both_seen() {
        check_read(&[3, 0], true, Pulled::Ended, false, 2);
    }

    #[test]
    fn whoever_is_rationed_stays_readable() {
        check_read(&[8, 8, 8], false, Pulled::Rationed, true, 2);
    }

    #[test]
    fn a_taker_that_has_enough_is_not_given_more() {
        let mut source = script([Ok(8), Ok(8)]);
        let mut ready = Readiness { readable: true, ending: false };
        let got = read_some(&mut source, &mut ready, &mut [0; 8], 64, |_| false);
        assert_eq!((got, ready.readable, source.0.len()), (Pulled::Rationed, true, 1));
    }

    struct Debt(Outbox);
    impl Owing for Debt {
        fn owed(&self) -> &Outbox {
            &self.0
        }
        fn wrote(&mut self, n: usize) {
            self.0.consume(n);
        }
    }

    #[track_caller]
    fn check_write(steps: Vec<io::Result<usize>>, budget: usize, want: Pushed, left: usize) {
        let mut debt = Debt(Outbox::new());
        debt.0.push(&[1; 10]);
        let mut writable = true;
        let got = write_some(&mut script(steps), &mut writable, &mut debt, budget);
        assert_eq!((got, debt.0.len()), (want, left));
        assert_eq!(writable, want != Pushed::Blocked);
    }

    #[test]
    fn writing_stops_when_done_blocked_rationed_or_broken() {
        check_write(vec![Ok(10)], 99, Pushed::Done, 0);
        check_write(vec![Ok(4), Ok(6)], 99, Pushed::Done, 0);
        check_write(vec![Ok(4)], 99, Pushed::Blocked, 6);
        check_write(vec![Ok(4), Ok(4), Ok(4)], 8, Pushed::Rationed, 2);
        check_write(vec![Ok(4), Err(ErrorKind::BrokenPipe.into())], 99, Pushed::Failed, 6);
        let interrupted = vec![Err(ErrorKind::Interrupted.into()), Ok(10)];
        check_write(interrupted, 99, Pushed::Done, 0);
    }
}
