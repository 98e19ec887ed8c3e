// SPDX-License-Identifier: MIT
//! The functions of module `env`, and what the host keeps for one instance.
//!
//! A guard that asks its backend is suspended in [`call_backend`]; what it asks lies in
//! [`Host::asked`] until [`Host::deliver`] has put the answer into its memory.

use std::fmt;

use wasmi::errors::{HostError, LinkerError};
use wasmi::{Caller, Error, Linker, Memory, StoreLimits};

use super::log::Lines;
use crate::base::{GuardLimits, Message, Rng};
use crate::policy::guard::{Met, NEEDS_MAX, Need};
use crate::wire::json::{scan, tree};

/// What a guard is told of a question that has no answer.
const FAILED: i32 = -1;
/// What it is told of an answer that is too long for its buffer.
const TOO_SMALL: i32 = -2;

/// What the host keeps for one instance.
pub(super) struct Host {
    pub limits: GuardLimits,
    pub growth: StoreLimits,
    pub memory: Option<Memory>,
    pub rng: Rng,
    pub clock: Clock,
    pub log: Lines,
    /// What the guard waits for.
    pub asked: Option<Asked>,
    /// Work done for the guard outside of it, in bytes; a byte counts as one unit of fuel.
    pub owed: u64,
    n_needs: u32,
    /// The last answer, if there was no room for it: the guard will ask again with more.
    unread: Option<(Need, Message)>,
}

/// A question, and where its answer goes.
pub(super) struct Asked {
    pub need: Need,
    result: (u32, u32),
}

/// The clock of a guard: it stands still but for what the guard does with it.
#[derive(Default)]
pub(super) struct Clock {
    /// Nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// Nanoseconds since the instance was made; never goes back.
    pub mono_ns: u64,
}

impl Clock {
    pub fn set(&mut self, unix_ms: u64) {
        let unix_ns = unix_ms.saturating_mul(1_000_000);
        let passed = unix_ns.saturating_sub(self.unix_ns);
        self.mono_ns = self.mono_ns.saturating_add(if self.unix_ns == 0 { 0 } else { passed });
        self.unix_ns = unix_ns;
    }

    pub fn pass(&mut self, ns: u64) {
        self.unix_ns = self.unix_ns.saturating_add(ns);
        self.mono_ns = self.mono_ns.saturating_add(ns);
    }
}

/// Why a call stops in the middle: it goes on with the answer.
#[derive(Debug)]
pub(super) struct Suspended;

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("waits for its backend")
    }
}

impl HostError for Suspended {}

impl Host {
    pub fn new(limits: GuardLimits, growth: StoreLimits, seed: [u8; 32]) -> Self {
        Self {
            limits,
            growth,
            memory: None,
            rng: Rng::new(seed),
            clock: Clock::default(),
            log: Lines::new(&limits),
            asked: None,
            owed: 0,
            // While it starts it asks nothing.
            n_needs: NEEDS_MAX,
            unread: None,
        }
    }

    /// Before a judgement that begins at `unix_ms`.
    pub fn begin(&mut self, unix_ms: u64) {
        self.clock.set(unix_ms);
        self.n_needs = 0;
        self.asked = None;
        self.unread = None;
    }

    /// What a guard with this memory asks. `Ok`: it has the answer already, or there is none.
    fn ask(&mut self, data: &mut [u8], args: [u32; 6]) -> Result<i32, Suspended> {
        let [tool, tool_len, args, args_len, result, result_len] = args;
        self.n_needs = self.n_needs.saturating_add(1);
        if self.n_needs > NEEDS_MAX || slice(data, result, result_len).is_none() {
            return Ok(FAILED);
        }
        let Some(need) = self.need(data, (tool, tool_len), (args, args_len)) else {
            return Ok(FAILED);
        };
        self.asked = Some(Asked { need, result: (result, result_len) });
        match self.unread.take() {
            Some((need, answer)) if self.asked.as_ref().is_some_and(|it| it.need == need) => {
                Ok(self.deliver(data, Some(answer)))
            }
            _ => Err(Suspended),
        }
    }

