#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Holds what can be counted against benches/BASELINE.toml: instructions of the rows of
# benches/instructions.rs, and the bytes of the static binaries.
#
#   benches/gate.sh                     fails if anything got worse by more than 3 %
#   benches/gate.sh --slim              the same, without building and weighing the full binary
#   benches/gate.sh --update "reason"   writes what is counted now, and why it changed
#
# Instructions depend on the compiler, and a little on valgrind, libc and the processor. The baseline
# names the compiler; with another one everything is shown and nothing fails.
set -euo pipefail

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/tools.sh"
cd "$root"
need_package valgrind valgrind
need_package python3 python3
need_gungraun

scripts/static.sh slim
[ "${1:-}" = --slim ] || scripts/static.sh full
# Crate by crate, which takes half as long as all of it at once and counts nearly the same.
export CARGO_PROFILE_BENCH_LTO=off
# What is counted is found by its name.
export CARGO_PROFILE_BENCH_STRIP=none
cargo bench --quiet --locked --bench instructions >"$target/instructions.log" 2>&1 || {
    cat "$target/instructions.log" >&2
    exit 1
}
python3 benches/gate.py "$@"
