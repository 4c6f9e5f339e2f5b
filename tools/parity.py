#!/usr/bin/env python3
"""What silicon does and QEMU does not, one line a difference: `make parity` shows for each what holds our side of it.

    parity.py           runs all that can be run; a line a difference; status 1 if one of them fails
    parity.py --docs    writes docs/SILICON.md
    parity.py --check   that this page tells of what there is

tested   QEMU was made as unforgiving as the board: memory full of 0xa5, another counter, entry at another exception level,
         the firmware's own first instructions, a core that never comes; or the driver ran beside a model of its device
static   the machine code holds what it must, or nothing of what it must not: `make layers`
open     nothing here can show it: only a board
"""
import argparse
import functools
import os
import re
import subprocess
import sys

import check_layers
import run

TARGET = f"{run.ROOT}/docs/SILICON.md"
DRIFT = 30  # lines by which the page may be off until `make docs` renews it


class Boot:
    """The tests of group boot, or another program, in a QEMU that was told args."""

    def __init__(self, board, args, why, app="tests", program="--group=boot", wants=r"(?m)^# \d+ run, 0 failed", elf=False,
                 extra=()):
        self.board, self.args, self.app, self.program, self.wants = board, args, app, program, wants
        self.elf, self.extra = elf, list(extra)
        self.text = f"`{app}` on {board}, {why}"

    def holds(self):
        make = ["make", "-s", f"BOARD={self.board}", f"APP={self.app}"]
        subprocess.run(make, cwd=run.ROOT, check=True)
        image = subprocess.run([*make, "image-path"], cwd=run.ROOT, check=True, capture_output=True, text=True).stdout.strip()
        board = run.load_board(self.board)
        path = f"{run.ROOT}/{image}"
        if self.elf:
            path = os.path.join(os.path.dirname(path), "app.elf")
        extra = [*self.extra]
        if "poison" in self.args:
            extra += run.poison(board, path, self.args["poison"] << 20)
        rest = {k: v for k, v in self.args.items() if k != "poison"}
        cmd = run.command(board, path, self.program.split(), extra=extra, **rest)
        try:
            done = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            return False  # it hangs
        return done.returncode == 0 and re.search(self.wants, done.stdout.replace("\r", "")) is not None


class Script:
    """A script of tests/host, which `make test` runs as well."""

    def __init__(self, name, board):
        self.name, self.board = name, board
        self.text = f"`tests/host/{name}` on {board}"

    def holds(self):
        done = subprocess.run([f"{run.ROOT}/tests/host/{self.name}"], cwd=run.ROOT, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env={**os.environ, "BOARD": self.board})
        return None if done.returncode == run.SKIP else done.returncode == 0


class Static:
    """No complaint of check_layers; it looks at these functions, too."""

    def __init__(self, what, *functions):
        self.functions = functions
        self.text = f"{what}: `make layers`"
        for path, function in functions:
            assert any(s[1] == path and s[2] == function for s in check_layers.SEQUENCES), (path, function)

    def holds(self):
        for board in ("rpi3", "rpi4"):
            subprocess.run(["make", "-s", f"BOARD={board}", "runtime-objects"], cwd=run.ROOT, check=True)
        return layers()


class Aligned:
    """A variable's address in the image."""

    def __init__(self, what, *symbols):
        self.symbols = symbols
        self.text = f"{what}: its address in the image"

    def holds(self):
        subprocess.run(["make", "-s", "BOARD=rpi3", "APP=tests"], cwd=run.ROOT, check=True)
        names = check_layers.tool("nm", "build/rpi3/tests/app.elf")
        at = {m[2]: int(m[1], 16) for m in re.finditer(r"^([0-9a-f]+) \w (\w+)$", names, re.M)}
        return all(at.get(name, 1) % size == 0 for name, size in self.symbols)


class Open:
    def __init__(self, text):
        self.text = text

    def holds(self):
        return None


@functools.cache  # once for all rows
def layers():
    checker = [f"{run.ROOT}/tools/check_layers.py", "--objects", "build/rpi3", "build/rpi4"]
    return subprocess.run(checker, cwd=run.ROOT, stdout=subprocess.DEVNULL).returncode == 0


BOOT3 = "-global cortex-a53-arm-cpu.cntfrq=19200000".split()
BOOT4 = "-global cortex-a72-arm-cpu.cntfrq=54000000".split()

