# SPDX-License-Identifier: MIT
"""What the static binaries are made of, crate by crate and module by module.

    scripts/static.sh slim && scripts/static.sh full && python3 scripts/size.py

Reads target/static/penstock-{slim,full}.symbols and rewrites the tables of docs/size.md. A symbol
counts for the first crate outside the standard library that its name mentions: the compiler makes
copies of generic code for whoever uses it, and whoever uses it is who can do something about it.
"""

import os
import re
import subprocess
import sys
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATIC = os.path.join(os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target"), "static")
PAGE = f"{ROOT}/docs/size.md"
FEATURES = ("slim", "full")
# What every program in Rust brings along, however it is spelled.
STANDARD = {"core", "alloc", "std", "std_detect", "hashbrown", "compiler_builtins"}
BACKTRACE = {"gimli", "addr2line", "rustc_demangle", "miniz_oxide", "object", "panic_abort"}
RING = re.compile(r"^(ring_core_|ecp_nistz|p256_|p384_|x25519_|fe_|ge_|sc_|table_select|LIMB)")
# Rows beyond these are one row.
CRATES_SHOWN, MODULES_SHOWN = 18, 24


def symbols(path):
    """Pairs of bytes and names of everything that is stored in the file."""
    listed = subprocess.run(
        ["nm", "--print-size", "--demangle", path], check=True, capture_output=True, text=True
    )
    seen = set()
    for line in listed.stdout.splitlines():
        parts = line.split(None, 3)
        if len(parts) < 4 or parts[2] in "bB":
            continue
        # Several names for one place are counted once.
        place = (parts[0], parts[1])
        if place not in seen:
            seen.add(place)
            yield int(parts[1], 16), parts[3]


def crate_of(name):
    """The crate that answers for a symbol."""
    crates = re.findall(r"(?<![\w:$])([a-z_][a-z0-9_]*)::", name)
    own = [crate for crate in crates if crate not in STANDARD and crate not in BACKTRACE]
    if own:
        return own[0]
    if crates:
        return "std: backtraces" if crates[0] in BACKTRACE else "std"
    return "ring" if RING.match(name) else "libc"


def module_of(name):
    """The module of ours that a symbol belongs to, at most two deep."""
    found = re.search(r"penstock::(\w+)(?:::(\w+))?", name)
    first, second = found[1], found[2]
    return f"{first}::{second}" if second and second[0].islower() else first


def sections(path):
    """Bytes by the sections of the file that are more than 1 kB."""
    listed = subprocess.run(["size", "-A", path], check=True, capture_output=True, text=True)
    rows = Counter()
    for line in listed.stdout.splitlines():
        match = re.match(r"^(\.\S+)\s+(\d+)\s+\d+$", line)
        if match and match[1] not in (".bss", ".tbss"):
            rows[match[1]] += int(match[2])
    return rows


def table(head, counters, shown):
    """A table with a column for each counter, largest first by the last one."""
    names = [name for name, _ in counters[-1].most_common(shown)]
    lines = [f"| {head} | " + " | ".join(f"{name}, kB" for name in FEATURES) + " |"]
    lines.append("|---|" + "---:|" * len(FEATURES))
    kilo = lambda amount: f"{amount / 1000:,.0f}"
    for name in names:
        lines.append(f"| {name} | " + " | ".join(kilo(c[name]) for c in counters) + " |")
    rest = [sum(c.values()) - sum(c[name] for name in names) for c in counters]
    if any(rest):
        lines.append("| all others | " + " | ".join(kilo(amount) for amount in rest) + " |")
    lines.append("| **sum** | " + " | ".join(kilo(sum(c.values())) for c in counters) + " |")
    return "\n".join(lines)


def replace(text, name, table_text):
    """The page with the table between its marks replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{table_text}\n{end}{rest.split(end)[1]}"


def main():
    """Rewrites the tables; with --print only prints them."""
    crates, modules, parts, files = [], [], [], Counter()
    for features in FEATURES:
        path = f"{STATIC}/penstock-{features}"
        by_crate, by_module = Counter(), Counter()
        for size, name in symbols(f"{path}.symbols"):
            crate = crate_of(name)
            by_crate[crate] += size
            if crate == "penstock":
                by_module[module_of(name)] += size
        crates.append(by_crate)
        modules.append(by_module)
        parts.append(sections(path))
        files[features] = os.path.getsize(path)
    whole = "\n".join(f"- `{name}`: {files[name]:,} bytes" for name in FEATURES)
    tables = {
        "files": whole,
        "sections": table("section", parts, 6),
        "crates": table("crate", crates, CRATES_SHOWN),
        "modules": table("module", modules, MODULES_SHOWN),
    }
    if "--print" in sys.argv:
        print("\n\n".join(tables.values()))
        return
    text = open(PAGE, encoding="utf-8").read()
    for name, table_text in tables.items():
        text = replace(text, name, table_text)
    open(PAGE, "w", encoding="utf-8").write(text)


main()
