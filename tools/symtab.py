#!/usr/bin/env python3
"""Makes the symbol table that an image carries for its own backtraces.

    symtab.py                  an empty table, for the first link
    nm -n ELF | symtab.py -    the table of that link's functions
    nm -n ELF | symtab.py --verify TABLE.S -
                               fails unless ELF's functions are where the table says

hal_symbol() searches it. In C it would be:

    const uint32_t ksyms_count;
    const struct { uint32_t offset, name; } ksyms[];   offset from __text_start, rising
    const char ksyms_names[];                          NUL-terminated names, at `name`

It lies in section .symtab_bl, which the linker script puts behind all code and constants.
"""
import sys

BASE = "__text_start"


def functions(lines):
    """[(offset, name)] of the text symbols of `nm -n`, one per address, in rising order."""
    base, found = None, []
    for line in lines:
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name == BASE:
            base = address
        # $x and $d are the assembler's marks of code and data, .L its local labels
        if kind in "tTwW" and not name.startswith(("$", ".L")):
            found.append((address, name))
    if base is None:
        sys.exit(f"symtab: no symbol {BASE}: the linker script must define it")
    table = {}
    for address, name in found:
        if address >= base and (address not in table or table[address] == BASE):
            table[address] = name
    return [(address - base, table[address]) for address in sorted(table)]


def assembly(table):
    out = [".section .symtab_bl, \"a\"", ".balign 8", ".global ksyms_count, ksyms, ksyms_names",
           "ksyms_count:", f"    .long {len(table)}", "ksyms:"]
    at = 0
    for offset, name in table:
        out.append(f"    .long {offset:#x}, {at}")
        at += len(name.encode()) + 1
    out.append("ksyms_names:")
    for offset, name in table:
        out.append(f"    .asciz \"{name}\"")
    if not table:
        out.append("    .byte 0")
    return "\n".join(out) + "\n"


def main():
    args = sys.argv[1:]
    if not args:
        sys.stdout.write(assembly([]))
    elif args == ["-"]:
        sys.stdout.write(assembly(functions(sys.stdin)))
    elif len(args) == 3 and args[0] == "--verify" and args[2] == "-":
        with open(args[1]) as table:
            if table.read() != assembly(functions(sys.stdin)):
                sys.exit("symtab: functions moved between the two links: is .symtab_bl behind all code?")
    else:
        sys.exit(__doc__)


main()
