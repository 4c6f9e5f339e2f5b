#!/usr/bin/env python3
"""Runs the experiments of tools/experiments and writes what came out: `make experiment E=n` and `make experiments`.

    experiment.py 2 6            these: docs/experiments/E2.csv, E2-*.svg, E2-*.json (traces), E2.md (what is seen)
    experiment.py --all          all, and docs/EXPERIMENTS.md of them
    experiment.py --board host 2 what the plots show, in wall time on this computer, beside the table; nothing is written
    experiment.py --seed 7 2     with other draws; goes to build/experiments, as whatever --out says
    experiment.py --twice 6      whether its first run and its first trace come out the same once more; nothing is written
    experiment.py --check        nothing is run: whether each paragraph holds in its table, and docs/EXPERIMENTS.md is theirs

Each run is a boot of examples/experiment in QEMU under -icount, in a build with CONFIG_LOCKSTEP: QEMU turns to its next
core every few hundred instructions, and cores without work execute instructions, too. So all cores execute equally many, as
if they ran side by side at an instruction a nanosecond each; the clock shows the time that this takes, and the same seed
is the same run to the last digit. What caches, pipelines and buses cost is not in it.

The exit status is 0; 1 if a run ended badly or a sentence does not hold; 2 if there is no such experiment; 77 if it
cannot run here.
"""
import argparse
import concurrent.futures
import csv
import importlib
import io
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

import bench
import experiments
import plot
import run
import trace
import trace_view

FOLDER = "docs/experiments"
BOOK = "docs/EXPERIMENTS.md"
APP = "examples/experiment"
# QEMU's clock counts what all cores execute: so many nanoseconds of it are one of ours, whatever the number of cores.
SLOWER, SLOWER_FINE = 64, 128
# It turns from core to core when a timer is due, every so many instructions of all, with a share for each that the machine
# has. After a timer the first shares are larger, by a part of that number: so there are more cores than run.
TURNS, MACHINE = 64000, 64
SEED = 1
TIMEOUT = 300
HOST_ROUNDS = 5
TRACE_EVENTS = 4096
TRACE_BYTES = 300000   # what may be committed
WORKERS = max(1, min(2, os.cpu_count() or 1))


def known():
    """{number: Experiment}"""
    names = os.listdir(os.path.dirname(experiments.__file__))
    numbers = sorted(int(m[1]) for m in (re.fullmatch(r"e(\d+)\.py", name) for name in names) if m)
    return {n: importlib.import_module(f"experiments.e{n}").EXPERIMENT for n in numbers}


