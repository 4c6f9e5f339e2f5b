#!/usr/bin/env python3
"""Counts instructions inside the bench image, by a QEMU plugin (tools/plugin/count.c): exact, under -icount.

    inside.py boot          from reset to main(): which functions they are spent in, all cores together
    inside.py masked        the longest stretches with interrupts masked, from where to where
    inside.py masked --max 2200    fails, too, if one is longer
    inside.py cycles         what llvm-mca estimates for the hot paths on a Cortex-A53, beside their instructions
    inside.py where          of each row of bench/baseline.json behind its goal: which functions its instructions are in
    inside.py where --row yield_2,fib_24       of these
    inside.py where --docs   writes that part of docs/PERFORMANCE.md, too; cycles --docs its own

where counts from the measurement's beginning to its line of output, setting up included, and divides by its operations. What
is inlined from a header counts as the function's that it is in; what is inlined from a .c file, as its own.

cycles takes the blocks that ran once for each operation, or more often, in the order of their addresses, and has llvm-mca
time them one operation after the other: issue slots and latencies, every load a hit, every branch predicted.

masked runs on a machine of one core: what a core waits for another one in a lock is not part of it, and QEMU 10 hands a
plugin the registers of the wrong core when there are several. The exit status is 77 where no plugin can be used.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import bench
import run

SOURCE = f"{run.ROOT}/tools/plugin/count.c"
PLUGIN = f"{run.ROOT}/build/bench/count.so"
BINTOOL = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
# What masks for longest: many Gs, many waiters, timers, stacks, deaths. The stealing bench masks by itself.
LOADS = ("yield_2", "spawn_many", "close_1000", "select_8_blocked", "timer_make_stop", "preempted", "bytes_per_parked_g",
         "stack_page_fault", "sleep_behind_hogs_late", "sleep_among_2000", "timer_to_g")
# What masks for as long as the program makes it: shown, and under no limit.
LOADS_GROWING = (("grow_masked_select", "a select that waits on 1000 channels"),
                 ("grow_masked_sleeps", "1000 deadlines that are over at once"),
                 ("grow_masked_ended", "a send to a channel on which 1000 waits have just run out of time"))
# Measurement, what it shows, operations, and the functions that count, or all.
HOT = (("yield_2", "yield, per switch", 10000, None),
       ("pingpong_sema", "hand-off: round trip over semaphores", 5000, None),
       ("pingpong_chan", "hand-off: round trip over channels", 5000, None),
       ("chan_cap1_no_switch", "send and receive, no switch", 20000, None),
       ("spawn_join", "start, ready and join", 10000, None),
       ("steal", "a thief takes 1, 16, 64 Gs, mean", 600, "steal|grab"),
       ("mutex_uncontended", "mutex lock and unlock", 10000, None),
       ("sema_uncontended", "semaphore post and wait", 10000, None))


def build_plugin():
    os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
    done = subprocess.run([os.environ.get("HOSTCC", "gcc"), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared",
                           "-fPIC", "-o", PLUGIN, SOURCE], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"inside: the plugin does not build:\n{done.stderr}")


class Symbols:
    """Functions of the image, by address."""

    def __init__(self, elf):
        self.elf = elf
        self.names = {}
        for line in subprocess.run([f"{BINTOOL}nm", "-n", elf], capture_output=True, text=True).stdout.splitlines():
            fields = line.split()
            if len(fields) == 3 and fields[1] in "tTwW" and not fields[2].startswith("$"):
                self.names[int(fields[0], 16)] = fields[2]
        self.starts = sorted(self.names)

    def address(self, name):
        return next(at for at, known in self.names.items() if known == name)

    def lines(self, addresses):
        """{address: "function at file:line"}"""
        done = subprocess.run([f"{BINTOOL}addr2line", "-fpse", self.elf, *map(hex, addresses)], capture_output=True,
                              text=True)
        return dict(zip(addresses, done.stdout.splitlines()))


def boot(machine, plugin_args, args, smp):
    """What the plugin wrote, and what the program did."""
    with tempfile.NamedTemporaryFile("r", prefix="profile-") as log:
        cmd = run.command(machine.board, machine.image, [*args, "--batch"], smp, icount=0,
                          extra=["-plugin", f"{PLUGIN},{plugin_args}", "-d", "plugin", "-D", log.name])
        done = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if "plugin" in done.stderr and done.returncode != 0:
            print(f"inside: this QEMU takes no such plugin: {done.stderr.strip().splitlines()[-1]}")
            sys.exit(run.SKIP)
        if done.returncode != 0:
            sys.exit(f"inside: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return log.read().splitlines(), done.stdout.splitlines()


def show_boot(machine, symbols):
    lines, _ = boot(machine, f"mode=profile,stop={symbols.address('app_main'):#x}", ["--bench=reset_to_main"], 4)
    blocks = [(int(f[1], 16), int(f[2]) * int(f[3])) for f in (line.split() for line in lines) if f[0] == "block"]
    where = symbols.lines([at for at, _ in blocks])
    by_function, by_file = collections.Counter(), collections.Counter()
    for at, count in blocks:
        match = re.match(r"(\S+) at (\S+?):", where[at])
        by_function[match[1] if match else "?"] += count
        by_file[match[2] if match else "?"] += count
    total = sum(count for _, count in blocks)
    print(f"{total:,} instructions from reset to main(), on 4 cores")
    for name, counter in (("function", by_function), ("file", by_file)):
        print(f"\nby {name}")
        for key, count in counter.most_common(14):
            print(f"  {count:9,}  {100 * count / total:5.1f} %  {key}")
    return 0


def stretches(machine, symbols, load):
    """[(longest, times, (from, to))]"""
    lines, _ = boot(machine, f"mode=masked,start={symbols.address('app_main'):#x},vectors="
                    f"{symbols.address('trap_vectors'):#x}", [f"--bench={load}", "--cores=1"], 1)
    fields = (line.split() for line in lines if line.startswith("masked"))
    return [(int(f[1]), int(f[2]), (int(f[3], 16), int(f[4], 16))) for f in fields]


def show_masked(machine, symbols, limit):
    longest, times = {}, collections.Counter()
    for load in LOADS:
        print(f"inside: {load}", flush=True)
        for most, n, key in stretches(machine, symbols, load):
            longest[key] = max(longest.get(key, 0), most)
            times[key] += n
    found = sorted(((n, times[key], *key) for key, n in longest.items()), reverse=True)
    if not found:
        sys.exit("inside: no masked stretch was seen")
    top = found[:16]
    where = symbols.lines(sorted({at for line in top for at in line[2:]}))
    print("   longest      times  from -> to")
    for longest, times, begin, end in top:
        print(f"{longest:10,} {times:10,}  {where[begin]} -> {where[end]}")
    if not limit:
        print("\nas long as the program makes it:")
        for load, what in LOADS_GROWING:
            most, _, key = max(stretches(machine, symbols, load))
            names = symbols.lines(list(key))
            print(f"{most:10,}  {what}: {names[key[0]]} -> {names[key[1]]}")
    if limit and found[0][0] > limit:
        print(f"inside: {found[0][0]:,} instructions with interrupts masked, at most {limit:,} are allowed")
        return 1
    return 0


# ---- where the instructions of a row go --------------------------------------------------------------

SMALLEST = 0.015  # of a row: functions with a smaller part are its "others"


def functions_of(symbols, addresses):
    """{address: the innermost function that is in no header, "bench" for the measurement's own}"""
    done = subprocess.run([f"{BINTOOL}addr2line", "-fipe", symbols.elf], input="\n".join(map(hex, addresses)),
                          capture_output=True, text=True)
    chains = []
    for line in done.stdout.splitlines():
        inlined, match = line.startswith(" (inlined by) "), re.search(r"(\S+) at (\S+?):", line)
        if not inlined:
            chains.append([])
        chains[-1].append((match[1], match[2]) if match else ("?", "?"))
    found = {}
    for address, chain in zip(addresses, chains):
        name, file = next((frame for frame in chain if not frame[1].endswith(".h")), chain[-1])
        found[address] = "bench" if "/bench/" in file or file.startswith("bench/") else re.sub(r"\..*", "", name)
    return found


def profile(machine, symbols, measurement, cores, prints):
    """({block: (its instructions, its runs)}, output) until that many lines were printed."""
    lines, output = boot(machine, f"mode=profile,start={symbols.address(f'bench_{measurement}'):#x},"
                         f"stop={symbols.address('printf'):#x},stops={prints}",
                         [f"--bench={measurement}", f"--cores={cores}"], max(cores, 4))
    fields = (line.split() for line in lines if line.startswith("block"))
    return {int(f[1], 16): (int(f[2]), int(f[3])) for f in fields}, output


def where_of(machine, symbols, row, measurement, cores):
    """(instructions of an operation, {function: its part})"""
    _, output = profile(machine, symbols, measurement, cores, 1)
    printed = [m for m in map(bench.LINE.search, output) if m]
    index, operations = next((i, int(m[4])) for i, m in enumerate(printed) if m[1] == row)
    before = profile(machine, symbols, measurement, cores, index)[0] if index else {}
    blocks, runs = profile(machine, symbols, measurement, cores, index + 1)[0], collections.Counter()
    for sign, part in ((1, blocks), (-1, before)):
        for at, (n, times) in part.items():
            for i in range(n):
                runs[at + 4 * i] += sign * times
    names = functions_of(symbols, list(runs))
    parts = collections.Counter()
    for at, times in runs.items():
        parts[names[at]] += times / operations
    return sum(parts.values()), parts


def where_text(total, parts):
    shown = [(name, n) for name, n in parts.most_common() if n >= total * SMALLEST]
    others = total - sum(n for _, n in shown)
    return ", ".join(f"{name} {n:.0f}" for name, n in [*shown, ("others", others)])


def show_where(machine, symbols, only, docs):
    goals, figures = bench.read_goals(), bench.keys(bench.load(bench.BASELINE))
    rows = bench.rows_to_explain(goals, figures)
    unknown = set(only) - {goal.row for goal, _, _ in rows}
    if unknown:
        sys.exit(f"inside: {', '.join(sorted(unknown))} is none of {', '.join(goal.row for goal, _, _ in rows)}")
    names, text = [name for name, _ in machine.names()], []
    for goal, cores, figure in rows:
        if not only or goal.row in only:
            total, parts = where_of(machine, symbols, goal.row, bench.measurement_of(goal.row, goals, names), cores)
            text.append(f"| `{goal.row}` | {bench.number(figure)} | {bench.number(goal.goal)} | {bench.number(total)} | "
                        f"{where_text(total, parts)} |")
            print(text[-1], flush=True)
    if docs:
        bench.replace_part("where", "| row | ours | goal | counted | in |\n|---|---|---|---|---|\n" +
                           "".join(line + "\n" for line in text))
    return 0


def listing(symbols):
    """{address: an instruction as llvm-mca takes it}"""
    done = subprocess.run([f"{BINTOOL}objdump", "-d", "--no-show-raw-insn", symbols.elf], capture_output=True, text=True)
    code = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"\s+([0-9a-f]+):\s+(\S.*)", line):
            text = re.sub(r"\b[0-9a-f]+ <[^>]*>", "target", match[2].split("//")[0])
            # What leaves the block is a branch like any other: llvm-mca takes 100 cycles for a call
            text = re.sub(r"^(bl|blr|br|ret|b|eret)\b.*", "b target", text.strip())
            code[int(match[1], 16)] = re.sub(r"^(hint|xpaclri|yield|wfi|wfe)\b.*", "nop", text)
    return code


