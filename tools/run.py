#!/usr/bin/env python3
"""Runs an image: in QEMU, or as a process for the host board. `make run` and the tests both come here.

    run.py --board virt --image build/virt/examples/hello/virt.img --args '--flag word'

The exit status is the program's own, which semihosting hands to QEMU. Else: 124 when there was no exit
within --timeout seconds, 77 when the QEMU here is too old for the board.
"""
import argparse
import atexit
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HANG = 124
SKIP = 77


def boards():
    return sorted(b for b in os.listdir(f"{ROOT}/boards")
                  if os.path.exists(f"{ROOT}/boards/{b}/board.mk"))


def load_board(name):
    """boards/NAME/board.mk as a dict; it holds only lines of NAME := value."""
    board = {"NAME": name}
    with open(f"{ROOT}/boards/{name}/board.mk") as file:
        for line in file:
            if match := re.match(r"(\w+)\s*:=\s*(.*)", line):
                board[match[1]] = match[2].strip()
    return board


@functools.cache
def qemu_version():
    """(10, 0, 2), or None when there is no QEMU."""
    if not shutil.which("qemu-system-aarch64"):
        return None
    text = subprocess.run(["qemu-system-aarch64", "--version"], capture_output=True, text=True).stdout
    match = re.search(r"version (\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else None


def cannot_run(board):
    """Why this computer cannot run the board, and how to mend it; None if it can."""
    if board["HAL"] == "host":
        return None
    have, want = qemu_version(), int(board["QEMU_MIN"])
    if have is None:
        return "no qemu-system-aarch64 here: run `make setup`"
    if have[0] < want:
        return (f"board {board['NAME']} needs QEMU {want}, here is {have[0]}.{have[1]}: run `make setup`"
                f" (Debian 12: from backports), or put a newer qemu-system-aarch64 on PATH")
    return None


def poison(board, image, size):
    """QEMU arguments that fill `size` bytes of RAM behind the image with 0xa5: nothing may rely on
    memory that happens to be zero."""
    file = tempfile.NamedTemporaryFile(prefix="poison-", delete=False)
    atexit.register(os.unlink, file.name)
    file.write(b"\xa5" * size)
    file.close()
    start = int(board["LOAD_ADDR"], 0) + os.path.getsize(image)
    return ["-device", f"loader,file={file.name},addr={start:#x},force-raw=on"]


def turns(microseconds):
    """QEMU arguments: under -icount it turns to its next core when a timer of its own is due. This one comes every so many
    microseconds, so a core is left at any instruction, and not only where the image says so. NO_PEER is what QEMU prints."""
    return ["-netdev", "hubport,id=turn,hubid=0",
            "-object", f"filter-buffer,id=turns,netdev=turn,interval={microseconds}"]


NO_PEER = "netdev turn has no peer"  # which is what we want


def command(board, image, args=(), smp=None, gic=3, icount=None, el2=False, serial="stdio", extra=(),
            memory=None, disk=None, counter_hz=1000000000):
    """The command line that runs image on board with args as the program's arguments."""
    if board["HAL"] == "host":
        return ["env", f"BARELOOM_CORES={smp or os.environ.get('BARELOOM_CORES', board['CORES'])}", image, *args]
    smp = smp or int(board["CORES"])
    line = board["QEMU"].replace("$(SMP)", str(smp)).replace("$(GIC)", str(gic))
    if memory:
        line = re.sub(r"-m \S+", f"-m {memory}", line)
    if el2:
        line = re.sub(r"-M \S+", lambda match: match[0] + ",virtualization=on", line)
    # No network reaches the guest. A built-in card without a peer makes QEMU warn, so it gets a closed one.
    cards = int(board.get("QEMU_NICS", 0))
    nics = ["-nic", "user,restrict=on"] * cards or ["-nic", "none"]
    # QEMU 7 knows -audiodev alone, later ones want -audio, or zcu102 looks for a sound server.
    audio = ["-audio", "none"] if (qemu_version() or (8,)) >= (8,) else ["-audiodev", "none,id=none"]
    argv = ",".join("arg=" + a.replace(",", ",,") for a in ["bareloom", *args])
    cmd = ["qemu-system-aarch64", *line.split(), "-kernel", image, "-display", "none", *audio, *nics,
           "-semihosting-config", f"enable=on,target=native,{argv}",
           *board.get("QEMU_SERIAL", "").split(), "-serial", serial]
    if serial == "stdio":
        cmd += ["-monitor", "none"]
    if icount is not None:
        # One instruction is a nanosecond and a tick of the counter, if nothing else is said; idle time costs nothing.
        cmd += ["-icount", f"shift={icount},sleep=off",
                "-global", f"{board['CPU']}-arm-cpu.cntfrq={counter_hz}"]
    if disk:
        cmd += board["QEMU_DISK"].replace("$(DISK)", disk.replace(",", ",,")).split()
    return [*cmd, *extra]


def listens(path):
    """Whether somebody listens at the Unix socket path: between bind() and listen() it is there, and refuses."""
    with open("/proc/net/unix") as sockets:
        return any(line.endswith(f" {path}\n") and int(line.split()[3], 16) & 1 << 16 for line in sockets)


def describe(status):
    """A signal's death as a shell gives it."""
    return 128 - status if status < 0 else status


def run(cmd, timeout):
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL) as child:
        try:
            return describe(child.wait(timeout or None))
        except subprocess.TimeoutExpired:
            child.kill()
            print(f"run: no exit within {timeout:g} s", file=sys.stderr)
            return HANG
        except KeyboardInterrupt:
            child.kill()
            return 128 + signal.SIGINT


