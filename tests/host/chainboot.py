#!/usr/bin/env python3
# The loader on the card and its other end, over a socket: a clean line, one that drops, doubles and garbles bytes,
# cores that arrive all at once, `make tap`, and what either end refuses.
# boards: rpi3 rpi4
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

os.environ.setdefault("BOARD", "rpi3")  # console.py would have virt
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import console  # noqa: E402
import run  # noqa: E402
import chainboot  # noqa: E402
import serial_port  # noqa: E402

BOARD = os.environ["BOARD"]
OTHER = {"rpi3": "rpi4", "rpi4": "rpi3"}[BOARD]
FAULT = 1 / 6000  # a byte's chance of each direction: some three blocks in ten are lost
failures = 0


def check(what, good, output=""):
    global failures
    failures += not good
    print("ok  " if good else "FAIL", what, flush=True)
    if not good and output:
        print(output[-3000:])


class Machine:
    """QEMU with the loader in its memory; port is what the other end opens."""

    def __init__(self, board, loader, folder):
        self.port = f"unix:{folder}/uart"
        cmd = run.command(board, loader, serial="chardev:uart")
        at = cmd.index("-semihosting-config")  # as on a board, nobody listens there
        # One thread for all cores: those in the pen wait in WFE, which does not stop QEMU's threads.
        cmd[at:at + 2] = ["-accel", "tcg,thread=single", "-monitor", "none",
                          "-chardev", f"socket,id=uart,path={folder}/uart,server=on,wait=off"]
        self.child = subprocess.Popen(cmd, stdin=subprocess.DEVNULL)
        while not run.listens(f"{folder}/uart"):
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


class BadLine:
    """A socket in front of another, between which bytes get lost, come twice, or change."""

    def __init__(self, port, folder, seed):
        self.port = f"unix:{folder}/bad"
        self.faults = {"dropped": 0, "doubled": 0, "garbled": 0}
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.machine = serial_port.Port(port)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(f"{folder}/bad")
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection = self.server.accept()[0]
        threading.Thread(target=self.carry, args=(connection.recv, self.machine.write), daemon=True).start()
        self.carry(lambda n: self.machine.read(None), connection.sendall)

    def carry(self, read, write):
        try:
            while data := read(65536):
                write(self.spoil(data))
        except (EOFError, OSError):
            pass

    def spoil(self, data):
        out = bytearray()
        for byte in data:
            with self.lock:
                fault = self.random.choice(list(self.faults)) if self.random.random() < FAULT else None
                if fault:
                    self.faults[fault] += 1
            out += {"dropped": b"", "doubled": bytes([byte, byte]), "garbled": bytes([byte ^ 0x10]),
                    None: bytes([byte])}[fault]
        return bytes(out)


def patiently(cmd):
    """Output, errors and status of what may take long without a word: QEMU's UART is slow where the computer is busy."""
    child = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             errors="replace")
    for _ in range(60):
        try:
            return *child.communicate(timeout=15), child.returncode
        except subprocess.TimeoutExpired:
            print("     (on its way)", flush=True)
    child.kill()
    return *child.communicate(), run.HANG


def chain(port, image, args="", board=BOARD, wait=60):
    """tools/chainboot.py as a program: its output, what it says to a person, its status."""
    return patiently([f"{run.ROOT}/tools/chainboot.py", "--board", board, "--port", port, "--image", image,
                      "--args=" + args, "--wait", str(wait)])


def ran(what, result, words, status):
    out, err, got = result
    check(f"{what}: four cores", re.search(r"Bareloom on .*: 4 cores", out), out + err)
    check(f"{what}: its output", all(w in out for w in words), out + err)
    check(f"{what}: status {status}", got == status, out + err)


def refused(what, result, words):
    out, err, status = result
    check(what, status == 1 and len(err.splitlines()) <= 2 and words in err.splitlines()[-1] and not out, out + err)


