# SPDX-License-Identifier: MIT
"""Licences: which are allowed, and the texts that go with a binary.

Reads `cargo metadata --format-version 1 --locked` on standard input.

    licences.py deny.toml                  checks licences and sources of all crates
    licences.py --shipped FILE             checks that FILE names the crates in the binary
    licences.py --write FILE               writes FILE anew, on a Debian with all crates fetched

The first is a stand-in for `cargo deny check licenses sources` where cargo-deny is not installed.
"""

import json
import os
import re
import subprocess
import sys

# What is in a static binary beside crates, and where Debian keeps a text.
BESIDE = [
    ("the Rust standard library", "MIT OR Apache-2.0", None),
    ("the GNU C Library, linked statically: build it anew with another one by scripts/static.sh",
     "LGPL-2.1-or-later", "/usr/share/common-licenses/LGPL-2.1"),
]
TRIPLE = "x86_64-unknown-linux-gnu"
TEXTS = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.I)


def allowed_licences(path):
    """The list `allow` of the section [licenses]."""
    text = open(path, encoding="utf-8").read()
    section = text.split("[licenses]", 1)[1].split("\n[", 1)[0]
    allow = re.search(r"^allow\s*=\s*\[(.*?)\]", section, re.S | re.M).group(1)
    return set(re.findall(r'"([^"]+)"', allow))


def satisfied(expression, allowed):
    """Whether an SPDX expression can be satisfied by the allowed licences."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    python = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("(", ")"):
            python.append(word)
        elif word.upper() in ("AND", "OR"):
            python.append(word.lower())
        elif word.upper() == "WITH":
            skip = True
        else:
            python.append(str(word in allowed))
    return eval(" ".join(python))  # only True, False, and, or, parentheses


def check_allowed(packages, path):
    """Prints every crate that is not allowed."""
    allowed = allowed_licences(path)
    problems = []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        source = package["source"]
        if source is not None and not source.startswith("registry+"):
            problems.append(f"{name}: comes from {source}")
        if not satisfied(package["license"] or "none", allowed):
            problems.append(f"{name}: licence {package['license']}")
    print("\n".join(problems) or f"{len(packages)} crates, all allowed")
    return not problems


def shipped(packages):
    """The crates whose code is in the binary: no macros, and nothing that only builds or tests."""
    tree = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none"]
    listed = subprocess.run(
        [*tree, "--target", TRIPLE, "--format", "{p}"], check=True, capture_output=True, text=True
    )
    found = set(re.findall(r"^(\S+) v(\S+)", listed.stdout, re.M))
    theirs = [package for package in packages if package["source"] is not None]
    wanted = [package for package in theirs if (package["name"], package["version"]) in found]
    return sorted(wanted, key=title)


def title(package):
    """How a crate is called in the file."""
    return f"{package['name']} {package['version']} ({package['license']})"


def check_shipped(packages, path):
    """Whether the file names exactly the crates of the binary."""
    named = set(re.findall(r"^- (\S+ \S+ \(.*\))$", open(path, encoding="utf-8").read(), re.M))
    wanted = {title(package) for package in packages}
    for name in sorted(named ^ wanted):
        print(f"{path}: {name} is {'missing' if name in wanted else 'not in the binary'}")
    if named != wanted:
        print("scripts/licences.py --write makes it anew")
    return named == wanted


def texts_of(package):
    """The licence texts that a crate brings along."""
    folder = os.path.dirname(package["manifest_path"])
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if TEXTS.match(name) and os.path.isfile(path):
            yield open(path, encoding="utf-8", errors="replace").read().strip()


def write(packages, path):
    """Writes the file: the crates, and each text once with those who bring it."""
    texts = {}
    for package in packages:
        for text in texts_of(package):
            # Lines are broken differently; the words are the same.
            key = " ".join(text.split())
            texts.setdefault(key, (text, []))[1].append(f"{package['name']} {package['version']}")
    lines = ["What is in the binary beside Penstock itself, and under which licences.", ""]
    lines += [f"- {title(package)}" for package in packages]
    lines += ["", "Beside these:", ""]
    lines += [f"* {name} ({licence})" for name, licence, _ in BESIDE]
    for name, _, file in BESIDE:
        if file:
            text = open(file, encoding="utf-8").read().strip()
            texts[file] = (text, [name.split(",")[0]])
    for text, names in texts.values():
        lines += ["", "=" * 80, "Of " + ", ".join(names) + ":", "", text]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return True


def main():
    """Does what is asked; exits with 1 if something is not as it should be."""
    packages = json.load(sys.stdin)["packages"]
    if sys.argv[1] == "--shipped":
        good = check_shipped(shipped(packages), sys.argv[2])
    elif sys.argv[1] == "--write":
        good = write(shipped(packages), sys.argv[2])
    else:
        good = check_allowed(packages, sys.argv[1])
    sys.exit(not good)


main()
