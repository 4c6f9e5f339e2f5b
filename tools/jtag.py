#!/usr/bin/env python3
"""Loads a program into a Raspberry Pi over JTAG, starts it on all four cores, and stays for gdb: `make jtag` comes
here. docs/JTAG.md has the wiring. Nothing of it has been seen on hardware.

    jtag.py --board rpi3 --adapter um232h --image build/rpi3/.../kernel8.img [--attach]

--attach: looks at what runs already, loads and starts nothing.
"""
import argparse
import os
import shlex
import shutil
import sys

import run

# Names for OpenOCD's files; any other file of its kind may be given with its path.
ADAPTERS = {
    "busblaster": "interface/ftdi/dp_busblaster.cfg",
    "c232hm": "interface/ftdi/c232hm.cfg",
    "cmsis-dap": "interface/cmsis-dap.cfg",
    "flyswatter2": "interface/ftdi/flyswatter2.cfg",
    "jlink": "interface/jlink.cfg",
    "minimodule": "interface/ftdi/minimodule.cfg",
    "olimex-ocd-h": "interface/ftdi/olimex-arm-usb-ocd-h.cfg",
    "olimex-tiny-h": "interface/ftdi/olimex-arm-usb-tiny-h.cfg",
    "tigard": "interface/ftdi/tigard.cfg",
    "um232h": "interface/ftdi/um232h.cfg",
    "xds110": "interface/xds110.cfg",
}


def die(text, status=2):
    print(f"jtag: {text}", file=sys.stderr)
    sys.exit(status)


def adapter_file(name):
    if name in ADAPTERS:
        return ADAPTERS[name]
    if name.endswith(".cfg") and os.path.isfile(name):
        return os.path.abspath(name)
    die(f"ADAPTER={name} is unknown; it is one of: {' '.join(sorted(ADAPTERS))}; or the path of a .cfg file of OpenOCD's")


def command(board, adapter, image, attach):
    script = f"boards/{board['NAME']}/openocd.cfg"
    if not os.path.exists(f"{run.ROOT}/{script}"):
        with_jtag = [b for b in run.boards() if os.path.exists(f"{run.ROOT}/boards/{b}/openocd.cfg")]
        die(f"board {board['NAME']} has no JTAG here; it is one of: {' '.join(with_jtag)}")
    cmd = ["openocd", "-s", run.ROOT, "-f", adapter_file(adapter), "-f", script, "-c", "init"]
    if not attach:
        cmd += ["-c", f"bareloom_load {{{os.path.abspath(image)}}} {board['LOAD_ADDR']}"]
    return cmd


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", required=True, choices=run.boards())
    parser.add_argument("--adapter", default="")
    parser.add_argument("--image", required=True)
    parser.add_argument("--attach", action="store_true")
    parser.add_argument("--show", action="store_true", help="print the command line, run nothing")
    opts = parser.parse_args()
    cmd = command(run.load_board(opts.board), opts.adapter, opts.image, opts.attach)
    if opts.show:
        print(shlex.join(cmd))
        return 0
    if not shutil.which("openocd"):
        die("no openocd here: run `make setup`", run.SKIP)
    print("jtag: not seen on hardware yet; Ctrl-C ends it, the program goes on", flush=True)
    os.execvp(cmd[0], cmd)


if __name__ == "__main__":
    sys.exit(main())
