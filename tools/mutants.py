#!/usr/bin/env python3
"""Proves that the tests can fail: takes out one feature at a time and wants the named tests to notice.

    mutants.py                 every file of tests/mutants
    mutants.py --test 'steal*' some of them
    mutants.py --list          what there is, runs nothing
    mutants.py --check         whether each, and those of tests/sim, still fits its source; runs nothing

A mutant is a file tests/mutants/NAME.mut:

    why: stealing is off
    board: virt
    how: gic=3,smp=2                  as in tools/test_plan.txt; without the line nothing special
    test: TestGoroutineParallelism    names, with commas between; or the name of a script in tests/host
    file: sched/gmp.c
    <<<<
    text that stands in the file exactly once
    ====
    what it becomes
    >>>>

More file: and <<<< parts may follow. First the named tests must pass on the tree as it is; then each mutant is
built, and its tests are run until one fails, dies or says nothing for --hang seconds: that one has killed it. All
of this happens in a copy, build/mutants; of the tree itself only the table in docs/VERIFICATION.md is written, a row
as soon as it is known. The exit status is 1 if a mutant survives, does not build, or does not fit the source any more.
"""
import argparse
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys
import time

import run
import test as harness

COPY = f"{run.ROOT}/build/mutants"
NOT_COPIED = {"build", ".cache", ".git"}
TABLE = f"{run.ROOT}/docs/VERIFICATION.md"
TABLE_HEAD = "| mutant | what is taken out | killed by | seconds |\n|---|---|---|---|\n"


