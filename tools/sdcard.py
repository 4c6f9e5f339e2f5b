#!/usr/bin/env python3
"""Makes the image of an SD card that a Raspberry Pi starts from: `make sdcard` comes here.

    sdcard.py --board rpi3 --kernel build/rpi3/.../kernel8.img --args '--batch' --out sdcard.img

One partition with FAT32 and on it the firmware (tools/firmware.sh), the board's config.txt, cmdline.txt with
the program's arguments, and the kernel, in which INPUT lies already. With --jtag the kernel is an endless loop, in
which the board waits for `make jtag`, and the JTAG signals are on the header. The image's size is a power of two, as
QEMU wants it. No root is needed: mtools write into the file.
"""
import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import run

SECTOR = 512
START = 1 << 20      # of the partition
LEAST = 64 << 20     # of the image
FAT32_LBA = 0x0c
CLUSTERS = 1 << 17   # at most: FAT32 wants at least 65525
SPARE = 8 << 20      # FATs, folders, room for what a user adds

# wfe; b .-4
LOOP = bytes.fromhex("5f2003d5 ffffff17")


def die(text):
    sys.exit(f"sdcard: {text}")


def firmware_folder():
    done = subprocess.run([f"{run.ROOT}/tools/firmware.sh"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(1)  # it has said why
    return os.path.join(run.ROOT, done.stdout.strip())


def card_files(board, kernel, args, jtag):
    """[(name on the card, path here or bytes)]"""
    folder = firmware_folder()
    name = board["NAME"]
    config = f"{run.ROOT}/boards/{name}/config.txt"
    if jtag:
        with open(config, "rb") as file:
            config = file.read() + b"# JTAG on GPIO 22 to 27\nenable_jtag_gpio=1\n"
        kernel = LOOP
    return [*((f, f"{folder}/{f}") for f in board["FIRMWARE"].split()),
            ("LICENCE.firmware", f"{folder}/LICENCE.firmware"),
            ("config.txt", config),
            # What stands before `--` is the firmware's; boot/command_line.c.
            ("cmdline.txt", f"-- {args}".strip().encode() + b"\n"),
            (board["IMAGE"], kernel)]


def image_size(files):
    payload = sum(len(f) if isinstance(f, bytes) else os.path.getsize(f) for _, f in files)
    size = LEAST
    while size < payload + START + SPARE:
        size *= 2
    return size


def partition_table(size):
    """A master boot record with one FAT32 partition; its CHS fields say: look at the sectors instead."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", FAT32_LBA, b"\xfe\xff\xff",
                        START // SECTOR, (size - START) // SECTOR)
    return bytes(440) + b"BARE\0\0" + entry + bytes(48) + b"\x55\xaa"


def mtool(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, MTOOLS_SKIP_CHECK="1"))
    if done.returncode != 0:
        die(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")


def make_image(path, files):
    size = image_size(files)
    with open(path, "wb") as file:
        file.write(partition_table(size))
        file.truncate(size)
    drive = f"{path}@@{START}"
    # The serial number is fixed: the same files make the same image, but for their dates.
    mtool("mformat", "-i", drive, "-F", "-v", "BARELOOM", "-N", "ba2e1003", "-T", str((size - START) // SECTOR),
          "-h", "255", "-s", "63", "-H", str(START // SECTOR), "-c", str(size // SECTOR // CLUSTERS), "::")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files:
            here = source
            if isinstance(source, bytes):
                here = os.path.join(folder, name)
                with open(here, "wb") as file:
                    file.write(source)
            mtool("mcopy", "-i", drive, here, f"::{name}")
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True, choices=run.boards())
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--args", default="", help="the program's arguments")
    parser.add_argument("--jtag", action="store_true", help="a card for `make jtag`")
    parser.add_argument("--out", required=True)
    opts = parser.parse_args()
    board = run.load_board(opts.board)
    if "FIRMWARE" not in board:
        die(f"board {opts.board} starts from no card of ours; BOARD=rpi3 and BOARD=rpi4 do")
    if not shutil.which("mcopy"):
        die("no mtools here: run `make setup`")
    if "\n" in opts.args:
        die("ARGS is one line")
    new = opts.out + ".new"
    try:
        files = card_files(board, opts.kernel, opts.args, opts.jtag)
        size = make_image(new, files)
        os.replace(new, opts.out)
    finally:
        if os.path.exists(new):
            os.unlink(new)
    print(f"{opts.out}: {size >> 20} MiB with {' '.join(name for name, _ in files)}")
    print(f"sdcard: `make flash BOARD={opts.board} DEV=/dev/sdX` writes it, and so does any program that writes images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