# What differs; where our code meets it: a file, and what its line holds; what shows that.
ROWS = [
    ("Before the MMU is on an unaligned access faults", "boot/early/tables.c", r"^[a-z].*\{$",
     [Boot("rpi3", {}, "where QEMU faults, too"), Static("no load or store of these files lies across")]),
    ("At reset the FPU is off, and its registers hold anything", "boot/early/start.S", r"cpacr_el1",
     [Boot("rpi3", {}, "entered at EL3, all cores at once", elf=True), Static("no FP register before a G runs")]),
    ("Caches hold lines of before: the other cores see memory, not what core 0 has in its cache", "boot/early/start.S",
     r"ic +iallu", [Static("mmu_on", ("boot/early/start.S", "mmu_on")), Open("lines that the firmware left")]),
    ("RAM and BSS hold anything", "boot/early/start.S", r"__bss_start",
     [Boot("rpi3", {"poison": 64}, "RAM full of 0xa5"), Boot("virt", {"poison": 64}, "RAM full of 0xa5")]),
    ("An exclusive access before the caches are on may never succeed", "boot/early/start.S", r"No exclusive access",
     [Static("no exclusive or atomic instruction in boot/early and the loader")]),
    ("The spin table is read past the caches", "drivers/spin_table.c", r"cache_clean_invalidate",
     [Static("spin_table_start", ("drivers/spin_table.c", "spin_table_start")), Script("armstub.py", "rpi3")]),
    ("The counter counts at another rate, and CNTFRQ may lie", "hal/aarch64/clock.c", r"hz = SYSREG_READ\(cntfrq_el0\)",
     [Boot("rpi3", {}, "counter at 19.2 MHz", extra=BOOT3), Boot("rpi4", {}, "counter at 54 MHz", extra=BOOT4)]),
    ("The system timer and the cores' counter may disagree", "drivers/pi_systimer.c", r"^uint64_t pi_systimer_counter_hz",
     [Boot("rpi3", {}, "counter at 19.2 MHz, which the system timer measures", app="examples/hwreport", program="",
           wants=r"counter of the cores +19[0-4]\d{5} Hz", extra=BOOT3), Script("devices.sh", "host")]),
    ("The GIC has two security states, and only group 1 reaches us", "boot/early/start.S", r"^open_gic:",
     [Script("armstub.py", "rpi4"), Open("QEMU's raspi4b has one state alone")]),
    ("The size of the RAM is the firmware's, which keeps some for the GPU", "drivers/pi_mailbox.c",
     r"^size_t pi_mailbox_arm_memory",
     [Boot("virt", {"memory": "256M"}, "256 MB"), Boot("virt", {"memory": "3G"}, "3 GB"), Open("what a Pi's firmware says")]),
    ("Without SMPEN the cores' caches are not coherent", "boot/early/start.S", r"orr +x9, x9, #SMPEN",
     [Static("start", ("boot/early/start.S", "start")), Script("armstub.py", "rpi3")]),
    ("DMA reads and writes whole words and lines, past the caches", "drivers/pi_dma.c", r"^static volatile uint32_t block",
     [Aligned("control block and message have lines to themselves", ("block", 64), ("message", 64)),
      Boot("rpi3", {}, "copies to and from places inside of lines", program="--test=dma*"), Script("devices.sh", "host"),
      Open("that the maintenance is enough")]),
    ("The doorbell's clear is posted, and may wipe a ring that has come since", "drivers/bcm2836.c", r"see the file's head",
     [Static("bcm2836_claim, whose pair is in `tests/litmus`", ("drivers/bcm2836.c", "bcm2836_claim"))]),
    ("Stores pass the doorbell unless a barrier stands between", "hal/aarch64/cores.c", r"^void hal_ipi",
     [Static("hal_ipi, trap_irq, trap_handler, hal_idle, gicv3_ipi", ("hal/aarch64/cores.c", "hal_ipi"),
             ("hal/aarch64/trap.c", "trap_irq"), ("hal/aarch64/trap.c", "trap_handler"), ("hal/aarch64/trap.c", "hal_idle"), ("drivers/gicv3.c", "gicv3_ipi"))]),
    ("BCM283x peripherals answer out of order with one another", "drivers/pi_gpio.c", r"The DMBs",
     [Script("devices.sh", "host")]),
    ("Entry at EL3, EL2 or EL1", "boot/early/start.S", r"CurrentEL",
     [Boot("rpi3", {}, "at EL3", elf=True), Boot("rpi3", {}, "at EL2"), Boot("virt", {}, "at EL1"),
      Boot("virt", {"el2": True}, "at EL2")]),
    ("A core comes late, too late or never", "hal/aarch64/cores.c", r"^static bool leaves", [Script("stuck_core.sh", "rpi3")]),
    ("The image is loaded elsewhere", "boot/early/astray.c", r"^_Noreturn|^void", [Script("astray.sh", "rpi3")]),
    ("Pins, their pulls and their edges; PWM; a FIFO of 16 bytes; a watchdog that waits", "drivers/pi_gpio.c",
     r"^static bool pi_gpio_edges", [Script("devices.sh", "host"), Open("the devices themselves")]),
    ("Who was before us may have left the SD card's pins at 1.8 V", "boards/rpi4/disks.c", r"pi_mailbox_set_pin",
     [Open("QEMU has no expander")]),
    ("Of the cycle counter's registers only PMCR's bit 0 is known at reset", "hal/aarch64/clock.c", r"SYSREG_READ\(pmcr_el0\)",
     [Boot("rpi3", {}, "the counter enabled, PMCR off", program="--test=cycles*")]),
    ("A UART's divisor counts", "drivers/pl011.c", r"uint32_t divisor", [Open("QEMU ignores it; the board prints it")]),
    ("Valid translations live on in the TLB", "hal/aarch64/mmu.c", r"hal_unmap\(",
     [Static("hal_unmap, hal_map", ("hal/aarch64/mmu.c", "hal_unmap"), ("hal/aarch64/mmu.c", "hal_map"))]),
]


