#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Measures the gateway beside others in one run, and writes the tables of benches/RESULTS.md and the
# drawings in benches/plots.
#
#   benches/compare.sh            three rounds, about forty minutes; on a quiet machine
#   benches/compare.sh --quick    one round of half a second each: whether it works, nothing else;
#                                 writes below target/perf and leaves benches/ as it is
#   benches/compare.sh --tables   writes tables and drawings again from what was measured last
#
#   ROUNDS=3 SECS=4               how often, and how long each
#   FEATURES=slim                 which static binary
#
# Needs root for a network of its own, and the yardstick: see benches/setup.sh.
set -euo pipefail

# shellcheck source=benches/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
here=$root/benches
results=$perf/results.jsonl
syscalls=$perf/syscalls.jsonl
out=$here
rounds=${ROUNDS:-3}
secs=${SECS:-4}
conns=1,16,64,256
patience=60
case ${1:-} in
    --quick)
        rounds=1 secs=0.5 conns=1,16 patience=1
        results=$perf/quick.jsonl syscalls=$perf/quick-syscalls.jsonl out=$perf/quick
        ;;
    --tables | '') ;;
    *)
        echo "unknown: $1" >&2
        exit 2
        ;;
esac

tables() {
    mkdir -p "$out/plots"
    [ "$out" = "$here" ] || cp "$here/RESULTS.md" "$out/RESULTS.md"
    python3 "$here/tables.py" "$results" "$syscalls" "$out/RESULTS.md"
    python3 "$here/plots.py" "$results" "$out/plots"
    echo "written: $out/RESULTS.md and $out/plots"
}

if [ "${1:-}" = --tables ]; then
    tables
    exit
fi

need_package python3 python3
need_package ip iproute2
need_package nginx nginx-light
need_package haproxy haproxy
need_package strace strace
build_yardstick
build_static "${FEATURES:-slim}"
write_configs
export PERF_DIR=$perf/run
rm -rf "$PERF_DIR" "$results" "$syscalls"
mkdir -p "$PERF_DIR"
export GATEWAY_HTTP="$binary --config $perf/http.toml --log-dir $PERF_DIR/logs-http"
export GATEWAY_STDIO="$binary --config $perf/stdio.toml --log-dir $PERF_DIR/logs-stdio"
export GATEWAY_HTTP_URL=7600/mcp/bench GATEWAY_STDIO_URL=7601/mcp/bench
export GATEWAY_HEADER=$header

# In one run, so that all of them meet the same machine; the rounds are interleaved.
python3 "$PERF_TOOLS/run.py" --out "$results" --rounds "$rounds" --secs "$secs" \
    --conns "$conns" --patience "$patience" --phases start,closed,open,large \
    --only direct,ideal-http,nginx-http,haproxy-http,ours-http,ideal-stdio,ours-stdio
python3 "$PERF_TOOLS/syscalls.py" --out "$syscalls" --conns 16 \
    --only ideal-http,nginx-http,haproxy-http,ours-http,ideal-stdio,ours-stdio
{
    echo "{\"phase\": \"about\", \"label\": \"about\", \"conns\": 0, \"round\": 0,"
    echo " \"commit\": \"$(git -C "$root" rev-parse --short HEAD)\", \"day\": \"$(date +%F)\","
    echo " \"kernel\": \"$(uname -r)\", \"cores\": $(nproc), \"rounds\": $rounds, \"secs\": $secs,"
    echo " \"processor\": \"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)\","
    echo " \"nginx\": \"$(nginx -v 2>&1 | sed 's#.*/##')\", \"features\": \"${FEATURES:-slim}\","
    echo " \"haproxy\": \"$(haproxy -v | sed -n 's/^HAProxy version \([0-9.]*\).*/\1/p')\"}"
} | tr -d '\n' >>"$results"
echo >>"$results"
tables
