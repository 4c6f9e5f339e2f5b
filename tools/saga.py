#!/usr/bin/env python3
"""The story of a scheduler, idea by idea, in a terminal: `make saga`. After Dmitry Vyukov's The Scheduler Saga.

    saga.py            a page for each idea; Enter goes on, b back, q ends
    saga.py --all      all pages, one after the other, as without a terminal

Every page runs the same workload (examples/experiment, story) on four cores under another model or policy, now: in QEMU,
in a clock of instructions as tools/experiment.py has it. It shows which core ran what, one number, and what broke. A
sentence that the figures do not bear out ends it with status 1.
"""
import argparse
import concurrent.futures
import os
import select
import sys
import termios
import textwrap
import tty

import experiment
import run
import trace
import trace_view
from experiments import Run, number

WIDTH = 78
COLUMN_NS = 25000     # of the charts, the same for all
CHART = 62            # columns at most
LETTERS = {"hog": "H", "brief": "b", "sleeper": "s", "app_main": "m", "main": "m"}
TREE = dict(fine=True, depth=6, cpu=0)


class Page:
    """An idea: what is tried, how it is run, what came out: a number, and what broke - both made of the rows."""

    def __init__(self, title, idea, words, says, cores=4, beside=None, **options):
        self.title, self.idea, self.says, self.words = title, idea, says, words
        self.run = Run("story", words, cores, **options)
        self.beside = beside  # a run of another workload, for the number


def us(ns):
    return f"{number(ns / 1000)} us"


def one_thread(row, _):
    return (f"A sleeper that wanted to run came {us(row['late'])} late: a hog keeps the only thread, and nobody can take it away.",
            row["late"] > 800000)


def thread_each(row, _):
    return (f"A goroutine has {row['bytes_each']:,} bytes, most of it a stack that it never uses. And each switch goes through the kernel: "
            "`make experiment E=3` counts what that costs.", row["bytes_each"] > 60000)


def one_queue(_, beside):
    wait = beside["lock_wait"] / beside["gs"]
    return (f"For each goroutine of a tree that only starts others, cores wait {number(wait)} instructions for the lock. All of them want "
            "it at every switch: with more cores it grows, `make experiment E=2`.", wait > 1)


def queue_each(row, _):
    idle = 100 * row["idle"] / (4 * row["ns"])
    return (f"The cores are idle for {number(idle)} % of the time: main started everybody on its own core, and nobody looks at "
            "another's queue.", idle > 50)


def steals(row, _):
    return (f"All is done after {us(row['ns'])}. But somebody who was ready waited for {us(row['longest'])}: where every core has a hog, he "
            "waits until it ends.", row["longest"] > 150000 and row["ns"] < 700000)


def slices(row, _):
    return (f"Now nobody who is ready waits for more than {us(row['longest'])}, and all is done after {us(row['ns'])}. What is left: first come, "
            "first served, whoever it is; and nothing knows which memory is near.", row["longest"] < 130000)


def first(row, _):
    return (f"The sleepers have priority, and are at most {us(row['late'])} late. Now somebody who is always ready can keep all others from running, "
            "and a lock can turn the order around: `make experiment E=12`. docs/POLICY.md has other policies, and how you write "
            "one.", row["late"] < 30000)


PAGES = [
    Page("Not an idea: one thread for all", "Everybody shares one thread, and whoever runs goes on until it waits. Node does so. Three of four "
         "cores do nothing (they are not even drawn).", "model=n-1", one_thread, cores=1),
    Page("Not an idea: a thread for each", "A goroutine is a thread of a kernel: own stack, entered and left through an exception. Java, C and "
         "Rust do so. All cores work.", "model=1-1", thread_each),
    Page("Ideas I and II: threads are kept, no more than cores", "A goroutine is a small thing that a thread runs, and there are as many threads as "
         "cores. What is ready waits in one queue under one lock: Go before 1.1.", "policy=fifo", one_queue,
         beside=Run("tree", "policy=fifo", 4, **TREE)),
    Page("Idea III, first half: a queue for each core", "Each core has its own queue. There is no lock to wait for.", "policy=nosteal", queue_each),
    Page("Idea III: and who has nothing steals half", "An idle core looks at the others, in random order, and takes half of what it finds.",
         "policy=gmp", steals),
    Page("A monitor: hogs are taken off", "Whoever has run for a slice goes behind the others. Go's slice is 10 ms, which nobody here would live to see: "
         "this one is 20 us.", "policy=gmp", slices, slice=20000),
    Page("Beyond the story: who matters goes first", "Go has no priorities. Here is a policy that has: of all that are ready the highest run.",
         "policy=prio", first, first=1),
]


