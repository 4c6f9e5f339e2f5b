#!/usr/bin/env python3
"""Writes the image of an SD card to a card: `make flash` comes here.

    flash.py --image build/rpi3/.../sdcard.img --device /dev/sdX [--dry-run]

It shows what the device is and wants its name typed. It refuses what is no whole disk, cannot be taken out, is
in use (mounted, swap, part of a RAID or of LVM), or is too small. What was written is read back. The kernel
helps: it lets nobody open a mounted disk with O_EXCL.

For tests: --sys, --mounts and --swaps name stand-ins for the kernel's folder and files, and then the device is a
file.
"""
import argparse
import os
import re
import stat
import sys

BLOCK = 1 << 20


def die(text):
    sys.exit(f"flash: {text}")


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def octal(text):
    """A path as /proc writes it: blanks in octal."""
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), text)


class Disk:
    """What /sys knows of a disk."""

    def __init__(self, sys_folder, name):
        self.name = name
        self.folder = f"{sys_folder}/class/block/{name}"
        self.parts = sorted(p for p in (os.listdir(self.folder) if os.path.isdir(self.folder) else ())
                            if os.path.exists(f"{self.folder}/{p}/partition"))
        self.size = int(read(f"{self.folder}/size") or 0) * 512  # always in units of 512
        vendor, model = (read(f"{self.folder}/device/{f}") for f in ("vendor", "model"))
        self.model = f"{vendor} {model}".strip() or read(f"{self.folder}/device/name") or "unknown model"

    def removable(self):
        # The kernel calls a card in a slot of its own fixed; soldered memory has the type MMC.
        return read(f"{self.folder}/removable") == "1" or read(f"{self.folder}/device/type") == "SD"

    def folders(self):
        return [self.folder, *(f"{self.folder}/{p}" for p in self.parts)]

    def users(self, mounts, swaps):
        """What is made of it or of a part of it: mount points, swap, other devices."""
        names = {f"/dev/{n}" for n in (self.name, *self.parts)}
        numbers = {read(f"{f}/dev") for f in self.folders()} - {""}
        for line in read(mounts).splitlines():  # proc(5), mountinfo
            head, _, tail = line.partition(" - ")
            fields, source = head.split(), tail.split()[1:2]
            if fields[2] in numbers or source and os.path.realpath(octal(source[0])) in names:
                yield f"mounted on {octal(fields[4])}"
        for line in read(swaps).splitlines()[1:]:
            if octal(line.split()[0]) in names:
                yield "swap"
        for folder in self.folders():
            for holder in sorted(os.listdir(f"{folder}/holders") if os.path.isdir(f"{folder}/holders") else ()):
                yield f"a part of {holder}"


def parts_line(disk):
    return f", with {len(disk.parts)} partitions that will be lost" if disk.parts else ""


def checked(opts):
    """The disk, if it may be written."""
    if not opts.device:
        die("DEV is wanted: the card's device, like DEV=/dev/sdb (`lsblk` lists them)")
    if not os.path.exists(opts.device):
        die(f"{opts.device} is not there; `lsblk` lists the disks")
    path = os.path.realpath(opts.device)
    if opts.sys == "/sys" and not stat.S_ISBLK(os.stat(path).st_mode):
        die(f"{opts.device} is no disk; DEV=/dev/sdX is wanted")
    disk = Disk(opts.sys, os.path.basename(path))
    if os.path.exists(f"{disk.folder}/partition"):
        whole = os.path.basename(os.path.dirname(os.path.realpath(disk.folder)))
        die(f"{opts.device} is a partition; the whole disk is wanted: DEV=/dev/{whole}")
    if disk.size == 0:
        die(f"{opts.device} ({disk.model}) has no card in it")
    if not disk.removable():
        die(f"{opts.device} ({disk.model}) is no removable disk, so it is not written to; a card in a reader is wanted")
    if users := list(disk.users(opts.mounts, opts.swaps)):
        die(f"{opts.device} ({disk.model}) is in use, {', '.join(users)}; `umount` it first if it is the card")
    need = os.path.getsize(opts.image)
    if disk.size < need:
        die(f"{opts.device} ({disk.model}) has {disk.size >> 20} MiB; the image has {need >> 20}: a larger card is wanted")
    return path, disk


def copy(source, target, size):
    """Writes size bytes; what is unwritten in a sparse image is written all the same, for the card has other data
    there."""
    done = 0
    while done < size:
        block = source.read(min(BLOCK, size - done))
        target.write(block)
        done += len(block)
        print(f"\r{done * 100 // size:3} % ", end="", flush=True)
    target.flush()
    os.fsync(target.fileno())
    print("\r", end="")


def verify(source, target, size):
    """Reads it back from the device and not from what the kernel remembers of it."""
    os.posix_fadvise(target.fileno(), 0, size, os.POSIX_FADV_DONTNEED)
    done = 0
    while done < size:
        block = source.read(min(BLOCK, size - done))
        if target.read(len(block)) != block:
            die(f"what was written at {done >> 20} MiB reads back otherwise: is the card worn out?")
        done += len(block)


def write(opts, path, disk):
    size = os.path.getsize(opts.image)
    try:
        target = os.open(path, os.O_RDWR | os.O_EXCL)
    except PermissionError:
        die(f"{opts.device} cannot be written by this user: run `sudo tools/flash.py --image {opts.image}"
            f" --device {opts.device}`")
    except OSError as error:
        die(f"{opts.device}: {error.strerror}")
    with open(opts.image, "rb") as source, os.fdopen(target, "r+b", buffering=0) as card:
        try:
            copy(source, card, size)
            source.seek(0)
            card.seek(0)
            verify(source, card, size)
        except OSError as error:
            die(f"{opts.device}: {error.strerror}")
    print(f"flash: {size >> 20} MiB written to {opts.device} ({disk.model}) and read back; take the card out")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--sys", default="/sys", help=argparse.SUPPRESS)
    parser.add_argument("--mounts", default="/proc/self/mountinfo", help=argparse.SUPPRESS)
    parser.add_argument("--swaps", default="/proc/swaps", help=argparse.SUPPRESS)
    opts = parser.parse_args()
    path, disk = checked(opts)
    print(f"{opts.device}: {disk.model}, {disk.size / 1e9:.1f} GB{parts_line(disk)}")
    if opts.dry_run:
        print(f"flash: would write {os.path.getsize(opts.image) >> 20} MiB of {opts.image} to it; nothing was written")
        return 0
    print(f"All that is on it will be lost. Type {disk.name} to write to it: ", end="", flush=True)
    if sys.stdin.readline().strip() != disk.name:
        die("nothing was written")
    write(opts, path, disk)
    return 0


if __name__ == "__main__":
    sys.exit(main())