def estimate(instructions):
    """Cycles for one operation, or None."""
    done = subprocess.run(["llvm-mca", "-mtriple=aarch64", "-mcpu=cortex-a53", "-iterations=100", "-"],
                          input="\n".join(instructions), capture_output=True, text=True)
    match = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    return int(match[1]) / 100 if match else sys.exit(f"inside: llvm-mca: {done.stderr}")


def show_cycles(machine, symbols, docs):
    if not shutil.which("llvm-mca"):
        print("inside: no llvm-mca here: run `make setup` (llvm)")
        return run.SKIP
    code = listing(symbols)
    print(f"{'':40}{'instructions':>14}{'cycles, A53':>14}")
    text = ""
    for name, what, operations, only in HOT:
        lines, _ = boot(machine, f"mode=profile,start={symbols.address(f'bench_{name}'):#x},"
                     f"stop={symbols.address('exit' if only else 'printf'):#x}", [f"--bench={name}", "--cores=1"], 1)
        blocks = sorted((int(f[1], 16), int(f[2]), int(f[3])) for f in (line.split() for line in lines)
                        if f[0] == "block" and int(f[3]) >= operations * 0.9)
        where = symbols.lines([at for at, _, _ in blocks])
        path, count = [], 0
        for at, n, runs in blocks:
            if only and not re.search(only, where[at].split(" at ")[0]):
                continue
            count += n * runs
            path += [code[at + 4 * i] for i in range(n) if at + 4 * i in code] * round(runs / operations)
        cycles = estimate(path)
        print(f"{what:40}{count / operations:14,.0f}{cycles:14,.0f}", flush=True)
        text += f"| {what} | {count / operations:,.0f} | {cycles:,.0f} |\n"
    if docs:
        bench.replace_part("cycles", "| path | instructions | cycles |\n|---|---|---|\n" + text)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("boot", "masked", "cycles", "where"))
    parser.add_argument("--max", type=int, help="of masked: fail if a stretch is longer")
    parser.add_argument("--row", default="", help="of where: rows, with commas between; else those behind their goals")
    parser.add_argument("--docs", action="store_true", help="of where, cycles: into docs/PERFORMANCE.md")
    opts = parser.parse_args()
    if opts.docs and opts.row:
        sys.exit("inside: docs/PERFORMANCE.md has all rows: --docs without --row")
    board = run.load_board("virt")
    if why := run.cannot_run(board):
        print(f"inside: {why}")
        return run.SKIP
    build_plugin()
    machine = bench.Machine(board, bench.build("virt"), True)
    symbols = Symbols(os.path.join(os.path.dirname(machine.image), "app.elf"))
    if opts.what == "masked":
        return show_masked(machine, symbols, opts.max)
    if opts.what == "where":
        return show_where(machine, symbols, [r for r in opts.row.split(",") if r], opts.docs)
    return show_boot(machine, symbols) if opts.what == "boot" else show_cycles(machine, symbols, opts.docs)


if __name__ == "__main__":
    sys.exit(main())
