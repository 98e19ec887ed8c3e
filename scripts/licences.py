# SPDX-License-Identifier: MIT
"""Checks the licences and sources of all crates against deny.toml.

A stand-in for `cargo deny check licenses sources` where cargo-deny is not installed. Reads the
output of `cargo metadata` on standard input; the only argument is the path of deny.toml.
"""

import json
import re
import sys


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
        elif word in ("AND", "OR"):
            python.append(word.lower())
        elif word == "WITH":
            skip = True
        else:
            python.append(str(word in allowed))
    return eval(" ".join(python))  # only True, False, and, or, parentheses


def main():
    """Prints every crate that is not allowed; exits with 1 if there is one."""
    allowed = allowed_licences(sys.argv[1])
    packages = json.load(sys.stdin)["packages"]
    problems = []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        source = package["source"]
        if source is not None and not source.startswith("registry+"):
            problems.append(f"{name}: comes from {source}")
        if not satisfied(package["license"] or "none", allowed):
            problems.append(f"{name}: licence {package['license']}")
    print("\n".join(problems) or f"{len(packages)} crates, all allowed")
    sys.exit(bool(problems))


main()
