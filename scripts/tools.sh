#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the tests need and a bare Debian lacks: packages, Node and Python clients, a Docker engine.
#
# Sourced by the other scripts. Everything that is not a Debian package lives below the target
# folder, so that `cargo clean` forgets it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TARGET_DIR=$target
tools=$target/e2e

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_updated=
# need_package PROGRAM PACKAGE...: installs the packages unless the program is there.
need_package() {
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    echo "installing $* (for $program)"
    [ -n "$apt_updated" ] || as_root apt-get update -qq
    apt_updated=yes
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# What runs the benches that count instructions, at the version that Cargo.lock names.
need_gungraun() {
    local version
    version=$(sed -n '/^name = "gungraun-runner"$/{n;s/version = "\(.*\)"/\1/p}' "$root/Cargo.lock")
    export GUNGRAUN_RUNNER=$target/tools/bin/gungraun-runner
    "$GUNGRAUN_RUNNER" --version 2>/dev/null | grep -qF "$version" && return
    echo "installing gungraun-runner $version"
    # It only starts valgrind and reads what it wrote: nothing is won by building it well.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$target/tools" \
        --target-dir "$target/tools/build" gungraun-runner --version "$version"
}

# The JavaScript clients and servers, at the versions of tests/clients/package-lock.json.
need_node() {
    need_package node nodejs
    need_package npm npm
    local stamp=$tools/clients/.installed
    cmp -s "$root/tests/clients/package-lock.json" "$stamp" && return
    mkdir -p "$tools/clients"
    cp "$root"/tests/clients/package.json "$root"/tests/clients/package-lock.json \
        "$root"/tests/clients/.npmrc "$tools/clients/"
    (cd "$tools/clients" && npm ci --omit=dev --no-audit --no-fund --loglevel=error)
    cp "$root/tests/clients/package-lock.json" "$stamp"
}

# The Python client and servers, at the versions of tests/clients/requirements.txt.
need_python() {
    need_package python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || {
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    }
    need_package git git
    local stamp=$tools/venv/.installed
    cmp -s "$root/tests/clients/requirements.txt" "$stamp" && return
    rm -rf "$tools/venv"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install -q --disable-pip-version-check \
        -r "$root/tests/clients/requirements.txt"
    cp "$root/tests/clients/requirements.txt" "$stamp"
}

engine=
# A Docker engine: the one that answers, or one of our own that ends with the script.
need_docker() {
    need_package docker docker.io
    docker info >/dev/null 2>&1 && return
    need_package dockerd docker.io
    mkdir -p "$tools/docker"
    # Sockets have short paths by nature, and the target folder may lie deep below a home folder.
    engine=$(mktemp -d /tmp/penstock-engine-XXXXXX)
    trap stop_engine EXIT
    export DOCKER_HOST=unix://$engine/docker.sock
    start_engine && return
    start_engine --iptables=false --bridge=none && return
    start_engine --storage-driver=vfs --iptables=false --bridge=none && return
    tail -n 20 "$tools/docker/dockerd.log" >&2
    echo "no Docker engine could be started" >&2
    return 1
}

start_engine() {
    as_root dockerd --host="$DOCKER_HOST" --data-root "$tools/docker/data" \
        --exec-root "$engine/exec" --pidfile "$engine/pid" "$@" \
        >"$tools/docker/dockerd.log" 2>&1 </dev/null &
    local job=$!
    for _ in $(seq 100); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$job" 2>/dev/null || return 1
        sleep 0.2
    done
    end_engine
    return 1
}

# Ends the engine by its id and waits for it.
end_engine() {
    local pid
    pid=$(cat "$engine/pid" 2>/dev/null) || return 0
    as_root kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        [ -d "/proc/$pid" ] || return 0
        sleep 0.2
    done
    as_root kill -KILL "$pid" 2>/dev/null || true
}

stop_engine() {
    [ -n "$engine" ] || return 0
    # What earlier builds have left behind is large.
    docker image prune -f >/dev/null 2>&1 || true
    end_engine
    # The engine's name space of the host stays mounted when it ends.
    as_root umount "$engine"/exec/netns/* 2>/dev/null || true
    as_root rm -rf "$engine" || true
    engine=
}
