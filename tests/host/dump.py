#!/usr/bin/env python3
# Ctrl-\ on the console of a program that hangs and never reads: all goroutines, who holds what they wait for,
# circles; with idle cores, with hogs, with any one core's interrupts masked; by the watchdog; after a panic.
# boards: virt rpi3
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import console  # noqa: E402
import run  # noqa: E402

KEY = b"\x1c"
CORES = 4


class Asked(console.Session):
    """A program that is asked what its goroutines do."""

    def __init__(self, image, *args, append=None):
        super().__init__(image, args)
        if append is not None:  # as a board's loader gives it, and without anybody who takes its exit status
            self.child.kill()
            self.child.wait()
            cmd = run.command(run.load_board(console.BOARD), image)
            at = cmd.index("-semihosting-config")
            cmd = [*cmd[:at], *cmd[at + 2:], "-append", append]
            self.child = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.selector.close()
            self.selector = console.selectors.DefaultSelector()
            self.selector.register(self.child.stdout, console.selectors.EVENT_READ)
            self.text = ""

    def ask(self, *patterns, key=True):
        if key:
            self.type(KEY)
        self.expect(r"\ndump, \d+ ms after power-on\n")
        said = self.expect(r"\nend of the dump\n")
        self.holds(said, patterns)
        return said

    def holds(self, said, patterns):
        for pattern in patterns:
            if not console.re.search(pattern, said):
                self.fail(f"no /{pattern}/ in: {said}")

    def rest(self):
        """Until main() sleeps: just after its last word it may be where no frame tells of it."""
        for _ in range(50):
            if MAIN_SLEEPS in self.ask():
                return
        self.fail("main() does not come to sleep")

    def end(self, what):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        print(f"ok   {what}", flush=True)


MAIN_SLEEPS = 'goroutine 1 [sleep]: "main"'
LINE = r"\t%s\+0x[0-9a-f]+ \(0x[0-9a-f]+\)\n"
WAITED = r"\thas waited for \d+ ms"
LOCK = r"sync\.Mutex\.Lock"
ALWAYS = (
    r'\ngoroutine \d+ \[chan receive\]: "waiter"\n(\t.*\n)*' + LINE % "waiter" + r"(\t.*\n)*" + WAITED +
    r"\ncreated by start\+0x[0-9a-f]+ in goroutine 1\n",
    rf'goroutine \d+ \[{LOCK}\]: "lefty"\n(\t.*\n)*' + LINE % r"eats_with\S*" + r"(\t.*\n)*" + WAITED +
    r' for 0x[0-9a-f]+, held by goroutine \d+ "righty"\n',
    rf'goroutine \d+ \[{LOCK}\]: "righty"\n(\t.*\n)*' + WAITED + r' for 0x[0-9a-f]+, held by goroutine \d+ "lefty"\n',
    r'goroutine 1 \[.*\]: "main".*\n(\t.*\n)*' + LINE % "(app_)?main",
    r"\nwatchdog: 2 goroutines wait for each other for ever:\n"
    rf'\tgoroutine \d+ "(lefty|righty)" \[{LOCK}\] waits for (0x\w+), which is held by goroutine \d+ "(lefty|righty)"',
)


def idle(image):
    s = Asked(image)
    s.expect("all wait\n")
    s.rest()
    s.ask(*ALWAYS)
    s.ask(*ALWAYS)  # and again
    s.end("idle cores")


def hogs(image):
    s = Asked(image, "--hogs")
    s.expect("all wait\n")
    s.rest()
    for _ in range(50):  # until each core has taken one
        said = s.ask(*ALWAYS)
        if said.count('"hog"') != 2 * CORES:
            s.fail(f"a hog is missing: {said}")
        running = console.re.findall(r'\[running\]: "hog" on core (\d)\n' + LINE % "hog", said)
        if sorted(running) == ["0", "1", "2", "3"]:
            break
    else:
        s.fail(f"no hog is shown running on each core with its frames: {said}")
    s.end("hogs, with the frames of those that run")


def mask(image, core, *args):
    """A core that takes no interrupt; the others answer for it."""
    s = Asked(image, f"--mask={core}", *args)
    s.expect("masked\n")
    silent = rf"core {core} does not answer: .*; at its last tick it ran goroutine \d+ at \S+\+0x"
    if "--hogs" in args:  # the ticks of the other cores notice it by themselves
        s.expect(rf"\nwatchdog: core {core} is stuck: it has taken no tick for \d+ ms; at its last tick it ran")
        s.ask(silent, r'\[running, locked to core \d\]: "masked" on core', *ALWAYS, key=False)
    for _ in range(5):  # another may be late by the second that a dump waits for it
        said = s.ask(silent)
        if said.count("does not answer") == 1 and MAIN_SLEEPS in said:
            break
    else:
        s.fail(f"other cores do not answer, or main() does not come to sleep: {said}")
    s.holds(said, [r'\[running, locked to core \d\]: "masked" on core', *ALWAYS])
    s.end(f"core {core} masked {' '.join(args)}")


def panic(image):
    """It has ended, and the machine cannot or must not go off."""
    s = Asked(image, append="exit=halt -- schedtrace=5 --panic --hogs")
    s.expect(r"\nSCHED \d+ms: gomaxprocs=4 ")  # from the device tree's bootargs, from cmdline.txt as the firmware hands it on
    s.expect(r"panic: the soup is cold")
    s.expect(r"\nBareloom: exit status 2\n")
    s.ask(*ALWAYS[:3], ALWAYS[4], r'\[running\]: "hog" on core \d\n' + LINE % "hog")
    s.ask(*ALWAYS[:3])
    s.end("after a panic")


def main():
    if why := run.cannot_run(run.load_board(console.BOARD)):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        image = console.build(folder, "tests/host/dump_app")
        idle(image)
        hogs(image)
        for core in range(CORES):
            mask(image, core)
        mask(image, 0, "--hogs")
        mask(image, CORES - 1, "--hogs")
        panic(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
