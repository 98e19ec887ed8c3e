// SPDX-License-Identifier: MIT
//! Seccomp: the list of [`calls`](super::calls) as two filters that the kernel runs for each call.
//!
//! The first answers `clone3` as a kernel would that does not know it, so that the C library makes
//! a `clone` instead, whose arguments the second one can see. The stricter answer of both counts.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::calls::{self, Bound, Test};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Puts the calling thread and its successors under the filters, and all other threads, too, unless
/// one of them starts programs. Says how many calls are left.
///
/// Errors: why not, in words.
pub(super) fn restrict(starts_programs: bool, kills: bool) -> Result<String, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| format!("not supported on {}", std::env::consts::ARCH))?;
    let rules = rules(starts_programs, std::process::id()).map_err(words)?;
    let count = rules.len();
    let programs = programs(rules, kills, arch).map_err(words)?;
    for program in programs {
        let applied = match starts_programs {
            true => seccompiler::apply_filter(&program),
            false => seccompiler::apply_filter_all_threads(&program),
        };
        applied.map_err(words)?;
    }
    Ok(if kills { format!("{count} calls, others kill") } else { format!("{count} calls") })
}

fn words(error: impl Into<Error>) -> String {
    match error.into() {
        Error::Seccomp(error) | Error::Prctl(error) => match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EINVAL) => "not supported by this kernel".to_owned(),
            _ => error.to_string(),
        },
        error => error.to_string(),
    }
}

/// The table, as the filter wants it: a call without tests may always be made.
fn rules(starts_programs: bool, pid: u32) -> Result<Rules, BackendError> {
    let mut rules: Rules = calls::always(starts_programs).map(|call| (call, Vec::new())).collect();
    for bound in calls::sometimes(pid) {
        rules.entry(bound.call).or_default().push(SeccompRule::new(vec![condition(bound)?])?);
    }
    Ok(rules)
}

fn condition(bound: Bound) -> Result<SeccompCondition, BackendError> {
    let (test, value) = match bound.test {
        Test::Is(value) => (SeccompCmpOp::Eq, value),
        Test::Has(bits) => (SeccompCmpOp::MaskedEq(bits.into()), bits),
    };
    SeccompCondition::new(bound.argument, SeccompCmpArgLen::Dword, test, value.into())
}

/// Both filters, in the order in which they are put into force.
fn programs(rules: Rules, kills: bool, arch: TargetArch) -> Result<[BpfProgram; 2], BackendError> {
    let unknown = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let clone3 = Rules::from([(libc::SYS_clone3, Vec::new())]);
    let first = SeccompFilter::new(clone3, SeccompAction::Allow, unknown, arch)?;
    let refused = match kills {
        true => SeccompAction::KillProcess,
        false => SeccompAction::Errno(libc::EPERM.cast_unsigned()),
    };
    let second = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?;
    Ok([first.try_into()?, second.try_into()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::process::Command;

    #[test]
    fn the_table_fits_into_what_a_kernel_takes() {
        for arch in [TargetArch::x86_64, TargetArch::aarch64] {
            let [first, second] = programs(rules(true, 7).unwrap(), false, arch).unwrap();
            assert!(first.len() < second.len() && second.len() < 4096, "{}", second.len());
        }
    }

    #[test]
    fn a_kernel_without_it_says_so() {
        let words = |number| words(Error::Seccomp(io::Error::from_raw_os_error(number)));
        assert_eq!(words(libc::EINVAL), "not supported by this kernel");
        assert!(words(libc::EACCES).starts_with("Permission denied"));
    }

    #[test]
    fn a_thread_under_the_filters_starts_threads_and_no_programs() {
        let thread = std::thread::spawn(|| {
            restrict(true, false).unwrap();
            let next = std::thread::spawn(|| Command::new("true").spawn());
            next.join().unwrap().unwrap_err().kind()
        });
        assert_eq!(thread.join().unwrap(), io::ErrorKind::PermissionDenied);
        assert!(Command::new("true").status().unwrap().success(), "other threads still may");
    }
}
