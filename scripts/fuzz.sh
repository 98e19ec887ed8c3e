#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds all fuzz targets once and runs them: scripts/fuzz.sh [SECONDS | RUNSr] [TARGET…]
#
#   scripts/fuzz.sh                     every target, thirty seconds each
#   scripts/fuzz.sh 600 gateway         one target, ten minutes
#   scripts/fuzz.sh 1000000r sse stdio  two targets, a million runs each
#
# The samples in tests/data are the seeds and are only read; what is found on the way is kept in
# target/fuzz/corpus/TARGET. A finding is left in target/fuzz/findings and makes the exit code 1.
# Nightly Rust is needed for the coverage counters, and a C++ compiler for libFuzzer itself.
set -euo pipefail
cd "$(dirname "$0")/.."

amount=${1:-30}
shift || true
case $amount in
  *r) limit=-runs=${amount%r} ;;
  *) limit=-max_total_time=$amount ;;
esac

home=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')

# What `-Z sanitizer` would set up, without a sanitizer: counters at edges, tables of places, and
# comparisons that the fuzzer may look into. `--target` keeps all of it out of build scripts.
counters=(
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)
RUSTFLAGS="${counters[*]}" cargo +nightly build --quiet --locked --release \
  --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$home/build"

# Where the seeds of a target lie, if they have not its name.
seeds() {
  case $1 in
    chunked | framing | http1_head | http_server) echo tests/data/http ;;
    http_client) echo tests/data/http-responses ;;
    json_agrees | json_scan | jsonrpc | ndjson | splice | stdio) echo tests/data/jsonrpc ;;
    *) echo "tests/data/$1" ;;
  esac
}

if [ $# -eq 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do set -- "$@" "$(basename "$file" .rs)"; done
fi

failed=()
mkdir -p "$home/findings"
for target in "$@"; do
  mkdir -p "$home/corpus/$target"
  folders=("$home/corpus/$target")
  for folder in "$(seeds "$target")" "tests/data/fuzz/$target"; do
    if [ -d "$folder" ]; then folders+=("$folder"); fi
  done
  log=$home/$target.log
  if "$home/build/$host/release/$target" "$limit" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$home/findings/$target-" "${folders[@]}" >"$log" 2>&1; then
    echo "$target: $(grep -o 'Done.*' "$log" | tail -1)"
  else
    failed+=("$target")
    echo "$target: FOUND something; see $log"
    grep -m1 -A2 'panicked at' "$log" || tail -5 "$log"
  fi
done

if [ ${#failed[@]} -gt 0 ]; then
  echo "findings in $home/findings: ${failed[*]}"
  exit 1
fi
# Runs every fuzz target, or the named ones, FUZZ_RUNS times or FUZZ_SECONDS long.
# The targets are built as cargo-fuzz builds them, coverage instrumentation and debug assertions
# included, but without the address sanitizer: there is no unsafe code below the parsers, and
# three times as many executions find more. FUZZ_SANITIZER=address brings it back, on nightly.
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
triple=$(rustc -vV | sed -n 's/^host: //p')
# `--target` keeps the instrumentation out of build scripts.
RUSTFLAGS=$flags CARGO_TARGET_DIR=$target/fuzz \
    cargo $toolchain build --quiet --release --target "$triple"
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in fuzz_targets/*.rs; do names+=("$(basename "$file" .rs)"); done
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
export -f run
export target triple runs seconds root
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run {}'
