#!/usr/bin/env python3
"""What operations cost as there is more of something: `make bench-growth` makes tables and plots of bench/growth.c.

    growth.py                runs all curves on virt with 8 cores, prints tables, writes docs/growth/*.svg and growth.md
    growth.py --only timers  one plot
    growth.py --check        prints them, writes nothing: a test of CI's

The slope is the exponent p of cost ~ x^p, fitted over all points: 0 is constant, 1 is proportional. Only what is kept in a
heap may be worse than constant, and that like the heap's depth. The exit status is 1 if the slope of a curve's last DECADE is
steeper than LIMIT: a step before, as from the ring of 1024 runnable Gs to the list behind it, is none of growth.
"""
import argparse
import math
import os
import re
import sys

import bench
import plot
import run

FOLDER = f"{run.ROOT}/docs/growth"
LIMIT = 0.1
DECADE = 10  # all numbers of cores, the last two of all else
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


def last_slope(points):
    return slope([(x, y) for x, y in points if x * DECADE >= points[-1][0]])


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
    parser.add_argument("--check", action="store_true")
    opts = parser.parse_args()
    board = run.load_board("virt")
    if why := run.cannot_run(board):
        print(f"growth: {why}")
        return run.SKIP
    machine = bench.Machine(board, bench.build("virt"), True)
    os.makedirs(FOLDER, exist_ok=True)
    steep, text = [], []
    for name, (axis, names) in PLOTS.items():
        if opts.only not in (None, name):
            continue
        found = measure(machine, names)
        curves = [(label, found[curve]) for curve, label in names.items()]
        if not opts.check:
            with open(f"{FOLDER}/{name}.svg", "w") as file:
                file.write(plot.lines(f"Instructions per operation by {axis}", axis,
                                      [(f"{label}, slope {slope(points):+.3f}", points) for label, points in curves]))
        text.append(table(axis, curves))
        print(text[-1], end="\n\n", flush=True)
        steep += [f"{label}: x^{last_slope(points):.2f} in {axis}, at most {LIMIT} is constant" for label, points in curves
                  if last_slope(points) > LIMIT]
    if not (opts.only or opts.check):
        with open(f"{FOLDER}/growth.md", "w") as file:
            file.write("# What operations cost as there is more\n\nMade by `make bench-growth`; do not edit it. Instructions per "
                       "operation under `-icount`;\nthe slope is p in cost ~ x^p. [PERFORMANCE.md](../PERFORMANCE.md) says "
                       "what is measured. Yield is dearer\nfrom 1024 runnable Gs on: they "
                       "do not fit into the ring, and go through the list behind it.\n\n" +
                       "\n\n".join(f"![{name}]({name}.svg)\n\n{t}" for name, t in zip(PLOTS, text)) + "\n")
    for line in steep:
        print(f"growth: worse than constant: {line}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
