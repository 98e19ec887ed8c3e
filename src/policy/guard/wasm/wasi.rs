// SPDX-License-Identifier: MIT
//! WASI preview 1, as far as a guard has a world: output to the log, random numbers, a clock.
//!
//! There are no files, no sockets, no arguments and no environment; what asks for them is told so.
//! The clock is that of the judgement: it stands still, but for a microsecond whenever it is read,
//! and for the whole of a sleep, which is over at once.

use wasmi::errors::LinkerError;
use wasmi::{Caller, Error, FuncType, Linker, Val, ValType};

use super::host::{Host, parts, slice, slice_mut};
use super::wasi_poll::poll;

/// The module that all of these belong to.
const MODULE: &str = "wasi_snapshot_preview1";

/// The codes that a guard can get. Spec: WASI preview 1, `errno`.
pub(super) mod errno {
    pub const SUCCESS: i32 = 0;
    pub const BADF: i32 = 8;
    pub const FAULT: i32 = 21;
    pub const INVAL: i32 = 28;
    pub const NOSYS: i32 = 52;
    pub const SPIPE: i32 = 70;
}
use errno::{BADF, FAULT, INVAL, NOSYS, SPIPE, SUCCESS};

/// How much time passes when the clock is read.
const READING_NS: u64 = 1000;

/// What is about files and sockets that no guard has: the name and the parameters, of which `I` is
/// 64 bits wide.
#[rustfmt::skip] // It is a table.
const WITHOUT_FILES: &[(&str, &str)] = &[
    ("fd_advise", "iIIi"),              ("fd_allocate", "iII"),
    ("fd_datasync", "i"),               ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_set_size", "iI"),     ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),              ("fd_prestat_dir_name", "iii"),
    ("fd_prestat_get", "ii"),           ("fd_pwrite", "iiiIi"),
    ("fd_readdir", "iiiIi"),            ("fd_renumber", "ii"),
    ("fd_sync", "i"),                   ("fd_tell", "ii"),
    ("path_create_directory", "iii"),   ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),           ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),        ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),          ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),        ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),            ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// Offers all of WASI preview 1.
pub(super) fn link(linker: &mut Linker<Host>) -> Result<(), LinkerError> {
    for (name, params) in WITHOUT_FILES {
        let params = params.chars().map(|it| if it == 'I' { ValType::I64 } else { ValType::I32 });
        let ty = FuncType::new(params.collect::<Vec<_>>(), [ValType::I32]);
        linker.func_new(MODULE, name, ty, |_, _, results| {
            results.fill(Val::I32(BADF));
            Ok(())
        })?;
    }
    linker.func_wrap(MODULE, "args_get", |_: i32, _: i32| SUCCESS)?;
    linker.func_wrap(MODULE, "args_sizes_get", no_strings)?;
    linker.func_wrap(MODULE, "environ_get", |_: i32, _: i32| SUCCESS)?;
    linker.func_wrap(MODULE, "environ_sizes_get", no_strings)?;
    linker.func_wrap(MODULE, "clock_res_get", clock_resolution)?;
    linker.func_wrap(MODULE, "clock_time_get", clock_time)?;
    linker.func_wrap(MODULE, "fd_close", |fd: u32| if fd <= 2 { SUCCESS } else { BADF })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", fd_status)?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |fd: u32, _: i32| {
            if fd <= 2 { SUCCESS } else { BADF }
        },
    )?;
    linker.func_wrap(MODULE, "fd_filestat_get", fd_file_status)?;
    linker.func_wrap(MODULE, "fd_read", fd_read)?;
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |fd: u32, _: i64, _: i32, _: i32| {
            if fd <= 2 { SPIPE } else { BADF }
        },
    )?;
    linker.func_wrap(MODULE, "fd_write", fd_write)?;
    linker.func_wrap(MODULE, "poll_oneoff", poll)?;
    linker.func_wrap(MODULE, "proc_exit", exit)?;
    linker.func_wrap(MODULE, "proc_raise", |_: i32| NOSYS)?;
    linker.func_wrap(MODULE, "random_get", random)?;
    linker.func_wrap(MODULE, "sched_yield", || SUCCESS)?;
    Ok(())
}