class Mutant:
    """A file of tests/mutants, parsed."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".mut")]
        self.head, self.edits = {}, []
        with open(path) as file:
            text = file.read()
        part = r"^(\w+): *(.*)$|^<<<<\n((?:.*\n)*?)====\n((?:.*\n)*?)>>>>$"
        for match in re.finditer(part, text, re.M):
            if match[1]:
                self.head[match[1]] = match[2].strip()
            else:
                self.edits.append((self.head.get("file", ""), match[3], match[4]))
        missing = [key for key in ("why", "board", "test", "file") if key not in self.head]
        if missing or not self.edits:
            sys.exit(f"mutants: {path}: lacks {', '.join(missing) or 'an edit between <<<< and >>>>'}")
        self.place = (self.head["board"], self.head.get("how", "-"), "LLVM" in self.head)
        self.tests = self.head["test"].split(",")


class Quiet(harness.Results):
    """Collects instead of printing."""

    def add(self, verdict, where, name, why="", output=()):
        self.last = (verdict, why, list(output))
        if verdict == "FAIL":
            self.failures.append((name, why, list(output)))


# ---- the copy --------------------------------------------------------------------------------------

def same(a, b):
    if not os.path.exists(b):
        return False
    with open(a, "rb") as first, open(b, "rb") as second:
        return first.read() == second.read()


def copy_tree():
    """The sources as they are now. Files that did not change keep their time, so little is built anew."""
    os.makedirs(COPY, exist_ok=True)
    wanted = set()
    for folder, folders, names in os.walk(run.ROOT):
        here = os.path.relpath(folder, run.ROOT)
        if here == ".":
            folders[:] = [f for f in folders if f not in NOT_COPIED]
        for name in names:
            source, target = os.path.join(folder, name), os.path.normpath(os.path.join(COPY, here, name))
            wanted.add(target)
            if not same(source, target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(source, target)
    for folder, folders, names in os.walk(COPY):
        if folder == COPY:
            folders[:] = [f for f in folders if f not in NOT_COPIED]
        for name in names:
            if os.path.join(folder, name) not in wanted and name != ".cache":
                os.unlink(os.path.join(folder, name))
    if not os.path.exists(f"{COPY}/.cache"):
        os.symlink(f"{run.ROOT}/.cache", f"{COPY}/.cache")


def trouble(mutant, tree):
    """Why it cannot be put into tree, or None."""
    for path, old, _ in mutant.edits:
        if not os.path.exists(f"{tree}/{path}"):
            return f"{path} is not there"
        with open(f"{tree}/{path}") as file:
            times = file.read().count(old)
        if times != 1:
            return f"its text stands {times} times in {path}; it must be once"
    return None


def apply(mutant):
    """Changes the copy. None, or why it cannot be done."""
    why = trouble(mutant, COPY)
    for path, old, new in [] if why else mutant.edits:
        with open(f"{COPY}/{path}") as file:
            text = file.read()
        with open(f"{COPY}/{path}", "w") as file:
            file.write(text.replace(old, new))
    return why


def restore(mutant):
    for path, _, _ in mutant.edits:
        shutil.copy(f"{run.ROOT}/{path}", f"{COPY}/{path}")


# ---- building and judging --------------------------------------------------------------------------

def is_script(name):
    return glob.glob(f"{COPY}/tests/host/{glob.escape(name)}.*")


def environment(board):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("MAKE") and k not in ("MFLAGS", "BOARD", "TEST", "APP", "INPUT", "ARGS", "LLVM")}
    return dict(env, BOARD=board)


def build(mutant):
    """(a row of the plan that runs the copy's image, None), or (None, the compiler's words)."""
    board, how, llvm = mutant.place
    args = ["make", "-s", f"-j{os.cpu_count() or 1}", "-C", COPY, f"BOARD={board}", "APP=tests",
            f"LLVM={'1' if llvm else ''}"]
    made = subprocess.run(args, env=environment(board), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        return None, made.stdout
    path = subprocess.run([*args, "image-path"], env=environment(board), text=True, capture_output=True)
    row = harness.Row(board, how, ["all"], llvm)
    row.image = os.path.join(COPY, path.stdout.strip())
    return row, None


def run_test(row, mutant, name, group):
    """(verdict, why, output) of one test; a script of tests/host has no group."""
    results = Quiet()
    results.last = ("FAIL", "it was not run", [])
    if group is None:
        output = []
        status = harness.execute([is_script(name)[0]], output.append, environment(mutant.head["board"]))
        verdict = {0: "ok", run.SKIP: "skip"}.get(status, "FAIL")
        return verdict, harness.status_words(status), output
    if group == "death":
        harness.run_death(row, name, results)
    else:
        harness.run_batch(row, [name], results)
    if results.failures:
        return "FAIL", *results.failures[0][1:]
    return results.last


def groups_of(row):
    """{test: group} of an image; empty when it does not even list them."""
    tests, _ = harness.list_tests(row)
    return dict(tests or [])


def baseline(mutants):
    """Runs what the mutants name on the tree as it is. {place: {test: group}}, and how many did not pass."""
    known, bad = {}, 0
    for place in sorted({m.place for m in mutants}):
        here = [m for m in mutants if m.place == place]
        row, words = build(here[0])
        if row is None:
            sys.exit(f"mutants: the tree itself does not build for {place[0]}:\n{words}")
        known[place] = groups_of(row)
        for name in sorted({t for m in here for t in m.tests}):
            if name not in known[place] and not is_script(name):
                sys.exit(f"mutants: {place[0]} has no test {name}")
            verdict, why, output = run_test(row, here[0], name, known[place].get(name))
            if verdict != "ok":
                bad += 1
                print(f"without any mutant {name} on {place[0]}: {verdict} {why}", *output[-15:], sep="\n  | ")
    return known, bad


# ---- the table ------------------------------------------------------------------------------------

def cut_table():
    """The page before the table, {mutant: its row}, the page behind it."""
    with open(TABLE) as file:
        before, table, after = re.split(re.escape(TABLE_HEAD) + r"((?:\|.*\n)*)", file.read())
    return before, {re.match(r"\| `(\w+)`", row)[1]: row for row in table.splitlines()}, after


def write_row(mutant, by, seconds):
    """Into the table, which loses the rows of mutants that are no more."""
    before, rows, after = cut_table()
    rows[mutant.name] = f"| `{mutant.name}` | {mutant.head['why']} | {by} | {seconds:.0f} |"
    names = sorted(os.path.basename(p)[:-4] for p in glob.glob(f"{run.ROOT}/tests/mutants/*.mut"))
    with open(TABLE, "w") as file:
        file.write(before + TABLE_HEAD + "".join(f"{rows[n]}\n" for n in names if n in rows) + after)


def check(mutants):
    """1 if one does not fit the tree as it is."""
    simulated = [Mutant(p) for p in sorted(glob.glob(f"{run.ROOT}/tests/sim/*.mut"))]  # tools/sim.py --prove
    bad = [f"{m.name}: {why}" for m in mutants + simulated if (why := trouble(m, run.ROOT))]
    _, rows, _ = cut_table()
    if unseen := [m.name for m in mutants if m.name not in rows]:
        print(f"mutants: note: not run yet: {' '.join(unseen)}")
    print("\n".join(bad) or "mutants: fit")
    return 1 if bad else 0


def judge(mutant, groups):
    """('killed' or what went wrong instead, by what, output)."""
    why = apply(mutant)
    if why:
        return "DOES NOT FIT", why, []
    row, words = build(mutant)
    if row is None:
        return "DOES NOT BUILD", "", words.splitlines()
    for name in mutant.tests:
        verdict, why, output = run_test(row, mutant, name, groups.get(name))
        if verdict == "FAIL":
            return "killed", f"`{name}` on {row.where}: {why}", output
    return "SURVIVES", "", output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--test", default="*", help="names or patterns of mutants, with commas between")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--hang", type=float, default=25, help="seconds without output that count as a hang")
    opts = parser.parse_args()
    harness.HANG_SECONDS = opts.hang
    mutants = [Mutant(p) for p in sorted(glob.glob(f"{run.ROOT}/tests/mutants/*.mut"))
               if any(fnmatch.fnmatch(os.path.basename(p)[:-4], t) for t in opts.test.split(","))]
    if not mutants:
        sys.exit(f"mutants: no tests/mutants/{opts.test}.mut")
    if opts.list:
        for m in mutants:
            print(f"{m.name:24} {m.head['why']} ({m.head['board']}, {m.head['test']})")
        return 0
    if opts.check:
        return check(mutants)
    for board in sorted({m.head["board"] for m in mutants}):
        if why := run.cannot_run(run.load_board(board)):
            sys.exit(f"mutants: {why}")
    copy_tree()
    known, bad = baseline(mutants)
    print(f"{'mutant':24} {'verdict':14} {'seconds':>7}  by")
    for mutant in sorted(mutants, key=lambda m: m.place):
        start = time.monotonic()
        try:
            verdict, why, output = judge(mutant, known[mutant.place])
        finally:
            restore(mutant)
        seconds = time.monotonic() - start
        print(f"{mutant.name:24} {verdict:14} {seconds:7.1f}  {why}", flush=True)
        write_row(mutant, why.split(":")[0] if verdict == "killed" else verdict.lower(), seconds)
        if verdict != "killed":
            bad += 1
            print("\n".join(f"  | {line}" for line in output[-15:]))
    print(f"{len(mutants)} mutants, {bad} that survive or say nothing" if bad else f"{len(mutants)} mutants, all killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
