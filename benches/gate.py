# SPDX-License-Identifier: MIT
"""Holds counted instructions and bytes against benches/BASELINE.toml; see benches/gate.sh.

`gate.py [--slim | --update REASON]` reads target/instructions.log and
target/static/penstock-{slim,full}, with `--slim` the first of them alone.
"""

import os
import re
import subprocess
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target")
BASELINE = f"{ROOT}/benches/BASELINE.toml"
# By how much something may get worse without a word.
TOLERANCE = 0.03
# What the binaries may weigh at most, whatever the baseline says.
BYTES_MAX = {"slim": 7_000_000, "full": 9_000_000}


def counted():
    """Instructions by row, from what the benches print."""
    rows, name = {}, None
    for line in open(f"{TARGET}/instructions.log", encoding="utf-8"):
        line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if title := re.match(r"^instructions::\w+::(\w+) (\w+):", line):
            name = f"{title[1]} {title[2]}"
        elif found := re.match(r"^\s+Instructions:\s+([\d,]+)", line):
            rows[name] = int(found[1].replace(",", ""))
    if not rows or 0 in rows.values():
        sys.exit("the benches counted nothing: see target/instructions.log")
    return rows


def weighed(names):
    """Bytes of the static binaries."""
    return {name: os.path.getsize(f"{TARGET}/static/penstock-{name}") for name in names}


def rustc():
    """The compiler's version."""
    shown = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    return shown.stdout.split()[1]


def write(version, reason, tables):
    """Writes the baseline."""
    lines = [
        "# What a call and a binary cost; written by `benches/gate.sh --update \"reason\"`.",
        f'rustc = "{version}"',
        f"reason = {quoted(reason)}",
    ]
    for title, rows in tables.items():
        lines += ["", f"[{title}]"]
        lines += [f'"{name}" = {amount:_}' for name, amount in rows.items()]
    open(BASELINE, "w", encoding="utf-8").write("\n".join(lines) + "\n")


def quoted(text):
    """The text as a string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def compare(title, now, before):
    """Prints a table; returns what got worse by too much, or has no row."""
    worse = []
    print(f"{title:32} {'before':>12} {'now':>12}")
    for name in sorted(now.keys() | before.keys()):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            worse.append(f"{name}: is only in {'what was counted' if old is None else 'the baseline'}")
            continue
        change = new / old - 1
        print(f"  {name:30} {old:12,} {new:12,} {change:+7.1%}")
        if change > TOLERANCE:
            worse.append(f"{name}: {change:+.1%}")
    return worse


def main():
    """Compares or updates; exits with 1 if something got worse."""
    names = ["slim"] if sys.argv[1:2] == ["--slim"] else list(BYTES_MAX)
    tables = {"instructions": counted(), "bytes": weighed(names)}
    version = rustc()
    if sys.argv[1:2] == ["--update"]:
        reason = " ".join(sys.argv[2:]).strip()
        if not reason:
            sys.exit("why? gate.sh --update \"reason\"")
        write(version, reason, tables)
    baseline = tomllib.load(open(BASELINE, "rb"))
    worse = [] if baseline.get("reason", "").strip() else ["the baseline has no reason"]
    before = {title: baseline.get(title, {}) for title in tables}
    before["bytes"] = {name: before["bytes"].get(name) for name in names}
    for title, now in tables.items():
        worse += compare(title, now, before[title])
    heavy = [
        f"{name}: more than {BYTES_MAX[name]:,} bytes"
        for name, amount in tables["bytes"].items()
        if amount > BYTES_MAX[name]
    ]
    if version != baseline["rustc"]:
        print(f"rustc is {version} and the baseline's {baseline['rustc']}: compared, not held to it")
        worse = []
    if worse or heavy:
        print("worse:\n  " + "\n  ".join(worse + heavy), file=sys.stderr)
        print('if it has to be: benches/gate.sh --update "reason"', file=sys.stderr)
        sys.exit(1)


main()
