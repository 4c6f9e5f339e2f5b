#!/usr/bin/env python3
"""Runs a program in QEMU and keeps what its screen shows as a PNG; `make screenshot` comes here.

    screenshot.py --board rpi3 --image build/rpi3/examples/mandelbrot/kernel8.img --when painted --out picture.png

QEMU's monitor takes the picture, --after seconds after the program has printed --when (at once without), or ended its
line. --keys are typed once it has started.
"""
import argparse
import codecs
import json
import os
import re
import selectors
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import run

HANG_SECONDS = 300  # without a byte of output, while --when is waited for


class Failed(Exception):
    pass


class Picture:
    """What a screen shows: bytes of red, green, blue, row by row."""

    def __init__(self, ppm):
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", ppm)
        if not head:
            raise Failed("QEMU's picture is no PPM of 8 bits")
        self.width, self.height = int(head[1]), int(head[2])
        self.data = ppm[head.end():]

    def pixel(self, x, y):
        at = 3 * (y * self.width + x)
        return tuple(self.data[at:at + 3])

    def png(self):
        """Portable Network Graphics, 2nd edition: rows without filters, deflated, in one chunk."""
        row = 3 * self.width
        rows = b"".join(b"\0" + self.data[y * row:(y + 1) * row] for y in range(self.height))
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)


class Machine:
    """A program in QEMU, its console, and QEMU's monitor."""

    def __init__(self, board, image, args=(), smp=None, gic=3, echo=None):
        self.folder = tempfile.TemporaryDirectory(prefix="bareloom-")
        self.path = f"{self.folder.name}/monitor"
        cmd = run.command(board, image, args, smp, gic, extra=["-qmp", f"unix:{self.path},server=on,wait=off"])
        self.child = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.child.stdout, selectors.EVENT_READ)
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.text, self.echo = "", echo
        self.monitor = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        for file in (self.child.stdin, self.child.stdout, self.monitor):
            if file:
                file.close()
        self.folder.cleanup()

    def type(self, keys):
        self.child.stdin.write(keys.encode())
        self.child.stdin.flush()

    def read(self, seconds):
        """False: nothing came."""
        if not self.selector.select(seconds):
            return False
        data = os.read(self.child.stdout.fileno(), 65536)
        if not data:
            raise Failed("the program has ended" + (f"; it said:\n{self.text[-1000:]}" if not self.echo else ""))
        text = self.decoder.decode(data).replace("\r", "")
        self.text += text
        if self.echo:
            self.echo.write(text)
            self.echo.flush()
        return True

    def expect(self, pattern):
        while not (match := re.search(pattern, self.text)):
            if not self.read(HANG_SECONDS):
                raise Failed(f"it says nothing for {HANG_SECONDS} s, and has not said {pattern}")
        return match

    def watch(self, seconds):
        """Reads on for so long: who is not read may stand still."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def ask(self, command, **arguments):
        """A command of QEMU's monitor, in QMP."""
        if not self.monitor:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.path)
            self.monitor = connection.makefile("rw")
            connection.close()  # the file keeps it
            self.monitor.readline()  # the greeting
            self.ask("qmp_capabilities")
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:  # events may come before the answer
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise Failed(f"QEMU: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def picture(self):
        path = f"{self.folder.name}/picture.ppm"
        self.ask("screendump", filename=path)
        with open(path, "rb") as file:
            return Picture(file.read())


def keys(text):
    r"""What is to be typed, of text with \r and the like."""
    try:
        return text.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError as e:
        raise argparse.ArgumentTypeError(rf"{text}: {e.reason}; \r is Enter, \\ a backslash") from e


def pattern(text):
    try:
        re.compile(text)
    except re.error as e:
        raise argparse.ArgumentTypeError(f"{text} is no regular expression: {e}") from e
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
                                     usage=argparse.SUPPRESS)  # an error is one line
    parser.add_argument("--board", required=True, choices=run.boards())
    parser.add_argument("--image", required=True)
    parser.add_argument("--smp", type=int)
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--args", default="")
    parser.add_argument("--keys", type=keys, default="", help=r"what is typed; \r is Enter")
    parser.add_argument("--when", type=pattern, default="", help="a regular expression that the console's text must match")
    parser.add_argument("--after", type=float, default=0, help="seconds")
    parser.add_argument("--out", required=True)
    opts = parser.parse_args()
    board = run.load_board(opts.board)
    if why := run.cannot_run(board):
        print(f"screenshot: {why}", file=sys.stderr)
        return run.SKIP
    if not board.get("SCREEN"):
        having = [b for b in run.boards() if run.load_board(b).get("SCREEN")]
        print(f"screenshot: {opts.board} has no screen; these have: {' '.join(having)}", file=sys.stderr)
        return 1
    try:
        with Machine(board, opts.image, shlex.split(opts.args), opts.smp, opts.gic, sys.stdout) as machine:
            if opts.keys:
                machine.expect("Bareloom on ")  # what comes before the UART is turned on is lost
                machine.type(opts.keys)
            machine.expect(opts.when)
            machine.watch(opts.after)
            picture = machine.picture()
    except Failed as e:
        print(f"screenshot: {e}", file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(opts.out) or ".", exist_ok=True)
    with open(opts.out, "wb") as file:
        file.write(picture.png())
    print(f"\nscreenshot: {opts.out}, {picture.width} x {picture.height}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
