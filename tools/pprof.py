"""Writes folded stacks in the format of pprof: `go tool pprof`, speedscope, Perfetto and others read it. tools/trace.py
uses it.

Source: github.com/google/pprof, proto/profile.proto, whose numbers of fields stand below; Protocol Buffers, "Encoding".
"""
import gzip


def number(field, value):
    return varint(field << 3) + varint(value)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def block(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def packed(field, values):
    return block(field, b"".join(map(varint, values)))


class Table:
    """Numbers for things, in the order in which they come."""

    def __init__(self, first):
        self.first, self.numbers = first, {}

    def __getitem__(self, key):
        return self.numbers.setdefault(key, self.first + len(self.numbers))


def profile(folded, types, period=None, seconds=0):
    """folded: {"outermost;...;innermost": n}; types: [(what, unit, how much each of n is)]; period: (what, unit, n)."""
    strings, functions = Table(0), Table(1)
    strings[""]

    def value_type(what, unit):
        return number(1, strings[what]) + number(2, strings[unit])

    out = [block(1, value_type(what, unit)) for what, unit, _ in types]
    for stack, n in sorted(folded.items()):
        where = [functions[name] for name in reversed(stack.split(";"))]  # innermost first
        out.append(block(2, packed(1, where) + packed(2, [n * each for _, _, each in types])))
    for name, i in functions.numbers.items():  # a location for each function: addresses are not known any more
        out.append(block(4, number(1, i) + block(4, number(1, i))))
        out.append(block(5, number(1, i) + number(2, strings[name]) + number(3, strings[name])))
    if period:
        out += [block(11, value_type(*period[:2])), number(12, period[2])]
    if seconds:
        out.append(number(10, round(seconds * 1e9)))
    out += [block(6, text.encode()) for text in strings.numbers]
    return b"".join(out)


def write(path, *args, **more):
    with open(path, "wb") as file:
        file.write(gzip.compress(profile(*args, **more), mtime=0))
    return path
