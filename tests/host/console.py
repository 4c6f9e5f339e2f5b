#!/usr/bin/env python3
# wordcount's prompt, as somebody at the keyboard meets it: commands, editing, echo under eight hogs, exit.
# boards: virt rpi3 host
import codecs
import contextlib
import fcntl
import itertools
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import run  # noqa: E402

BOARD = os.environ.get("BOARD", "virt")
HANG_SECONDS = 100  # nothing is measured by it
PROMPT = "bareloom> "


@contextlib.contextmanager
def build_lock():
    """One script at a time: the harness runs them side by side, and two could want the same application with another INPUT.
    Not silent: the harness takes long silence for a hang."""
    os.makedirs(f"{run.ROOT}/build", exist_ok=True)
    with open(f"{run.ROOT}/build/.lock", "w") as lock:
        for tries in itertools.count():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tries % 100 == 99:
                    print("waits for another script's build", flush=True)
                time.sleep(0.2)
        yield


def build(folder, app="examples/wordcount", *settings):
    """A copy of app's image in folder."""
    make = ["make", "-s", "-C", run.ROOT, f"BOARD={BOARD}", f"APP={app}", *settings]
    with build_lock():
        subprocess.run(make, check=True)
        path = subprocess.run([*make, "image-path"], check=True, capture_output=True, text=True).stdout.strip()
        return shutil.copy(os.path.join(run.ROOT, path), folder)


class Session:
    def __init__(self, image, args=(), extra=()):
        cmd = run.command(run.load_board(BOARD), image, args, extra=extra)
        self.child = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.child.stdout, selectors.EVENT_READ)
        self.text = ""  # what came and was not expected yet
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read(self):
        """Waits for more output; False at its end."""
        if not self.selector.select(HANG_SECONDS):
            self.fail("hangs")
        data = os.read(self.child.stdout.fileno(), 65536)
        self.text = (self.text + self.decoder.decode(data)).replace("\r\n", "\n")
        return bool(data)

    def fail(self, why):
        self.child.kill()
        print(f"FAIL {why}; the last output was:\n{self.text[-2000:]}")
        sys.exit(1)

    def expect(self, pattern):
        """Waits until pattern comes; returns what came up to its end, which counts as read."""
        while not (match := re.search(pattern, self.text)):
            if not self.read():
                self.fail(f"ended before /{pattern}/ came")
        seen, self.text = self.text[:match.end()], self.text[match.end():]
        return seen

    def type(self, keys):
        self.child.stdin.write(keys.encode() if isinstance(keys, str) else keys)
        self.child.stdin.flush()

    def command(self, line, *patterns):
        """Types a line; its answer must match all patterns."""
        self.type(line + "\r")
        answer = self.expect(re.escape(line) + r"\n(?s:.*?)" + re.escape(PROMPT))
        for pattern in patterns:
            if not re.search(pattern, answer):
                self.fail(f"no /{pattern}/ in the answer to {line!r}: {answer}")
        print(f"ok   {line}", flush=True)
        return answer

    def ends_with(self, status):
        """Waits for the end of the program."""
        while self.read():
            pass
        self.child.stdin.close()
        got = run.describe(self.child.wait(HANG_SECONDS))
        if got != status:
            self.fail(f"exit status {got} instead of {status}")
        print(f"ok   exit status {status}")


