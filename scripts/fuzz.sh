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
# Stable Rust is enough; libFuzzer itself wants a C++ compiler.
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
RUSTFLAGS="${counters[*]}" cargo build --quiet --locked --release \
  --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$home/build"

# Where the seeds of a target lie, if they have not its name.
seeds() {
  case $1 in
    chunked | framing | http1_head | http_server) echo tests/data/http ;;
    http_client) echo tests/data/http-responses ;;
    freshness | input_request | input_round | json_agrees | json_edit | json_repeated | json_scan | jsonrpc | mcp_answer | mcp_meta | ndjson | splice | stdio) echo tests/data/jsonrpc ;;
    config_json | config_toml) echo tests/data/config ;;
    redact) echo tests/data/jsonrpc ;;
    schema) echo tests/data/schemas ;;
    only_reads | tool_list) echo tests/data/tool-lists ;;
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
  samples=$(seeds "$target")
  if [ -d "$samples" ]; then folders+=("$samples"); fi
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
