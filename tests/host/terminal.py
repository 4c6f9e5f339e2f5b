#!/usr/bin/env python3
# A program at a terminal: Ctrl-C is a key, Ctrl-\ shows its goroutines and it goes on, Ctrl-A X ends it, and the terminal
# is as it was found however it ends.
# boards: host
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import console  # noqa: E402
import run  # noqa: E402

CTRL_A, CTRL_C, CTRL_BACKSLASH = b"\x01", b"\x03", b"\x1c"
failures = 0


def check(what, good, terminal):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}" + ("" if good else f"; the terminal shows:\n{terminal.text}"), flush=True)


def enter_terminal():
    """What a login does: the keys' signals do what they do by default, although they are ignored where the tests run in
    the background."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program with a terminal of its own, which outlives it."""

    def __init__(self, cmd):
        self.keyboard, self.end = pty.openpty()
        self.found = self.settings()
        self.child = subprocess.Popen(cmd, stdin=self.end, stdout=self.end, stderr=self.end, start_new_session=True,
                                      preexec_fn=enter_terminal)
        self.text = ""

    def settings(self):
        return termios.tcgetattr(self.end)

    def expect(self, words):
        while words not in self.text:
            if not select.select([self.keyboard], [], [], console.HANG_SECONDS)[0]:
                return False
            self.text += os.read(self.keyboard, 4096).decode(errors="replace")
        return True

    def type(self, keys):
        os.write(self.keyboard, keys)

    def close(self):
        os.close(self.keyboard)
        os.close(self.end)


def ends(what, cmd, wanted, keys=b"", kill=None):
    """Keys or a signal end the program with status `wanted`, and the terminal is again as it was."""
    t = Terminal(cmd)
    good = t.expect("ready")
    t.type(CTRL_C)
    check(f"{what}: Ctrl-C is a key", good and t.expect("key 3"), t)
    check(f"{what}: the terminal is raw", not t.settings()[3] & termios.ICANON, t)
    t.type(keys)
    if kill:
        kill(t.child.pid)
    status = run.describe(t.child.wait(console.HANG_SECONDS))
    check(f"{what}: status {status} is {wanted}", status == wanted, t)
    check(f"{what}: the terminal is as it was", t.settings() == t.found, t)
    t.close()


def goes_on(what, cmd):
    """It is asked twice what its goroutines do, and takes keys all the same."""
    t = Terminal(cmd)
    good = t.expect("ready")
    for key in (b"1", b"2"):
        t.type(CTRL_BACKSLASH)
        check(f"{what}: all goroutines are shown", good and t.expect('goroutine 1 [') and t.expect("end of the dump"), t)
        t.text = ""
        t.type(CTRL_A + CTRL_A + CTRL_A + b"k" + key)  # one Ctrl-A; what follows another is for the terminal
        check(f"{what}: it goes on", t.expect("key 1\r\n") and t.expect(f"key {key[0]}\r\n") and "key 28" not in t.text
              and "key 107" not in t.text, t)
    t.type(b"q")
    status = run.describe(t.child.wait(console.HANG_SECONDS))
    check(f"{what}: status {status}", status == (2 if cmd[0] == "make" else 4), t)
    t.close()


def never_reads(image):
    """Then the terminal is not raw, and the key is a signal."""
    t = Terminal([image])
    good = t.expect("all wait")
    check("it never reads: the terminal is as it was", t.settings() == t.found, t)
    for _ in range(2):
        t.type(CTRL_BACKSLASH)
        check("it never reads: who holds what", good and t.expect('held by goroutine') and t.expect("end of the dump"), t)
        t.text = ""
    t.type(CTRL_C)
    check("it never reads: Ctrl-C ends it", run.describe(t.child.wait(console.HANG_SECONDS)) == 128 + signal.SIGINT, t)
    t.close()


def children_of(pid):
    return [int(p) for p in subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True,
                                           text=True).stdout.split()]


def main():
    with tempfile.TemporaryDirectory() as folder:
        image = console.build(folder, "tests/programs/terminal")
        ends("return from main()", [image], 4, b"q")
        ends("exit()", [image], 5, b"e")
        ends("deadlock", [image], 2, b"d")
        ends("panic", [image], 2, b"p")
        ends("fault", [image], 2, b"f")
        ends("abort()", [image], 128 + signal.SIGABRT, b"a")
        ends("raise(SIGTERM)", [image], 128 + signal.SIGTERM, b"t")
        ends("Ctrl-A X", [image], 128 + signal.SIGINT, CTRL_A + b"x")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ends(number.name, [image], 128 + number, kill=lambda pid: os.kill(pid, number))
        make_run = [f"{run.ROOT}/tools/run.py", "--board", "host", "--image", image, "--interactive"]
        ends("Ctrl-A X under make run", make_run, 128 + signal.SIGINT, CTRL_A + b"X")
        goes_on("Ctrl-\\", [image])
        goes_on("Ctrl-\\ under make run", make_run)
        goes_on("Ctrl-\\ under make", ["make", "-s", "-C", run.ROOT, "run", "BOARD=host", "APP=tests/programs/terminal"])
        ends("kill -9 under make run", make_run, 128 + signal.SIGKILL,
             kill=lambda pid: [os.kill(child, signal.SIGKILL) for child in children_of(pid)])
    with tempfile.TemporaryDirectory() as folder:
        never_reads(console.build(folder, "tests/host/dump_app"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
