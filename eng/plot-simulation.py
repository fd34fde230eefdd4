#!/usr/bin/env python3
"""Draws hit rates by memory and eviction policy from what `deepseek simulate --json` prints: one panel a file, as plain SVG.

Usage: eng/plot-simulation.py OUT.svg "TITLE=FILE.jsonl" ...
"""
import json
import sys
from xml.sax.saxutils import escape

PANEL, HEIGHT, LEFT, TOP, GAP = 220, 200, 46, 34, 28
# Told apart by dashes as well as by colour.
LINES = [
    ("Belady", "#444444", "2 3"),
    ("least-stale", "#0b6e4f", "none"),
    ("lfu", "#c8553d", "7 3"),
    ("slru", "#3d5a80", "4 2 1 2"),
    ("lru", "#8d6a9f", "1 2"),
]


def series(path):
    """Of every line its points: share of the experts in memory, hit rate."""
    points = {name: {} for name, _, _ in LINES}
    with open(path, encoding="utf-8") as file:
        for row in map(json.loads, file):
            share = row["slots"] / row["experts"]
            points[row["eviction"]][share] = row["hit_rate"]
            points["Belady"][share] = row["optimal_hit_rate"]
    return {name: sorted(line.items()) for name, line in points.items()}


def panel(x, title, lines):
    def at(share, rate):
        return f"{x + share * PANEL:.1f},{TOP + (1 - rate) * HEIGHT:.1f}"

    out = [f'<text x="{x + PANEL / 2}" y="{TOP - 12}" text-anchor="middle" font-weight="bold">{escape(title)}</text>']
    for tick in range(0, 5):
        share = tick / 4
        px, py = x + share * PANEL, TOP + (1 - share) * HEIGHT
        out.append(f'<path d="M{x} {py}h{PANEL}M{px} {TOP}v{HEIGHT}" stroke="#dddddd"/>')
        out.append(f'<text x="{px}" y="{TOP + HEIGHT + 15}" text-anchor="middle">{share:.0%}</text>')
        if x == LEFT:
            out.append(f'<text x="{x - 6}" y="{py + 4}" text-anchor="end">{share:.0%}</text>')
    for name, colour, dash in LINES:
        points = " ".join(at(share, rate) for share, rate in lines[name])
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-dasharray="{dash}"/>')
        out += [f'<circle cx="{at(*point).split(",")[0]}" cy="{at(*point).split(",")[1]}" r="2.2" fill="{colour}"/>' for point in lines[name]]
    return out


def main():
    target, files = sys.argv[1], [argument.split("=", 1) for argument in sys.argv[2:]]
    width, height = LEFT + len(files) * (PANEL + GAP), TOP + HEIGHT + 62
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for i, (title, path) in enumerate(files):
        out += panel(LEFT + i * (PANEL + GAP), title, series(path))
    out.append(f'<text x="{LEFT}" y="{TOP + HEIGHT + 32}">hit rate, by the share of all experts that fits into memory (simulated)</text>')
    for i, (name, colour, dash) in enumerate(LINES):
        x, y = LEFT + i * 110, TOP + HEIGHT + 48
        out.append(f'<path d="M{x} {y - 4}h24" stroke="{colour}" stroke-width="1.8" stroke-dasharray="{dash}"/><text x="{x + 30}" y="{y}">{name}</text>')
    out.append("</svg>")
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


main()
