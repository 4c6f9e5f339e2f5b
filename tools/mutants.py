#!/usr/bin/env python3
"""Proves that the tests can fail: takes out one feature at a time and wants the named tests to notice.

    mutants.py                 every file of tests/mutants
    mutants.py --test 'steal*' some of them
    mutants.py --list          what there is, runs nothing

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
of this happens in a copy, build/mutants; the tree itself is never touched. The exit status is 1 if a mutant
survives, does not build, or does not fit the source any more.
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


def apply(mutant):
    """Changes the copy. None, or why it cannot be done."""
    for path, old, new in mutant.edits:
        target = f"{COPY}/{path}"
        if not os.path.exists(target):
            return f"{path} is not there"
        with open(target) as file:
            text = file.read()
        if text.count(old) != 1:
            return f"its text stands {text.count(old)} times in {path}; it must be once"
        with open(target, "w") as file:
            file.write(text.replace(old, new))
    return None


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


def not_in_the_table(mutants):
    """How many are missing from docs/TESTING.md."""
    with open(f"{run.ROOT}/docs/TESTING.md") as file:
        text = file.read()
    missing = [m.name for m in mutants if f"| `{m.name}` |" not in text]
    for name in missing:
        print(f"docs/TESTING.md has no line for the mutant {name}")
    return len(missing)


def judge(mutant, groups):
    """('killed' or what went wrong instead, by what, output)."""
    trouble = apply(mutant)
    if trouble:
        return "DOES NOT FIT", trouble, []
    row, words = build(mutant)
    if row is None:
        return "DOES NOT BUILD", "", words.splitlines()
    for name in mutant.tests:
        verdict, why, output = run_test(row, mutant, name, groups.get(name))
        if verdict == "FAIL":
            return "killed", f"{name}: {why}", output
    return "SURVIVES", "", output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--test", default="*", help="names or patterns of mutants, with commas between")
    parser.add_argument("--list", action="store_true")
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
    for board in sorted({m.head["board"] for m in mutants}):
        if why := run.cannot_run(run.load_board(board)):
            sys.exit(f"mutants: {why}")
    copy_tree()
    known, bad = baseline(mutants)
    bad += not_in_the_table(mutants)
    print(f"{'mutant':24} {'verdict':14} {'seconds':>7}  by")
    for mutant in sorted(mutants, key=lambda m: m.place):
        start = time.monotonic()
        try:
            verdict, why, output = judge(mutant, known[mutant.place])
        finally:
            restore(mutant)
        print(f"{mutant.name:24} {verdict:14} {time.monotonic() - start:7.1f}  {why}", flush=True)
        if verdict != "killed":
            bad += 1
            print("\n".join(f"  | {line}" for line in output[-15:]))
    print(f"{len(mutants)} mutants, {bad} that survive or say nothing" if bad else f"{len(mutants)} mutants, all killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
