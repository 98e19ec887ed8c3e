#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the guards of this folder.
#
#   guards/build.sh example           example.wasm from example/, and its digest
#   guards/build.sh assemblyscript    assemblyscript.wasm (ASC: the compiler, if it is not `asc`)
#   guards/build.sh c                 c.wasm (ZIG: the compiler, if it is not `zig`)
#   guards/build.sh check             whether the digests are those of the files
#
# The Rust guard needs the standard library for WebAssembly. Debian 13 has it as a package
# (libstd-rust-dev-wasm32, with rustc, cargo and lld); Debian 12 has its source (rust-web-src, with
# rustc-web, cargo-web, rust-web-llvm and lld-22), and it is built along. The checked-in file is
# made the second way, with Rust 1.96; the same compiler makes the same bytes in any folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${OUT:-$here}

example() {
    local target=wasm32-unknown-unknown
    local folder=${CARGO_TARGET_DIR:-$here/../target}/guard
    local sysroot flags=() std=()
    sysroot=$(rustc --print sysroot)
    # Messages of panics name files; where those lay when it was built is nobody's business.
    flags+=(--remap-path-prefix="$here/example=guard")
    flags+=(--remap-path-prefix="${CARGO_HOME:-$HOME/.cargo}=cargo")
    flags+=(--remap-path-prefix="$sysroot=rust")
    # A small stack makes small instances, and lies where an overflow is a trap.
    flags+=(-C link-arg=-zstack-size=262144)
    if [ ! -d "$sysroot/lib/rustlib/$target" ]; then
        std=(-Zbuild-std=std,panic_abort -Zbuild-std-features=)
        flags+=(-Zlocation-detail=none)
        export RUSTC_BOOTSTRAP=1
    elif ! command -v rust-lld >/dev/null; then
        flags+=(-C linker=wasm-ld)
    fi
    export CARGO_ENCODED_RUSTFLAGS
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
    cargo build --quiet --release --locked --manifest-path "$here/example/Cargo.toml" \
        --target "$target" --target-dir "$folder" "${std[@]}"
    cp "$folder/$target/release/example_guard.wasm" "$out/example.wasm"
    digest example
}

assemblyscript() {
    ${ASC:-asc} "$here/assemblyscript/guard.ts" --outFile "$out/assemblyscript.wasm" \
        --runtime incremental --optimize
    digest assemblyscript
}

c() {
    ${ZIG:-zig} cc -target wasm32-wasi -mexec-model=reactor -Oz -s -Wall -Wextra \
        -Wl,--strip-all -Wl,-z,stack-size=65536 -o "$out/c.wasm" "$here/c/guard.c"
    digest c
}

digest() { (cd "$out" && sha256sum "$1.wasm" >"$1.wasm.sha256"); }

check() { (cd "$here" && sha256sum --check --quiet ./*.wasm.sha256); }

"${1:-check}"
