#!/usr/bin/env python3
"""Keeps the floors of docs/ARCHITECTURE.md: who may include whom, and what the runtime's code contains.

    check_layers.py [--objects build/virt ...]

1. Include lines: RULES below says what each folder may include; only downwards.
2. With --objects (`make layers` builds them first), of boot, hal, sched, drivers and boards:
   - no undefined symbol is the C library's: each is defined by another of these objects, by the linker
     script, or is one of UPWARDS;
   - a driver's global symbols begin with its file's name;
   - no instruction uses an FP or SIMD register, except where a G's registers are saved;
   - boot/early and boot/chain with all that is linked to it, which run with the MMU off, hold no exclusive, no
     atomic instruction and no access that is not aligned;
   - barriers and the like stand where docs/HAZARDS.md says (SEQUENCES), and no cache line is cleaned without being
     invalidated.
"""
import argparse
import fnmatch
import glob
import os
import re
import subprocess
import sys

CROSS = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
STD = [f"<std{h}.h>" for h in ("arg", "atomic", "bool", "def", "int", "align", "noreturn")] + ["<limits.h>"]
PUBLIC = ["<bareloom.h>", "<bareloom/*.h>"]
HAL = ['"hal/hal.h"', '"hal/board.h"', '"hal/kprint.h"', '"hal/mmio.h"', '"hal/string.h"', '"hal/sanitize.h"',
       '"hal/hal_select.h"']
# What a driver needs of the processor: barriers, cache lines, system registers, calls to the firmware.
INSTRUCTIONS = [f'"hal/aarch64/{h}.h"' for h in ("insn", "cache", "gicv3_regs", "psci_call", "semihost_call")]

# folder pattern, what its files may include; the first that matches counts. "./" is the own folder.
RULES = [
    ("include/*", STD + PUBLIC),
    ("hal/hal_select.h", ['"hal/*/hal_arch.h"']),
    ("hal/errno.h", ["<errno.h>"]),  # for the host, which has its C library's numbers
    ("hal/sanitize/*", STD + HAL + ['"hal/aarch64/port.h"', "./"]),
    ("hal/aarch64/*", STD + HAL + ["<bareloom/config.h>", "./"]),
    ("hal/host/main.c", ["<*>"] + HAL + ['"sched/sim.h"', "./"]),  # a composition root, as boot/ is
    ("hal/host/*", ["<*>"] + HAL + ["./"]),
    ("hal/*", STD + HAL),
    ("drivers/*", STD + ['"hal/board.h"', '"hal/mmio.h"', "./"] + INSTRUCTIONS),
    ("boards/host/*", STD + ['"hal/board.h"', '"hal/host/*"', "./"]),
    ("boards/*", STD + ['"hal/board.h"', '"drivers/*"', "./"]),
    ("sched/*", STD + PUBLIC + ['"hal/hal.h"', '"hal/errno.h"', '"hal/kprint.h"', '"hal/sanitize.h"', "./"]),
    ("libc/sanitize/*", ["<*>", '"hal/sanitize/address.h"']),
    ("libc/*", ["<*>", '"hal/errno.h"', '"hal/kprint.h"', '"hal/board.h"', "./"]),
    ("sync/*", STD + PUBLIC + ["<errno.h>", "./"]),
    ("boot/*", STD + PUBLIC + HAL + ['"hal/aarch64/*"', '"sched/*"', '"drivers/*"', "./"]),
    ("linker/*", HAL),
    ("tests/fuzz/*", ["<*>", '"*"']),  # a fuzzer includes the source that it is about
    ("tests/devices/*", ["<*>", '"*"']),  # and a model the driver's header
    ("tests/*", ["<*>", '"sched/*"', '"hal/*"', "./"]),
    ("bench/*", ["<*>", '"sched/*"', '"tests/raise.*"', "./"]),
    ("examples/*", ["<*>", "./"]),
]

# Called by a lower floor, defined on a higher one: each is a contract that a header states.
UPWARDS = {"go_main", "input_start", "input_end", "input_crc",
           "ksyms", "ksyms_count", "ksyms_names"}
FP_ALLOWED = ("hal/aarch64/context.S", "hal/aarch64/vectors.S", "hal/aarch64/fp*")
FP_REGISTER = re.compile(r"\b[vqdshb](?:[12]?[0-9]|3[01])\b(?!\s*<)")
ATOMIC = re.compile(r"^(ld|st)a?l?x[rp]|^(lda|stl)?xr|^(ldaxr|stlxr|cas|swp|ld(add|clr|set|eor|[su]m(ax|in)))")

