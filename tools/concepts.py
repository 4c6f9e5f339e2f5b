#!/usr/bin/env python3
"""Whether docs/CONCEPTS.md names what there is: verbs of make with boards, applications, experiments, benches and tests; tests and
scripts; mutants, each of which says that one of its row's tests notices it. A line for each fault; status 1 if there is one."""
import os
import re
import shlex
import subprocess
import sys

import mutants
import run

ROWS = 36


def known_tests():
    found = {os.path.splitext(name)[0] for name in os.listdir("tests/host")}
    for folder, _, names in os.walk("tests"):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name)) as file:
                    found |= set(re.findall(r"^TEST\(\w+, (\w+)", file.read(), re.M))
    return found


def verbs():
    with open("Makefile") as file:
        return set(re.findall(r"^([a-z-]+)(?=[ :].*?##)", file.read(), re.M))


def kernel_words():
    """What ARGS may have: names, for policy= with values."""
    found = {"model=1-1", "model=n-1", "model=m-n", "policy=gmp"}
    for folder, pattern, word in (("sched", r'^    (?:\[\w+\] = )?\{(?:\.name = )?"(\w+)",', "%s"), ("sched/policy", r'\.name = "(\w+)"', "policy=%s")):
        for name in os.listdir(folder):
            if name.endswith(".c"):
                with open(f"{folder}/{name}") as file:
                    found |= {word % name for name in re.findall(pattern, file.read(), re.M)}
    return found


def is_there(key, value, tests):
    """Whether what make gets as KEY=value exists."""
    if key == "BOARD":
        return value in run.boards()
    if key == "APP":
        return any(os.path.exists(f"{value}/{name}") for name in ("main.c", "app.mk"))
    if key == "E":
        return os.path.exists(f"tools/experiments/e{value}.py")
    if key == "BENCH":
        text = subprocess.run(["grep", "-rhoE", r"^BENCH\(\w+", "bench"], capture_output=True, text=True).stdout.splitlines()
        return all(f"BENCH({name}" in text for name in value.split(","))
    if key == "ARGS":
        words = kernel_words() | {f"--test={name}" for name in tests}
        return all(word in words or (word.partition("=")[0] in words and not word.startswith("policy=")) for word in value.split())
    return key in ("KIND", "SEED", "FAST")


def faults_of_command(command, tests):
    make, verb, *settings = shlex.split(command)
    wrong = [] if make == "make" and verb in verbs() else [f"make has no verb {verb}"]
    return wrong + [f"{word}: there is no such" for word in settings if not is_there(*word.partition("=")[::2], tests)]


def main():
    os.chdir(run.ROOT)
    with open("docs/CONCEPTS.md") as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in file if re.match(r"\| \d", line)]
    wrong, tests = [], known_tests()
    if [row[0] for row in rows] != [str(n) for n in range(1, ROWS + 1)]:
        wrong.append(f"it has not the rows 1 to {ROWS}")
    for number, _, commands, noticed_by, taken_out_by in rows:
        def names(cell):
            return re.findall(r"`([^`]+)`", cell)

        mine = [fault for command in names(commands) for fault in faults_of_command(command, tests)]
        mine += [f"there is no test {name}" for name in names(noticed_by) if name not in tests]
        for name in names(taken_out_by):
            path = f"tests/mutants/{name}.mut"
            if not os.path.exists(path):
                mine.append(f"there is no mutant {name}")
            elif not set(mutants.Mutant(path).head["test"].split(",")) & set(names(noticed_by)):
                mine.append(f"none of its tests is to notice the mutant {name}")
        if not (names(commands) and names(noticed_by) and names(taken_out_by)):
            mine.append("a command, a test and a mutant are wanted")
        wrong += [f"{number}: {fault}" for fault in mine]
    for line in wrong:
        print(f"concepts: docs/CONCEPTS.md: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
