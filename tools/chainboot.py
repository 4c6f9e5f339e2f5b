#!/usr/bin/env python3
"""Sends an image to the loader on a Pi's card and shows what it prints: `make chainboot` comes here.

    chainboot.py --board rpi3 --port /dev/ttyUSB0 --image build/rpi3/.../kernel8.img --args '--flag word'

boot/chain/frame.h says what both ends say to each other; a question without an answer is asked again. With a
terminal it then is one (tools/monitor.py); without, or with --batch, it ends with the program's status, which the
board says before it resets into the loader again: 124 when it said nothing.
"""
import argparse
import os
import re
import struct
import sys
import time
import zlib

import monitor
import run
from serial_port import BAUD, Port

SYNC = b"\xa5\x5a"
HEADER = struct.Struct("<BHI")
PAYLOAD = 2048
FAST = 921600
PATIENCE = 0.6        # seconds for an answer, longer than the loader waits inside a frame
TRIES = 60
NO = ord("n")
NO_ROOM, NO_CRC, NO_BAUD, NO_KIND = 1, 2, 3, 4
STATUS = re.compile(rb"Bareloom: exit status (\d+)\r?\n")


class Failed(Exception):
    pass


class Loader:
    """The other end. log gets each line for a person."""

    def __init__(self, port, log=lambda text: None):
        self.port = port
        self.log = log
        self.pending = b""
        self.retries = 0

    def frames(self, seconds):
        """The good frames that come: (kind, value, payload)."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.pending += self.port.read(left)
            while (at := self.pending.find(SYNC)) >= 0:
                body = self.pending[at + 2:]
                if len(body) < HEADER.size:
                    break
                kind, length, value = HEADER.unpack_from(body)
                end = HEADER.size + length
                if length <= PAYLOAD and len(body) < end + 4:
                    break
                if length <= PAYLOAD and zlib.crc32(body[:end]) == struct.unpack_from("<I", body, end)[0]:
                    self.pending = body[end + 4:]
                    yield kind, value, body[HEADER.size:end]
                else:
                    self.pending = self.pending[at + 1:]

    def send(self, kind, value, payload=b""):
        body = HEADER.pack(ord(kind), len(payload), value) + payload
        self.port.write(SYNC + body + struct.pack("<I", zlib.crc32(body)))

    def ask(self, kind, value, payload=b"", tries=TRIES, patience=PATIENCE):
        """The payload of the answer; raises Failed without one, or with the loader's no."""
        for attempt in range(tries):
            self.retries += attempt > 0
            self.send(kind, value, payload)
            for answer, what, data in self.frames(patience + len(payload) * 11 / BAUD):
                if answer == ord(kind.lower()) and what == value:
                    self.pending = b""
                    return data
                if answer == NO:
                    raise Failed(what)
            self.pending = b""  # a frame that stays unfinished must not swallow the next answer
        raise Failed(0)

    def hello(self, seconds):
        """The name of the board that answers."""
        start, told = time.monotonic(), False
        while time.monotonic() - start < seconds:
            try:
                return self.ask("H", 0, tries=1).decode(errors="replace")
            except Failed:
                if not told:
                    told = True
                    self.log(f"no loader answers on {self.port.name} yet: reset the board, if its card has the loader"
                             " (docs/PI.md)")
        raise Failed(0)

    def fast(self):
        """Both ends at FAST if that works; else both at BAUD."""
        try:
            self.ask("B", FAST)
        except Failed:
            return
        self.port.set_baud(FAST)
        try:
            self.ask("B", FAST, tries=4)
        except Failed:
            self.log(f"the line does not carry {FAST} baud; {BAUD} then")
            self.port.set_baud(BAUD)
            time.sleep(4)  # the loader comes back after 3

    def pieces(self, image):
        """(kind, offset, payload): blocks, and runs of zeros as their length."""
        at = 0
        while at < len(image):
            block = image[at:at + PAYLOAD]
            end = at + len(block)
            if block.count(0) == len(block):
                while end < len(image) and image[end:end + PAYLOAD].count(0) == len(image[end:end + PAYLOAD]):
                    end = min(end + PAYLOAD, len(image))
                yield "Z", at, struct.pack("<I", end - at)
            else:
                yield "D", at, block
            at = end

    def boot(self, image, line, progress=lambda part: None):
        """Sends and starts it. What it prints comes from the port."""
        self.ask("S", len(image), line.encode())
        for kind, at, payload in self.pieces(image):
            self.ask(kind, at, payload)
            progress(at / len(image))
        progress(1)
        self.go(zlib.crc32(image), 2 + len(image) / 5e6)

    def go(self, crc, patience):
        """GO and its answer; what the program prints already is left in pending. An image that has been started
        answers no more, but prints: that will do as well."""
        for attempt in range(TRIES):
            self.send("G", crc)
            until = time.monotonic() + patience
            while (left := until - time.monotonic()) > 0:
                self.pending += self.port.read(left)
                answer = SYNC + HEADER.pack(ord("g"), 0, crc)
                end = self.pending.find(answer) + len(answer) + 4
                if answer in self.pending and len(self.pending) >= end:
                    self.pending = self.pending[end:]
                    return
                if (at := self.pending.find(SYNC + bytes([NO]))) >= 0 and len(self.pending) >= at + 13:
                    raise Failed(HEADER.unpack_from(self.pending, at + 2)[2])
                if b"Bareloom on " in self.pending:
                    return
        raise Failed(0)


