#!/usr/bin/env python3
"""Verifies the Spin models of this folder, and that each of their mutants fails.

    run.py            all
    run.py mutex      some

A model names its properties as `ltl name { ... }`; they and its assertions must hold, with weak fairness. It names its
mutants in lines `mutant NAME: what is taken out`: each, built with -DNAME, must break something. Status 1: something
came out otherwise; 77: there is no spin.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77


def shell(work, *command):
    done = subprocess.run(command, cwd=work, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def build(work, what, mutant):
    for command in (["spin", *([f"-D{mutant}"] if mutant else []), "-a", "model.pml"],
                    ["gcc", "-O0", "-w", "-DNFAIR=2", "-o", "pan", "pan.c"]):
        status, output = shell(work, *command)
        if status != 0:
            sys.exit(f"spin: {what}: {' '.join(command)}:\n{output}")


def verify(path, properties, mutant=None):
    """(the property that fails, or None, states seen). Ends the program when a tool fails."""
    states = 0
    with open(path) as file:
        text = file.read()
    # dead ends are looked for without a property
    for names, source in ((["assertions"], re.sub(r"^ltl .*", "", text, flags=re.M)), (properties, text)):
        with tempfile.TemporaryDirectory() as work:
            with open(f"{work}/model.pml", "w") as file:
                file.write(source)
            build(work, f"{os.path.basename(path)} {mutant or ''}", mutant)
            for name in names:
                how = ["-a", "-f", "-N", name] if name in properties else []
                _, output = shell(work, "./pan", "-m500000", *how)
                found = re.search(r"errors: (\d+)", output)
                if not found or "max search depth too small" in output:
                    sys.exit(f"spin: {os.path.basename(path)} {mutant or ''} {name}: no end to it:\n{output}")
                states += int(re.search(r"(\d+) states, stored", output)[1])
                if found[1] != "0":
                    return name, states
    return None, states


def judge(path):
    """Prints a line for a model and for each mutant; how many came out wrong."""
    model = os.path.basename(path)[:-len(".pml")]
    with open(path) as file:
        text = file.read()
    properties = re.findall(r"^ltl (\w+)", text, re.M)
    mutants = re.findall(r"mutant (\w+): (.*)", text)
    bad = 0
    variants = [(None, ""), *mutants]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda v: verify(path, properties, v[0]), variants))
    for (mutant, why), (failed, states) in zip(variants, results):
        good = (failed is None) == (mutant is None)
        bad += not good
        what = f"fails in {failed}" if failed else f"holds: {', '.join(['assertions', *properties])}"
        print(f"{'ok  ' if good else 'FAIL'} {model}{' without: ' + why if mutant else ''}: {what} "
              f"({states} states)", flush=True)
    return bad


def main():
    names = sys.argv[1:] or sorted(os.path.basename(p)[:-4] for p in glob.glob(f"{HERE}/*.pml"))
    for name in names:
        if not os.path.exists(f"{HERE}/{name}.pml"):
            sys.exit(f"spin: no model {name}")
    if not shutil.which("spin"):
        print(f"no spin here, so {len(names)} models were not verified: run `make setup`")
        return SKIP
    bad = sum(judge(f"{HERE}/{name}.pml") for name in names)
    print(f"{len(names)} Spin models, {bad} lines are not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
