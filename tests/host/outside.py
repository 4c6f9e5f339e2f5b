#!/usr/bin/env python3
# What stands outside of the machine, moved by QEMU: virt's power button, to the example button; a watchdog; a
# thermometer on I2C that gets warmer, to the example thermostat; a memory on SPI.
# boards: virt rpi3
import json
import os
import socket
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import console  # noqa: E402
import run  # noqa: E402

BOARD = os.environ.get("BOARD", "virt")
POWER_BUTTON = 3  # of virt's GPIO


class Monitor:
    """QEMU's monitor, at the socket that extra() makes it open."""

    def __init__(self, folder):
        self.path = f"{folder}/monitor"

    def extra(self):
        return ["-qmp", f"unix:{self.path},server=on,wait=off"]

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.lines = self.socket.makefile()
        self.lines.readline()  # its greeting
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "event" in (answer := json.loads(self.lines.readline())):
            pass
        if "error" in answer:
            raise SystemExit(f"FAIL {command}: {answer['error']}")
        return answer["return"]


def session(folder, app, *args, extra=()):
    """The program app, begun, and the monitor of the machine that it runs on."""
    monitor = Monitor(folder)
    s = console.Session(console.build(folder, app), args, extra=[*monitor.extra(), *extra])
    return s, monitor


def button(folder):
    """Up and down by QEMU's test protocol: its monitor lets the button go after 100 ms, and a machine that is stopped for
    as long takes that for a bounce."""
    s, monitor = session(folder, "examples/button", "4", extra=["-qtest", f"unix:{folder}/pins,server=on,wait=off",
                                                                "-qtest-log", "none"])
    if BOARD != "virt":
        s.expect("this machine's pins do not say when they change\n")
        s.ends_with(1)
        return
    s.expect("press the button 4 times\n")
    monitor.connect()
    gpio = next(o["name"] for o in monitor.do("qom-list", path="/machine/unattached") if o["type"] == "child<pl061>")
    pins = socket.socket(socket.AF_UNIX)
    pins.connect(f"{folder}/pins")
    answers = pins.makefile()
    for n, led in enumerate(["on", "off", "on", "off"], 1):
        for level, line in [(1, f"press {n}: LED {led}\n"), (0, "released\n")]:
            pins.sendall(f"set_irq_in /machine/unattached/{gpio} unnamed-gpio-in {POWER_BUTTON} {level}\n".encode())
            assert answers.readline() == "OK\n"
            s.expect(f"^{line}")  # before that it does not change again
    s.ends_with(0)


def watchdog(folder):
    """QEMU resets at once, whatever the time."""
    if BOARD == "rpi3":
        s, _ = session(folder, "tests/programs/watchdog")
        s.expect("last reset: power\n(?s:.*)Bareloom on ")
        s.child.kill()


def thermostat(folder):
    if BOARD != "rpi3":
        s, _ = session(folder, "examples/thermostat")
        s.expect("this board has no I2C bus\n")
        s.ends_with(1)
        return
    s, _ = session(folder, "examples/thermostat")
    s.expect("no thermometer answers at address 0x48\n")
    s.ends_with(1)
    s, monitor = session(folder, "examples/thermostat", "22", "1000",
                         extra=["-device", "tmp105,id=room,bus=i2c-bus.1,address=0x48"])
    s.expect("0.00 degrees: heat 100 %\n")
    monitor.connect()
    for millidegrees, line in [(21000, "21.00 degrees: heat 50 %"), (22500, "22.50 degrees: heat 0 %"),
                               (20000, "20.00 degrees: heat 100 %"), (21500, "21.50 degrees: heat 25 %")]:
        monitor.do("qom-set", path="/machine/peripheral/room", property="temperature", value=millidegrees)
        s.expect(f"{line}\n")
    s.child.kill()


def flash(folder):
    """A memory on SPI, read in one transfer: nothing in QEMU moves its chip select."""
    if BOARD != "rpi3":
        return
    content = bytes(i * i * 7 % 251 for i in range(1 << 20))
    with open(f"{folder}/flash", "wb") as file:
        file.write(content)
    s, _ = session(folder, "tests/programs/spi", extra=[
        "-drive", f"if=none,id=flash,format=raw,file={folder}/flash", "-device", "m25p80,bus=spi,drive=flash"])
    s.expect(f"error 0\n{content[256:456].hex()}\n")
    s.ends_with(0)


def main():
    board = run.load_board(BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    for test in [button, watchdog, thermostat, flash]:
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
            print(f"ok   {test.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
