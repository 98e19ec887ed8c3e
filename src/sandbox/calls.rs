// SPDX-License-Identifier: MIT
//! The calls of the system that a gateway makes once it runs, as a table.
//!
//! The two C libraries make different calls for the same thing, and newer versions others than
//! older ones, so the table has more than one of them needs. What is not in it: to become or to
//! start another program, to listen, to trace, to mount, to change users or clocks.

use libc::c_long;

/// A call, if something is known of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) call: c_long,
    /// Which argument, from zero.
    pub(super) argument: u8,
    pub(super) test: Test,
}

/// What holds for the argument, of which the lower 32 bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// It is this.
    Is(u32),
    /// It has all these bits.
    Has(u32),
}

/// With any arguments.
#[rustfmt::skip] // It is a table.
const ALWAYS: &[c_long] = &[
    // Reading and writing.
    libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_write, libc::SYS_writev,
    libc::SYS_pwrite64, libc::SYS_lseek, libc::SYS_close, libc::SYS_close_range, libc::SYS_dup,
    libc::SYS_dup3, libc::SYS_fcntl, libc::SYS_pipe2,
    // Files.
    libc::SYS_openat, libc::SYS_newfstatat, libc::SYS_fstat, libc::SYS_statx, libc::SYS_faccessat,
    libc::SYS_faccessat2, libc::SYS_readlinkat, libc::SYS_getcwd, libc::SYS_getdents64,
    libc::SYS_mkdirat, libc::SYS_unlinkat, libc::SYS_renameat2, libc::SYS_fchmod,
    libc::SYS_fchmodat, libc::SYS_ftruncate, libc::SYS_fsync, libc::SYS_fdatasync,
    libc::SYS_fadvise64, libc::SYS_fstatfs, libc::SYS_flock,
    // Sockets; `bind` for what asks the kernel for addresses, and TCP is left to Landlock.
    libc::SYS_connect, libc::SYS_bind, libc::SYS_accept4, libc::SYS_sendto, libc::SYS_sendmsg,
    libc::SYS_sendmmsg, libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_recvmmsg,
    libc::SYS_shutdown, libc::SYS_getsockopt, libc::SYS_setsockopt, libc::SYS_getsockname,
    libc::SYS_getpeername,
    // Waiting.
    libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2,
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_eventfd2, libc::SYS_signalfd4,
    libc::SYS_nanosleep, libc::SYS_clock_nanosleep, libc::SYS_restart_syscall,
    // Memory.
    libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads. `clone3` is answered with "unknown", since its arguments cannot be seen.
    libc::SYS_clone3, libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_rseq,
    libc::SYS_sched_yield, libc::SYS_sched_getaffinity, libc::SYS_sigaltstack, libc::SYS_gettid,
    libc::SYS_set_tid_address, libc::SYS_membarrier, libc::SYS_getcpu, libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals.
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn,
    // Asking.
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_getrandom,
    libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid,
    libc::SYS_getegid, libc::SYS_uname, libc::SYS_sysinfo,
];

/// What older processors have under two or three names.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip] // It is a table.
const OLD: &[c_long] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink,
    libc::SYS_mkdir, libc::SYS_rmdir, libc::SYS_unlink, libc::SYS_rename, libc::SYS_renameat,
    libc::SYS_chmod, libc::SYS_dup2, libc::SYS_pipe, libc::SYS_poll, libc::SYS_select,
    libc::SYS_epoll_wait, libc::SYS_time,
];
/// `renameat`, which our crate of the C library does not name for each of them.
#[cfg(target_arch = "aarch64")]
const OLD: &[c_long] = &[38];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OLD: &[c_long] = &[];

/// musl raises signals by thread alone.
#[cfg(target_env = "musl")]
const OF_LIBRARY: &[c_long] = &[libc::SYS_tkill];
#[cfg(not(target_env = "musl"))]
const OF_LIBRARY: &[c_long] = &[];

