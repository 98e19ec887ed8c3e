#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What takes a night and no person: scripts/nightly.sh [fuzz] [sim] [coverage]
#
#   fuzz      every fuzz target for an hour, as many at once as there are cores
#   sim       ten thousand seeds of the simulator
#   coverage  which part of each module the tests reach, if LLVM's tools are there
#
#   FUZZ_SECONDS=3600 SIM_SEEDS=10000 SIM_FROM=0 JOBS=2
#
# All are done even if one of them finds something; then the exit code is 1. A finding of the fuzzer
# lies in target/fuzz/findings, one of the simulator is printed with the seed that shows it again.
set -euo pipefail

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
jobs=${JOBS:-$(nproc)}

fuzz() {
    need_package g++ g++
    # Built once; after that each run finds everything as it should be.
    scripts/fuzz.sh 1r base64
    local targets
    targets=$(basename -s .rs fuzz/fuzz_targets/*.rs)
    xargs -n 1 -P "$jobs" scripts/fuzz.sh "${FUZZ_SECONDS:-3600}" <<<"$targets"
}

sim() {
    SIM_SEEDS=${SIM_SEEDS:-10000} SIM_FROM=${SIM_FROM:-0} \
        cargo test --locked --test sim -- --nocapture
}

# The tool of LLVM called `$1`, of the compiler's own version: others cannot read its files.
llvm_tool() {
    local version own
    version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    own=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/$1
    if [ -x "$own" ]; then echo "$own"; else command -v "$1-$version"; fi
}

coverage() {
    local profdata cov folder=$target/coverage objects=()
    if ! profdata=$(llvm_tool llvm-profdata) || ! cov=$(llvm_tool llvm-cov); then
        echo "no coverage: neither rustup's llvm-tools nor the package llvm of the compiler's version"
        return
    fi
    rm -rf "$folder/raw"
    mkdir -p "$folder/raw"
    export LLVM_PROFILE_FILE=$folder/raw/%p-%m.profraw
    local list=$folder/tests.jsonl
    RUSTFLAGS=-Cinstrument-coverage CARGO_TARGET_DIR=$folder/build \
        cargo test --locked --lib --bins --tests --no-run --message-format=json >"$list"
    RUSTFLAGS=-Cinstrument-coverage CARGO_TARGET_DIR=$folder/build \
        cargo test --quiet --locked --no-fail-fast --lib --bins --tests >"$folder/tests.log" 2>&1 ||
        echo "some tests failed: $folder/tests.log"
    while read -r object; do objects+=(--object "$object"); done < <(
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$list"
    )
    "$profdata" merge --sparse "$folder"/raw/*.profraw -o "$folder/merged.profdata"
    "$cov" export --summary-only --instr-profile "$folder/merged.profdata" "${objects[@]}" \
        --ignore-filename-regex '/\.cargo/|/rustc/|/tests/' >"$folder/summary.json"
    python3 - "$folder/summary.json" "$root/src/" <<'PYTHON'
import json
import sys
from collections import Counter

seen, lines, regions = {}, Counter(), Counter()
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    name = file["filename"]
    if not name.startswith(sys.argv[2]):
        continue
    parts = name[len(sys.argv[2]):].removesuffix(".rs").split("/")
    module = "::".join(parts[:2])
    for kind, sums in (("lines", lines), ("regions", regions)):
        sums[module, "all"] += file["summary"][kind]["count"]
        sums[module, "hit"] += file["summary"][kind]["covered"]
        sums["all", "all"] += file["summary"][kind]["count"]
        sums["all", "hit"] += file["summary"][kind]["covered"]
print(f"{'module':32} {'lines':>8} {'reached':>8} {'regions':>8}")
for module in sorted({name for name, _ in lines}):
    part = lambda sums: 100 * sums[module, "hit"] / max(1, sums[module, "all"])
    print(f"{module:32} {lines[module, 'all']:8} {part(lines):7.1f}% {part(regions):7.1f}%")
PYTHON
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(fuzz sim coverage)
failed=()
for step in "${steps[@]}"; do
    case $step in
        fuzz | sim | coverage) ;;
        *) echo "unknown step: $step" >&2; exit 2 ;;
    esac
done
for step in "${steps[@]}"; do
    printf '\n==== %s\n' "$step"
    # In a process of its own, so that a failure ends this step alone; beside `||` it would not.
    set +e
    (set -e; "$step")
    status=$?
    set -e
    [ $status -eq 0 ] || failed+=("$step")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
