#!/usr/bin/env python3
"""Deterministic simulation: the real image, under virtual time, with its choices drawn from a seed (sched/sim.h).

    sim.py --board virt --seed 7                one seed, its output shown
    sim.py --board virt --seeds 20              seeds 1 to 20, and that a seed gives the same run twice
    sim.py --board virt --soak 8                new seeds for eight hours, until the first that fails
    sim.py --board virt --prove                 the mutants of tests/sim, by plain runs and by seeds: a table
    sim.py --board host --seeds 20              on this computer, natively: each seed on one core and on three
    ... --test 'bursts_*,linear_*'              other tests than the usual ones

One instruction takes 1, 4 or 16 ns, as the seed says. On the host a seed is a schedule with one core alone, where time
is counted by control-flow edges; with several, Linux has its say (--cores 3), so there only failures count. A seed that fails is printed with the command that runs it
again, which gives the same run instruction by instruction. The exit status is 0 only if no seed failed; 77 if the
board cannot be run here.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import mutants
import run
import test as harness

TESTS = ("bursts_*,linear_*,cores_churn,steal_storm,spawn_tree,wake_and_idle,ping_pong_across_cores,two_pairs_scale,"
         "calls_to_one_core,deadlines_race_posts,doubleselect,mutex_limits_race_with_unlock")
CONFIG = "-DCONFIG_SIM=1"
HOST_TESTS, HOST_GROUPS = "*", "unit,sched,stress"  # natively there is time for all
HOST_CORES = 3
GROUPS = "boot,unit,sched,libc,stress"  # not death, each of which ends the machine
HANG = 60
SHIFTS = (0, 2, 4)
TURNS = (8, 2, 16, 4, 1)  # microseconds, run.turns()
WORKERS = max(1, min(2, os.cpu_count() or 1))

RUNS_TO_PROVE = 6  # of --prove: plain runs, and as many seeds; docs/VERIFICATION.md has the table


class Run:
    """What one boot gave."""

    def __init__(self, output, status):
        self.output = output
        self.status = status
        places = re.compile(r"0x[0-9a-f]+")  # Linux puts a process somewhere else each time
        self.hash = hashlib.sha256(places.sub("", "\n".join(output)).encode()).hexdigest()[:16]
        self.trace = next((line.split("trace ")[1] for line in output if line.startswith("# sim: ")), None)
        self.failed = status != 0 or any(line.startswith("not ok") for line in output)

    def why(self):
        bad = [line for line in self.output if line.startswith("not ok")]
        last = [line for line in self.output if line.startswith(("panic", "fatal", "runtime"))]
        return (bad or last or [harness.status_words(self.status)])[0]


def boot(board, image, args, icount=None, extra=(), cores=None):
    output = []
    cmd = run.command(board, image, [*args, "--batch", "--short"], cores or int(board["CORES"]), 3, icount, extra=extra)
    status = harness.execute(cmd, lambda line: run.NO_PEER in line or output.append(line))
    return Run(output, status)


def on_host(board):
    return board["HAL"] == "host"


def simulate(board, image, seed, tests, cores=None):
    if on_host(board):
        return boot(board, image, [f"seed={seed}", f"--test={tests}", f"--group={HOST_GROUPS}"], cores=cores or 1)
    shift = SHIFTS[seed % len(SHIFTS)]
    turn = TURNS[seed // len(SHIFTS) % len(TURNS)] << shift
    group = "--group=" + ("stress" if tests == TESTS else GROUPS)
    return boot(board, image, [f"seed={seed}", f"--test={tests}", group], shift, run.turns(turn))


def build(board, root=run.ROOT, config=CONFIG):
    """The tests' image; exits with the compiler's words when there is none."""
    args = ["make", "-s", f"-j{WORKERS}", "-C", root, f"BOARD={board['NAME']}", "APP=tests", f"CONFIG={config}",
            f"DEBUG={config and 1}"]
    env = mutants.environment(board["NAME"])
    made = subprocess.run(args, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        sys.exit(f"sim: the tests do not build for {board['NAME']}:\n{made.stdout}")
    return os.path.join(root, subprocess.run([*args, "image-path"], env=env, text=True,
                                             stdout=subprocess.PIPE).stdout.strip())


def again(board, seed, tests, cores):
    return (f"make sim BOARD={board['NAME']} SEED={seed}" + (f" SMP={cores}" if cores else "")
            + (f" TEST='{tests}'" if tests not in (TESTS, HOST_TESTS) else ""))


def show_failure(board, seed, tests, result, cores=None):
    print(f"FAIL {board['NAME']} seed {seed}{f' on {cores} cores' if cores else ''}: {result.why()}")
    print("\n".join(f"        | {line}" for line in result.output[-30:]))
    print(f"     again: {again(board, seed, tests, cores)}: {result.why()}", flush=True)


def one_seed(board, image, seed, tests, cores):
    result = simulate(board, image, seed, tests, cores)
    print("\n".join(result.output))
    if result.failed:
        show_failure(board, seed, tests, result, cores)
    return result.failed


def many_seeds(board, image, seeds, tests):
    """Runs them, the first one twice. How many things were wrong."""
    bad, results = 0, {}
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        first = pool.submit(simulate, board, image, seeds[0], tests)
        for seed, result in zip(seeds, pool.map(lambda s: simulate(board, image, s, tests), seeds)):
            results[seed] = result
            if result.failed:
                bad += 1
                show_failure(board, seed, tests, result)
            else:
                print(f"ok   {board['NAME']} seed {seed}: trace {result.trace}", flush=True)
    if first.result().hash != results[seeds[0]].hash:
        bad += 1
        print(f"FAIL {board['NAME']}: seed {seeds[0]} gave two different runs")
    elif len({r.trace for r in results.values()}) < len(seeds):
        bad += 1
        print(f"FAIL {board['NAME']}: two seeds gave the same schedule")
    else:
        print(f"ok   {board['NAME']} seed {seeds[0]} once more: the same output and trace")
    bad += on_host(board) and on_many_cores(board, image, seeds, tests)
    print(f"{len(seeds) * (1 + on_host(board)) + 1 - bad} passed, {bad} failed, 0 skipped")
    return bad


def on_many_cores(board, image, seeds, tests):
    """On the host: one seed after the other, since its cores share ours. How many failed."""
    bad = 0
    for seed in seeds:
        result = simulate(board, image, seed, tests, HOST_CORES)
        bad += result.failed
        if result.failed:
            show_failure(board, seed, tests, result, HOST_CORES)
        else:
            print(f"ok   {board['NAME']} seed {seed} on {HOST_CORES} cores", flush=True)
    return bad


def soak(board, image, hours, tests, seed):
    """Until the time is over or a seed fails."""
    end, lock, done, failed = time.monotonic() + hours * 3600, threading.Lock(), [0], []

    def worker():
        nonlocal seed
        while time.monotonic() < end and not failed:
            with lock:
                mine, seed = seed, seed + 1
            cores = HOST_CORES if on_host(board) and mine % 2 == 0 else None
            result = simulate(board, image, mine, tests, cores)
            with lock:
                done[0] += 1
                if result.failed:
                    failed.append(mine)
                    show_failure(board, mine, tests, result, cores)
                elif done[0] % 100 == 0:
                    print(f"soak: {done[0]} seeds, all well, now at {mine}", flush=True)

    workers = [threading.Thread(target=worker) for _ in range(WORKERS)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    print(f"soak: {done[0]} seeds from {seed - done[0]} on, {len(failed)} failed")
    return len(failed)


# ---- what the seeds find that plain runs miss ----------------------------------------------------------

def count_failures(runs):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return sum(r.failed for r in pool.map(lambda f: f(), runs))


def judge(mutant, board):
    """(failures of plain runs, failures of seeds) with this mutant in the copy."""
    trouble = mutants.apply(mutant)
    if trouble:
        sys.exit(f"sim: {mutant.name}: {trouble}")
    plain = build(board, mutants.COPY, "")
    simulated = build(board, mutants.COPY)
    tests = mutant.head["test"]
    return (count_failures([lambda: boot(board, plain, [f"--test={tests}"])] * RUNS_TO_PROVE),
            count_failures([lambda s=s: simulate(board, simulated, s, tests)
                            for s in range(1, RUNS_TO_PROVE + 1)]))


def prove(pattern):
    planted = [mutants.Mutant(p) for p in sorted(glob.glob(f"{run.ROOT}/tests/sim/{pattern}.mut"))]
    if not planted:
        sys.exit(f"sim: no tests/sim/{pattern}.mut")
    harness.HANG_SECONDS = 20
    mutants.copy_tree()
    missed = 0
    print("| planted bug | plain runs | seeds |\n|---|---|---|")
    for mutant in planted:
        try:
            plain, seeds = judge(mutant, run.load_board(mutant.head["board"]))
        finally:
            mutants.restore(mutant)
        missed += seeds == 0
        print(f"| `{mutant.name}`: {mutant.head['why']} | {plain} of {RUNS_TO_PROVE} | {seeds} of {RUNS_TO_PROVE} |",
              flush=True)
    print(f"{len(planted)} planted bugs, {missed} not found by any seed")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
                                     usage=argparse.SUPPRESS)  # an error is one line
    parser.add_argument("--board", default="virt", choices=run.boards())
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int)
    what.add_argument("--seeds", type=int, metavar="N")
    what.add_argument("--soak", type=float, metavar="HOURS")
    what.add_argument("--prove", nargs="?", const="*", metavar="PATTERN")
    parser.add_argument("--first", type=int, default=1, help="where --seeds and --soak begin")
    parser.add_argument("--cores", type=int, help="of a --seed on the host; else one")
    parser.add_argument("--test", default="", help="names or patterns, with commas between")
    opts = parser.parse_args()
    if any(n is not None and not 0 <= n < 1 << 32 for n in (opts.seed, opts.first)) or opts.seeds == 0:
        parser.error("a seed is a number from 0 to 2^32 - 1, and --seeds wants at least one")
    if opts.soak is not None and not opts.soak > 0:
        parser.error("HOURS is a number above 0, like HOURS=0.5")
    board = run.load_board(opts.board)
    if opts.cores is not None and not (on_host(board) and 1 <= opts.cores <= 8):
        parser.error("SMP=1 to 8 goes with BOARD=host; on a board a seed is a schedule of all its cores")
    if why := run.cannot_run(board):
        print(f"sim: {why}")
        return run.SKIP
    harness.HANG_SECONDS = HANG
    if opts.prove:
        return 1 if prove(opts.prove) else 0
    tests = opts.test or (HOST_TESTS if on_host(board) else TESTS)
    image = build(board)
    if opts.seed is not None:
        bad = one_seed(board, image, opts.seed, tests, opts.cores)
    elif opts.seeds:
        bad = many_seeds(board, image, range(opts.first, opts.first + opts.seeds), tests)
    else:
        bad = soak(board, image, opts.soak, tests, opts.first)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