/// Watching and ending what a thread outside has started.
const FOR_CHILDREN: &[c_long] = &[
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_wait4,
    libc::SYS_waitid,
];

/// A thread shares its memory; what does not is a process.
const THREAD: u32 = (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD).cast_unsigned();

/// `PR_SET_VMA`, with which C libraries name their memory.
const SET_VMA: u32 = 0x5356_4d41;

/// The calls that may be made with any arguments.
pub(super) fn always(starts_programs: bool) -> impl Iterator<Item = c_long> {
    let children = if starts_programs { FOR_CHILDREN } else { &[] };
    [ALWAYS, OLD, OF_LIBRARY, children].into_iter().flatten().copied()
}

/// The calls that may be made if one of their tests holds. `pid` is our own number.
pub(super) fn sometimes(pid: u32) -> Vec<Bound> {
    let is = |call, argument, value: libc::c_int| {
        let test = Test::Is(value.cast_unsigned());
        Bound { call, argument, test }
    };
    let mut bounds = vec![
        Bound { call: libc::SYS_clone, argument: 0, test: Test::Has(THREAD) },
        Bound { call: libc::SYS_tgkill, argument: 0, test: Test::Is(pid) },
        Bound { call: libc::SYS_prctl, argument: 0, test: Test::Is(SET_VMA) },
        is(libc::SYS_prctl, 0, libc::PR_SET_NAME),
        // Of nobody else.
        is(libc::SYS_prlimit64, 0, 0),
        is(libc::SYS_setpriority, 1, 0),
    ];
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    bounds.extend(families.map(|family| is(libc::SYS_socket, 0, family)));
    // Never what puts words into a terminal.
    let requests = [libc::FIONBIO, libc::FIONREAD, libc::FIOCLEX, libc::TCGETS, libc::TIOCGWINSZ];
    bounds.extend(requests.map(|request| Bound {
        call: libc::SYS_ioctl,
        argument: 1,
        // The two libraries give requests different types; all of these fit.
        test: Test::Is(u32::try_from(request).unwrap_or_default()),
    }));
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(call: c_long, starts_programs: bool) -> bool {
        always(starts_programs).any(|one| one == call)
            || sometimes(7).iter().any(|bound| bound.call == call)
    }

    #[test]
    fn no_call_is_in_the_table_twice() {
        let mut calls: Vec<_> = always(true).collect();
        let count = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), count);
        assert!(sometimes(7).iter().all(|bound| !calls.contains(&bound.call)));
    }

    #[test]
    fn nobody_inside_starts_a_program_listens_or_looks_into_others() {
        for starts_programs in [false, true] {
            for call in [
                libc::SYS_execve,
                libc::SYS_execveat,
                libc::SYS_listen,
                libc::SYS_ptrace,
                libc::SYS_process_vm_readv,
                libc::SYS_mount,
                libc::SYS_setuid,
                libc::SYS_bpf,
                libc::SYS_io_uring_setup,
                libc::SYS_seccomp,
            ] {
                assert!(!has(call, starts_programs), "{call}");
            }
        }
    }

    #[test]
    fn only_with_children_somebody_is_signalled() {
        assert!(has(libc::SYS_kill, true) && has(libc::SYS_waitid, true));
        assert!(!has(libc::SYS_kill, false) && !has(libc::SYS_waitid, false));
    }

    #[test]
    fn a_clone_is_a_thread_and_a_signal_is_for_ourselves() {
        let bounds = sometimes(7);
        let of = |call| bounds.iter().filter(move |bound| bound.call == call);
        let clones: Vec<_> = of(libc::SYS_clone).map(|bound| bound.test).collect();
        assert_eq!(clones, [Test::Has(0x0001_0900)]);
        let signals: Vec<_> = of(libc::SYS_tgkill).map(|bound| bound.test).collect();
        assert_eq!(signals, [Test::Is(7)]);
        assert!(of(libc::SYS_ioctl).all(|bound| bound.test != Test::Is(libc::TIOCSTI as u32)));
    }
}