def progress_shown():
    """A function that shows how much has been sent: a bar, or without a terminal a line now and then, since who reads a
    log takes long silence for a hang."""
    said = time.monotonic()

    def bar(part):
        done = int(part * 40)
        print(f"\r[{'#' * done}{' ' * (40 - done)}] {part * 100:3.0f} %", end="\n" if part == 1 else "",
              file=sys.stderr, flush=True)

    def line(part):
        nonlocal said
        if time.monotonic() - said > 10:
            said = time.monotonic()
            print(f"chainboot: {part * 100:.0f} % sent", file=sys.stderr, flush=True)

    return bar if sys.stderr.isatty() else line


def why(code, board, port):
    return {NO_ROOM: "the loader has no room for an image of that size",
            NO_CRC: "the image did not arrive whole",
            NO_KIND: "the loader on the card is of another version: write a card with `make sdcard CHAIN=1`",
            }.get(code, f"no loader answers on {port.name}: is it the right port, is the adapter wired as in docs/PI.md,"
                        f" and is the loader on the card (`make flash BOARD={board['NAME']} CHAIN=1`)?")


def follow(port, text, out, silence):
    """Copies what comes to out until the board says its status; that, or run.HANG."""
    seen = b""
    while True:
        text = text.replace(b"\r\n", b"\n")
        out.write(text)
        out.flush()
        seen = (seen + text)[-200:]
        if match := STATUS.search(seen):
            return int(match[1])
        try:
            text = port.read(silence)
        except EOFError:
            return run.HANG
        if not text:
            print(f"chainboot: nothing came for {silence:g} s", file=sys.stderr)
            return run.HANG


def transfer(board, port, image, args, wait, say):
    """What came behind the answer to GO."""
    loader = Loader(port, say)
    try:
        name = loader.hello(wait)
        if name != board["TITLE"]:
            sys.exit(f"chainboot: the loader says that it runs on {name}; the image is for {board['TITLE']}:"
                     " give the right BOARD")
        loader.fast()
        start = time.monotonic()
        for last in (False, True):
            try:
                loader.boot(image, f"exit=reset -- {args}", progress_shown())
                break
            except Failed as failed:
                if last or failed.args[0] != NO_CRC:
                    raise
                say("the image did not arrive whole: once more")
        port.set_baud(BAUD)
        say(f"{len(image) >> 10} KiB in {time.monotonic() - start:.1f} s, {loader.retries} questions asked again")
        return loader.pending
    except Failed as failed:
        sys.exit(f"chainboot: {why(failed.args[0], board, port)}")
    except EOFError:
        sys.exit(f"chainboot: {port.name} has gone")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True, choices=run.boards())
    parser.add_argument("--port", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--args", default="", help="the program's arguments")
    parser.add_argument("--batch", action="store_true", help="no terminal: end with the program's status")
    parser.add_argument("--wait", type=float, default=60, help="seconds for a loader to answer")
    parser.add_argument("--silence", type=float, default=120, help="seconds without a word that end --batch")
    opts = parser.parse_args()
    board = run.load_board(opts.board)
    if "CHAIN_ADDR" not in board:
        sys.exit(f"chainboot: board {opts.board} has no loader; BOARD=rpi3 and BOARD=rpi4 do")
    with open(opts.image, "rb") as file:
        image = file.read()
    port = Port(opts.port)
    batch = opts.batch or not sys.stdin.isatty()
    # In a test's output only the program's own lines shall stand.
    say = (lambda text: None) if opts.batch else lambda text: print(f"chainboot: {text}", file=sys.stderr)
    text = transfer(board, port, image, opts.args, opts.wait, say)
    if batch:
        return follow(port, text, sys.stdout.buffer, opts.silence)
    os.write(1, text)
    return monitor.terminal(port)


if __name__ == "__main__":
    sys.exit(main())