    fn need(&mut self, data: &[u8], tool: (u32, u32), args: (u32, u32)) -> Option<Need> {
        let tool = slice(data, tool.0, tool.1)?;
        let args = slice(data, args.0, args.1)?;
        self.owed += (tool.len() + args.len()) as u64;
        if tool.len().max(args.len()) > self.limits.input_bytes_max {
            return None;
        }
        let args = if args.is_empty() { b"null" } else { args };
        scan::validate(args, tree::TREE_DEPTH_MAX).ok()?;
        Some(Need { tool: str::from_utf8(tool).ok()?.into(), args: args.into() })
    }

    /// Puts the answer to what was asked into the guard's memory, and says what the guard is told.
    pub fn deliver(&mut self, data: &mut [u8], met: Met) -> i32 {
        let Some(Asked { need, result: (at, len) }) = self.asked.take() else { return FAILED };
        let Some(answer) = met else { return FAILED };
        let Some(room) = slice_mut(data, at, len) else { return FAILED };
        self.owed += answer.len() as u64;
        if let Some(room) = room.get_mut(..answer.len()) {
            room.copy_from_slice(&answer);
            return i32::try_from(answer.len()).unwrap_or(FAILED);
        }
        if let (Some(size), Ok(needed)) = (room.first_chunk_mut(), u32::try_from(answer.len())) {
            *size = needed.to_le_bytes();
        }
        self.unread = Some((need, answer));
        TOO_SMALL
    }
}

/// `len` bytes of a memory from `at` on, if they are there.
pub(super) fn slice(data: &[u8], at: u32, len: u32) -> Option<&[u8]> {
    data.get(at as usize..)?.get(..len as usize)
}

/// The same, to write to.
pub(super) fn slice_mut(data: &mut [u8], at: u32, len: u32) -> Option<&mut [u8]> {
    data.get_mut(at as usize..)?.get_mut(..len as usize)
}

/// The memory of the calling guard, and what we keep for it.
pub(super) fn parts<'c>(caller: &'c mut Caller<'_, Host>) -> Option<(&'c mut [u8], &'c mut Host)> {
    let memory = match caller.data().memory {
        Some(memory) => memory,
        None => caller.get_export("memory")?.into_memory()?,
    };
    Some(memory.data_and_store_mut(caller))
}

/// Offers the functions of module `env`.
pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), LinkerError> {
    linker.func_wrap("env", "call_backend", call_backend)?;
    linker.func_wrap("env", "host_log", host_log)?;
    linker.func_wrap("env", "abort", abort)?;
    Ok(())
}

fn call_backend(
    mut caller: Caller<'_, Host>,
    tool: u32,
    tool_len: u32,
    args: u32,
    args_len: u32,
    result: u32,
    result_len: u32,
) -> Result<i32, Error> {
    let Some((data, host)) = parts(&mut caller) else { return Ok(FAILED) };
    host.ask(data, [tool, tool_len, args, args_len, result, result_len]).map_err(Error::host)
}

fn host_log(mut caller: Caller<'_, Host>, level: u32, at: u32, len: u32) {
    let Some((data, host)) = parts(&mut caller) else { return };
    if let Some(text) = slice(data, at, len) {
        host.owed += text.len().min(host.limits.log_line_bytes_max) as u64;
        host.log.say(level, text);
    }
}

/// What AssemblyScript calls when something is wrong. Its strings are UTF-16, their length in
/// bytes lies before them.
fn abort(
    mut caller: Caller<'_, Host>,
    message: u32,
    file: u32,
    line: u32,
    column: u32,
) -> Result<(), Error> {
    if let Some((data, host)) = parts(&mut caller) {
        let [message, file] = [message, file].map(|at| utf16(data, at, &host.limits));
        let text = format!("abort: {message} at {file}:{line}:{column}");
        host.log.say(3, text.as_bytes());
    }
    Err(wasmi::TrapCode::UnreachableCodeReached.into())
}

fn utf16(data: &[u8], at: u32, limits: &GuardLimits) -> String {
    let read = || {
        let len = slice(data, at.checked_sub(4)?, 4)?.first_chunk()?;
        let bytes = slice(data, at, u32::from_le_bytes(*len))?;
        let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let units: Vec<u16> = units.take(limits.log_line_bytes_max).collect();
        Some(String::from_utf16_lossy(&units))
    };
    read().unwrap_or_default()
}
