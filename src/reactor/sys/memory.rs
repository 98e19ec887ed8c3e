// SPDX-License-Identifier: MIT
//! Memory that nobody needs any more, given back: what was freed, what is on the disk, and the code
//! that only ran at start.

use std::fs::File;
use std::os::fd::AsRawFd;

/// Gives memory that was freed back to the system, where the allocator does not do it by itself.
pub fn release_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // WHY UNSAFE: std knows nothing of the allocator of the system.
    // SAFETY: malloc_trim takes one integer, is thread-safe, and touches only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Has the allocator keep what is freed, up to some megabytes, instead of giving each large buffer
/// back to the system, which then clears every page of the next one. Undone by [`release_memory`].
pub fn keep_freed_memory() {
    const KEPT_BYTES: libc::c_int = 4 * 1024 * 1024;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // WHY UNSAFE: std knows nothing of the allocator of the system.
    // SAFETY: mallopt takes two integers and sets a number; no other thread runs yet that could
    // allocate meanwhile, and if one did, it would meet the old number or the new one.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * KEPT_BYTES);
    }
}

/// How far behind the end of a file its bytes are let go of.
const WRITTEN_BYTES: i64 = 8 * 1024 * 1024;

/// Asks the system to put the last megabytes of a file that is written at its end on the disk, and
/// not to keep in memory what is there already.
pub fn drop_written(file: &File) {
    // WHY UNSAFE: std gives no advice.
    // SAFETY: plain integers and a descriptor that is borrowed from its owner, so it is open. What
    // fails, as on a pipe, changes nothing.
    unsafe {
        let end = libc::lseek(file.as_raw_fd(), 0, libc::SEEK_CUR);
        let start = (end - WRITTEN_BYTES).max(0);
        libc::posix_fadvise(file.as_raw_fd(), start, end - start, libc::POSIX_FADV_DONTNEED);
    }
}

/// Lets go of the pages of the program's code: those that are used come back from the page cache by
/// themselves, and those that have only started the gateway stay away.
///
/// What is let go of is read-only and as the file has it, so that nothing can be lost.
pub fn drop_start_code() {
    #[cfg(target_os = "linux")]
    // WHY UNSAFE: where the code lies is known to the linker, and std gives no advice.
    // SAFETY: both symbols are defined by the linker, and their addresses alone are taken. Between
    // them lie pages of the file that nobody may write to; whoever reads them during or after the
    // call gets the bytes of the file again. What fails changes nothing.
    unsafe {
        unsafe extern "C" {
            static __executable_start: u8;
            static etext: u8;
        }
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        let start = (&raw const __executable_start).addr().next_multiple_of(page);
        let end = (&raw const etext).addr() / page * page;
        let first = (&raw const __executable_start).with_addr(start).cast_mut().cast();
        libc::madvise(first, end.saturating_sub(start), libc::MADV_DONTNEED);
    }
}