# What machine code must hold, in this order with anything between: the rule in docs/HAZARDS.md, file, function,
# beginnings of instructions. A file that a board does not have is not looked for; a function must be there.
STORE = r"st(r|lr|p|ur) "
CALL = r"(br|blr|b|bl) "
SEQUENCES = [
    (2, "hal/aarch64/context.S", "hal_park", [r"str x9, \[x0, #8\]", "msr spsel, #0x1"]),
    (10, "hal/aarch64/context.S", "hal_switch", [r"str x9, \[x2, #8\]", "mov sp, x9", r"stlr x3, \[x0\]"]),
    (10, "hal/aarch64/context.S", "hal_switch_look",
     [r"str x9, \[x0, #8\]", "mov sp, x9", r"stlr w3, \[x2\]", "dmb ish", r"ldr w9, \[x9", "cbnz w9",
      r"stlr w3, \[x2\]", "dmb ish", r"ldr w9, \[x9", "cbnz w9"]),
    (12, "sched/wg.c", "wg_done", ["ldaxr", "stlxr w[0-9]+, x"]),
    (12, "sched/wg.c", "wg_done_slow", ["ldaxr", "stlxr w[0-9]+, xzr"]),
    (19, "hal/aarch64/mmu.c", "hal_map", [STORE, "dsb ishst", "isb"]),
    (19, "hal/aarch64/mmu.c", "hal_map_row", [STORE, "dsb ishst", "isb"]),
    (19, "hal/aarch64/mmu.c", "hal_unmap", [STORE, "dsb ishst", "tlbi vaale1is", "dsb ish$", "isb", "ret"]),
    (19, "hal/aarch64/mmu.c", "mmu_forget_page_zero", [STORE, "dsb ishst", "tlbi vaale1is", "dsb ish$", "isb"]),
    (26, "sched/preempt.c", "arm", ["msr cntp_cval_el0", "isb", "ret"]),
    (26, "sched/schedule.c", "schedule_search", ["msr cntp_cval_el0", "isb"]),
    (26, "hal/aarch64/clock.c", "hal_delay", ["isb", "mrs .*cntpct_el0", "isb", "mrs .*cntpct_el0"]),
    (28, "hal/aarch64/context.S", "enter", ["msr tpidr_el0", "ret|eret|br"]),
    (28, "hal/aarch64/context.S", "hal_switch", ["msr tpidr_el0", "ret"]),
    (28, "hal/aarch64/context.S", "hal_switch_look", ["msr tpidr_el0", "ret"]),
    (28, "hal/aarch64/context.S", "hal_leave_for", ["msr tpidr_el0", "ret"]),
    (28, "hal/aarch64/context.S", "resume", ["msr tpidr_el0", CALL]),
    (33, "hal/aarch64/cores.c", "hal_ipi", ["dsb ishst", CALL]),
    (33, "hal/aarch64/trap.c", "trap_handler", ["blr ", "dsb sy", "blr |bl "]),
    (33, "hal/aarch64/trap.c", "trap_irq", ["blr ", "dsb sy", "blr |bl "]),
    (33, "hal/aarch64/trap.c", "hal_idle", ["dsb sy", "wfi"]),
    (33, "drivers/gicv3.c", "gicv3_ipi", ["msr icc_sgi1r_el1", "isb"]),
    (33, "drivers/bcm2836.c", "bcm2836_claim", [STORE, "dsb sy"]),
    (34, "boot/early/start.S", "mmu_on", ["tlbi vmalle1$", "ic iallu", "dsb nsh", "isb", "msr sctlr_el1", "isb"]),
    (34, "drivers/spin_table.c", "spin_table_start", [STORE, "dc civac", "dsb sy", "sev"]),
    (36, "boot/early/start.S", "start", ["orr x9, x9, #0x40", "msr s3_1_c15_c2_1", "isb"]),
]


def sources():
    for folder in ("include", "hal", "drivers", "boards", "sched", "libc", "sync", "boot", "linker", "tests", "bench",
                   "examples"):
        for path in glob.glob(f"{folder}/**/*.[chS]", recursive=True):
            yield path


def check_includes():
    for path in sorted(sources()):
        allowed = next((a for pattern, a in RULES if fnmatch.fnmatch(path, pattern)), None)
        if allowed is None:
            yield f"{path}: no rule for this folder"
            continue
        folder = os.path.dirname(path)
        with open(path) as file:
            for number, line in enumerate(file, 1):
                match = re.match(r'\s*#\s*include\s+([<"][^>"]+[>"])', line)
                if not match:
                    continue
                what, name = match[1], match[1][1:-1]
                own = what[0] == '"' and "./" in allowed and (
                    name.startswith(folder.split("/")[0] + "/") or os.path.exists(f"{folder}/{name}"))
                if name.startswith("boot/") and not path.startswith(("boot/", "tests/fuzz/")):
                    yield f"{path}:{number}: nobody includes boot/"
                elif not own and not any(fnmatch.fnmatch(what, a) for a in allowed if a != "./"):
                    yield f"{path}:{number}: {folder} may not include {what}"


