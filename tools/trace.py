#!/usr/bin/env python3
"""Makes pictures, profiles and a verdict of a program's record of events: docs/TRACE.md.

    trace.py --run --board virt --image build/virt/examples/hello/virt.img --elf .../app.elf --out build/trace/hello
    trace.py FILE --check           replays it: what cannot have happened is an error, exit status 1
    trace.py FILE --json OUT        for ui.perfetto.dev (and chrome://tracing)
    trace.py FILE --html OUT        a page that needs nothing but itself; OUT.svg: the picture alone
    trace.py FILE --gantt           a chart for the terminal
    trace.py FILE --folded KIND --flame OUT      KIND: cpu, block, mutex

FILE is what the program printed with `trace` on its command line; --run runs it and keeps that in
OUT.txt; `make trace` and `make flame` are made of it.
"""
import argparse
import base64
import bisect
import collections
import os
import re
import shlex
import struct
import subprocess
import sys

import flame
import run
import trace_view

# sched/trace.h and sched/sched.h have them in this order.
KINDS = ("none create fn name start stop block unblock end steal ipi irq_begin irq_end timer idle awake mark sample"
         " stack").split()
FOLLOWERS = ("fn", "name", "stack")  # they tell more of the event before them
WHYS = ["woken", "yield", "preempted", "displaced"]
IRQS = ["timer", "doorbell", "device"]
REASONS = ["", "sleep", "chan send", "chan receive", "chan send (nil chan)", "chan receive (nil chan)",
           "sync.Mutex.Lock", "sync.WaitGroup.Wait", "semacquire", "select", "select (no cases)", "sync.RWMutex.RLock",
           "sync.RWMutex.Lock", "sync.Cond.Wait", "event wait", "barrier wait", "join", "IO wait"]

TURN = 10  # microseconds

Event = collections.namedtuple("Event", "t core kind arg a b")


class BadTrace(Exception):
    pass


# ---- the image: names of addresses ---------------------------------------------------------------

