#!/usr/bin/env python3
"""Runs the checks of tools/verify_plan.txt, counts, and says which failed. `make verify` comes here.

    verify.py                       every check
    verify.py --fast                those that CI runs
    verify.py model spin            these sections, or single checks: litmus/herd7
    verify.py --list                what there is

Prints `ok`, `FAIL` or `skip`, the check and its seconds; of a check that failed its last lines; at the end
`N passed, N failed, N skipped`. The exit status is 1 if one failed, or if none ran.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLAN = f"{ROOT}/tools/verify_plan.txt"
SKIP = 77
LINES_OF_A_FAILURE = 40


class Check:
    """A row of the plan."""

    def __init__(self, fields):
        self.section, name, part, budget, self.command = fields
        self.name = f"{self.section}/{name}"
        self.fast = {"fast": True, "full": False}[part]
        self.budget = int(budget)


def read_plan():
    checks = []
    with open(PLAN) as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                checks.append(Check(line.split(None, 4)))
            except (KeyError, ValueError):
                sys.exit(f"verify: {PLAN}:{number}: wanted: section name fast|full seconds command")
    if len({c.name for c in checks}) != len(checks):
        sys.exit(f"verify: {PLAN}: two checks have the same name")
    return checks


def environment():
    """As a user's shell: what make gave its children is not for the checks' own calls of make."""
    drop = ("MFLAGS", "BOARD", "APP", "INPUT", "ARGS", "TEST", "LLVM", "DEBUG", "CONFIG", "SAN")
    return {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in drop}


def run(check):
    """(ok, FAIL or skip, the lines it printed)."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(["bash", "-c", check.command], cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        hung = False
        try:
            status = child.wait(check.budget * 10 + 60)
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            if child.poll() is None: # hung, or we were interrupted: with all that it started
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    if hung:
        return "FAIL", [*lines, f"ended as hung: its budget is {check.budget} s"]
    if status not in (0, SKIP):
        return "FAIL", [*lines, f"exit status {status}"]
    return ("skip" if status == SKIP else "ok"), lines


def chosen(checks, words, fast):
    for word in words:
        if word not in {c.section for c in checks} | {c.name for c in checks}:
            sys.exit(f"verify: there is no {word}; sections: {' '.join(dict.fromkeys(c.section for c in checks))}")
    named = [c for c in checks if not words or c.section in words or c.name in words]
    return [c for c in named if c.fast or not fast] or sys.exit(f"verify: nothing of {' '.join(words)} is in the fast part")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", help="sections or checks")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--list", action="store_true")
    opts = parser.parse_args()
    checks = chosen(read_plan(), opts.what, opts.fast)
    if opts.list:
        for c in checks:
            print(f"{c.name:28} {'fast' if c.fast else 'full'} {c.budget:5} s  {c.command}")
        return 0
    count = {"ok": 0, "FAIL": 0, "skip": 0}
    for check in checks:
        start = time.monotonic()
        verdict, lines = run(check)
        count[verdict] += 1
        why = f": {lines[-1]}" if lines and verdict != "FAIL" else ""
        print(f"{verdict:4} {check.name} ({time.monotonic() - start:.0f} s){why}")
        for line in lines[-LINES_OF_A_FAILURE:] if verdict == "FAIL" else ():
            print(f"     | {line}")
        sys.stdout.flush()
    print(f"{count['ok']} passed, {count['FAIL']} failed, {count['skip']} skipped")
    return 1 if count["FAIL"] or not count["ok"] + count["skip"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
