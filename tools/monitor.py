#!/usr/bin/env python3
"""A terminal on a board's serial port, 115200 8n1: `make monitor` comes here.

    monitor.py --port /dev/ttyUSB0

Keys go to the board, but after Ctrl-A: X ends, R resets (DTR and RTS go low for a moment, for whoever has wired one
of them to the RUN pin), Ctrl-A is itself.
"""
import argparse
import os
import select
import sys
import termios
import tty

from serial_port import Port

ESCAPE = 0x01  # Ctrl-A


def keys(port, data, escaped):
    """Sends what was typed. Returns whether to go on, and whether the last key was Ctrl-A."""
    for key in data:
        if not escaped:
            if key == ESCAPE:
                escaped = True
            else:
                port.write(bytes([key]))
            continue
        escaped = False
        if key in b"xX":
            return False, False
        if key in b"rR":
            done = port.pulse_reset()
            print("\r\nmonitor: " + ("DTR and RTS were low for a moment" if done else f"{port.name} has no such wires"),
                  end="\r\n", flush=True)
        elif key == ESCAPE:
            port.write(bytes([key]))
    return True, escaped


def converse(port):
    escaped = False
    while True:
        ready = select.select([port.fd, 0], [], [])[0]
        if port.fd in ready:
            try:
                os.write(1, port.read(0))
            except EOFError:
                print(f"\r\nmonitor: {port.name} has gone", end="\r\n")
                return 1
        if 0 in ready:
            data = os.read(0, 1024)
            going, escaped = keys(port, data, escaped)
            if not going or not data:
                return 0


def terminal(port):
    """Until Ctrl-A X; the keyboard is raw meanwhile."""
    words = "monitor: Ctrl-A X ends, Ctrl-A R resets"
    if not sys.stdin.isatty():
        print(words, file=sys.stderr)
        return converse(port)
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)  # keeps what was typed ahead
        print(words, end="\r\n", file=sys.stderr, flush=True)
        return converse(port)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", required=True)
    return terminal(Port(parser.parse_args().port))


if __name__ == "__main__":
    sys.exit(main())
