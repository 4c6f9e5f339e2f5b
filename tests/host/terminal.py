#!/usr/bin/env python3
# A program at a terminal: Ctrl-C is a key, Ctrl-\ ends it, and the terminal is as it was found however it ends.
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

CTRL_C, CTRL_BACKSLASH = b"\x03", b"\x1c"
failures = 0


def check(what, good, terminal):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}" + ("" if good else f"; the terminal shows:\n{terminal.text}"), flush=True)


class Terminal:
    """A program with a terminal of its own, which outlives it."""

    def __init__(self, cmd):
        self.keyboard, self.end = pty.openpty()
        self.found = self.settings()
        self.child = subprocess.Popen(cmd, stdin=self.end, stdout=self.end, stderr=self.end, start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
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
        ends("Ctrl-\\", [image], 128 + signal.SIGINT, CTRL_BACKSLASH)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ends(number.name, [image], 128 + number, kill=lambda pid: os.kill(pid, number))
        make_run = [f"{run.ROOT}/tools/run.py", "--board", "host", "--image", image, "--interactive"]
        ends("Ctrl-\\ under make run", make_run, 128 + signal.SIGINT, CTRL_BACKSLASH)
        ends("kill -9 under make run", make_run, 128 + signal.SIGKILL,
             kill=lambda pid: [os.kill(child, signal.SIGKILL) for child in children_of(pid)])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
