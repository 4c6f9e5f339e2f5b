#!/usr/bin/env python3
"""The rest of `make check`: formatting, cppcheck, headers (each compiled alone), or those that are named as
arguments. Sizes over the budget are printed and do not fail.

Formatting is as clang-format 14 does it (Debian 12); other versions differ in details, so with another
one that part is skipped, and says so.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

GCC = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcc"
FORMATTER = 14
BUDGET_FILE, BUDGET_FUNCTION = 400, 60
FOLDERS = ("include", "hal", "drivers", "boards", "sched", "libc", "sync", "boot", "tests", "bench", "examples")


def files(*extensions):
    return sorted(p for folder in FOLDERS for e in extensions
                  for p in glob.glob(f"{folder}/**/*.{e}", recursive=True))


def shell(cmd):
    try:
        done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        sys.exit(f"check: {cmd[0]} is not there: run `make setup`")
    return done.returncode, done.stdout.strip()


def formatting():
    match = shutil.which("clang-format") and re.search(r"version (\d+)", shell(["clang-format", "--version"])[1])
    if not match or int(match[1]) != FORMATTER:
        return None, f"clang-format {FORMATTER} is wanted, here is {match[1] if match else 'none'}"
    status, text = shell(["clang-format", "--dry-run", "-Werror", *files("c", "h")])
    return status == 0, "\n".join(text.splitlines()[:40]) + "\n`make fmt` mends it"


def cppcheck():
    status, text = shell(["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "-I.", "-Iinclude",
                          "--enable=warning,portability,performance", "--inline-suppr", "-j2",
                          "--suppressions-list=tools/cppcheck.txt", "-D__aarch64__", "-D__GNUC__",
                          "-D_Noreturn=__attribute__((noreturn))",  # C11's word is unknown to it
                          *files("c")])
    return status == 0, text


def headers():
    """Each header must bring what it needs: compiled as the only line of a file."""
    include = shell([GCC, "-print-file-name=include"])[1]
    faults = []
    for path in files("h"):
        if path.startswith(("tests/", "examples/", "bench/", "libc/", "hal/host/")):
            continue  # those have the C library's headers, and a compiler of another kind
        done = subprocess.run(
            [GCC, "-std=c11", "-ffreestanding", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
             "-mgeneral-regs-only", "-I.", "-Iinclude", "-nostdinc", "-isystem", include, "-x", "c", "-"],
            input=f'#include "{path}"\n', capture_output=True, text=True)
        if done.returncode != 0:
            faults.append(done.stderr)
    return not faults, "\n".join(faults)


def outliers():
    """Files and functions over the budget of CONTRIBUTING.md. A guide: printed, never a failure."""
    for path in files("c", "h", "S"):
        with open(path) as file:
            lines = file.read().splitlines()
        if len(lines) > BUDGET_FILE:
            yield f"{path}: {len(lines)} lines (budget {BUDGET_FILE})"
        start = None
        for number, line in enumerate(lines, 1):
            if path.endswith(".c") and re.match(r"[A-Za-z_].*\)\s*\{$", line) or line == "{":
                start = number
            elif line == "}" and start:
                if number - start > BUDGET_FUNCTION:
                    yield f"{path}:{start}: function of {number - start} lines (budget {BUDGET_FUNCTION})"
                start = None


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    bad = 0
    checks = {check.__name__: check for check in (formatting, cppcheck, headers)}
    wanted = sys.argv[1:] or list(checks)
    if unknown := set(wanted) - checks.keys():
        sys.exit(f"check: there is no {', '.join(unknown)}; there are {', '.join(checks)}")
    for check in map(checks.get, wanted):
        good, text = check()
        if good is None:
            print(f"check: {check.__name__} skipped: {text}")
        elif good:
            print(f"check: {check.__name__} ok")
        else:
            bad = 1
            print(f"check: {check.__name__} failed\n{text}")
    for line in outliers():
        print(f"check: note: {line}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
