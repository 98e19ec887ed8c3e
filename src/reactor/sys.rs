// SPDX-License-Identifier: MIT
//! The calls of the system that neither std nor mio offers; the one place that may say `unsafe`.
//!
//! It knows numbers, descriptors and signals, and nothing of what they are for.

// Reason: the rest of the program denies `unsafe`; here each use argues its case.
#![allow(unsafe_code)]

pub mod landlock;
mod memory;

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

pub use memory::{drop_start_code, drop_written, keep_freed_memory, release_memory};

/// What a process can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: please leave.
    Term,
    /// SIGKILL: gone.
    Kill,
}

/// The bounds on open descriptors that we were started with, so that children get them back.
#[derive(Clone, Copy)]
pub struct DescriptorLimit(libc::rlimit);

/// SIGTERM, as the signal descriptor reports it.
pub const SIGTERM: u32 = libc::SIGTERM as u32;

/// SIGINT, as the signal descriptor reports it.
pub const SIGINT: u32 = libc::SIGINT as u32;

/// Blocks SIGTERM and SIGINT in the calling thread and in all that it starts from now on, and
/// ignores SIGPIPE and SIGHUP everywhere.
///
/// Call it before any thread is started: a thread that does not block them would be ended by them.
pub fn block_signals() -> io::Result<()> {
    let signals = stop_signals();
    // WHY UNSAFE: std has no signal masks.
    // SAFETY: `signals` is an initialised set, the third argument may be null. SIG_IGN is a valid
    // disposition for both signals and runs no code of ours.
    let status = unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, ptr::null_mut())
    };
    if status == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(status)) }
}

