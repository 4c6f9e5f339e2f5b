#!/usr/bin/env python3
"""Makes the assembly that embeds a file in an image: input.py FILE > input.S

The program sees:  extern const char input_start[], input_end[];  extern const uint32_t input_crc;
input_crc is zlib's CRC-32 of the bytes between them, so that it can tell a damaged image.
"""
import sys
import zlib


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path, crc = sys.argv[1], 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    print(f"""\
.section .input, "a"
.balign 8
.global input_start, input_end
input_start:
    .incbin "{quoted}"
input_end:
    .byte 0
.section .rodata
.balign 4
.global input_crc
input_crc:
    .long {crc:#010x}
.section .note.GNU-stack, "", %progbits""")


main()