def built(folder):
    """The loader as image and as ELF, and a program."""
    program = console.build(folder, "examples/hello")
    with console.build_lock():
        out = subprocess.run(["make", "-s", "-C", run.ROOT, f"BOARD={BOARD}", "image-path"], check=True,
                             capture_output=True, text=True).stdout.split("/examples")[0]
        subprocess.run(["make", "-s", "-C", run.ROOT, f"BOARD={BOARD}", f"{out}/chain/chain.img"], check=True)
        loader = [f"{run.ROOT}/{out}/chain/chain.{kind}" for kind in ("img", "elf")]
    return *loader, program


def protocol(port):
    """What the loader answers when it should not do what it is asked for."""
    loader = chainboot.Loader(serial_port.Port(port))
    loader.hello(60)

    def ask(kind, value, payload=b""):  # once: a no to what was asked again would be taken for one to the next question
        loader.ask(kind, value, payload, tries=1, patience=60)

    def no(kind, value, payload=b""):
        try:
            ask(kind, value, payload)
        except chainboot.Failed as failed:
            return failed.args[0]
        return None

    check("an image without room", no("S", 1 << 30) == chainboot.NO_ROOM)
    check("a command line without room", no("S", 1000, b"x" * 1024) == chainboot.NO_ROOM)
    ask("S", 1000)
    check("a piece beyond the end", no("D", 999, b"xx") == chainboot.NO_ROOM)
    check("zeros beyond the end", no("Z", 4, struct.pack("<I", 1 << 31)) == chainboot.NO_ROOM)
    check("an unknown question", no("Q", 0) == chainboot.NO_KIND)
    check("a rate that makes no sense", no("B", 0) == chainboot.NO_BAUD)
    ask("Z", 0, struct.pack("<I", 1000))
    check("another CRC", no("G", zlib.crc32(bytes(999))) == chainboot.NO_CRC)
    ask("B", 9600)  # and not again at that rate: it is taken back
    check("still there", loader.hello(60) == run.load_board(BOARD)["TITLE"])
    loader.port.close()


def tap(port):
    """make tap: tests that pass and one that dies as it shall."""
    out, err, status = patiently([f"{run.ROOT}/tools/test.py", "--board", BOARD, "--port", port,
                                  "--test", "chan_close_wakes_many,double_close,bss_is_zero"])
    good = re.findall(rf"^ok   {BOARD} +(\w+)", out, re.M)
    check("tap: passed as in CI", status == 0 and set(good) == {
        "build", "chan_close_wakes_many", "double_close", "bss_is_zero"}, out + err)


def main():
    board = run.load_board(BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        loader, elf, hello = built(folder)
        check("the loader is smaller than 8 KiB", os.path.getsize(loader) < 8192)
        with Machine(board, loader, folder) as machine:
            ran("a clean line", chain(machine.port, hello), ["Hello"], 0)
            refused("an image for another board", chain(machine.port, hello, board=OTHER), "the image is for")
            protocol(machine.port)
            if BOARD == "rpi3":  # one is enough: the image is large
                tap(machine.port)
        os.unlink(f"{folder}/uart")
        with Machine(board, loader, folder) as machine:
            line = BadLine(machine.port, folder, seed=1)
            result = chain(line.port, hello)
            ran("a bad line", result, ["Bareloom: exit status 0"], 0)
            check(f"a bad line: {line.faults}", all(line.faults.values()))
            check("a bad line: it had to ask again", re.search(r"[1-9]\d* questions asked again", result[1]), result[1])
        os.unlink(f"{folder}/uart")
        with Machine(board, elf, folder) as machine:
            ran("cores that arrive together at EL3", chain(machine.port, hello), ["entered at EL3"], 0)
        refused("a port that is not there", chain(machine.port + "x", hello), "is not there")
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(f"{folder}/silent")
        silent.listen()
        refused("a silent port", chain(f"unix:{folder}/silent", hello, wait=1), "no loader answers")
        refused("a board without a loader", chain(machine.port, hello, board="virt"), "has no loader")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