# ---- measuring -------------------------------------------------------------------------------------

def chart(machine, r):
    """A line for each core, and the longest that one was ready before it ran."""
    text = machine.output(r, [*r.args(experiment.SEED), f"trace={experiment.TRACE_EVENTS}"])
    if text is None:
        return None, 0
    replay = trace.Replay(trace.parse(text, trace.Image(machine.elf)))
    main = [s for spans in replay.core_spans for s in spans if s.what == "run"]
    begin, end = min(s.begin for s in main), max(s.end for s in main)
    n = min(CHART, -(-(end - begin) // COLUMN_NS))

    def letter(s):
        name = replay.trace.names.get(s.g, "")
        return LETTERS.get(name, "m") if s.what == "run" else {"idle": ".", "sched": "-"}.get(s.what, " ")

    return [f"  core {core} |{trace_view.columns(spans, begin, begin + n * COLUMN_NS, letter, n)}|"
            for core, spans in enumerate(replay.core_spans[:r.cores])], max(map(max, replay.latency.values()))


def measure(machine, page):
    """The page's lines, whether its sentence holds; the lines are None if a run ended badly."""
    lines, longest = chart(machine, page.run)
    rows = machine.rows(page.run, experiment.SEED)
    beside = machine.rows(page.beside, experiment.SEED) if page.beside else [None]
    if not (lines and rows and beside):
        return None, False
    sentence, holds = page.says({**rows[0], "longest": longest}, beside[0])
    return [*lines, f"  {COLUMN_NS // 1000} us a column; H hog, b brief, s sleeper, m main, - scheduler, . idle", "",
            *textwrap.wrap(sentence, WIDTH)], holds


def head(i):
    page = PAGES[i]
    slice_ = f" slice {page.run.options['slice'] // 1000} us" if "slice" in page.run.options else ""
    return ["", f"{i + 1} of {len(PAGES)}. {page.title}", "=" * min(WIDTH, len(page.title) + 8), "", *textwrap.wrap(page.idea, WIDTH),
            "", f"  {page.words}{slice_}, 6 hogs of 200 us, 12 brief ones, 2 sleepers"]


INTRO = ["The scheduler's story, told after Dmitry Vyukov's The Scheduler Saga: one", "workload, seven ways to run it, each measured as you read."]
HINT = "Enter goes on, b goes back, q ends: "


class Terminal:
    """Keys one at a time; the terminal is left as it was found."""

    def __enter__(self):
        self.before = termios.tcgetattr(0)
        tty.setcbreak(0, termios.TCSADRAIN)
        return self

    def __exit__(self, *_):
        termios.tcsetattr(0, termios.TCSADRAIN, self.before)

    @staticmethod
    def key():
        """One of "next", "back", "end"; others are answered with the hint."""
        while True:
            print(HINT, end="", flush=True)
            typed = os.read(0, 1)
            while select.select([0], [], [], 0.05)[0] and typed[:1] == b"\x1b":  # an arrow's letters are one key
                typed += os.read(0, 1)
            print()
            if typed in (b"\n", b"\r", b" ", b"n"):
                return "next"
            if typed == b"b":
                return "back"
            if typed in (b"q", b"Q", b"", b"\x04"):
                return "end"


def show(i, future):
    """Prints page i as soon as it is measured. Whether what it says holds."""
    for line in head(i):
        print(line, flush=True)
    lines, holds = future.result()
    if lines is None:
        print("saga: it ended badly, above", file=sys.stderr)
        return False
    print("\n".join(lines), flush=True)
    if not holds:
        print("saga: this does not hold", file=sys.stderr)
    return holds


def tell(machine, pool, terminal):
    futures = {}

    def measured(i):
        if i not in futures and i < len(PAGES):
            futures[i] = pool.submit(measure, machine, PAGES[i])
        return futures.get(i)

    i, good = 0, True
    while i < len(PAGES):
        future = measured(i)
        measured(i + 1)  # while this one is read
        good &= show(i, future)
        print(flush=True)
        key = terminal.key() if terminal else "next"
        if key == "end":
            break
        i = i + 1 if key == "next" else max(0, i - 1)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--all", action="store_true")
    opts = parser.parse_args()
    if why := run.cannot_run(run.load_board("virt")):
        print(f"saga: {why}")
        return run.SKIP
    print("\n".join(INTRO), flush=True)
    machine = experiment.Machine("virt")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            if opts.all or not sys.stdin.isatty():
                return 0 if tell(machine, pool, None) else 1
            with Terminal() as terminal:
                return 0 if tell(machine, pool, terminal) else 1
        finally:
            machine.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print()
        sys.exit(130)
