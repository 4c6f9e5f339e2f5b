#!/usr/bin/env python3
# The genuine armstub, cut out of the firmware that `make sdcard` puts on the card, starts the kernel of the main job
# under QEMU: no -kernel, all cores begin at 0 at EL3 as on a board, the counter runs at the board's frequency.
# boards: rpi3 rpi4
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import console  # noqa: E402
import run  # noqa: E402

BOARD = os.environ.get("BOARD", "rpi3")
MAGIC = 0x5AFE570B
MAGIC_AT, FDT_AT, KERNEL_AT = 0xF0, 0xF8, 0xFC  # where the firmware looks and writes
TAGS = 0x1000
# The first instructions of a 64-bit stub: ldr x0, 0xa8; str wzr, [x0]. Then what that word is, the local controller,
# which tells the chips apart; the frequency that the stub says the counter has; and for the GIC a second half.
FIRST = struct.pack("<II", 0x58000540, 0xB900001F)
STUBS = {"rpi3": ("start.elf", 0x40000000, 19200000, 0x100),
         "rpi4": ("start4.elf", 0xFF800000, 54000000, 0x200)}
CALLS_GIC = struct.pack("<I", 0x9400002D)  # bl 0x100, at 0x4c
# As a board's firmware passes it: some of its own words, and then cmdline.txt.
LINE = " ".join(f"firmware.word{i}=0123456789abcdef" for i in range(30)) + " -- --batch"


def cut_stub(firmware):
    """The stub of BOARD out of its firmware."""
    name, local, hertz, size = STUBS[BOARD]
    with open(f"{firmware}/{name}", "rb") as file:
        elf = file.read()
    found = []
    for match in re.finditer(re.escape(struct.pack("<I", MAGIC)), elf):
        at = match.start() - MAGIC_AT
        stub = elf[at:at + size]
        if (stub[:8] == FIRST and struct.unpack_from("<Q", stub, 0xA8)[0] == local
                and struct.unpack_from("<Q", stub, 0xB0)[0] == hertz
                and (size == 0x100 or stub[0x4C:0x50] == CALLS_GIC)):
            found.append(stub)
    assert len(set(found)) == 1, f"{len(found)} stubs in {name} look like {BOARD}'s"
    return found[0]


def prepared(stub, kernel):
    """As the firmware leaves it in memory: entry and list of tags filled in, the magic cleared, for it lies over
    core 3's word of the spin table."""
    stub = bytearray(stub)
    struct.pack_into("<Q", stub, MAGIC_AT, 0)
    struct.pack_into("<I", stub, FDT_AT, TAGS)
    struct.pack_into("<I", stub, KERNEL_AT, kernel)
    return bytes(stub)


def tags():
    text = LINE.encode() + b"\0"
    text += bytes(-len(text) % 4)
    return struct.pack("<IIIII", 5, 0x54410001, 0, 0, 0) + \
        struct.pack("<II", 2 + len(text) // 4, 0x54410009) + text + bytes(8)


def command(board, folder, image, stub, semihosting, kernel_at):
    """QEMU as a board whose firmware has just let go of the cores."""
    cmd = run.command(board, image, ["--batch"], extra=["-no-reboot"])
    kernel = cmd.index("-kernel")
    del cmd[kernel:kernel + 2]
    if not semihosting:
        at = cmd.index("-semihosting-config")
        del cmd[at:at + 2]
    for name, data, at in (("stub", prepared(stub, kernel_at), 0), ("tags", tags(), TAGS)):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(data)
        cmd += ["-device", f"loader,file={folder}/{name},addr={at:#x},force-raw=on"]
    cmd += ["-device", f"loader,file={image},addr={kernel_at:#x},force-raw=on",
            "-global", f"{board['CPU']}-arm-cpu.cntfrq={STUBS[BOARD][2]}"]
    return cmd


def start(cmd):
    """Runs it; its output and status."""
    done = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=console.HANG_SECONDS)
    return done.stdout.replace("\r", ""), done.returncode


def main():
    board = run.load_board(BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    firmware = subprocess.run([f"{run.ROOT}/tools/firmware.sh"], capture_output=True, text=True)
    if firmware.returncode != 0:
        print(firmware.stderr.strip())
        return run.SKIP
    stub = cut_stub(os.path.join(run.ROOT, firmware.stdout.strip()))
    address = int(board["LOAD_ADDR"], 0)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        image = console.build(folder)
        for semihosting in (True, False):
            text, status = start(command(board, folder, image, stub, semihosting, address))
            for what, good in (
                    ("four cores, entered at EL2, the board's counter", re.search(
                        rf"^Bareloom on .*: 4 cores, \d+ MB, entered at EL2, counter {STUBS[BOARD][2] // 1000} kHz$",
                        text, re.M)),
                    ("the main job is done", re.search(r"^ +567060  bytes", text, re.M)),
                    ("status 0", status == 0)):
                print("ok  " if good else "FAIL", "with" if semihosting else "without", "semihosting:", what)
                failed += not good
            if failed:
                print(text[-3000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
