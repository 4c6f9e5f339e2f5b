#!/usr/bin/env python3
"""Which lines of the runtime the tests run: on the boards and on the host, taken together.

    coverage.py                 builds with COVERAGE=1, runs the tests, prints a table; fails below FLOORS, or if
                                README.md gives other numbers than these by more than TOLERANCE
    coverage.py --readme        writes the numbers into README.md instead
    coverage.py --quick         the host alone, and its floors: what CI has time for
    coverage.py --lines hal     also lists the lines of these folders or files that nothing ran

A board's counters come as text before it ends (tests/coverage/dump.c); the host's compiler writes its own files. A
line counts as run if any of them ran it. boot/early is left out: it runs before memory can be counted in. The exit
status is 77 if no compiler with gcov is here.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import run
import test as harness

# What a run must reach, in percent of the lines. Raise them when it is well above; never lower them in silence.
FLOORS = {"sched": 90, "hal": 80}
QUICK_FLOORS = {"sched": 90, "hal": 75}  # of the host alone
TOLERANCE = 3
FOLDERS = ("sched", "hal", "drivers", "boards", "boot", "libc")
README = f"{run.ROOT}/README.md"
LINE = re.compile(r"^(.*tests run )(\d+) % of the lines of `sched/` and (\d+) % of `hal/`", re.M)

# board, groups of tests; each death test is a boot of its own
PLAN = (("virt", "all"), ("rpi3", "boot"), ("host", "all"))
QUICK_PLAN = (("host", "all"),)
WORKERS = max(1, min(2, os.cpu_count() or 1))

MAGIC, TAG_FUNCTION, TAG_ARCS = 0x67636461, 0x01000000, 0x01a10000


class Counters:
    """What boots of one image said, added up."""

    def __init__(self):
        self.sources = {}  # path: (version, stamp, checksum)
        self.arcs = collections.defaultdict(dict)  # path: {function's three numbers: [counts]}
        self.path = None

    def take(self, line):
        """Whether the line was ours."""
        if match := re.fullmatch(r"gcov-file: (\S+) (\d+) (\d+) (\d+)", line):
            self.path = match[1]
            self.sources[self.path] = tuple(map(int, match.groups()[1:]))
        elif self.path and (match := re.fullmatch(r"gcov: (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", line)):
            *key, n, at, count = map(int, match.groups())
            counts = self.arcs[self.path].setdefault(tuple(key), [0] * n)
            if at < len(counts):
                counts[at] += count
        return line.startswith("gcov")

    def add(self, other):
        self.sources.update(other.sources)
        for path, functions in other.arcs.items():
            for key, counts in functions.items():
                before = self.arcs[path].get(key, [0] * len(counts))
                self.arcs[path][key] = [a + b for a, b in zip(before, counts)]

    def write(self):
        """As the files that gcov reads, beside what the compiler left."""
        for path, (version, stamp, checksum) in self.sources.items():
            words = struct.pack("<4I", MAGIC, version, stamp, checksum)
            for key, counts in self.arcs[path].items():
                words += struct.pack("<5I", TAG_FUNCTION, 12, *key)
                words += struct.pack(f"<2I{len(counts)}q", TAG_ARCS, 8 * len(counts), *counts)
            with open(path, "wb") as file:
                file.write(words)


class Pulse:
    """A line now and then while it builds and runs: the harness takes long silence for a hang."""

    last = 0

    @classmethod
    def beat(cls):
        if time.monotonic() - cls.last > 20:
            cls.last = time.monotonic()
            print("coverage: on its way", flush=True)


def build(board):
    args = ["make", f"-j{WORKERS}", "-C", run.ROOT, f"BOARD={board}", "APP=tests", "COVERAGE=1"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "LLVM", "CONFIG")}
    lines = []

    def on_line(line):
        Pulse.beat()
        lines.append(line)

    if harness.execute(args, on_line, env) != 0:
        sys.exit(f"coverage: the tests do not build for {board}:\n" + "\n".join(lines[-30:]))
    path = subprocess.run([*args, "-s", "image-path"], env=env, text=True, stdout=subprocess.PIPE).stdout.strip()
    return os.path.join(run.ROOT, path)


def boot(row, args):
    """(its counters, its other lines, exit status)"""
    counters, lines = Counters(), []

    def on_line(line):
        Pulse.beat()
        if not counters.take(line):
            lines.append(line)

    status = harness.execute(row.command(args), on_line)
    return counters, lines, status


def run_tests(row):
    """Every boot of a row of PLAN; adds up, and says which tests failed: their coverage proves nothing."""
    tests, output = harness.list_tests(row)
    if tests is None:
        sys.exit("coverage: the image does not list its tests:\n" + "\n".join(output))
    chosen = [(n, g) for n, g in tests if row.groups == ["all"] or g in row.groups]
    boots = [["--test=" + ",".join(names)] for names in harness.batches([n for n, g in chosen if g != "death"])]
    boots += [[f"--test={n}"] for n, g in chosen if g == "death"]
    total, bad = Counters(), []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for counters, lines, status in pool.map(lambda args: boot(row, args), boots):
            total.add(counters)
            bad += [line for line in lines if line.startswith("not ok")]
            if status == run.HANG:
                bad.append(f"hung; its last line: {(lines or ['none'])[-1]}")
    return total, bad


def remove_old(folder):
    for path in glob.glob(f"{folder}/**/*.gcda", recursive=True):
        os.unlink(path)


def lines_of(folder, gcov):
    """{source: {line: whether it ran}} as gcov reads a build's folder."""
    result = collections.defaultdict(dict)
    files = [p for p in glob.glob(f"{folder}/**/*.gcno", recursive=True)]
    with tempfile.TemporaryDirectory() as work:
        for path in files:
            done = subprocess.run([gcov, "--json-format", "--stdout", path], cwd=work, capture_output=True, text=True)
            for text in done.stdout.splitlines():
                for source in json.loads(text)["files"]:
                    name = os.path.normpath(source["file"])
                    for line in source["lines"]:
                        number = line["line_number"]
                        result[name][number] = result[name].get(number, False) or line["count"] > 0
    return result


