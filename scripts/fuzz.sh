#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every fuzz target, or the named ones, FUZZ_RUNS times or FUZZ_SECONDS long.
#
# The targets are built as cargo-fuzz builds them, coverage instrumentation and debug assertions
# included, but without the address sanitizer: there is no unsafe code below the parsers, and
# three times as many executions find more. FUZZ_SANITIZER=address brings it back, on nightly.
set -euo pipefail

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root/fuzz"

runs=${FUZZ_RUNS:-1000000}
seconds=${FUZZ_SECONDS:-60}
need_package g++ g++

flags="--cfg fuzzing -Cpasses=sancov-module -Cdebug-assertions -Ccodegen-units=1"
flags+=" -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
toolchain=
if [ -n "${FUZZ_SANITIZER:-}" ]; then
    flags+=" -Zsanitizer=$FUZZ_SANITIZER"
    toolchain=+nightly
fi
triple=$(rustc -vV | sed -n 's/^host: //p')
# `--target` keeps the instrumentation out of build scripts.
RUSTFLAGS=$flags CARGO_TARGET_DIR=$target/fuzz \
    cargo $toolchain build --quiet --release --target "$triple"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in fuzz_targets/*.rs; do names+=("$(basename "$file" .rs)"); done
fi

run() {
    local name=$1 corpus=$target/fuzz/corpus/$1 log=$target/fuzz/$1.log
    mkdir -p "$corpus" "$target/fuzz/artifacts"
    local folders=("$corpus")
    [ -d "$root/tests/data/$name" ] && folders+=("$root/tests/data/$name")
    if "$target/fuzz/$triple/release/$name" "${folders[@]}" -runs="$runs" \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$target/fuzz/artifacts/$name-" >"$log" 2>&1; then
        echo "$name: $(grep -E '^Done [0-9]+ runs' "$log" || echo finished)"
    else
        tail -n 40 "$log"
        echo "$name: FAILED; the input is in $target/fuzz/artifacts"
        return 1
    fi
}
export -f run
export target triple runs seconds root
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run {}'
