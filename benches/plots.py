# SPDX-License-Identifier: MIT
"""Draws what benches/compare.sh measured: `plots.py RESULTS FOLDER` writes three SVG files."""

import json
import statistics
import sys
from collections import defaultdict

# Name, colour and dashes of each line: ours are solid and strong.
LINES = {
    "ideal-http": ("ideal, HTTP", "#7fb3d5", "6 4"),
    "nginx-http": ("nginx", "#229954", ""),
    "haproxy-http": ("HAProxy", "#d68910", ""),
    "ours-http": ("Penstock, HTTP", "#1b4f9c", ""),
    "ideal-stdio": ("ideal, stdio", "#d7a4d3", "6 4"),
    "ours-stdio": ("Penstock, stdio", "#8e2a8b", ""),
}
WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 170, 46, 52


def medians(rows, phase, field):
    """By target: the median of a field for each number of connections."""
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["phase"] == phase and row.get(field) is not None:
            found[row["label"]][row["conns"]].append(row[field])
    return {
        label: {conns: statistics.median(values) for conns, values in sorted(by.items())}
        for label, by in found.items()
    }


def ceiling(value):
    """The next round number, for the end of an axis."""
    step = 10 ** (len(str(int(value))) - 1)
    return next(step * n / 2 for n in range(1, 22) if step * n / 2 >= value)


class Drawing:
    """One set of axes; places along the bottom are equally far apart."""

    def __init__(self, title, bottom, side, places, top, logarithmic=False):
        self.places, self.top, self.logarithmic = places, top, logarithmic
        self.out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<text x="{LEFT}" y="26" font-size="16" font-weight="bold">{title}</text>',
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{bottom}</text>",
            f'<text x="{LEFT}" y="{TOP - 4}" fill="#555" text-anchor="end">{side}</text>',
        ]
        self.labelled = 0
        self.axes()

    def x(self, index):
        """Where a place is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / len(self.places)

    def y(self, value):
        """Where a value is."""
        tall = HEIGHT - TOP - BOTTOM
        if self.logarithmic:
            from math import log10

            low, high = log10(self.top) - 4, log10(self.top)
            part = (log10(max(value, 10**low)) - low) / (high - low)
        else:
            part = value / self.top
        return HEIGHT - BOTTOM - tall * part

    def axes(self):
        """The grid with its numbers."""
        if self.logarithmic:
            values = [self.top / 10**n for n in range(5)]
        else:
            values = [self.top * n / 5 for n in range(6)]
        for value in values:
            y, number = self.y(value), f"{value:,.0f}" if value >= 10 else f"{value:g}"
            self.out.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{number}</text>'
            )
        for index, place in enumerate(self.places):
            self.out.append(
                f'<text x="{self.x(index):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle"'
                f' fill="#555">{place}</text>'
            )

    def line(self, label, values):
        """One target: a value, or None, for each place."""
        name, colour, dashes = LINES[label]
        points = [(self.x(i), self.y(v)) for i, v in enumerate(values) if v is not None]
        if not points:
            return
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f'stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}" fill="none"'
        self.out.append(f'<polyline points="{path}" {style}/>')
        for x, y in points:
            self.out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        at = TOP + 10 + 22 * self.labelled
        self.labelled += 1
        x = WIDTH - RIGHT + 14
        self.out.append(f'<line x1="{x}" x2="{x + 26}" y1="{at}" y2="{at}" {style}/>')
        self.out.append(f'<text x="{x + 34}" y="{at + 4}">{name}</text>')

    def save(self, path):
        """Writes the file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([*self.out, "</svg>", ""]))


def against_connections(rows, field, scale, title, side, path):
    """One line for each target over the numbers of connections."""
    found = medians(rows, "closed", field)
    found = {label: by for label, by in found.items() if label in LINES}
    places = sorted({conns for by in found.values() for conns in by})
    if not places:
        return
    top = ceiling(max(value / scale for by in found.values() for value in by.values()))
    drawing = Drawing(title, "connections", side, places, top)
    for label in LINES:
        by = found.get(label, {})
        drawing.line(label, [by[c] / scale if c in by else None for c in places])
    drawing.save(path)


def latency(rows, path):
    """Percentiles at half load."""
    fields = {"50 %": "p50_us", "90 %": "p90_us", "99 %": "p99_us", "99.9 %": "p999_us"}
    values = {label: [] for label in LINES}
    for field in fields.values():
        found = medians(rows, "open", field)
        for label in LINES:
            values[label].append(max(found.get(label, {}).values(), default=None))
    known = [value for line in values.values() for value in line if value]
    if not known:
        return
    top = 10 ** len(str(int(max(known))))
    title = "Latency at half of each one's own rate, 64 connections"
    drawing = Drawing(title, "part of the calls", "µs", list(fields), top, logarithmic=True)
    for label, line in values.items():
        drawing.line(label, line)
    drawing.save(path)


def main():
    """Draws all three."""
    with open(sys.argv[1], encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    folder = sys.argv[2]
    title = "Calls of 1 kB as fast as it goes"
    against_connections(rows, "rps", 1000, title, "1,000/s", f"{folder}/throughput.svg")
    title = "Peak memory while it goes that fast"
    against_connections(rows, "rss_peak_kb", 1024, title, "MB", f"{folder}/memory.svg")
    latency(rows, f"{folder}/latency.svg")


main()