def measure(plan):
    """({source: {line: ran}}, what failed)."""
    total, bad = collections.defaultdict(dict), []
    for name, groups in plan:
        board = run.load_board(name)
        if why := run.cannot_run(board):
            bad.append(why)
            continue
        row = harness.Row(name, "short", groups.split(","), False)
        row.image = build(name)
        folder = f"{run.ROOT}/build/{name}-coverage"
        remove_old(folder)
        counters, failed = run_tests(row)
        counters.write()
        bad += [f"{name}: {line}" for line in failed]
        gcov = "gcov" if name == "host" else os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcov"
        for source, lines in lines_of(folder, gcov).items():
            for number, ran in lines.items():
                total[source][number] = total[source].get(number, False) or ran
    return total, bad


def percent(lines):
    return 100 * sum(lines) / len(lines) if lines else 0


def table(total):
    """Prints it; {folder: percent}."""
    result = {}
    for folder in FOLDERS:
        sources = sorted(s for s in total if s.startswith(folder + "/"))
        every = [ran for s in sources for ran in total[s].values()]
        result[folder] = percent(every)
        print(f"{folder + '/':28} {sum(every):5} of {len(every):5} lines  {result[folder]:5.1f} %")
        for source in sources:
            lines = total[source].values()
            print(f"  {source:26} {sum(lines):5} of {len(lines):5}        {percent(lines):5.1f} %")
    return result


def print_missing(total, wanted):
    for source in sorted(total):
        if any(source == w or source.startswith(w + "/") for w in wanted):
            missing = [str(n) for n, ran in sorted(total[source].items()) if not ran]
            if missing:
                print(f"{source}: {' '.join(missing)}")


def readme(reached, write):
    """Writes the numbers into README.md, or says why they are stale."""
    with open(README) as file:
        text = file.read()
    match = LINE.search(text)
    if not match:
        return "README.md has no line `... tests run N % of the lines of `sched/` and N % of `hal/``"
    new = {"sched": round(reached["sched"]), "hal": round(reached["hal"])}
    if write:
        line = f"{match[1]}{new['sched']} % of the lines of `sched/` and {new['hal']} % of `hal/`"
        with open(README, "w") as file:
            file.write(text[:match.start()] + line + text[match.end():])
        return None
    said = {"sched": int(match[2]), "hal": int(match[3])}
    stale = [f"{f}/: {said[f]} %, measured {reached[f]:.1f} %" for f in said if abs(said[f] - reached[f]) > TOLERANCE]
    return f"README.md is stale ({'; '.join(stale)}): run `make coverage README=1`" if stale else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--lines", nargs="+", default=[], metavar="PATH")
    opts = parser.parse_args()
    for tool in ("gcov", os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcov"):
        if not shutil.which(tool):
            print(f"coverage: no {tool} here: run `make setup`")
            return run.SKIP
    plan, floors = (QUICK_PLAN, QUICK_FLOORS) if opts.quick else (PLAN, FLOORS)
    total, bad = measure(plan)
    reached = table(total)
    print_missing(total, opts.lines)
    bad += [f"{f}/ is at {reached[f]:.1f} %, its floor is {floor} %" for f, floor in floors.items()
            if reached[f] < floor]
    if not opts.quick and (stale := readme(reached, opts.readme and not bad)):
        bad.append(stale)
    for why in bad:
        print(f"coverage: {why}")
    print(f"coverage: sched/ {reached['sched']:.1f} %, hal/ {reached['hal']:.1f} %, {'FAIL' if bad else 'ok'}")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
