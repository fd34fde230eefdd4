#!/usr/bin/env python3
"""Draws what `deepseek bench --json` measured as shares of the machine's limits: a bar a test, as plain SVG.

Usage: eng/plot-bench.py OUT.svg FILE.jsonl
"""
import json
import sys
from xml.sax.saxutils import escape

LEFT, WIDTH, TOP, ROW, BAR = 210, 420, 34, 26, 14
# Told apart by the texts beside them as well as by colour.
MEMORY, ARITHMETIC, GOAL = "#0b6e4f", "#3d5a80", "#c8553d"
GOALS = {MEMORY: 0.75, ARITHMETIC: 0.6}


def bars(path):
    """Of every test its name, its share of a limit, that limit's colour and its speed."""
    with open(path, encoding="utf-8") as file:
        for run in map(json.loads, file):
            activations = run["paths"]["activations"]
            if run.get("prefill_tokens_per_second"):
                yield f"prefill of {run['prompt']}, {activations}", run["prefill_peak_share"], ARITHMETIC, run["prefill_tokens_per_second"]
            if run.get("decode_tokens_per_second"):
                what = f"{run['batch']} sequences" if run["batch"] > 1 else f"decode at {run['depth']}" if run["depth"] else "decode"
                cache = run["paths"].get("cache", "int16")  # runs before it was told had the default
                what += "" if cache == "int16" else f", {cache} cache"
                yield f"{what}, {activations}", run["decode_bandwidth_share"], MEMORY, run["decode_tokens_per_second"]


def main():
    target, rows = sys.argv[1], list(bars(sys.argv[2]))
    height = TOP + len(rows) * ROW + 44
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{LEFT + WIDTH + 20}" height="{height}" fill="#ffffff"/>',
    ]
    for tick in range(0, 5):
        x = LEFT + tick / 4 * WIDTH
        out.append(f'<path d="M{x} {TOP - 6}v{len(rows) * ROW + 6}" stroke="#dddddd"/><text x="{x}" y="{TOP - 12}" text-anchor="middle">{tick / 4:.0%}</text>')
    for i, (name, share, colour, speed) in enumerate(rows):
        y, goal = TOP + i * ROW, LEFT + GOALS[colour] * WIDTH
        out.append(f'<text x="{LEFT - 8}" y="{y + BAR - 3}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect x="{LEFT}" y="{y}" width="{share * WIDTH:.1f}" height="{BAR}" fill="{colour}"/>')
        out.append(f'<path d="M{goal} {y - 3}v{BAR + 6}" stroke="{GOAL}" stroke-width="2"/>')
        out.append(f'<text x="{LEFT + 6}" y="{y + BAR - 3}" fill="#ffffff">{speed:.1f} tokens/s</text>')
    y = TOP + len(rows) * ROW + 18
    out.append(f'<rect x="{LEFT}" y="{y - 9}" width="10" height="10" fill="{MEMORY}"/><text x="{LEFT + 15}" y="{y}">of the memory bandwidth</text>')
    out.append(f'<rect x="{LEFT + 160}" y="{y - 9}" width="10" height="10" fill="{ARITHMETIC}"/><text x="{LEFT + 175}" y="{y}">of the multiply-adds</text>')
    out.append(f'<path d="M{LEFT + 305} {y - 10}v12" stroke="{GOAL}" stroke-width="2"/><text x="{LEFT + 313}" y="{y}">goal</text>')
    out.append("</svg>")
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


main()
