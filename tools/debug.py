#!/usr/bin/env python3
"""Runs a program under gdb with tools/gdb/bareloom.py, stopped at its main(). `make debug` comes here.

A board runs in QEMU, whose console shows in the same terminal; gdb's `type TEXT` sends it keys, and so does
whatever writes to the pipe that is named at the start. With --dump it is a memory dump instead, with
--debugger none QEMU waits at its first instruction until a debugger connects. After -- come more arguments
for gdb; with -batch among them it is not told to go to main().
"""
import argparse
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import run

SCRIPT = f"{run.ROOT}/tools/gdb/bareloom.py"
# gdb's own two seconds for an answer are short where QEMU, or an OpenOCD with a slow adapter, is kept waiting.
# Its threads that read symbols were once seen to leave a structure without its members (gdb 13).
QUIET = ["-iex", "set confirm off", "-iex", "set print thread-events off", "-iex", "set remotetimeout 60",
         "-iex", "maint set worker-threads 0"]
# The host's stacks are committed by faults.
HOST = ["-ex", "handle SIGSEGV SIGBUS nostop noprint pass"]
TO_MAIN = ["-ex", "tbreak app_main"]


def find_debugger(board, wanted):
    """Its name; None, with a line of what is missing."""
    known = [wanted] if wanted else ["gdb", "gdb-multiarch"] if board["HAL"] == "host" else ["gdb-multiarch"]
    for name in known:
        if shutil.which(name):
            return name
    print(f"debug: there is no {wanted} here; DEBUGGER=path is a gdb that knows the machine, DEBUGGER=none is none" if wanted else
          "debug: no gdb-multiarch here: run `make setup`; or DEBUGGER=path of a gdb that knows the machine",
          file=sys.stderr)
    return None


def gdb(name, rest, env=None):
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is gdb's
    return run.describe(subprocess.call([name, "-q", *QUIET, "-x", SCRIPT, *rest], env=env))


@contextlib.contextmanager
def qemu(cmd, console):
    """QEMU with its console in this terminal, keys from the pipe at console."""
    keys = os.open(console, os.O_RDWR)  # so that there is always a writer
    child = subprocess.Popen(cmd, stdin=keys, start_new_session=True)  # Ctrl-C is not for it
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        os.close(keys)


def wait_for_socket(path, child):
    while not run.listens(path):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
            return False
    return True


def in_qemu(board, opts, name, args, rest):
    with tempfile.TemporaryDirectory(prefix="bareloom-") as folder:
        console, server = f"{folder}/console", f"{folder}/gdb"
        os.mkfifo(console)
        extra = ["-S", "-gdb", f"unix:{server},server=on,wait=off"]
        cmd = run.command(board, opts.image, args, opts.smp, opts.gic, extra=extra)
        with qemu(cmd, console) as child:
            if not wait_for_socket(server, child):
                return 1
            if "-batch" not in rest:
                print(f"debug: the program's console shows here; keys: `type TEXT` in gdb, or {console}", flush=True)
                rest = [*TO_MAIN, "-ex", "continue", *rest]
            return gdb(name, [opts.elf, "-ex", f"target remote {server}", *rest],
                       dict(os.environ, BARELOOM_CONSOLE=console))


def on_host(opts, name, args, rest):
    if "-batch" not in rest:
        rest = [*TO_MAIN, "-ex", "run", *rest]
    return gdb(name, [*HOST, *rest, "--args", opts.image, *args],
               dict(os.environ, BARELOOM_CORES=str(opts.smp)) if opts.smp else None)


def at_remote(opts, name):
    if not os.path.exists(f"{run.ROOT}/boards/{opts.board}/openocd.cfg"):
        print(f"debug: board {opts.board} has no JTAG here; BOARD=rpi3 and BOARD=rpi4 have", file=sys.stderr)
        return 2
    host, _, port = opts.remote.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except (OSError, ValueError) as error:
        print(f"debug: nothing answers at {opts.remote} ({error}): `make jtag BOARD={opts.board} ADAPTER=...` first, in "
              "another terminal", file=sys.stderr)
        return 2
    return gdb(name, [opts.elf, "-ex", f"target remote {opts.remote}", *opts.gdb_args])


def alone(board, opts, args):
    """QEMU until it is ended, stopped at its first instruction."""
    cmd = run.command(board, opts.image, args, opts.smp, opts.gic,
                      serial="mon:stdio" if sys.stdin.isatty() else "stdio",
                      extra=["-S", "-gdb", "tcp:localhost:1234"])
    print(f"debug: stopped; now, in another terminal:\n"
          f"  gdb-multiarch {opts.elf} -x {SCRIPT} -ex 'target remote localhost:1234'", file=sys.stderr)
    os.execvp(cmd[0], cmd)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True, choices=run.boards())
    parser.add_argument("--image", required=True)
    parser.add_argument("--elf", required=True, help="the program with its symbols")
    parser.add_argument("--smp", type=int)
    parser.add_argument("--gic", type=int, default=3, choices=(2, 3))
    parser.add_argument("--debugger", default="", help="a gdb, or none")
    parser.add_argument("--dump", default="", help="a memory dump of this program instead of a run")
    parser.add_argument("--remote", default="", metavar="HOST:PORT", help="a program that an OpenOCD holds")
    parser.add_argument("--args", default="", help="the program's arguments")
    parser.add_argument("gdb_args", nargs="*", help="more for gdb")
    opts = parser.parse_args()

    board, args = run.load_board(opts.board), shlex.split(opts.args)
    host = board["HAL"] == "host"
    if not opts.dump and not opts.remote and (why := run.cannot_run(board)):
        print(f"debug: {why}", file=sys.stderr)
        return run.SKIP
    if opts.debugger == "none" and not opts.dump and not opts.remote:
        if host:
            print("debug: DEBUGGER=none is for boards that QEMU runs", file=sys.stderr)
            return 2
        alone(board, opts, args)
    name = find_debugger(board, opts.debugger)
    if name is None:
        return run.SKIP
    if opts.dump:
        if not os.path.isfile(opts.dump):
            print(f"debug: DUMP={opts.dump} is no file", file=sys.stderr)
            return 2
        return gdb(name, [opts.elf, "-ex", f"memory-dump {shlex.quote(os.path.abspath(opts.dump))}", *opts.gdb_args])
    if opts.remote:
        return at_remote(opts, name)
    return on_host(opts, name, args, opts.gdb_args) if host else in_qemu(board, opts, name, args, opts.gdb_args)


if __name__ == "__main__":
    sys.exit(main())