def commands(s):
    s.command("help", r"hogs N", r"reboot")
    s.command("ps", r"\n +1 +main ", r" console +running", r"\d+ Gs;")
    s.command("cores", r"\n +0( +\d+){5} ", r"\n +3( +\d+){5} ", r"4 of 4 cores in use")
    s.command("frobnicate", r'unknown command "frobnicate"; there are: help ps top lanes cores hogs wc exit reboot\n')
    s.command("top 2", r"(?s:.*)4 of 4 cores, \d+ goroutines(?s:.*)\n *2 +[\d.]+ [.#]{20} (?s:.*) console +[\d.]+  running(?s:.*)"
              r"goroutines", r"\n *1  main +0.0  chan receive")
    s.command("lanes often", r"usage: lanes \[MS\] \(1 to 60000\)")
    s.command("top often", r"usage: top \[TIMES\]")
    s.command("schedtrace=often", r"schedtrace=often: schedtrace= wants a number from 0 to 3600000\n")
    s.command("policy=best", r"policy=best: there is policy=gmp policy=fifo ")
    s.command("policy=fifo")
    s.command("cores", r"4 of 4 cores in use")
    s.command("policy=gmp")
    s.command("runnext=maybe", r"runnext=maybe: runnext= wants on or off\n")
    s.command("cores=9", r"cores=9: cores= wants a number from 1 to 4\n")
    s.command("cores=2")
    s.command("cores", r"2 of 4 cores in use")
    s.command("cores=4")
    s.command("hogs", r"usage: hogs N \(0 to 1000\)")
    s.command("hogs many", r"usage: hogs")
    s.command("ps aux", r"usage: ps\n")
    s.command("cores 99", r"usage: cores \[N\] \(1 to all\)")
    s.command("exit 256", r"usage: exit \[CODE\] \(0 to 255\)")
    s.command("", r"")


def editing(s):
    s.type("helpx\x7f\r")
    s.expect("help")
    s.expect("x\b \b\n")
    s.expect(PROMPT)
    s.type("wrong\x15ps\r")
    s.expect("wrong" + "\b \b" * 5 + "ps\n   id")
    s.expect(PROMPT)
    s.type("abc\x03")
    s.expect(r"abc\^C\n" + PROMPT)
    s.type("\x1b[A\x1b[1;5Dp\x1bOPs\r")  # arrows and F1 leave no trace
    s.expect("^ps\n   id")
    s.expect(PROMPT)
    s.type("y" * 100 + "\x15\x7f")
    s.expect("y{72}\a{28}" + "(\b \b){72}")
    s.type("\tps\n")  # a key that means nothing rings the bell; a lone LF ends a line as well
    s.expect("\aps\n   id")
    s.expect(PROMPT)
    print("ok   editing")


def hogs(s):
    s.command("hogs 8", r"\n8 hogs\n")
    for key in "help":  # each echo comes while all cores are in loops that call nothing
        s.type(key)
        s.expect(key)
    s.type("\r")
    s.expect(PROMPT)
    print("ok   echo under hogs")
    answer = s.command("ps", r"\n +1 +main +chan receive ")
    if len(re.findall(r" hog +run", answer)) != 8:
        s.fail(f"there are not 8 hogs: {answer}")
    s.command("lanes", *(rf"\ncore {core} \|[A-Z. ]{{100}}\|\n" for core in range(4)), r"\na column is 1\.00 ms; ",
              *(rf"\n[A-Z] goroutine \d+ {name}\n" for name in ("hog", "console")))
    s.command("cores 2", r"2 of 4 cores in use")
    s.command("wc", r"counting \[#{20}\] 100 %", r"\n +9824  the\n", r"\n +567060  bytes\n")
    s.command("cores 4", r"4 of 4 cores in use")
    s.command("hogs 0", r"\n0 hogs\n")
    tries = 0
    while " hog " in s.command("ps"):  # each said that it stops, and then has a few instructions left
        tries += 1
        if tries == 100:
            s.fail("a hog is left")
        time.sleep(0.1)


def main():
    board = run.load_board(BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        image = build(folder)
        s = Session(image)
        s.expect(r"counting \[#{20}\] 100 %")
        s.expect(PROMPT)
        commands(s)
        editing(s)
        hogs(s)
        s.type("reboot\r")
        s.expect(r"totals")
        s.expect(PROMPT)
        print("ok   reboot")
        s.type("schedtrace=100\r")
        s.expect(r"SCHED \d+ms: gomaxprocs=4 .*\n(?s:.*)SCHED ")
        s.type("schedtrace=0\rexit 7\r")  # the last: its lines come between the letters of echoes and prompts
        s.ends_with(7)
    return 0


if __name__ == "__main__":
    sys.exit(main())
