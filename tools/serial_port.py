"""A board's serial port: a device of this computer, or unix:PATH, a socket on which QEMU has its UART."""
import errno
import fcntl
import os
import select
import socket
import sys
import termios
import time
import tty

BAUD = 115200


def die(text):
    sys.exit(f"port: {text}")


class Port:
    """Bytes to and from a board, at BAUD 8n1 to begin with."""

    def __init__(self, name):
        if not name:
            die("PORT is wanted: the serial adapter's device, like PORT=/dev/ttyUSB0")
        self.name = name
        self.socket = name.startswith("unix:")
        try:
            if self.socket:
                self.connection = socket.socket(socket.AF_UNIX)
                self.connection.connect(name[5:])
                self.fd = self.connection.fileno()
            else:
                self.fd = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                self.set_baud(BAUD)
        except PermissionError:
            die(f"{name} may not be opened by this user: add it to the group of the device"
                f" (Debian: `sudo adduser {os.environ.get('USER', 'USER')} dialout`, then log in again)")
        except (FileNotFoundError, ConnectionRefusedError):
            there = sorted(f"/dev/{d}" for d in os.listdir("/dev") if d.startswith(("ttyUSB", "ttyACM")))
            die(f"{name} is not there; " + (f"there are {' '.join(there)}" if there else "is the adapter plugged in?"))
        except OSError as error:
            die(f"{name}: {error.strerror}; PORT=/dev/ttyUSB0 is wanted")
        except termios.error:
            die(f"{name} is no serial port; PORT=/dev/ttyUSB0 is wanted")

    def set_baud(self, baud):
        if self.socket:
            return
        termios.tcdrain(self.fd)
        tty.setraw(self.fd)
        mode = termios.tcgetattr(self.fd)
        mode[2] = mode[2] & ~termios.CRTSCTS | termios.CLOCAL | termios.CREAD
        mode[4] = mode[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)

    def close(self):
        if self.socket:
            self.connection.close()
        else:
            os.close(self.fd)

    def read(self, timeout):
        """What has come, b"" after timeout seconds (None: for ever) without any; EOFError at the end."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno in (errno.EIO, errno.ENXIO, errno.ECONNRESET):
                raise EOFError from None
            raise
        if not data:
            raise EOFError
        return data

    def write(self, data):
        while data:
            select.select([], [self.fd], [])
            data = data[os.write(self.fd, data):]

    def pulse_reset(self):
        """DTR and RTS low for a moment: whoever has wired one of them to the board's RUN pin gets a reset. False
        where there are no such wires."""
        lines = (termios.TIOCM_DTR | termios.TIOCM_RTS).to_bytes(4, "little")
        try:
            fcntl.ioctl(self.fd, termios.TIOCMBIS, lines)
            time.sleep(0.1)
            fcntl.ioctl(self.fd, termios.TIOCMBIC, lines)
        except OSError:
            return False
        return True
