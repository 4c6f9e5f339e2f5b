#!/usr/bin/env python3
"""Runs the litmus tests of this folder under herd7 and compares with expect.txt.

    run.py            all
    run.py idle-*     some

Each test is run twice: as it is, and without the last part of its `exists` line. The second must be possible at least
once: a test whose premise never happens would say Never whatever the barriers do. Status 1: a verdict differs; 77: there
is no herd7 (tools/verify-tools.sh fetches it).
"""
import concurrent.futures
import fnmatch
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "tools", "verify-tools.sh")
SKIP = 77


def expectations():
    """{test: verdict}"""
    with open(f"{HERE}/expect.txt") as file:
        rows = [line.split()[:2] for line in file if line.strip() and not line.startswith("#")]
    return dict(rows)


def premise(text):
    """The test without the last part of its condition."""
    found = re.search(r"^exists \((.*)\)\s*$", text, re.M)
    depth, cut = 0, None
    for at, char in enumerate(found[1]):
        depth += (char == "(") - (char == ")")
        if depth == 0 and found[1].startswith("/\\", at):
            cut = at
    if cut is None:
        sys.exit(f"litmus: a condition of one part only: {found[0]}")
    return text[:found.start()] + f"exists ({found[1][:cut].strip()})\n"


def verdict(herd, path):
    """Never, Sometimes or Always; or herd7's complaint."""
    model = ["-model", "rc11.cat"] if os.path.basename(path).startswith("c11-") else []
    done = subprocess.run([herd, *model, path], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = re.search(r"^Observation \S+ (\w+)", done.stdout, re.M)
    return found[1] if found and done.returncode == 0 else done.stdout.strip() or f"status {done.returncode}"


def judge(herd, work, name, wanted):
    """None, or what is wrong with a test."""
    path = f"{HERE}/{name}.litmus"
    said = verdict(herd, path)
    if said != wanted:
        return f"herd7 says {said}, expect.txt {wanted}"
    with open(path) as file:
        weaker = premise(file.read())
    with open(f"{work}/{name}.litmus", "w") as file:
        file.write(weaker)
    said = verdict(herd, file.name)
    return None if said in ("Sometimes", "Always") else f"its premise never happens: {said}"


def main():
    wanted = expectations()
    there = {os.path.basename(path)[:-len(".litmus")] for path in glob.glob(f"{HERE}/*.litmus")}
    for name in sorted(there ^ set(wanted)):
        sys.exit(f"litmus: {name} stands in {'expect.txt' if name in wanted else 'the folder'} only")
    names = [n for n in sorted(there) if not sys.argv[1:] or any(fnmatch.fnmatch(n, a) for a in sys.argv[1:])]
    if not names:
        sys.exit(f"litmus: no test {' '.join(sys.argv[1:])}")
    found = subprocess.run([TOOLS, "--path"], text=True, stdout=subprocess.PIPE)
    if found.returncode != 0:
        print(f"no herd7 here, so {len(names)} litmus tests were not run: tools/verify-tools.sh fetches it")
        return SKIP
    herd, bad = found.stdout.strip(), 0
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, wrong in zip(names, pool.map(lambda n: judge(herd, work, n, wanted[n]), names)):
            print(f"FAIL {name}: {wrong}" if wrong else f"ok   {name}: {wanted[name]}")
            bad += wrong is not None
    print(f"{len(names)} litmus tests, {bad} are not as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
