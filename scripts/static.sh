#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the static binary of the images: scripts/static.sh [slim | full] [FLAGS OF CARGO…]
#
# Leaves target/static/penstock-FEATURES and, with its symbols, penstock-FEATURES.symbols; a Debian
# with Rust, a C compiler and glibc's static library is all it takes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

features=${1:-full}
shift || true
target=${CARGO_TARGET_DIR:-$PWD/target}
triple=$(rustc -vV | sed -n 's/^host: //p')

flags=(
    # No libraries, and no place to choose for the code: nothing has to be relocated at the start,
    # so that pages of constants stay clean.
    -Ctarget-feature=+crt-static
    -Crelocation-model=static
)
# Where Rust links with the linker that it brings along.
case $triple in
    x86_64-unknown-linux-gnu)
        flags+=(
            # Functions whose code is the same are one.
            -Clink-arg=-Wl,--icf=all
            # A panic says where it was and ends the process. Nobody walks up the stack.
            "-Clink-arg=-Wl,--no-eh-frame-hdr,-T,$PWD/scripts/static.ld"
        )
        ;;
esac
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
# `--target` keeps the flags away from build scripts and macros, which cannot be static.
CARGO_PROFILE_RELEASE_STRIP=none cargo build --quiet --release --locked --bin penstock \
    --no-default-features --features "$features" --target "$triple" "$@"

mkdir -p "$target/static"
symbols=$target/static/penstock-$features.symbols
cp "$target/$triple/release/penstock" "$symbols"
strip --strip-all -o "$target/static/penstock-$features" "$symbols"