class Image:
    """Functions and constant strings of an ELF file, wherever it was loaded."""

    def __init__(self, path):
        self.names, self.starts, self.segments, self.slide = [], [], [], 0
        if path:
            with open(path, "rb") as file:
                self.data = file.read()
            self.read()

    def read(self):
        phoff, shoff = struct.unpack_from("<QQ", self.data, 32)
        phsize, phnum, shsize, shnum = struct.unpack_from("<HHHH", self.data, 54)
        for i in range(phnum):
            kind, _, offset, va, _, filesz = struct.unpack_from("<IIQQQQ", self.data, phoff + i * phsize)
            if kind == 1:
                self.segments.append((va, offset, filesz))
        sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + i * shsize) for i in range(shnum)]
        functions = {}
        for section in sections:
            if section[1] == 2:  # SHT_SYMTAB
                strings = sections[section[6]][4]
                for at in range(section[4], section[4] + section[5], 24):
                    name, info, _, _, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                    if info & 15 == 2 or (info & 15 == 0 and info >> 4 == 1):  # functions, and assembly's labels
                        functions.setdefault(value, self.string_at(strings + name))
        self.starts = sorted(functions)
        self.names = [functions[s] for s in self.starts]

    def string_at(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode(errors="replace")

    def anchor(self, address):
        """Says where sched_core_main() is."""
        if "sched_core_main" in self.names:
            self.slide = address - self.starts[self.names.index("sched_core_main")]

    def function(self, address):
        at = bisect.bisect_right(self.starts, address - self.slide) - 1
        return self.names[at] if at >= 0 else f"{address:#x}"

    def text(self, address):
        for va, offset, size in self.segments:
            if va <= address - self.slide < va + size:
                return self.string_at(address - self.slide - va + offset)
        return None


# ---- reading -------------------------------------------------------------------------------------

class Trace:
    """The events of each core, in its order, with what follows an event (names, stacks) folded into it."""

    def __init__(self, cores=0, begin=0, end=0):
        self.begin, self.end = begin, end
        self.cores = [[] for _ in range(cores)]
        self.lost = [0] * cores
        self.names = {}    # of a G
        self.parents = {}
        self.stacks = {}   # (core, t, kind): function names, innermost first
        self.problems = []


def numbers(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def decode_line(core, text, checksum):
    try:
        data = base64.b64decode(text)
    except ValueError:  # a byte of it was lost
        data = b""
    if not data or sum(data) & 255 != checksum:
        raise BadTrace("a line of events is damaged")
    fields = list(numbers(data))
    t = 0
    for i in range(0, len(fields) - 4, 5):
        t += fields[i]
        yield Event(t, core, KINDS[fields[i + 1]], *fields[i + 2:i + 5])


def parse(text, image):
    """The last record in what a program printed."""
    text = text.replace("\r", "")
    begins = list(re.finditer(r"@trace (\d+) (\d+) (\d+) (0x[0-9a-f]+)", text))
    if not begins:
        raise BadTrace("there is no record in it: was the program started with `trace`, and did it end?")
    head = begins[-1]
    trace = Trace(int(head[3]), int(head[1]), int(head[2]))
    image.anchor(int(head[4], 16))
    if trace.begin > trace.end:
        trace.problems.append(f"the record ends at {trace.end}, before it begins, at {trace.begin}")
    text = text[head.start():]
    if "@end" not in text:
        trace.problems.append("the record is cut off: no @end")
    expected = [0] * len(trace.cores)
    raw = [[] for _ in trace.cores]
    for m in re.finditer(r"@core (\d+) (\d+) (\d+)", text):
        if int(m[1]) < len(raw):
            expected[int(m[1])], trace.lost[int(m[1])] = int(m[2]), int(m[3])
        else:
            trace.problems.append(f"there is no core {m[1]}: its line is damaged")
    for m in re.finditer(r"@g (\d+) (.*)", text):
        trace.names[int(m[1])] = m[2]
    for m in re.finditer(r"@t (\d+) ([A-Za-z0-9+/=]+)\*([0-9a-f]{2})", text):
        try:
            if int(m[1]) >= len(raw):
                raise BadTrace(f"there is no core {m[1]}: a line of events is damaged")
            raw[int(m[1])] += decode_line(int(m[1]), m[2], int(m[3], 16))
        except BadTrace as e:
            trace.problems.append(str(e))
    for core, events in enumerate(raw):
        if len(events) != expected[core]:
            trace.problems.append(f"core {core}: {expected[core]} events were announced, {len(events)} came")
    fold(trace, raw, image)
    return trace


def fold(trace, raw, image):
    # Before the time from which the fullest ring still has all, the others tell but half of the story.
    for core, events in enumerate(raw):
        if trace.lost[core] and events:
            trace.begin = max(trace.begin, events[0].t)
    for core, events in enumerate(raw):
        last = None
        for e in events:
            address = e.a | e.b << 32
            if e.kind in FOLLOWERS and not last:
                continue  # a ring may begin with them: the event that they belong to was overwritten
            if e.kind == "fn":
                trace.names.setdefault(last.a, "")
                trace.names[last.a] = trace.names[last.a] or image.function(address)
            elif e.kind == "name":
                trace.names[last.a] = image.text(address) or trace.names[last.a]
            elif e.kind == "stack":
                trace.stacks.setdefault((core, last.t, last.kind), []).append(image.function(address))
            else:
                if e.kind == "mark":
                    trace.names.setdefault(("mark", address), image.text(address) or f"{address:#x}")
                if e.kind == "create":
                    trace.parents[e.a] = e.b
                last = e
                if trace.begin <= e.t <= trace.end:
                    trace.cores[core].append(e)


# ---- replaying -----------------------------------------------------------------------------------

Span = collections.namedtuple("Span", "what begin end g core detail")  # what: run idle sched | runnable running waiting
Arrow = collections.namedtuple("Arrow", "t core by handler start to g reason")


class Replay:
    """Goes through the events of all cores in the order of their times, and keeps what each core and G does. Whatever
    the scheduler cannot have done goes to errors."""

    def __init__(self, trace):
        self.trace = trace
        self.errors = list(trace.problems)
        self.core_spans = [[] for _ in trace.cores]
        self.g_spans = collections.defaultdict(list)
        self.irqs = [[] for _ in trace.cores]
        self.queues = [[] for _ in trace.cores]
        self.instants = []
        self.arrows = []
        self.latency = collections.defaultdict(list)
        self.core_state = [(None, trace.begin, None)] * len(trace.cores)  # what, since, G
        self.g_state = {}      # G: (what, since, detail)
        self.woken = {}        # G: the unblock that it has not answered yet
        self.open_irq = [None] * len(trace.cores)
        self.runs = {}         # core: the G that was met there before the core has entered or left any
        self.replay()

    def merged(self):
        """Events by time. Of those with the same time one that can have come next comes next: the clock may stand
        still for two events of which one made the other possible."""
        at = [0] * len(self.trace.cores)
        for core, events in enumerate(self.trace.cores):
            for a, b in zip(events, events[1:]):
                if b.t < a.t:
                    self.errors.append(f"core {core}: time goes backwards, from {a.t} to {b.t}")
        while True:
            heads = [events[at[core]] for core, events in enumerate(self.trace.cores) if at[core] < len(events)]
            if not heads:
                return
            t = min(e.t for e in heads)
            now = [e for e in heads if e.t == t]
            chosen = next((e for e in now if self.wrong(e) is None), now[0])
            at[chosen.core] += 1
            yield chosen

    def state(self, g):
        return self.g_state.get(g, (None, self.trace.begin, ""))

    def wrong(self, e):
        """Why e cannot come now; None: it can."""
        what, _, running = self.core_state[e.core]
        g = self.state(e.a)[0]
        if e.kind == "start":
            if g == "running":
                return f"G {e.a} starts although it runs on core {self.state(e.a)[2]}"
            if g not in (None, "runnable"):
                return f"G {e.a} starts although it is {g}: nothing has made it ready"
            if what in ("run", "idle"):
                return f"G {e.a} starts although the core " + (f"runs G {running}" if what == "run" else "is asleep")
        elif e.kind in ("stop", "block", "end"):
            if what is not None and (what, running) != ("run", e.a):
                return f"G {e.a} leaves the core that does not run it"
            if what is None and g not in (None, "running"):
                return f"G {e.a} leaves the core although it is {g}"
        elif e.kind == "unblock" and g not in (None, "waiting"):
            return f"G {e.a} is made ready although it is {g}"
        elif e.kind == "create" and g is not None:
            return f"G {e.a} is created although it is {g}"
        elif e.kind == "idle" and what in ("run", "idle"):
            return "the core falls asleep although it " + ("runs a G" if what == "run" else "sleeps")
        elif e.kind == "awake" and what not in (None, "idle"):
            return "the core wakes although it does not sleep"
        return None

    def core_turns(self, core, what, t, g=None):
        was, since, old = self.core_state[core]
        if t > since or was is not None:
            self.core_spans[core].append(Span(was or "sched", since, t, old, core, ""))
        self.core_state[core] = (what, t, g)

    def g_turns(self, g, what, t, detail=""):
        was, since, old = self.state(g)
        if was is not None:
            self.g_spans[g].append(Span(was, since, t, g, old if was == "running" else None, old))
        self.g_state[g] = (what, t, detail)

    def leave(self, e, what, detail):
        if self.core_state[e.core][0] is None:  # it has run since before we looked
            self.core_state[e.core] = ("run", self.trace.begin, e.a)
            self.g_state[e.a] = ("running", self.trace.begin, e.core)
        self.core_turns(e.core, "sched", e.t)
        self.g_turns(e.a, what, e.t, detail)

    def replay(self):
        for e in self.merged():
            if (why := self.wrong(e)) is not None:
                self.errors.append(f"{e.t / 1e9:.9f} core {e.core}: {why}")
            getattr(self, "on_" + e.kind)(e)
        for core, events in enumerate(self.trace.cores):
            if not events:  # one that runs has its ticks
                self.core_state[core] = ("idle", self.trace.begin, None)
            elif self.core_state[core][0] is None and core in self.runs:  # all of the time
                self.core_state[core] = ("run", self.trace.begin, self.runs[core])
                self.g_state.setdefault(self.runs[core], ("running", self.trace.begin, core))
            self.core_turns(core, None, self.trace.end)
        for g in list(self.g_state):
            self.g_turns(g, None, self.trace.end)
        self.check_ipis()

    def meets(self, core, g):
        if g and self.core_state[core][0] is None:
            self.runs[core] = g

    def on_create(self, e):
        self.meets(e.core, e.b)
        self.g_turns(e.a, "runnable", e.t, "new")
        self.woken[e.a] = (e, "created")

    def on_start(self, e):
        if e.a in self.woken:
            cause, reason = self.woken.pop(e.a)
            self.latency[reason].append(e.t - cause.t)
            self.arrows.append(Arrow(cause.t, cause.core, cause.b, cause.kind == "unblock" and cause.arg == 1, e.t,
                                     e.core, e.a, reason))
        elif self.state(e.a)[0] == "runnable":
            self.latency[self.state(e.a)[2]].append(e.t - self.state(e.a)[1])
        self.core_turns(e.core, "run", e.t, e.a)
        self.g_turns(e.a, "running", e.t, e.core)
        self.queues[e.core].append((e.t, e.b))

    def on_stop(self, e):
        self.leave(e, "runnable", WHYS[e.arg])

    def on_block(self, e):
        self.leave(e, "waiting", REASONS[e.arg])

    def on_end(self, e):
        self.leave(e, "dead", "")

    def on_unblock(self, e):
        state = self.state(e.a)
        reason = state[2] if state[0] == "waiting" else "unknown"
        self.woken[e.a] = (e, reason)
        self.g_turns(e.a, "runnable", e.t, "woken")

    def on_idle(self, e):
        self.core_turns(e.core, "idle", e.t)

    def on_awake(self, e):
        if self.core_state[e.core][0] is None:
            self.core_state[e.core] = ("idle", self.trace.begin, None)
        self.core_turns(e.core, "sched", e.t)

    def on_irq_begin(self, e):
        self.meets(e.core, e.a)
        self.open_irq[e.core] = e

    def on_irq_end(self, e):
        begin = self.open_irq[e.core]
        if begin is not None:
            self.irqs[e.core].append((begin.t, e.t, IRQS[begin.arg], begin.a, begin.b))
        self.open_irq[e.core] = None

    def on_steal(self, e):
        self.instants.append((e.t, e.core, f"stole {e.b} from core {e.arg}"))

    def on_ipi(self, e):
        self.instants.append((e.t, e.core, f"rings core {e.arg}"))

    def on_timer(self, e):
        self.instants.append((e.t, e.core, "timer"))

    def on_mark(self, e):
        self.instants.append((e.t, e.core, self.trace.names[("mark", e.a | e.b << 32)]))

    def on_sample(self, e):
        pass

    # ---- sums ----

    def sums(self, core):
        total = collections.Counter()
        for span in self.core_spans[core]:
            total[span.what] += span.end - span.begin
        return total

    def check_idle(self, percent):
        """What the core itself has counted as sleep, from one waking to another, against what the events say. It reads the
        clock once for each, and another program may have the computer between."""
        for core, events in enumerate(self.trace.cores):
            awake = [e for e in events if e.kind == "awake"]
            if len(awake) < 2 or any(e.kind == "stack" for e in events):
                continue
            counted = (awake[-1].a | awake[-1].b << 32) - (awake[0].a | awake[0].b << 32)
            seen = sum(s.end - s.begin for s in self.core_spans[core]
                       if s.what == "idle" and awake[0].t < s.end <= awake[-1].t)
            if abs(counted - seen) > percent / 100 * (awake[-1].t - awake[0].t):
                self.errors.append(f"core {core}: slept {counted} ns by its counter, {seen} by its events")

    def check_ipis(self):
        """A doorbell is a kick, not a count; but none is heard that nobody rang."""
        if any(self.trace.lost):
            return
        rung, heard = collections.Counter(), collections.Counter()
        for events in self.trace.cores:
            for e in events:
                if e.kind == "ipi":
                    rung[e.arg] += 1
                elif e.kind == "irq_begin" and IRQS[e.arg] == "doorbell":
                    heard[e.core] += 1
        for core in heard:
            # one may have been rung just before we looked
            if heard[core] > rung[core] + 1:
                self.errors.append(f"core {core}: heard its doorbell {heard[core]} times, rung {rung[core]} times")

    def check_wall(self, percent, switch):
        """Running and asleep make up all of the time, but for so much of it, and so many ns for each time that the core
        left a G, or its sleep. That rest is scheduling; it is longer where the computer stops an emulator's core in it."""
        self.check_idle(percent)
        wall = self.trace.end - self.trace.begin
        for core, spans in enumerate(self.core_spans):
            sums, switches = self.sums(core), sum(s.what == "sched" for s in spans)
            if sums["run"] + sums["idle"] < (1 - percent / 100) * wall - switch * switches:
                self.errors.append(f"core {core}: {sums['run']} ns in Gs and {sums['idle']} ns asleep are less than all of"
                                   f" {wall} ns but {percent:g} %, and {switches} times {switch} ns")


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def bars(values):
    """A histogram by powers of ten, half of one a column, from 100 ns to 100 ms."""
    columns = [0] * 13
    for v in values:
        column = 0
        while column < 12 and v >= 100 * 10 ** (column / 2):
            column += 1
        columns[column] += 1
    most = max(columns)
    return "".join(" .:-=+*#%@"[0 if n == 0 else 1 + 8 * n // most] for n in columns)


def report(trace, replay, out=sys.stdout):
    wall = max(trace.end - trace.begin, 1)
    print(f"{sum(map(len, trace.cores))} events of {len(trace.cores)} cores in {wall / 1e6:.3f} ms,"
          f" {sum(trace.lost)} older ones overwritten", file=out)
    print("core   run %  asleep %  scheduling %   entered  stolen  interrupts", file=out)
    for core, events in enumerate(trace.cores):
        sums = replay.sums(core)
        count = collections.Counter(e.kind for e in events)
        print(f"{core:4} {100 * sums['run'] / wall:7.2f} {100 * sums['idle'] / wall:9.2f}"
              f" {100 * sums['sched'] / wall:13.2f} {count['start']:9} {count['steal']:7} {count['irq_begin']:11}", file=out)
    if replay.latency:
        print("from runnable to running, by what it waited for"
              "                    median       99 %        max  100ns..100ms", file=out)
        for reason, values in sorted(replay.latency.items(), key=lambda item: -len(item[1])):
            print(f"  {reason:24} {len(values):8} times {percentile(values, 50) / 1e3:14.1f} us"
                  f" {percentile(values, 99) / 1e3:8.1f} us {max(values) / 1e3:8.1f} us  |{bars(values)}|", file=out)


# ---- the command ---------------------------------------------------------------------------------

def record(opts):
    """Runs the program; its own lines are passed on. All its lines, and its exit status."""
    board = run.load_board(opts.board)
    if why := run.cannot_run(board):
        print(f"trace: {why}", file=sys.stderr)
        sys.exit(run.SKIP)
    # Else one core runs for milliseconds of that clock before another does.
    turns = run.turns(TURN) if opts.icount is not None else ()
    cmd = run.command(board, opts.image, [*shlex.split(opts.args), "--batch"], opts.smp, opts.gic, opts.icount, extra=turns)
    lines = []
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        for line in child.stdout:
            line = line.decode(errors="replace")
            lines.append(line)
            if not line.startswith("@"):
                print(line, end="", flush=True)
    status = run.describe(child.returncode)
    print(f"trace: the program ended with status {status}", file=sys.stderr)
    text = "".join(lines)
    os.makedirs(os.path.dirname(opts.out) or ".", exist_ok=True)
    with open(opts.out + ".txt", "w") as file:
        file.write(text)
    return text, status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--elf", help="the program with its symbols, for names")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--wall", type=float, metavar="PERCENT",
                        help="with --check: running and sleep are all of each core's time but so much")
    parser.add_argument("--switch", type=int, default=0, metavar="NS", help="with --wall: and so long for each switch")
    parser.add_argument("--json")
    parser.add_argument("--gs", action="store_true", help="with --json, --html, --gantt: a lane for each G, too")
    parser.add_argument("--html", help="a page; a name that ends in .svg: the picture alone")
    parser.add_argument("--gantt", action="store_true")
    parser.add_argument("--from", dest="begin", type=float, metavar="MS", help="from there on, in ms of the record")
    parser.add_argument("--to", dest="finish", type=float, metavar="MS")
    parser.add_argument("--folded", choices=("cpu", "block", "mutex"), help="print stacks, and how often or how long")
    parser.add_argument("--flame", metavar="OUT", help="with --folded: an SVG instead of text")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--board")
    parser.add_argument("--image")
    parser.add_argument("--smp", type=int)
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--icount", type=int)
    parser.add_argument("--args", default="")
    parser.add_argument("--out", default="build/trace/trace", help="with --run: files are named so, and .txt and so on")
    parser.add_argument("--make-pictures", action="store_true", help="OUT.json, OUT.html and OUT.svg")
    parser.add_argument("--profile", choices=("cpu", "block", "mutex"), help="OUT.KIND.svg, .folded, .pb.gz")
    opts = parser.parse_args()
    if bool(opts.file) == opts.run:
        parser.error("wants either a FILE or --run")
    if opts.make_pictures:
        opts.json, opts.html = opts.out + ".json", opts.out + ".html"
    try:
        if opts.run:
            text, status = record(opts)
        else:
            with open(opts.file, errors="replace") as file:
                text, status = file.read(), 0
        return show(opts, parse(text, Image(opts.elf))) or status
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (BadTrace, OSError) as e:
        print(f"trace: {e}", file=sys.stderr)
        return 1


def show(opts, trace):
    replay = Replay(trace)
    if opts.wall is not None:
        replay.check_wall(opts.wall, opts.switch)
    begin = trace.begin + int((opts.begin or 0) * 1e6)
    end = trace.begin + int(opts.finish * 1e6) if opts.finish else trace.end
    made = []
    if opts.json:
        made.append(trace_view.write_json(replay, opts.json, opts.gs))
    for path in [opts.html] * bool(opts.html) + [opts.out + ".svg"] * opts.make_pictures:
        made.append(trace_view.write_html(replay, path, begin, end, opts.gs))
    if opts.gantt:
        trace_view.print_gantt(replay, begin, end, opts.gs)
    if opts.folded:
        folded = flame.fold(trace, replay, opts.folded)
        if opts.flame:
            made.append(flame.write_svg(folded, opts.flame, opts.folded))
        else:
            print(flame.text(folded), end="")
    if opts.profile:
        folded = flame.fold(trace, replay, opts.profile)
        hz = re.search(r"\bprofile=(\d+)", opts.args)
        seconds = (trace.end - trace.begin) / 1e9
        made += flame.write_all(folded, f"{opts.out}.{opts.profile}", opts.profile, int(hz[1]) if hz else 0, seconds)
    if opts.check:
        report(trace, replay)
        for error in replay.errors[:20]:
            print(f"error: {error}")
        print(f"{len(replay.errors)} errors")
    for path in made:
        print(f"wrote {path}")
    return 1 if opts.check and replay.errors else 0


if __name__ == "__main__":
    sys.exit(main())
