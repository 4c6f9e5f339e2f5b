"""A machine's memory as a file that gdb reads: memory-dump FILE.

FILE is what QEMU's dump-guest-memory wrote (an ELF core: memory by physical address, each core's registers), or plain
memory from the start of RAM: QEMU's pmemsave, OpenOCD's dump_image. Stacks of Gs and the heap are not where their
addresses say, so the translation tables in the dump are walked (hal/aarch64/pagetable.h), and gdb gets a core file with
all of it at the addresses that the program used.
"""
import os
import struct
import tempfile

import gdb

from machine import Unknown, symbol

EHDR, PHDR = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ"
PT_LOAD, PT_NOTE, ET_CORE, EM_AARCH64, NT_PRSTATUS = 1, 4, 4, 183, 1
PAGE, WINDOWS, ADDRESS = 4096, 64 << 30, 0x0000fffffffff000  # hal/aarch64/mmu.c
SEGMENTS_MAX = 65000                                          # a header counts in 16 bits


class Memory:
    """The dump by physical address."""

    def __init__(self, path):
        self.file = open(path, "rb")
        size = os.fstat(self.file.fileno()).st_size
        head = self.file.read(struct.calcsize(EHDR))
        if head[:4] != b"\x7fELF":
            base = int(symbol("board.ram.base"))
            self.ranges, self.notes = [(base, base + size, 0)], prstatus()
            return
        fields = struct.unpack(EHDR, head)
        if fields[1] != ET_CORE or fields[2] != EM_AARCH64:
            raise Unknown(f"bareloom: {path} is an ELF file, but no memory dump of an AArch64 machine")
        self.ranges, self.notes = [], b""
        for i in range(fields[10]):
            self.file.seek(fields[5] + i * fields[9])
            kind, _, offset, _, pa, in_file, _, _ = struct.unpack(PHDR, self.file.read(struct.calcsize(PHDR)))
            if kind == PT_LOAD:
                self.ranges.append((pa, pa + in_file, offset))
            elif kind == PT_NOTE:
                self.file.seek(offset)
                self.notes += self.file.read(in_file)

    def read(self, pa, size):
        """None where the dump has nothing."""
        for start, end, offset in self.ranges:
            if start <= pa and pa + size <= end:
                self.file.seek(offset + pa - start)
                return self.file.read(size)
        return None


def prstatus():
    """A core of which nothing is known: gdb shows no memory without one."""
    name, data = b"CORE\0\0\0\0", bytearray(392)
    data[32:36] = struct.pack("<I", 1)  # its number
    return struct.pack("<III", 5, len(data), NT_PRSTATUS) + name + bytes(data)


def mapped(memory, table, va=0, shift=30):
    """(virtual, physical) of each page above WINDOWS."""
    raw = memory.read(table, PAGE)
    for i, entry in enumerate(struct.unpack("<512Q", raw) if raw else ()):
        at = va + (i << shift)
        if entry & 3 != 3 or (shift == 30 and at < WINDOWS):
            continue
        if shift == 12:
            yield at, entry & ADDRESS
        else:
            yield from mapped(memory, entry & ADDRESS, at, shift - 9)


class Core:
    """An ELF core that is written piece by piece; pages of zeros take no room on the disk."""

    def __init__(self, file):
        self.file, self.segments, self.at = file, [], PAGE

    def put(self, va, data):
        """va follows what was put before it, or begins another segment."""
        last = self.segments[-1] if self.segments else None
        if last is None or last[0] + last[2] != va:
            last = [va, self.at, 0]
            self.segments.append(last)
        if data.count(0) != len(data):
            self.file.seek(self.at)
            self.file.write(data)
        last[2] += len(data)
        self.at += len(data)

    def finish(self, notes):
        self.file.seek(self.at)
        self.file.write(notes)
        headers = [(PT_NOTE, 0, self.at, 0, 0, len(notes), 0, 4)]
        headers += [(PT_LOAD, 7, at, va, va, size, size, PAGE) for va, at, size in self.segments]
        table = self.at + len(notes)
        self.file.write(b"".join(struct.pack(PHDR, *h) for h in headers))
        self.file.seek(0)
        self.file.write(struct.pack(EHDR, b"\x7fELF\2\1\1" + bytes(9), ET_CORE, EM_AARCH64, 1, 0, table, 0, 0, 64, 56,
                                    len(headers), 0, 0, 0))
        self.file.flush()


def convert(memory, file):
    """Says how much of the windows there was and is shown."""
    core, chunk = Core(file), 1 << 20
    for start, end, _ in memory.ranges:
        for pa in range(start, end, chunk):
            core.put(pa, memory.read(pa, min(chunk, end - pa)))
    left_out = 0
    for va, pa in mapped(memory, int(symbol("early_tables").address)):
        page = memory.read(pa, PAGE)
        if page is None or len(core.segments) >= SEGMENTS_MAX:
            left_out += 1
        else:
            core.put(va, page)
    core.finish(memory.notes)
    return left_out


class MemoryDump(gdb.Command):
    """memory-dump FILE: what QEMU's dump-guest-memory or pmemsave, or OpenOCD's dump_image has written."""

    def __init__(self):
        super().__init__("memory-dump", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)
        self.file = None

    def invoke(self, text, from_tty):
        args = gdb.string_to_argv(text)
        if len(args) != 1:
            raise Unknown("usage: memory-dump FILE")
        try:
            memory = Memory(args[0])
        except OSError as error:
            raise Unknown(f"bareloom: {args[0]}: {error.strerror}")
        magic = int(symbol("early_tables").address)
        if memory.read(magic, PAGE) is None:
            raise Unknown(f"bareloom: {args[0]} does not reach {magic:#x}: is it of this program, from the start of RAM?")
        self.file = tempfile.NamedTemporaryFile(prefix="bareloom-", suffix=".core")  # gone with gdb
        left_out = convert(memory, self.file)
        gdb.execute("set osabi GNU/Linux", to_string=True)  # whose core files have registers as QEMU's have
        gdb.execute(f"core-file {self.file.name}", to_string=True)
        if left_out:
            print(f"bareloom: {left_out} pages of stacks or heap are not in the dump")
        if not gdb.selected_inferior().threads():
            raise Unknown("bareloom: gdb takes no core file of this machine: gdb-multiarch does")