/// Writes into the guard's memory.
pub(super) fn put(data: &mut [u8], at: u32, bytes: &[u8]) -> Option<()> {
    slice_mut(data, at, u32::try_from(bytes.len()).ok()?)?.copy_from_slice(bytes);
    Some(())
}

/// The answer of a function that may have been given a place outside of the memory.
pub(super) const fn done(what: Option<()>) -> i32 {
    if what.is_some() { SUCCESS } else { FAULT }
}

/// No arguments, or no variables: none, of no bytes.
fn no_strings(mut caller: Caller<'_, Host>, count: u32, size: u32) -> i32 {
    let Some((data, _)) = parts(&mut caller) else { return FAULT };
    done(put(data, count, &[0; 4]).and_then(|()| put(data, size, &[0; 4])))
}

fn clock_resolution(mut caller: Caller<'_, Host>, _clock: i32, at: u32) -> i32 {
    let Some((data, _)) = parts(&mut caller) else { return FAULT };
    done(put(data, at, &READING_NS.to_le_bytes()))
}

/// Clock 0 tells the time of day; 1 to 3 only ever go forward.
fn clock_time(mut caller: Caller<'_, Host>, clock: u32, _precision: i64, at: u32) -> i32 {
    let Some((data, host)) = parts(&mut caller) else { return FAULT };
    host.clock.pass(READING_NS);
    let ns = match clock {
        0 => host.clock.unix_ns,
        1..=3 => host.clock.mono_ns,
        _ => return INVAL,
    };
    done(put(data, at, &ns.to_le_bytes()))
}

/// Standard input, output and error are terminals without any rights to be moved about in.
fn fd_status(mut caller: Caller<'_, Host>, fd: u32, at: u32) -> i32 {
    const CHARACTER_DEVICE: u8 = 2;
    /// `fd_read` and `fd_write`.
    const RIGHTS: u8 = 1 << 1 | 1 << 6;
    let Some((data, _)) = parts(&mut caller) else { return FAULT };
    if fd > 2 {
        return BADF;
    }
    let mut status = [0; 24];
    status[0] = CHARACTER_DEVICE;
    status[8] = RIGHTS;
    done(put(data, at, &status))
}

fn fd_file_status(mut caller: Caller<'_, Host>, fd: u32, at: u32) -> i32 {
    const CHARACTER_DEVICE: u8 = 2;
    let Some((data, _)) = parts(&mut caller) else { return FAULT };
    if fd > 2 {
        return BADF;
    }
    let mut status = [0; 64];
    status[16] = CHARACTER_DEVICE;
    done(put(data, at, &status))
}

/// Standard input is at its end.
fn fd_read(mut caller: Caller<'_, Host>, fd: u32, _list: i32, _len: i32, n_read: u32) -> i32 {
    let Some((data, _)) = parts(&mut caller) else { return FAULT };
    if fd == 0 { done(put(data, n_read, &[0; 4])) } else { BADF }
}

/// Standard output and error become log lines.
fn fd_write(mut caller: Caller<'_, Host>, fd: u32, list: u32, len: u32, n_written: u32) -> i32 {
    let Some((data, host)) = parts(&mut caller) else { return FAULT };
    if !(1..=2).contains(&fd) {
        return BADF;
    }
    let written = len.checked_mul(8).and_then(|len| slice(data, list, len)).and_then(|list| {
        list.chunks_exact(8).try_fold(0_u32, |written, place| {
            let (at, len) = place.split_at(4);
            let [at, len] = [at, len].map(|it| it.first_chunk().map(|it| u32::from_le_bytes(*it)));
            let bytes = slice(data, at?, len?)?;
            host.owed += bytes.len() as u64;
            host.log.write(fd, bytes);
            written.checked_add(len?)
        })
    });
    done(written.and_then(|written| put(data, n_written, &written.to_le_bytes())))
}

fn exit(status: i32) -> Result<(), Error> {
    Err(Error::i32_exit(status))
}

fn random(mut caller: Caller<'_, Host>, at: u32, len: u32) -> i32 {
    let Some((data, host)) = parts(&mut caller) else { return FAULT };
    let Some(room) = slice_mut(data, at, len) else { return FAULT };
    host.owed += room.len() as u64;
    for chunk in room.chunks_mut(4) {
        let word = host.rng.next_u32().to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
    SUCCESS
}