/// A descriptor from which the blocked signals are read, [`SIGNAL_RECORD_BYTES`] for each.
pub fn signal_descriptor() -> io::Result<File> {
    let signals = stop_signals();
    // WHY UNSAFE: std has no signalfd.
    // SAFETY: -1 asks for a new descriptor; `signals` is an initialised set that outlives the call.
    let fd =
        unsafe { libc::signalfd(-1, &raw const signals, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
    Ok(File::from(owned(fd)?))
}

/// Waits until one of the blocked signals comes, and returns its number.
pub fn wait_for_signal() -> io::Result<u32> {
    let signals = stop_signals();
    let mut number = 0;
    // WHY UNSAFE: std has no signal sets.
    // SAFETY: `signals` is an initialised set, and both pointers are valid during the call.
    match unsafe { libc::sigwait(&raw const signals, &raw mut number) } {
        0 => Ok(number.cast_unsigned()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// What one signal takes in the signal descriptor; its first four bytes are its number.
pub const SIGNAL_RECORD_BYTES: usize = size_of::<libc::signalfd_siginfo>();

/// Ignores what a terminal or a supervisor sends to a whole group: the keeper must outlive it.
pub fn ignore_stop_signals() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE] {
        // WHY UNSAFE: std cannot change dispositions.
        // SAFETY: SIG_IGN is a valid disposition for these signals and runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

fn stop_signals() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // WHY UNSAFE: std has no signal sets.
    // SAFETY: sigemptyset initialises the whole set before anything reads it; both numbers are
    // valid, so sigaddset cannot fail.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
        libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
        set.assume_init()
    }
}

/// Makes `command` a child that starts clean: no descriptor of ours beyond stdio, no signal
/// ignored, its own process group, the descriptor limits that we were given.
///
/// `ends_with_us`: the system kills it when the thread that starts it is gone.
pub fn prepare_child(command: &mut Command, limit: Option<DescriptorLimit>, ends_with_us: bool) {
    command.process_group(0);
    let parent = std::process::id().cast_signed();
    let start = move || {
        reset_signals();
        if let Some(DescriptorLimit(limit)) = limit {
            // WHY UNSAFE: std cannot set limits.
            // SAFETY: `limit` is a copy of what getrlimit returned.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        }
        close_on_exec();
        if ends_with_us { end_with(parent) } else { Ok(()) }
    };
    // WHY UNSAFE: what a child inherits can only be changed between fork and exec.
    // SAFETY: the closure runs in the forked child and calls only functions that are
    // async-signal-safe (sigmask, signal, setrlimit, close_range, prctl, getppid); it allocates
    // nothing and takes no lock.
    unsafe { command.pre_exec(start) };
}

/// Makes `command` a process that shares nothing with us but its stdio: a session of its own.
pub fn prepare_keeper(command: &mut Command) {
    let start = || {
        close_on_exec();
        // WHY UNSAFE: std has no sessions.
        // SAFETY: setsid takes nothing; it can fail only for a group leader, which a forked child
        // is not.
        match unsafe { libc::setsid() } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // WHY UNSAFE: a session can only be left between fork and exec.
    // SAFETY: the closure calls close_range and setsid, both async-signal-safe.
    unsafe { command.pre_exec(start) };
}

/// An ignored signal stays ignored across exec and a blocked one blocked, and a child needs
/// SIGTERM, SIGHUP or SIGPIPE to end.
fn reset_signals() {
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // WHY UNSAFE: std has no signal masks, and leaves ours to the child.
    // SAFETY: sigemptyset initialises the set before it is read; the third argument may be null.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
    for signal in [libc::SIGPIPE, libc::SIGHUP] {
        // WHY UNSAFE: std cannot change dispositions.
        // SAFETY: SIG_DFL is a valid disposition for both.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Everything beyond stdio vanishes with exec, also what somebody else opened without the flag.
/// Not closed at once: std reports a failed exec through such a descriptor. A system that does not
/// know the call is not an error, since our own descriptors carry the flag anyway.
fn close_on_exec() {
    // WHY UNSAFE: std cannot close descriptors that it does not own.
    // SAFETY: plain integers; with CLOSE_RANGE_CLOEXEC nothing is closed before exec.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

fn end_with(parent: libc::pid_t) -> io::Result<()> {
    // WHY UNSAFE: std has no prctl.
    // SAFETY: PR_SET_PDEATHSIG takes one integer.
    let status = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // The parent may have died between fork and prctl; then nobody would send the signal.
    // WHY UNSAFE: libc declares it so; std's `parent_id` is the same call, but not known to be safe
    // to use between fork and exec.
    // SAFETY: getppid takes nothing and cannot fail.
    if unsafe { libc::getppid() } != parent {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

/// Sends `signal` to all processes of `group`. A group that is gone is not an error: it did what
/// we wanted.
pub fn signal_group(group: u32, signal: Signal) -> io::Result<()> {
    let number = match signal {
        Signal::Term => libc::SIGTERM,
        Signal::Kill => libc::SIGKILL,
    };
    kill_group(group, number)
}

/// Whether `group` has a process, dead and unreaped ones included.
#[must_use]
pub fn group_exists(group: u32) -> bool {
    group_of(group).is_some_and(|group| {
        // WHY UNSAFE: std cannot signal groups.
        // SAFETY: plain integers; signal 0 only asks.
        unsafe { libc::kill(-group, 0) == 0 }
    })
}

/// Whether there is a process `pid`, also one that we may not signal.
#[must_use]
pub fn process_exists(pid: u32) -> bool {
    let Some(pid) = group_of(pid) else { return true };
    // WHY UNSAFE: std cannot ask for a process that is no child.
    // SAFETY: plain integers; signal 0 only asks.
    let asked = unsafe { libc::kill(pid, 0) };
    asked == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

fn kill_group(group: u32, number: i32) -> io::Result<()> {
    let Some(group) = group_of(group) else { return Ok(()) };
    // WHY UNSAFE: std can kill a child but not ask it to stop, and knows no groups.
    // SAFETY: plain integers, no memory of ours. `group` is above 1, so neither "everybody" nor
    // our own group is meant.
    if unsafe { libc::kill(-group, number) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        error => Err(error),
    }
}

fn group_of(group: u32) -> Option<libc::pid_t> {
    libc::pid_t::try_from(group).ok().filter(|&group| group > 1)
}

/// A descriptor that becomes readable when the process `pid`, a child of ours that is not reaped,
/// has ended.
pub fn exit_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // WHY UNSAFE: std has no stable pidfd.
    // SAFETY: plain integers; the result is a new descriptor (with close-on-exec) or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    owned(i32::try_from(fd).unwrap_or(-1))
}

/// Whether the child `pid` has ended; it is not reaped by asking.
#[must_use]
pub fn has_ended(pid: u32) -> bool {
    let mut record = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // WHY UNSAFE: std can only ask and reap at once, and a reaped group number may be given to a
    // stranger before we have killed the rest of the group.
    // SAFETY: the record is writable and, being zeroed, initialised; si_pid may be read after
    // waitid has succeeded.
    unsafe {
        libc::waitid(libc::P_PID, pid, record.as_mut_ptr(), options) == 0
            && (*record.as_ptr()).si_pid() != 0
    }
}

/// A TCP socket that is bound to `address` and does not listen. If it is `shared`, the same user
/// may bind others there that are shared too, and the system deals out clients among those that
/// listen.
pub fn bound_socket(address: SocketAddr, shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // WHY UNSAFE: std binds and listens in one go, and the option has to be set before.
    // SAFETY: plain integers; the result is a new descriptor or -1.
    let socket = owned(unsafe { libc::socket(family, kind, 0) })?;
    set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if shared {
        set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    let port = address.port().to_be();
    match address {
        SocketAddr::V4(v4) => {
            let sin_addr = libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) };
            let (sin_family, sin_port) = (family as libc::sa_family_t, port);
            bind(&socket, &libc::sockaddr_in { sin_family, sin_port, sin_addr, sin_zero: [0; 8] })?;
        }
        SocketAddr::V6(v6) => bind(
            &socket,
            &libc::sockaddr_in6 {
                sin6_family: family as libc::sa_family_t,
                sin6_port: port,
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            },
        )?,
    }
    Ok(socket)
}

/// `name` is a `sockaddr_in` or `sockaddr_in6`.
fn bind<N>(socket: &OwnedFd, name: &N) -> io::Result<()> {
    let len = size_of::<N>() as libc::socklen_t;
    // WHY UNSAFE: as above.
    // SAFETY: `name` is an initialised socket address of its family that outlives the call, and
    // `len` is its size; the descriptor is borrowed from its owner, so it is open.
    let status =
        unsafe { libc::bind(socket.as_raw_fd(), (&raw const *name).cast::<libc::sockaddr>(), len) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets up to `clients` wait to be accepted; the system may have a lower bound of its own.
pub fn set_backlog(listening: &impl AsRawFd, clients: i32) -> io::Result<()> {
    // WHY UNSAFE: mio listens with room for 128, and a client beyond that tries again only after a
    // second.
    // SAFETY: plain integers. Listening again on a socket that listens only changes its backlog.
    match unsafe { libc::listen(listening.as_raw_fd(), clients) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets the system find out that the other side of an idle connection has vanished: the first
/// probe after a minute, then four of them a quarter of a minute apart.
pub fn keep_alive(socket: &impl AsRawFd) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 60)?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 15)?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 4)
}

fn set_option(socket: &impl AsRawFd, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // WHY UNSAFE: neither std nor mio sets these options.
    // SAFETY: `value` is an initialised integer that outlives the call, and `len` is its size; the
    // descriptor is borrowed from its owner, so it is open.
    let status = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), len)
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Raises the bound on our open descriptors as far as we may, and says what it was.
pub fn raise_descriptor_limit() -> Option<DescriptorLimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // WHY UNSAFE: std has no limits.
    // SAFETY: `limit` is writable for the first call and initialised for the second.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return None;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised);
    }
    Some(DescriptorLimit(limit))
}

/// How far a thread gives way to others: 0 not at all, 19 to everybody. Where all processors are
/// busy, each step costs it a fifth of its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Niceness(pub u8);

/// Lets the calling thread give way to others that want to run.
pub fn lower_thread_priority(niceness: Niceness) {
    // WHY UNSAFE: std has no priorities.
    // SAFETY: plain integers. On Linux 0 means the calling thread; a failure changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, i32::from(niceness.0)) };
}

/// Gives up, for the calling thread and all that it starts from now on, what set-user-ID programs
/// would give it.
pub fn refuse_new_privileges() -> io::Result<()> {
    // WHY UNSAFE: std has no prctl.
    // SAFETY: PR_SET_NO_NEW_PRIVS takes four plain integers.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn owned(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // WHY UNSAFE: a number from the system becomes a descriptor with an owner.
    // SAFETY: the callers pass what a system call has just returned; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn a_group_is_killed_and_a_dead_group_is_no_error() {
        let mut command = Command::new("sleep");
        command.arg("60").stdin(Stdio::null());
        prepare_child(&mut command, raise_descriptor_limit(), true);
        let mut child = command.spawn().unwrap();
        assert!(!has_ended(child.id()));
        assert!(group_exists(child.id()) && process_exists(child.id()));
        assert!(exit_descriptor(child.id()).is_ok());
        signal_group(child.id(), Signal::Kill).unwrap();
        child.wait().unwrap();
        signal_group(child.id(), Signal::Term).unwrap();
        assert!(!group_exists(child.id()) && !process_exists(child.id()));
    }

    #[test]
    fn a_blocked_signal_is_read_from_the_descriptor() {
        use std::io::Read;
        block_signals().unwrap();
        let mut descriptor = signal_descriptor().unwrap();
        let mut record = [0; SIGNAL_RECORD_BYTES];
        let empty = descriptor.read(&mut record).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        // WHY UNSAFE: std cannot raise signals.
        // SAFETY: the signal goes to the calling thread alone, which has blocked it.
        unsafe { libc::raise(libc::SIGINT) };
        assert_eq!(descriptor.read(&mut record).unwrap(), SIGNAL_RECORD_BYTES);
        assert_eq!(record[..4], SIGINT.to_ne_bytes());
    }

    #[test]
    fn group_numbers_that_mean_more_than_one_group_are_never_used() {
        for group in [0, 1, u32::MAX] {
            assert_eq!(group_of(group), None);
            signal_group(group, Signal::Kill).unwrap();
        }
    }
}