class Machine:
    """A board and an image of examples/experiment."""

    def __init__(self, name):
        self.board = run.load_board(name)
        self.exact = self.board["HAL"] != "host"
        self.image = bench.build(name, APP, "-DCONFIG_LOCKSTEP=1" if self.exact else "")
        self.children, self.stopped = set(), False
        self.elf = os.path.join(os.path.dirname(self.image), "app.elf") if self.exact else self.image

    def command(self, r, args):
        args = [*args, "--batch"]
        if not self.exact:
            return run.command(self.board, self.image, args, r.cores)
        slower = SLOWER_FINE if r.fine else SLOWER
        shift = (slower // r.cores).bit_length() - 1
        alone = r.fine or r.cores == 1
        turns = run.turns(1 if r.fine else (TURNS << shift) // 1000) if r.cores > 1 else []
        return run.command(self.board, self.image, args, r.cores if alone else MACHINE, icount=shift,
                           counter_hz=10 ** 9 // slower, extra=turns)

    def output(self, r, args):
        """What it printed; None, with a line, if it ended badly."""
        if self.stopped:
            return None
        with subprocess.Popen(self.command(r, args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace") as child:
            self.children.add(child)
            try:
                text, _ = child.communicate(timeout=TIMEOUT)
                status = run.describe(child.returncode)
            except subprocess.TimeoutExpired:
                child.kill()
                text, status = child.communicate()[0], run.HANG
            finally:
                self.children.discard(child)
        if self.stopped:
            return None
        text = "".join(line for line in text.splitlines(keepends=True) if run.NO_PEER not in line)
        if status != 0:
            print(f"experiment: {shlex.join(args)}: exit status {status}\n{text}", file=sys.stderr)
            return None
        return text

    def stop(self):
        """Whatever runs, and will: it gives None."""
        self.stopped = True
        for child in list(self.children):
            child.kill()

    def rows(self, r, seed):
        text = self.output(r, r.args(seed, self.exact))
        return None if text is None else rows_of(r, text)


def rows_of(r, text):
    found = []
    for line in re.findall(r"^row (.*)$", text.replace("\r", ""), re.M):
        found.append({**r.row, **{k: int(v) for k, v in (pair.split("=") for pair in line.split())}})
    return found


# ---- tables ----------------------------------------------------------------------------------------

def csv_text(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read_csv(path):
    def cell(text):
        return int(text) if re.fullmatch(r"-?\d+", text) else text

    with open(path, newline="") as file:
        return experiments.Table([{k: cell(v) for k, v in row.items()} for row in csv.DictReader(file)])


def measure(machine, e, seed):
    """The table, or None: a run ended badly."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda r: machine.rows(r, seed), e.runs))
    if any(not rows for rows in found):
        return None
    return experiments.Table([row for rows in found for row in rows])


# ---- what is written -------------------------------------------------------------------------------

def pictures(n, e, table):
    """{name: svg}"""
    made = {}
    for p in e.pictures:
        draw = plot.bars if isinstance(p, experiments.Bars) else plot.lines
        made[f"E{n}-{p.name}.svg"] = draw(p.title, p.x_axis, table.curves(p), p.y_axis)
    return made


def section(n, e, table):
    """A chapter of docs/EXPERIMENTS.md."""
    here = os.path.basename(FOLDER)
    out = [f"## E{n}. {e.title}", "", e.asks, ""]
    for p in e.pictures:
        out += [f"![{p.title}]({here}/E{n}-{p.name}.svg)", ""]
    out += [" ".join(sentence for sentence, _ in e.says(table)) + (f" {e.limits}" if e.limits else ""), ""]
    for t in e.traces:
        out += [f"{t.title}:", "", f"![{t.title}]({here}/E{n}-{t.name}.svg)", ""]
    traces = ", ".join(f"[{t.name}]({here}/E{n}-{t.name}.json)" for t in e.traces)
    out += [f"`make experiment E={n}`; [the table]({here}/E{n}.csv)" + (f"; for ui.perfetto.dev: {traces}" if traces else ""), ""]
    return "\n".join(out)


HEAD = """# Experiments

Made by `make experiments` of what it has just run; do not edit it. `make experiment E=2` runs one anew, and writes its table,
its plots, its traces and what is seen into [experiments/](experiments). Each sentence with figures has a rule in
`tools/experiments`, which fails when the figures say something else.

Time is that of a machine whose cores run side by side and execute an instruction a nanosecond each: QEMU counts instructions
(`-icount`) and turns to its next core every few hundred of them, and cores without work execute instructions as well
(`CONFIG_LOCKSTEP`). They are as fast as each other to 3 % with 4 cores, to 10 % with 8. A run repeats to the last digit;
another one has other draws by `SEED=7`. What caches, pipelines and buses
cost is not in it. The program is [examples/experiment](../examples/experiment/main.c), the same for all; models, policies and
knobs are words on its command line: [MODELS.md](MODELS.md), [POLICY.md](POLICY.md).

`make experiment E=9 BOARD=host`, and so with each number, gives wall time on real cores beside it: it runs the same program five
times as a process of this computer, and prints what the plots show by the table / by the median. Nothing is written, since no two
computers have the same. On one with two cores, which had other work as well:

```
A round trip between two: us
  runnext=on, 2                               1.04 / 0.21
  runnext=on, 4                               1.04 / 0.21
  runnext=off, 2                              1.14 / 0.24
  runnext=off, 4                             10.32 / 8.49
```

What one core does alone (E3, E8, E9) keeps its proportions there; what several do together (E1, E2, E5, E7, E13) gains by cores that
are there and idle, and a core that sleeps is woken by the kernel: E10's answers and E11's jitter are the kernel's. It has no
exceptions of its own, so no `model=1-1`; a small stack (E14) is an ordinary one. Beside other work a figure may be a hundred times as large.

"""


def book(folder, all_):
    chapters = []
    for n in all_:
        with open(f"{folder}/E{n}.md") as file:
            chapters.append(file.read())
    return HEAD + "\n".join(chapters)


def faults(n, e, table):
    """A line for each sentence that does not hold."""
    return [f"E{n}: this does not hold: {sentence}" for sentence, holds in e.says(table) if not holds]


def record(machine, n, t, seed, folder):
    """A trace's two files; a line for whatever is wrong."""
    text = machine.output(t.run, [*t.run.args(seed), f"trace={TRACE_EVENTS}"])
    if text is None:
        return [f"E{n}: the trace {t.name} ended badly"]
    replay = trace.Replay(trace.parse(text, trace.Image(machine.elf)))
    path = f"{folder}/E{n}-{t.name}"
    trace_view.write_json(replay, path + ".json", t.gs)
    trace_view.write_html(replay, path + ".svg", replay.trace.begin, replay.trace.end, t.gs)
    wrong = [f"E{n}: the trace {t.name}: {error}" for error in replay.errors[:5]]
    if os.path.getsize(path + ".json") > TRACE_BYTES:
        wrong.append(f"E{n}: the trace {t.name} has more than {TRACE_BYTES} bytes: make the run shorter")
    return wrong


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def make_one(machine, n, e, seed, folder):
    """Runs it and writes its files. Lines about what is wrong."""
    table = measure(machine, e, seed)
    if table is None:
        return [f"E{n}: a run ended badly"]
    os.makedirs(folder, exist_ok=True)
    write(f"{folder}/E{n}.csv", csv_text(table.rows))
    for name, svg in pictures(n, e, table).items():
        write(f"{folder}/{name}", svg)
    write(f"{folder}/E{n}.md", section(n, e, table))
    wrong = [line for t in e.traces for line in record(machine, n, t, seed, folder)]
    print(f"E{n}. {e.title}\n\n{csv_text(table.rows)}\n" + " ".join(sentence for sentence, _ in e.says(table)) +
          f"\n\nwrote {folder}/E{n}*\n", flush=True)
    return wrong + faults(n, e, table)


def lacks(n, e):
    """What each experiment has to have."""
    wrong = [f"E{n}: there is no {what}" for what, has in (("plot", e.pictures), ("trace", e.traces)) if not has]
    return wrong + [f"E{n}: an axis of the plot {p.name} has no name" for p in e.pictures if not (p.x_axis and p.y_axis)]


def check(folder, all_):
    """What does not hold, or is not there, without running anything."""
    wrong = []
    for n, e in all_.items():
        wrong += lacks(n, e)
        try:
            table = read_csv(f"{folder}/E{n}.csv")
            want = {**pictures(n, e, table), f"E{n}.md": section(n, e, table)}
            wrong += faults(n, e, table)
            for name, text in want.items():
                with open(f"{folder}/{name}") as file:
                    if file.read() != text:
                        wrong.append(f"E{n}: {folder}/{name} is not made of its table")
            wrong += [f"E{n}: there is no {folder}/E{n}-{t.name}.{kind}" for t in e.traces for kind in ("json", "svg")
                      if not os.path.exists(f"{folder}/E{n}-{t.name}.{kind}")]
        except (OSError, KeyError) as missing:
            wrong.append(f"E{n}: {missing}")
    stray = {name for name in os.listdir(folder) if re.match(r"E\d+", name) and int(re.match(r"E(\d+)", name)[1]) not in all_}
    wrong += [f"{folder}/{name} belongs to no experiment" for name in sorted(stray)]
    if folder == FOLDER and not wrong:
        with open(BOOK) as file:
            if file.read() != book(folder, all_):
                wrong.append(f"{BOOK} is not made of {folder}: run `make experiments`")
    return wrong


def twice(machine, n, e, seed):
    """What is not the same in another run."""
    wrong = [] if machine.rows(e.runs[0], seed) == machine.rows(e.runs[0], seed) else [f"E{n}: another run has other figures"]
    made = []
    for t in [e.traces[0]] * 2 if e.traces else []:
        with tempfile.TemporaryDirectory() as folder:
            wrong += record(machine, n, t, seed, folder)
            with open(f"{folder}/E{n}-{t.name}.json") as file:
                made.append(file.read())
    return wrong + ([f"E{n}: another run has another trace"] if len(set(made)) > 1 else [])


# ---- on this computer ------------------------------------------------------------------------------

def on_host(machine, n, e, seed):
    """What the plots show, in wall time, beside what they have of the table that is there."""
    path = f"{FOLDER}/E{n}.csv"
    exact = read_csv(path).rows if os.path.exists(path) else []
    print(f"E{n}. {e.title}\nby {path} / on {os.cpu_count()} cores of this computer, the median of {HOST_ROUNDS}; an instruction is a ns", flush=True)
    found, wrong = [], []
    for r in e.runs:
        rounds = [machine.rows(r, seed) for _ in range(HOST_ROUNDS)] if "model=1-1" not in r.words else []
        if all(rounds):
            found += zip(*rounds) if rounds else [[r.row]]
        else:
            wrong.append(f"E{n}: a run ended badly")
    for p in e.pictures if not wrong else []:
        print(f"\n{p.title}: {p.y_axis}" + (": not counted here" if not p.host else ""))
        for rows in found if p.host else []:
            if p.only is None or p.only(rows[0]):
                print(figures(p, rows, exact))
    return wrong


def figures(p, rows, exact):
    """A line of on_host(): rows are the same in each round, or only what they begin with, of a run that is not possible here."""
    of, by = experiments.value(p.x, rows[0]), experiments.value(p.by, rows[0])
    beside = [f"{experiments.value(p.y, x):,.2f}" for x in exact if (experiments.value(p.x, x), experiments.value(p.by, x)) == (of, by)
              and (p.only is None or p.only(x))]
    here = f"{statistics.median(experiments.value(p.y, row) for row in rows):,.2f}" if len(rows) > 1 else "- (no exceptions of its own)"
    label = f"{of:g}" if isinstance(of, float) else of
    return f"  {by}, {label}".ljust(36) + f"{' '.join(beside) or '-':>14} / {here}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="N")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--board", default="virt", choices=("virt", "host"))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", help="another folder than docs/experiments")
    opts = parser.parse_args()
    os.chdir(run.ROOT)
    all_ = known()
    folder = opts.out or (FOLDER if opts.seed == SEED else "build/experiments")
    if opts.check:
        wrong = check(folder, all_)
        print("\n".join(f"experiment: {line}" for line in wrong) or f"experiment: what {BOOK} says holds")
        return 1 if wrong else 0
    chosen = [int(n) if re.fullmatch(r"\d+", n) else None for n in (opts.numbers if not opts.all else map(str, all_))]
    if not chosen or any(n not in all_ for n in chosen):
        print(f"experiment: {' '.join(opts.numbers) or 'none'} is no experiment; there is {' '.join(map(str, all_))}")
        return 2
    if why := run.cannot_run(run.load_board(opts.board)):
        print(f"experiment: {why}")
        return run.SKIP
    machine, wrong = Machine(opts.board), []
    for n in chosen:
        if opts.twice:
            wrong += twice(machine, n, all_[n], opts.seed)
        elif machine.exact:
            wrong += make_one(machine, n, all_[n], opts.seed, folder)
        else:
            wrong += on_host(machine, n, all_[n], opts.seed)
    if machine.exact and not opts.twice and folder == FOLDER and all(os.path.exists(f"{folder}/E{n}.md") for n in all_):
        write(BOOK, book(folder, all_))
    for line in wrong:
        print(f"experiment: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
