#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the two base images of docker/Dockerfile out of this machine, for tests without a registry:
# one with Rust, a C compiler and all crates, one with the docker command.
#
# Usage: scripts/base-images.sh BUILD_TAG CLI_TAG
set -euo pipefail

# shellcheck source=scripts/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
build_tag=$1
cli_tag=$2
work=$(mktemp -d "$tools/base-XXXXXX")
trap 'rm -rf "$work"' EXIT

# The files of these Debian packages and of all that they depend on.
package_files() {
    python3 - "$@" <<'PYTHON'
import re
import subprocess
import sys

shown = subprocess.run(
    ["dpkg-query", "-W", "-f", "${Package}\t${Depends},${Pre-Depends}\t${Provides}\n"],
    check=True, capture_output=True, text=True,
).stdout
depends, provides = {}, {}
for line in shown.splitlines():
    name, needed, provided = line.split("\t")
    depends[name] = re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]*)", needed)
    for other in re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]*)", provided):
        provides.setdefault(other, name)
wanted, todo = set(), list(sys.argv[1:])
while todo:
    name = todo.pop()
    name = name if name in depends else provides.get(name)
    # Perl comes with debconf and the like; nothing that we run needs it.
    if name and name not in wanted and not name.startswith(("perl", "debconf")):
        wanted.add(name)
        todo += depends[name]
files = subprocess.run(["dpkg", "-L", *sorted(wanted)], check=True, capture_output=True, text=True)
skipped = ("/usr/share/", "/etc/", "/var/")
for path in sorted(set(files.stdout.splitlines())):
    if path.startswith("/") and path != "/." and not path.startswith(skipped):
        print(path[1:])
PYTHON
}

build_base() {
    local base=$work/build sysroot name
    mkdir -p "$base/vendor" "$base/root/.cargo" "$base/tmp" "$base/usr/local"
    # /bin and the like have been links into /usr for long; the packages do not know it.
    for name in bin sbin lib lib64; do
        mkdir -p "$base/usr/$name"
        ln -s "usr/$name" "$base/$name"
    done
    package_files gcc libc6-dev binutils coreutils sed dash bash | while read -r path; do
        if [ -L "/$path" ] || [ -f "/$path" ]; then echo "$path"; fi
    done | sed -E 's#^(bin|sbin|lib|lib64)/#usr/\1/#' | sort -u |
        tar -C / -c --no-recursion --ignore-failed-read -T - | tar -C "$base" -x --keep-directory-symlink
    # Not owned by a package but made by its scripts.
    ln -sf gcc "$base/usr/bin/cc"
    ln -sf dash "$base/usr/bin/sh"
    sysroot=$(cd "$root" && realpath "$(rustc --print sysroot)")
    tar -C "$sysroot" -c --exclude=lib/rustlib/src --exclude='*rust-analyzer*' bin/rustc bin/cargo lib |
        tar -C "$base/usr/local" -x
    # The vendored sources make the build independent of where crates come from on this machine.
    (cd "$root" && cargo vendor --quiet --locked "$base/vendor" >/dev/null)
    printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "/vendor"\n' \
        >"$base/root/.cargo/config.toml"
    tar -C "$base" -c . |
        docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin HOME=/root' \
            --change "LABEL recipe=$recipe" - "$build_tag" >/dev/null
}

# The docker command, and the libraries that it needs if it is not static.
cli_base() {
    local docker
    docker=$(realpath "$(command -v docker)")
    mkdir -p "$work/cli/usr/local/bin" "$work/cli/tmp"
    chmod 1777 "$work/cli/tmp"
    cp "$docker" "$work/cli/usr/local/bin/docker"
    { ldd "$docker" 2>/dev/null || true; } | sed -nE 's#^[^/]*(/[^ ]+) \(.*#\1#p' | while read -r library; do
        mkdir -p "$work/cli$(dirname "$library")"
        cp -L "$library" "$work/cli$library"
    done
    tar -C "$work/cli" -c . |
        docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
            --change "LABEL recipe=$recipe" - "$cli_tag" >/dev/null
}

recipe=$(cd "$root" && { cat scripts/base-images.sh Cargo.lock; rustc -vV; } | sha256sum | cut -c1-32)
made() { [ "$(docker inspect -f '{{.Config.Labels.recipe}}' "$1" 2>/dev/null)" = "$recipe" ]; }
made "$build_tag" || build_base
made "$cli_tag" || cli_base
