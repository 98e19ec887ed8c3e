#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every test of the project, in the order in which a failure is cheapest to find.
#
#   scripts/test.sh              everything, on a bare Debian with Rust, under 40 minutes on 2 cores
#   scripts/test.sh unit e2e     only these steps
#
# Steps: format lint unit doc bench deny fuzz release gate e2e checklist
#
#   FUZZ_SECONDS=4      how long each fuzz target runs
#   CI_FULL=1           install what is optional (cargo-deny, several minutes)
set -euo pipefail

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(format lint unit doc bench deny fuzz release gate e2e checklist)
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
# Everything is built once here; what the next build could take over would be gigabytes.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
# What the steps `unit` and `e2e` print, for the step `checklist`.
logs=$target/test-logs
mkdir -p "$logs"
# The smaller of the two builds.
slim=(--no-default-features --features slim)

format() { cargo fmt --check; }

lint() {
    cargo clippy --quiet --all-targets --locked -- -D warnings
    # `--all-targets` leaves it out, since nothing runs it by chance.
    cargo clippy --quiet --bench instructions --locked -- -D warnings
    cargo clippy --quiet --lib --bins --locked "${slim[@]}" -- -D warnings
}

# The ignored tests need programs that only the step `e2e` installs.
unit() {
    cargo test --locked --no-fail-fast 2>&1 | tee "$logs/unit.log"
}

doc() { RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items --locked; }

bench() {
    [ -d benches ] || { echo "there is no benches folder"; return; }
    # As tests, and built like tests: whether they run is asked here, not how fast.
    cargo test --quiet --locked --benches
}

deny() {
    export PATH=$target/tools/bin:$PATH
    if [ -n "${CI_FULL:-}" ] && ! command -v cargo-deny >/dev/null; then
        cargo install --quiet --locked --root "$target/tools" cargo-deny
    fi
    if command -v cargo-deny >/dev/null; then
        # The advisory database is fetched from the net; the other three checks are not.
        cargo deny --offline check licenses bans sources
    else
        echo "cargo-deny is not installed (CI_FULL=1 does it); checking licences and sources only"
        need_package python3 python3
        cargo metadata --format-version 1 --locked | python3 scripts/licences.py deny.toml
    fi
    # The texts in the images are those of what is in the binary.
    cargo metadata --format-version 1 --locked |
        python3 scripts/licences.py --shipped docker/THIRD-PARTY.txt
}

fuzz() {
    [ -f fuzz/Cargo.toml ] || { echo "there is no fuzz folder"; return; }
    need_package g++ g++
    scripts/fuzz.sh "${FUZZ_SECONDS:-4}"
}

release() {
    scripts/static.sh slim
    local bytes
    bytes=$(stat -c %s "$target/static/penstock-slim")
    echo "the static slim binary has $bytes bytes"
    [ "$bytes" -le 8000000 ] || { echo "that is more than 8 MB" >&2; return 1; }
}

# Instructions of what calls go through, and the bytes of the binary, against a baseline.
gate() { benches/gate.sh --slim; }

e2e() {
    need_node
    need_python
    need_docker
    # Few at a time: they measure time and memory, and two cores are few.
    cargo test --locked --test e2e -- --ignored --test-threads=2 2>&1 | tee "$logs/e2e.log"
}

# The 140 items of the protocol's checklist, each with what came of the tests that prove it. After a
# failure, `scripts/test.sh checklist` says which items it concerns.
checklist() {
    TEST_LOGS=$logs cargo test --quiet --locked --test checklist -- --ignored --nocapture
}

for step in "${steps[@]}"; do
    case $step in
        format | lint | unit | doc | bench | deny | fuzz | release | gate | e2e | checklist) ;;
        *) echo "unknown step: $step" >&2; exit 2 ;;
    esac
done
for step in "${steps[@]}"; do
    printf '\n==== %s\n' "$step"
    started=$SECONDS
    "$step"
    echo "==== $step passed in $((SECONDS - started)) s"
done