def tool(name, *args):
    done = subprocess.run([CROSS + name, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"layers: {CROSS}{name} {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def runtime_objects(root):
    """{source path: object path} of the runtime."""
    found = {}
    for folder in ("boot", "hal", "sched", "drivers", "boards"):
        for path in glob.glob(f"{root}/{folder}/**/*.o", recursive=True):
            source = os.path.relpath(path, root)[:-2]
            if os.path.exists(source):  # not what an older tree left
                found[source] = path
    return found


def linker_symbols():
    return {name for path in glob.glob("linker/*.ld.S") for name in re.findall(r"\b(\w+)\s*=[^=]", open(path).read())}


def check_symbols(objects):
    defined, undefined = set(), {}
    for source, path in sorted(objects.items()):
        for line in tool("nm", "-g", path).splitlines():
            kind, name = line.split()[-2:]
            name = name.removeprefix("__real_")  # what the linker's --wrap has been told to lead elsewhere
            if kind in "Uw":
                undefined.setdefault(name, source)
                continue
            defined.add(name)
            stem = os.path.basename(source).split(".")[0]
            if source.startswith("drivers/") and not name.startswith(stem):
                yield f"{source}: global symbol {name} does not begin with {stem}"
    for name in sorted(undefined.keys() - defined - linker_symbols() - UPWARDS):
        yield f"{undefined[name]}: needs {name}, which nothing of the runtime defines"


def disassemble(path):
    """{function: [(mnemonic, operands)]}."""
    functions, function = {}, "?"
    for line in tool("objdump", "-d", "--no-show-raw-insn", path).splitlines():
        if match := re.match(r"[0-9a-f]+ <(.*)>:", line):
            function = match[1]
            continue
        match = re.match(r"\s+[0-9a-f]+:\s+(\S+)(?:\s+(.*))?$", line)
        if match and not match[1].startswith("."):
            functions.setdefault(function, []).append((match[1], re.sub(r"\s*//.*", "", match[2] or "")))
    return functions


def lies_across(mnemonic, operands):
    """Whether the offset is no multiple of the size: base registers are aligned, and so are all other forms."""
    match = re.match(r"([wx])\w+, \[\w+, #(-?\d+)\]", operands)
    size = {"b": 1, "h": 2, "w": 4}.get(mnemonic[-1]) or (match and {"w": 4, "x": 8}[match[1]])
    return re.match(r"(ld|st)u?r", mnemonic) is not None and match is not None and int(match[2]) % size != 0


def check_instructions(source, functions, loader=False):
    fp_allowed = any(fnmatch.fnmatch(source, p) for p in FP_ALLOWED)
    for function, instructions in functions.items():
        for mnemonic, operands in instructions:
            registers = re.sub(r"<[^>]*>|#-?\w+", "", operands)
            # a branch names its target in bare hex, which may look like a register
            branch = re.match(r"b$|b\.|bl$|cb|tb|adr", mnemonic)
            if not fp_allowed and not branch and FP_REGISTER.search(registers):
                yield f"{source}: {function} uses an FP or SIMD register: {mnemonic} {operands}"
                return
            if (source.startswith("boot/early/") or loader) and ATOMIC.match(mnemonic):
                yield f"{source}: {function} uses {mnemonic} before the MMU is on"
            if (source.startswith("boot/early/") or loader) and lies_across(mnemonic, operands):
                yield f"{source}: {function} has an unaligned access before the MMU is on: {mnemonic} {operands}"
            if mnemonic == "dc" and operands.startswith("cva"):
                yield f"{source}: {function} cleans a line without invalidating it: HAZARDS 35"


def check_sequences(source, functions):
    for rule, _, function, wanted in (s for s in SEQUENCES if s[1] == source):
        if function not in functions:
            yield f"{source}: there is no {function}, of which SEQUENCES and HAZARDS {rule} tell"
            continue
        left = list(wanted)
        for mnemonic, operands in functions[function]:
            if left and re.match(left[0], f"{mnemonic} {operands}".strip() + ("" if operands else " ")):
                left.pop(0)
        if left:
            yield f"{source}: {function} lacks, or has too early, `{left[0].strip()}`: HAZARDS {rule}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--objects", nargs="+", default=[], help="boards' build folders")
    opts = parser.parse_args()
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    faults = list(check_includes())
    for folder in opts.objects:
        objects = runtime_objects(folder)
        if not objects:
            sys.exit(f"layers: no objects in {folder}; use `make layers`")
        faults += check_symbols(objects)
        for source, path in sorted(objects.items()):
            functions = disassemble(path)
            faults += [*check_instructions(source, functions), *check_sequences(source, functions)]
        loader = runtime_objects(f"{folder}/chain")
        faults += check_symbols(loader)
        for source, path in sorted(loader.items()):
            faults += check_instructions(source, disassemble(path), loader=True)
    for fault in dict.fromkeys(faults):  # once, though several boards share the source
        print(f"layers: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
