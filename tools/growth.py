#!/usr/bin/env python3
"""What operations cost as there is more of something: `make bench-growth` makes tables and plots of bench/growth.c.

    growth.py                runs all curves on virt with 8 cores, prints tables, writes docs/growth/*.svg and growth.md
    growth.py --only timers  one plot

The slope is the exponent p of cost ~ x^p, fitted over all points: 0 is constant, 1 is proportional. Only what is kept in a
heap may be worse than constant, and that like the heap's depth. The exit status is 1 if a curve's last step is steeper
than LIMIT: a step before, as from the ring of 256 runnable Gs to the list behind it, is none of growth.
"""
import argparse
import math
import os
import re
import sys

import bench
import run

FOLDER = f"{run.ROOT}/docs/growth"
LIMIT = 0.1
# plot: its x axis, {curve: what it shows}
PLOTS = {
    "live": ("live goroutines", {"live_spawn_join": "start one and wait for it", "live_pingpong": "ping-pong over channels",
                                 "runnable_yield": "yield, all of them runnable"}),
    "waiters": ("waiters", {"waiters_sema": "one is woken by a semaphore, and waits again",
                            "waiters_chan": "one is sent to, and receives again",
                            "waiters_close": "all are woken by a close, each"}),
    "timers": ("armed timers", {"timers_set_stop": "one more is set and stopped (heap)",
                                "timers_sleep": "a sleep, beyond its time (heap)"}),
    "cores": ("cores", {"cores_pingpong": "ping-pong over channels", "cores_spawn_join": "start one and wait for it",
                        "cores_pairs": "a pair on each core, per round trip", "cores_tree": "tree of Gs of 1000 instructions"}),
}
LINE = re.compile(r"curve grow_(\w+) x=(\d+) total=(\d+) n=(\d+)")
COLORS = ("#1f5fa8", "#c0392b", "#2e8b57", "#8e5aa8")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 430, 70, 40, 40, 130


def measure(machine, curves):
    """{curve: [(x, cost)]}; a boot for each."""
    found = {}
    for curve in curves:
        for line in machine.boot(f"--bench=grow_{curve}", smp=8) or sys.exit(f"growth: {curve} ended badly"):
            if match := LINE.search(line):
                found.setdefault(match[1], []).append((int(match[2]), int(match[3]) / int(match[4])))
    return found


def slope(points):
    """Least squares on logarithms."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(max(y, 1e-9)) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def nice_top(y):
    step = 10 ** math.floor(math.log10(y))
    return math.ceil(y / step * 2) / 2 * step


def svg(title, axis, curves):
    """curves: [(label, points)]"""
    xs = sorted({x for _, points in curves for x, _ in points})
    top = nice_top(max(y for _, points in curves for _, y in points))
    linear = xs[-1] <= 8  # cores
    scale = (lambda x: x) if linear else math.log10

    def px(x):
        return LEFT + (scale(x) - scale(xs[0])) / (scale(xs[-1]) - scale(xs[0])) * (WIDTH - LEFT - RIGHT)

    def py(y):
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="14">{title}</text>',
           f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - BOTTOM + 36}" text-anchor="middle">{axis}</text>']
    for i in range(6):
        y = top * i / 5
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py(y):.1f}" y2="{py(y):.1f}" stroke="#dddddd"/>'
                   f'<text x="{LEFT - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{y:,.0f}</text>')
    for x in xs:
        out.append(f'<line x1="{px(x):.1f}" x2="{px(x):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eeeeee"/>'
                   f'<text x="{px(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:,}</text>')
    for (label, points), color in zip(curves, COLORS):
        line = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{color}"/>' for x, y in points]
    at = HEIGHT - BOTTOM + 62
    for i, ((label, points), color) in enumerate(zip(curves, COLORS)):
        out.append(f'<rect x="{LEFT + 14}" y="{at + 18 * i - 9}" width="10" height="10" fill="{color}"/>'
                   f'<text x="{LEFT + 30}" y="{at + 18 * i}">{label}, slope {slope(points):+.3f}</text>')
    return "\n".join([*out, "</svg>", ""])


def table(axis, curves):
    xs = sorted({x for _, points in curves for x, _ in points})
    rows = [["instructions", *(f"{x:,}" for x in xs), "slope"]]
    for label, points in curves:
        at = dict(points)
        rows.append([label, *(bench.number(at.get(x)) for x in xs), f"{slope(points):+.3f}"])
    text = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([text[0].replace("instructions", f"{axis}:", 1), "|---" * (len(xs) + 2) + "|", *text[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PLOTS)
    opts = parser.parse_args()
    board = run.load_board("virt")
    if why := run.cannot_run(board):
        print(f"growth: {why}")
        return run.SKIP
    machine = bench.Machine(board, bench.build("virt"), True)
    os.makedirs(FOLDER, exist_ok=True)
    steep, text = [], []
    for plot, (axis, names) in PLOTS.items():
        if opts.only not in (None, plot):
            continue
        found = measure(machine, names)
        curves = [(label, found[name]) for name, label in names.items()]
        with open(f"{FOLDER}/{plot}.svg", "w") as file:
            file.write(svg(f"Instructions per operation by {axis}", axis, curves))
        text.append(table(axis, curves))
        print(text[-1], end="\n\n", flush=True)
        steep += [f"{label}: x^{slope(points[-2:]):.2f} in {axis}" for label, points in curves
                  if slope(points[-2:]) > LIMIT]
    if not opts.only:
        with open(f"{FOLDER}/growth.md", "w") as file:
            file.write("# What operations cost as there is more\n\nMade by `make bench-growth`; do not edit it. Instructions per "
                       "operation under `-icount`;\nthe slope is p in cost ~ x^p. [PERFORMANCE.md](../PERFORMANCE.md) says "
                       "what is measured. Yield is dearer\nfrom 256 runnable Gs on: they "
                       "do not fit into the ring, and go through the list behind it.\n\n" +
                       "\n\n".join(f"![{plot}]({plot}.svg)\n\n{t}" for plot, t in zip(PLOTS, text)) + "\n")
    for line in steep:
        print(f"growth: worse than constant: {line}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
