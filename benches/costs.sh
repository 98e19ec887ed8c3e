#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What keys of the configuration cost: instructions for a call over stdio, counted as
# benches/count.sh does, with one more of them from row to row. Takes a minute once everything is built.
#
#   FEATURES=slim       which static binary is built
#   PENSTOCK=FILE       count this binary instead
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list='tools = ["echo", "blob"]'
budgets='[budgets.servers.bench]
calls = 1000000000'

# row NAME KEYS OF THE GATEWAY, OF THE SERVER, TABLES
row() {
    local counted
    counted=$(GATEWAY_KEYS=$2 SERVER_KEYS=$3 MORE_TABLES=${4:-} "$here/count.sh" stdio | tail -1)
    read -r _ loop others both <<<"$counted"
    printf '| %s | %d | %d | %d |\n' "$1" "$loop" "$others" "$both"
}

printf '| | loop | other threads | both |\n|---|---:|---:|---:|\n'
row 'keys and sessions, no logs' $'logs = "none"\nmetrics = false' ''
row '+ a list of tools' $'logs = "none"\nmetrics = false' "$list"
row '+ `/metrics`' 'logs = "none"' "$list"
row '+ logs of the shapes' 'logs = "shapes"' "$list"
row '+ the messages in them, without secrets' '' "$list"
row '+ `[budgets]`' '' "$list" "$budgets"
row '+ a policy that looks at what flows into the server' '' "$list" "$budgets"'

[servers.bench.guard_policies.write-sink]
accept = ["*"]'
