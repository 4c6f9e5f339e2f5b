#!/usr/bin/env python3
"""Counts the instructions of each function of a program, by a QEMU plugin (tools/plugin/count.c): no sampling, and the
program does not notice. `make flame SOURCE=qemu` comes here.

    counts.py --board virt --image build/virt/examples/sieve/virt.img --elf .../app.elf --out build/trace/sieve-virt

From main() to the machine's end, all cores together, in virtual time: an instruction is a nanosecond, the same program runs the same way each
time. Written are OUT.instructions.svg, .folded, .pb.gz, whose stacks are folder, file and function. The exit status is
77 where no plugin can be used.
"""
import argparse
import bisect
import collections
import os
import re
import shlex
import subprocess
import sys
import tempfile

import flame
import inside
import run

ROWS = 20


def count(cmd):
    """{address: instructions executed in the block that begins there}"""
    with tempfile.NamedTemporaryFile("r", prefix="counts-") as log:
        done = subprocess.run([*cmd, "-d", "plugin", "-D", log.name], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True)
        if done.returncode != 0 and "plugin" in done.stderr:
            print(f"counts: this QEMU takes no such plugin: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            sys.exit(run.SKIP)
        print(f"counts: the program ended with status {done.returncode}", file=sys.stderr)
        blocks = collections.Counter()
        for line in log:
            if match := re.match(r"block ([0-9a-f]+) (\d+) (\d+)$", line):
                blocks[int(match[1], 16)] += int(match[2]) * int(match[3])
        return blocks


def places(elf, addresses):
    """[(folder, file)] of the functions that begin there; of what is not this project's the folder is its last name."""
    done = subprocess.run([f"{inside.BINTOOL}addr2line", "-fipae", elf, *map(hex, addresses)], capture_output=True, text=True)
    found = []
    for line in done.stdout.splitlines():
        match = re.search(r" at (?:\./)?(\S+):[0-9?]+", line)
        folder, file = os.path.split(match[1]) if match else ("", "?")
        folder = "newlib" if "/newlib" in folder else os.path.basename(folder) if os.path.isabs(folder) else folder
        if " (inlined by) " in line:
            found.pop()  # the last one is the function itself
        found.append((folder or "no source", file))
    return found


def by_function(blocks, symbols):
    """{"folder;file;function": instructions}"""
    functions = collections.Counter()
    for at, n in blocks.items():
        i = bisect.bisect_right(symbols.starts, at) - 1
        functions[symbols.starts[i] if i >= 0 else 0] += n
    where = places(symbols.elf, list(functions))
    folded = collections.Counter()  # a static function may have its name twice in a file: two copies of it
    for (folder, file), (at, n) in zip(where, functions.items()):
        folded[f"{folder};{file};{symbols.names.get(at, '?')}"] += n
    return folded


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--elf", required=True)
    parser.add_argument("--smp", type=int)
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--args", default="")
    parser.add_argument("--out", required=True)
    opts = parser.parse_args()
    board = run.load_board(opts.board)
    if board["HAL"] == "host":
        print("counts: QEMU counts, and host does not run in it; take another BOARD", file=sys.stderr)
        return 1
    if why := run.cannot_run(board):
        print(f"counts: {why}", file=sys.stderr)
        return run.SKIP
    inside.build_plugin()
    symbols = inside.Symbols(opts.elf)
    plugin = (f"{inside.PLUGIN},mode=profile,start={symbols.address('app_main'):#x},"
              f"stop={symbols.address('hal_exit'):#x}")
    functions = by_function(count(run.command(board, opts.image, [*shlex.split(opts.args), "--batch"], opts.smp, opts.gic,
                                              icount=0, extra=["-plugin", plugin])), symbols)
    total = sum(functions.values())
    if total == 0:
        print("counts: main() was never reached", file=sys.stderr)
        return 1
    print(f"{total:,} instructions since main(), on all cores")
    for stack, n in sorted(functions.items(), key=lambda item: -item[1])[:ROWS]:
        folder, file, name = stack.split(";")
        print(f"{n:14,}  {100 * n / total:5.1f} %  {name:32} {folder}/{file}")
    os.makedirs(os.path.dirname(opts.out) or ".", exist_ok=True)
    for path in flame.write_all(functions, f"{opts.out}.instructions", "instructions"):
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
