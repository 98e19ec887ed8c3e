#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Instructions for a call through the whole gateway, by callgrind: 64 connections, echo of 1 kB, the
# difference of runs with 8,000 and 2,000 calls. Takes about five minutes.
#
#   benches/count.sh [http] [stdio]
#
#   FEATURES=slim       which static binary is built
#   PENSTOCK=FILE       count this binary instead; one with its symbols tells where they go
#   KEEP=DIR            leave the files of callgrind there
#
# `loop` is the thread of the traffic, `logs` are all others. How much is done in one turn of the loop
# depends on who else wants the processor: on a busy machine `loop` differs by a thousand from run to
# run, on a quiet one by a few dozen. How often a buffer of log records grows depends on when their
# thread gets its turn, so `logs` differs by up to 2,000.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# A network of our own, in which nobody has our ports.
if [ -z "${IN_NET:-}" ] && [ "$(id -u)" = 0 ]; then
    IN_NET=1 exec unshare --net bash -c 'ip link set lo up && exec "$@"' - "$here/count.sh" "$@"
fi
# shellcheck source=benches/setup.sh
. "$here/setup.sh"
need_package valgrind valgrind

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(http stdio)
few=2000
many=8000
connections=64
scratch=${KEEP:-$(mktemp -d)}
mkdir -p "$scratch"
running=()
end() {
    for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ -n "${KEEP:-}" ] || rm -rf "$scratch"
}
trap end EXIT

await_port() {
    for _ in $(seq 300); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "nobody listens on port $1" >&2
    return 1
}

# count KIND CALLS: prints the instructions of the loop and of the other threads.
count() {
    local kind=$1 calls=$2 port=7600 out=$scratch/$1-$2 pid
    [ "$kind" = http ] || port=7601
    rm -f "$out".callgrind*
    valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file="$out.callgrind" \
        "$binary" --config "$perf/$kind.toml" --log-dir "$scratch/logs" >"$out.log" 2>&1 &
    pid=$!
    running+=("$pid")
    await_port "$port"
    "$PERF_BIN/mcpload" closed -c "$connections" --warmup 0 --duration 600 --timeout 60 \
        --max-requests "$calls" --tool echo --url "http://127.0.0.1:$port/mcp/bench" \
        --header "$header" >"$out.load"
    kill "$pid"
    wait "$pid" || true
    python3 - "$out" "$calls" <<'PYTHON'
import glob, json, re, sys

out, calls = sys.argv[1], int(sys.argv[2])
load = json.loads(open(out + ".load").read().splitlines()[-1])
if load["errors"] or load["done"] < calls:
    sys.exit(f"the load is not what it should be: {load}")
sums = {}
for path in glob.glob(out + ".callgrind*"):
    text = open(path).read()
    thread = int((re.search(r"^thread: (\d+)$", text, re.M) or ["", "0"])[1])
    for total in re.findall(r"^totals: (\d+)", text, re.M):
        sums[thread] = sums.get(thread, 0) + int(total)
loop = sums.pop(1)
print(loop, sum(sums.values()), load["done"])
PYTHON
}

build_yardstick
build_static "${FEATURES:-full}"
write_configs
"$PERF_BIN/mock_http" --port 7001 &
running+=($!)
await_port 7001
printf '%-6s %8s %8s %8s\n' kind loop logs both
for kind in "${kinds[@]}"; do
    counted=$(count "$kind" "$few")
    read -r loop_few logs_few n_few <<<"$counted"
    counted=$(count "$kind" "$many")
    read -r loop_many logs_many n_many <<<"$counted"
    loop=$(((loop_many - loop_few) / (n_many - n_few)))
    logs=$(((logs_many - logs_few) / (n_many - n_few)))
    printf '%-6s %8d %8d %8d\n' "$kind" "$loop" "$logs" $((loop + logs))
done
