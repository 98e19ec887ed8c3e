# SPDX-License-Identifier: MIT
"""Writes the tables of benches/RESULTS.md from what benches/compare.sh measured.

`tables.py RESULTS SYSCALLS PAGE` replaces what stands between `<!-- begin NAME -->` and
`<!-- end NAME -->`; everything else on the page was written by people and stays.
"""

import json
import os
import statistics
import sys

# What a target is called, and what it is held against.
TARGETS = {
    "ideal-http": ("`ideal`, HTTP", "ideal-http"),
    "nginx-http": ("nginx", "ideal-http"),
    "haproxy-http": ("HAProxy", "ideal-http"),
    "ours-http": ("**Penstock**, HTTP", "ideal-http"),
    "ideal-stdio": ("`ideal`, stdio", "ideal-stdio"),
    "ours-stdio": ("**Penstock**, stdio", "ideal-stdio"),
}


def load(path):
    """The rows of a file with a JSON object on each line."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


class Measured:
    """Medians of the rounds, by target, phase and connections."""

    def __init__(self, rows):
        self.rows = [row for row in rows if row["phase"] != "about"]
        self.about = next((row for row in rows if row["phase"] == "about"), {})

    def of(self, label, phase, conns):
        """The rounds of one measurement that came to an end."""
        wanted = (label, phase, conns)
        found = [r for r in self.rows if (r["label"], r["phase"], r["conns"]) == wanted]
        return [row for row in found if not row.get("failed")]

    def median(self, label, phase, conns, field):
        """The median of a field, or None."""
        values = [row.get(field) for row in self.of(label, phase, conns)]
        values = [value for value in values if value is not None]
        return statistics.median(values) if values else None

    def connections(self, phase):
        """The numbers of connections of a phase."""
        return sorted({row["conns"] for row in self.rows if row["phase"] == phase})


def text(value, digits=0):
    """A number as people read it."""
    return "–" if value is None else f"{value:,.{digits}f}"


def over(value, other, digits=2):
    """A ratio, if there is one."""
    return text(value / other, digits) if value is not None and other else "–"


def table(head, rows):
    """A table of Markdown; the first column is text."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def calls(measured, phase, conns, unit="µs", scale=1):
    """How fast, how dear and how long: one table."""
    digits = 1 if unit == "µs" else 2
    rows = []
    for label, (name, model) in TARGETS.items():
        get = lambda field, of=label: measured.median(of, phase, conns, field)
        if get("rps") is None:
            continue
        cpu, user = get("cpu_us_per_req"), get("user_us_per_req")
        system = cpu - user if None not in (cpu, user) else None
        down = lambda value: None if value is None else value / scale
        peak = get("rss_peak_kb")
        rows.append([
            name,
            text(get("rps")),
            over(get("rps"), get("rps", "direct")),
            text(down(user), digits),
            text(down(system), digits),
            over(cpu, get("cpu_us_per_req", model)),
            over(cpu, get("cpu_us_per_req", "haproxy-http")),
            over(cpu, get("cpu_us_per_req", "nginx-http")),
            text(down(get("p50_us")), digits),
            text(down(get("p99_us")), digits),
            over(get("p99_us"), get("p99_us", model)),
            text(peak and peak / 1024, 1),
        ])
    head = ["target", "calls/s", "of direct", f"user {unit}", f"system {unit}", "CPU of `ideal`"]
    head += ["of HAProxy", "of nginx", f"p50 {unit}", f"p99 {unit}", "p99 of `ideal`", "peak MB"]
    return table(head, rows)


def closed(measured):
    """As fast as it goes, one table for each number of connections."""
    parts = []
    for conns in measured.connections("closed"):
        plural = "" if conns == 1 else "s"
        parts.append(f"#### {conns} connection{plural}\n\n{calls(measured, 'closed', conns)}")
    return "\n\n".join(parts)


def half(measured):
    """At half of each one's own rate."""
    conns = measured.connections("open")
    return calls(measured, "open", conns[-1]) if conns else "Not measured."


def large(measured):
    """Results of 1 MB."""
    conns = measured.connections("large1M")
    return calls(measured, "large1M", conns[-1], "ms", 1000) if conns else "Not measured."


def start(measured):
    """Start, memory and size."""
    rows = []
    for label, (name, _) in TARGETS.items():
        get = lambda field: measured.median(label, "start", 0, field)
        if get("listen_s") is None:
            continue
        first = measured.connections("closed")[:1]
        pss = measured.median(label, "closed", first[0], "pss_before_kb") if first else None
        ready, size, idle = get("ready_s"), get("size_kb"), get("rss_idle_kb")
        rows.append([
            name,
            text(get("listen_s") * 1000),
            text(ready and ready * 1000),
            text(idle and idle / 1024, 1),
            text(pss and pss / 1024, 1),
            text(size and size / 1024, 1),
        ])
    head = ["target", "listens after ms", "first answer after ms", "idle RSS MB"]
    return table(head + ["shared pages once, MB", "binary MiB"], rows)


def syscalls(rows):
    """System calls for each call."""
    lines = []
    for label, (name, _) in TARGETS.items():
        row = next((row for row in rows if row["label"] == label), None)
        if row:
            each = ", ".join(f"{name} {count:g}" for name, count in row["calls"].items())
            lines.append([name, text(row["per_request"], 2), each])
    return table(["target", "for a call", "of these"], lines).replace("---:|\n", "---|\n", 1)


def about(measured):
    """Where and when it was measured."""
    it = measured.about
    if not it:
        return "The run did not come to its end."
    errors = sum(row.get("errors", 0) for row in measured.rows)
    return (
        f"{it['day']}, commit {it['commit']}, {it['cores']} cores of {it['processor']}, Linux"
        f" {it['kernel']}, nginx {it['nginx']}, HAProxy {it['haproxy']}, the `{it['features']}`"
        f" binary. Medians of {it['rounds']} interleaved rounds of {it['secs']:g} s each;"
        f" {errors} errors."
    )


def drawings(_):
    """Links to what plots.py draws."""
    titles = {
        "throughput": "Calls a second against connections",
        "latency": "Percentiles of the latency at half load",
        "memory": "Peak memory against connections",
    }
    return "\n\n".join(f"![{title}](plots/{name}.svg)" for name, title in titles.items())


def main():
    """Replaces every part of the page that has marks."""
    measured, traced = Measured(load(sys.argv[1])), []
    if os.path.exists(sys.argv[2]):
        traced = load(sys.argv[2])
    parts = {"about": about, "closed": closed, "open": half, "large": large, "start": start}
    parts["plots"] = drawings
    made = {name: make(measured) for name, make in parts.items()}
    made["syscalls"] = syscalls(traced) if traced else "Not measured."
    page = open(sys.argv[3], encoding="utf-8").read()
    for name, content in made.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{content}\n{end}{rest.split(end, 1)[1]}"
    open(sys.argv[3], "w", encoding="utf-8").write(page)


main()
