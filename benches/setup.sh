#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the measurements of the whole gateway share: the static binary, the yardstick, the
# configurations. Sourced by benches/count.sh and benches/compare.sh.
#
#   PERF_TOOLS=DIR      the sources of the yardstick: servers, load generator, least possible gateway
#   PENSTOCK=FILE       measure this binary instead of building one

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/tools.sh"
PERF_TOOLS=${PERF_TOOLS:-$root/../shared/tools/perf}
perf=$target/perf
export PERF_BIN=$perf/bin/release

# A key as long as one that we would make (a short one is looked for at more places of every log),
# and the header that carries it.
key=bench-key-of-thirty-two-letters-
header="Authorization: $key"

build_yardstick() {
    [ -f "$PERF_TOOLS/Cargo.toml" ] || {
        echo "there is no yardstick in $PERF_TOOLS: set PERF_TOOLS" >&2
        return 1
    }
    CARGO_TARGET_DIR=$perf/bin cargo build --quiet --release --locked \
        --manifest-path "$PERF_TOOLS/Cargo.toml"
}

# build_static FEATURES: builds the static binary of the image; `$binary` is it.
build_static() {
    binary=${PENSTOCK:-}
    [ -z "$binary" ] || return 0
    "$root/scripts/static.sh" "$1"
    binary=$target/static/penstock-$1
}

# Everything on: keys, sessions, a list of tools, all logs. GATEWAY_KEYS, SERVER_KEYS and MORE_TABLES
# say more, and SERVER_KEYS what else than the list.
write_configs() {
    local tools='tools = ["echo", "blob"]'
    mkdir -p "$perf"
    cat >"$perf/http.toml" <<TOML
[gateway]
listen = "127.0.0.1:7600"
agent_id = "$key"
${GATEWAY_KEYS:-}

[servers.bench]
type = "http"
url = "http://127.0.0.1:7001/mcp"
${SERVER_KEYS-$tools}
${MORE_TABLES:-}
TOML
    cat >"$perf/stdio.toml" <<TOML
[gateway]
listen = "127.0.0.1:7601"
agent_id = "$key"
${GATEWAY_KEYS:-}

[servers.bench]
command = "$PERF_BIN/mock_stdio"
shared = true
${SERVER_KEYS-$tools}
${MORE_TABLES:-}
TOML
}
