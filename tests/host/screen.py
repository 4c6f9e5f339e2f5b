#!/usr/bin/env python3
# What a Pi's screen shows, by QEMU's monitor: how far its boot has come; the Mandelbrot set in the colors of the cores that painted it, row by row as
# they have counted; top's bars and timeline, which moves; and the PNG made of it.
# boards: rpi3
import os
import re
import struct
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import console  # noqa: E402
import run  # noqa: E402
import screenshot  # noqa: E402

failures = 0


def check(what, good, seen=""):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}" + (f": {seen}" if not good else ""), flush=True)


def unpack_png(png):
    """Bytes of red, green, blue, and the size: a reader of its own, which trusts nothing."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        data = png[at + 8:at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + data), kind
        chunks.append((kind, data))
        at += 12 + size
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, color, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, color, rest) == (8, 2, [0, 0, 0])
    rows = zlib.decompress(chunks[1][1])
    step = 1 + 3 * width
    assert len(rows) == step * height and not any(rows[::step])
    return b"".join(rows[y * step + 1:(y + 1) * step] for y in range(height)), width, height


# ---- mandelbrot -----------------------------------------------------------------------------------

# Which of red, green, blue a core's color has: examples/mandelbrot.
CORES = {(True, False, False): 0, (False, True, False): 1, (False, False, True): 2, (True, True, False): 3}


def painter_of(picture, y):
    """The core whose color all pixels of the row have, but for the black ones of the set; or what is wrong."""
    kinds = {tuple(c > 0 for c in picture.pixel(x, y)) for x in range(picture.width)} - {(False, False, False)}
    return CORES.get(next(iter(kinds))) if len(kinds) == 1 else kinds


def mandelbrot(board, image):
    with screenshot.Machine(board, image) as machine:
        machine.expect("painted; any key ends")
        picture = machine.picture()
        said = {int(core): int(rows) for core, rows in re.findall(r"core (\d): (\d+) rows", machine.text)}
    check("the picture's size", (picture.width, picture.height) == (640, 480), (picture.width, picture.height))
    painters = [painter_of(picture, y) for y in range(picture.height)]
    shown = {core: painters.count(core) for core in range(4)}
    check("each row has one core's color", sum(shown.values()) == 480, painters)
    check("each core has painted", all(shown.values()), shown)
    check("as many rows as it says", shown == said, (shown, said))
    check("the set is black", picture.pixel(320 + 90, 240 + 60) == (0, 0, 0), picture.pixel(320 + 90, 240 + 60))
    def light(x):
        return max(picture.pixel(x, 240 + 60))
    check("the edge of the set is brighter than what is far away", max(map(light, range(600))) > 200 > 150 > light(0) > 0)
    check("the PNG holds the same", unpack_png(picture.png()) == (picture.data, 640, 480))


# ---- how far the boot has come ------------------------------------------------------------------------

def boot_steps(board, image):
    """Squares that drivers/pi_soc.c paints; they stay until the program has a picture of its own."""
    with screenshot.Machine(board, image) as machine:
        machine.expect("bareloom> ")
        picture = machine.picture()
        check("the boot's picture", (picture.width, picture.height) == (640, 480), (picture.width, picture.height))
        white = {(x, y) for x in range(0, 640, 8) for y in range(0, 480, 8) if picture.pixel(x, y) == (255, 255, 255)}
        check("five squares: the boot is over", white == {
            (x, y) for x in range(32, 480, 8) for y in range(32, 96, 8) if x % 96 >= 32}, sorted(white))
        machine.type("top\r")
        until(machine, "then the program's picture", lambda p: (p.width, p.height) == (1024, 600))


# ---- top ------------------------------------------------------------------------------------------

# Where examples/wordcount/screen.c paints, with four cores.
BAR_X, BAR_END, BARS, BAR_LINE = 112, 351, 64, 30
LANES_X, LANES_END, LANES, LANE = 40, 1007, 216, 44
BUSY, SLEEPS, SCHEDULES, BACKGROUND = (0xE0, 0x60, 0x3C), (0x24, 0x2C, 0x34), (0x5A, 0x64, 0x70), (0x10, 0x14, 0x18)


def lane(picture, core):
    return [picture.pixel(x, LANES + LANE * core + 20) for x in range(LANES_X, LANES_END + 1)]


def runs_in(picture, core):
    """The colors of goroutines in a core's lane."""
    return set(lane(picture, core)) - {SLEEPS, SCHEDULES, BACKGROUND}


def until(machine, what, good):
    """Pictures until one is good: each may show a line that is just being painted."""
    end = time.monotonic() + console.HANG_SECONDS
    while True:
        machine.watch(0.2)
        picture = machine.picture()
        if good(picture):
            break
        if time.monotonic() > end:
            path = f"{run.ROOT}/build/screen-failed.png"
            with open(path, "wb") as file:
                file.write(picture.png())
            check(what, False, path)
            return picture
    check(what, True)
    return picture


def top(board, image):
    with screenshot.Machine(board, image) as machine:
        machine.expect("bareloom> ")
        machine.type("hogs 6\rtop\r")
        until(machine, "every core's bar is full",
              lambda p: all(p.pixel(BAR_X, BARS + BAR_LINE * core + 8) == BUSY ==
                            p.pixel(BAR_END - 2, BARS + BAR_LINE * core + 8) for core in range(4)))
        first = until(machine, "every core runs goroutines, and more than one",
                      lambda p: all(len(runs_in(p, core)) > 1 for core in range(4)))
        until(machine, "each hog is seen", lambda p: len(set.union(*(runs_in(p, core) for core in range(4)))) >= 6)
        until(machine, "the timeline moves on", lambda p: all(lane(p, core) != lane(first, core) for core in range(4)))
        machine.type("q")
        machine.type("hogs 0\rtop\r")
        until(machine, "cores sleep without hogs",
              lambda p: all(lane(p, core).count(SLEEPS) > 480 for core in range(4)))
        machine.type("q")
        machine.type("exit 7\r")
        try:
            while machine.read(console.HANG_SECONDS):
                pass
        except screenshot.Failed:
            pass
        check("its status", machine.child.wait(console.HANG_SECONDS) == 7)


def main():
    board = run.load_board(console.BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        mandelbrot(board, console.build(folder, "examples/mandelbrot"))
        top(board, console.build(folder))
        boot_steps(board, console.build(folder, "examples/wordcount", "CONFIG=-DCONFIG_BOOT_LED=1"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