def line_of(path, text):
    with open(f"{run.ROOT}/{path}") as file:
        for number, line in enumerate(file, 1):
            if re.search(text, line):
                return number
    sys.exit(f"parity: {path} has no line with /{text}/")


def page():
    out = ["# What silicon does and QEMU does not", "",
           "Made by `make docs` from `tools/parity.py`. `make parity` runs what is told here, a line a difference. Nobody has seen any of",
           "it on a board yet: what is *open* only a board can show, and what is tested is tested on an emulator that was made",
           "less forgiving. The rules behind it are HAZARDS 33 to 39 in [HAZARDS.md](HAZARDS.md).", "",
           "| difference | where | shown by |", "|---|---|---|"]
    for what, path, text, shown in ROWS:
        number = line_of(path, text)
        ways = "; ".join(("*open*: " if isinstance(s, Open) else "static: " if isinstance(s, (Static, Aligned)) else "tested: ")
                         + s.text for s in shown)
        out.append(f"| {what} | [{path}:{number}](../{path}#L{number}) | {ways} |")
    return "\n".join(out) + "\n"


def up_to_date():
    """The page says what page() does, but for lines that have moved a little."""
    number = re.compile(r":(\d+)\]\(([^)#]*)#L\d+\)")
    with open(TARGET) as file:
        is_, wanted = file.read(), page()
    moved = [abs(int(a) - int(b)) for (a, _), (b, _) in zip(number.findall(is_), number.findall(wanted))]
    return number.sub("", is_) == number.sub("", wanted) and max(moved) <= DRIFT


held_before = {}  # several rows may be shown by one thing


def show(what, path, text, shown):
    """Prints the row's line; whether nothing of it failed."""
    results = {}
    for s in shown:
        kind = "open" if isinstance(s, Open) else "static" if isinstance(s, (Static, Aligned)) else "tested"
        if s.text not in held_before:
            held_before[s.text] = s.holds()
        held = held_before[s.text]
        verdict = kind if kind == "open" else "skipped" if held is None else kind if held else "FAILED"
        results.setdefault(verdict, []).append(s.text)
    words = "; ".join(f"{verdict}: {', '.join(texts)}" for verdict, texts in results.items())
    print(f"{'FAIL' if 'FAILED' in results else 'ok  '} {what} ({path}:{line_of(path, text)}) - {words.replace('`', '')}", flush=True)
    return "FAILED" not in results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--check", action="store_true")
    opts = parser.parse_args()
    os.chdir(run.ROOT)
    if opts.docs:
        with open(TARGET, "w") as file:
            file.write(page())
        return 0
    if opts.check:
        good = up_to_date()
        if not good:
            print("docs/SILICON.md is not what tools/parity.py says; run `make docs`")
        return 0 if good else 1
    for board in ("virt", "rpi3", "rpi4"):
        if why := run.cannot_run(run.load_board(board)):
            sys.exit(f"parity: {why}")
    failed = sum(not show(*row) for row in ROWS)
    print(f"{len(ROWS)} differences, {failed} failed, "
          f"{sum(any(isinstance(s, Open) for s in row[3]) for row in ROWS)} with something open for hardware")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