def run_on_terminal(cmd):
    """A program of this computer, which may make the terminal raw: however it ends, kill -9 too, the terminal is then
    as it was."""
    found = termios.tcgetattr(sys.stdin)
    for key in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(key, lambda *_: None)  # for the program alone, which would inherit SIG_IGN
    try:
        return describe(subprocess.call(cmd))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True, choices=boards())
    parser.add_argument("--image", required=True)
    parser.add_argument("--smp", type=int)
    parser.add_argument("--gic", type=int, default=3, choices=(2, 3))
    parser.add_argument("--el2", action="store_true", help="enter at EL2 (virt, zcu102)")
    parser.add_argument("--icount", type=int, metavar="SHIFT", help="deterministic virtual time")
    parser.add_argument("--poison", type=int, metavar="MIB", help="fill RAM behind the image first")
    parser.add_argument("--memory", metavar="SIZE", help="RAM, as 4G (virt, zcu102)")
    parser.add_argument("--disk", metavar="FILE", help="what lies in its slot (rpi3, rpi4, virt)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds; 0 waits for ever")
    parser.add_argument("--interactive", action="store_true",
                        help="the terminal is the console; without one the program gets --batch")
    parser.add_argument("--args", default="", help="the program's arguments")
    parser.add_argument("--show", action="store_true", help="print the command line, run nothing")
    argv = sys.argv[1:]
    if "--args" in argv[:-1]:  # its value may begin with a dash
        at = argv.index("--args")
        argv[at:at + 2] = ["--args=" + argv[at + 1]]
    opts = parser.parse_args(argv)

    board = load_board(opts.board)
    if why := cannot_run(board):
        print(f"run: {why}", file=sys.stderr)
        return SKIP
    args = shlex.split(opts.args)
    console = opts.interactive and sys.stdin.isatty()
    if not console and "--batch" not in args:
        args.append("--batch")
    extra = poison(board, opts.image, opts.poison << 20) if opts.poison else []
    host = board["HAL"] == "host"
    cmd = command(board, opts.image, args, opts.smp, opts.gic, opts.icount, opts.el2,
                  "mon:stdio" if console else "stdio", extra, opts.memory, opts.disk)
    if opts.show:
        print(shlex.join(cmd))
        return 0
    if console:
        print("run: " + ("Ctrl-A X ends the program (Ctrl-C one that reads no keys)" if host else "Ctrl-A X ends QEMU")
              + ", Ctrl-\\ shows its goroutines", file=sys.stderr)
        if host:
            return run_on_terminal(cmd)
        os.execvp(cmd[0], cmd)
    return run(cmd, opts.timeout)


if __name__ == "__main__":
    sys.exit(main())
