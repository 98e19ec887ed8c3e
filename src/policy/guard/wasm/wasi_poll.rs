// SPDX-License-Identifier: MIT
//! `poll_oneoff`: how guards sleep. Nobody waits for them: the time has passed when it returns.

use wasmi::Caller;

use super::host::{Clock, Host, parts, slice};
use super::wasi::errno::{BADF, FAULT, INVAL, SUCCESS};
use super::wasi::{done, put};

/// Bytes of a subscription. Spec: WASI preview 1, `subscription`.
const SUBSCRIPTION: usize = 48;
/// Bytes of an event. Spec: WASI preview 1, `event`.
const EVENT: usize = 32;

/// What a subscription is about.
const CLOCK: u8 = 0;
/// A clock whose timeout is a time and not a duration.
const ABSOLUTE: u8 = 1;

/// One event for each subscription. The clock moves on to the first of the times waited for.
pub(super) fn poll(
    mut caller: Caller<'_, Host>,
    subscriptions: u32,
    events: u32,
    n: u32,
    n_events: u32,
) -> i32 {
    let Some((data, host)) = parts(&mut caller) else { return FAULT };
    let Some(len) = n.checked_mul(SUBSCRIPTION as u32).filter(|len| *len > 0) else { return INVAL };
    let Some(list) = slice(data, subscriptions, len).map(<[u8]>::to_vec) else { return FAULT };
    host.owed += list.len() as u64;
    let (mut at, mut sleep) = (events, None);
    for subscription in list.chunks_exact(SUBSCRIPTION) {
        if let Some(ns) = nanoseconds(subscription, &host.clock) {
            sleep = Some(sleep.unwrap_or(ns).min(ns));
        }
        if put(data, at, &event(subscription)).is_none() {
            return FAULT;
        }
        at = at.saturating_add(EVENT as u32);
    }
    host.clock.pass(sleep.unwrap_or(0));
    done(put(data, n_events, &n.to_le_bytes()))
}

/// How long a subscription to a clock wants to sleep.
fn nanoseconds(subscription: &[u8], clock: &Clock) -> Option<u64> {
    let number =
        |at: usize| subscription.get(at..)?.first_chunk().map(|it| u64::from_le_bytes(*it));
    if subscription.get(8) != Some(&CLOCK) {
        return None;
    }
    let (timeout, is_real) = (number(24)?, subscription.get(16) == Some(&0));
    let now = if is_real { clock.unix_ns } else { clock.mono_ns };
    let is_absolute = subscription.get(40)? & ABSOLUTE != 0;
    Some(if is_absolute { timeout.saturating_sub(now) } else { timeout })
}

/// The event for a subscription: a clock has struck, a standard stream is ready.
fn event(subscription: &[u8]) -> [u8; EVENT] {
    let mut event = [0; EVENT];
    event[..8].copy_from_slice(&subscription[..8]);
    let (kind, fd) = (subscription[8], &subscription[16..20]);
    let is_known = kind == CLOCK || fd[0] <= 2 && fd[1..] == [0; 3];
    event[8] = if is_known { SUCCESS as u8 } else { BADF as u8 };
    event[10] = kind;
    event
}
