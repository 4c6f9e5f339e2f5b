#!/usr/bin/env python3
# make monitor: keys and output between a terminal and a port, which is QEMU's UART behind a socket and then a
# pseudo-terminal; Ctrl-A's keys; the terminal is afterwards as it was.
# boards: rpi3
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time

os.environ.setdefault("BOARD", "rpi3")  # console.py would have virt
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import console  # noqa: E402
import run  # noqa: E402

BOARD = os.environ["BOARD"]


class Terminal:
    """tools/monitor.py with a terminal of its own."""

    def __init__(self, port):
        self.fd, self.other = pty.openpty()
        self.before = termios.tcgetattr(self.other)
        self.text = ""
        self.child = subprocess.Popen([f"{run.ROOT}/tools/monitor.py", "--port", port], stdin=self.other,
                                      stdout=self.other, stderr=self.other)
        self.expect("Ctrl-A X ends")

    def type(self, keys):
        os.write(self.fd, keys)

    def expect(self, pattern):
        until = time.monotonic() + console.HANG_SECONDS
        while not (match := re.search(pattern, self.text)):
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                self.child.kill()
                sys.exit(f"FAIL no /{pattern}/ in: {self.text[-2000:]}")
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        self.text = self.text[match.end():]

    def ends(self, status):
        """Its end, and the terminal's state."""
        got = self.child.wait(console.HANG_SECONDS)
        after = termios.tcgetattr(self.other)
        assert got == status, f"status {got}"
        assert after == self.before, "the terminal is not as it was"
        os.close(self.fd)
        os.close(self.other)


def with_qemu(folder):
    path = f"{folder}/uart"
    cmd = run.command(run.load_board(BOARD), console.build(folder), serial="chardev:uart",
                      extra=["-monitor", "none", "-chardev", f"socket,id=uart,path={path},server=on,wait=on"])
    machine = subprocess.Popen(cmd, stdin=subprocess.DEVNULL)
    try:
        while not run.listens(path):
            time.sleep(0.05)
        terminal = Terminal(f"unix:{path}")
        terminal.expect(console.PROMPT)
        terminal.type(b"cores\r")
        terminal.expect("4 of 4 cores in use")
        terminal.type(b"\x01r")
        terminal.expect("has no such wires")
        terminal.type(b"help\x15ps\r")  # Ctrl-U goes to the board
        terminal.expect(r"\n +1 +main ")
        terminal.type(b"\x01X")
        terminal.ends(0)
        print("ok   QEMU behind a socket, Ctrl-A X")
        terminal = Terminal(f"unix:{path}")
        terminal.type(b"exit 3\r")
        terminal.expect("has gone")
        terminal.ends(1)
        assert machine.wait(console.HANG_SECONDS) == 3
        print("ok   a board that goes away")
    finally:
        machine.kill()


def with_a_device():
    board, device = pty.openpty()
    terminal = Terminal(os.ttyname(device))
    mode = termios.tcgetattr(device)
    assert mode[4] == mode[5] == termios.B115200, mode
    assert not mode[3] & (termios.ECHO | termios.ICANON) and not mode[1] & termios.OPOST, mode
    os.write(board, b"caf\xc3\xa9\r\n")
    terminal.expect("caf\u00e9")
    terminal.type(b"a\x03\x01\x01\x01qb\x1b[A\r")
    wanted, got = b"a\x03\x01b\x1b[A\r", b""
    while len(got) < len(wanted):
        assert select.select([board], [], [], console.HANG_SECONDS)[0], got
        got += os.read(board, 100)
    assert got == wanted, got
    terminal.type(b"\x01x")
    terminal.ends(0)
    print("ok   a device, raw in both directions")


def main():
    if why := run.cannot_run(run.load_board(BOARD)):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        with_qemu(folder)
    with_a_device()
    return 0


if __name__ == "__main__":
    sys.exit(main())
