"""gdb for Bareloom: `make debug` loads it; else `source tools/gdb/bareloom.py`. docs/DEBUGGING.md shows it.

    info gs            every goroutine: what it waits for, since when, and where in the program
    g N bt             the frames of goroutine N, or of the one called so;  g all bt: of all
    g N COMMAND        any command of gdb in N's innermost frame that is the program's: g 7 info locals
    info cores         what each core runs, its queues and timers
    info chan C        a channel: what is in it, who waits for it
    info timers        what is due when
    deadlock           who waits for each other in a circle
    memory-dump FILE   looks at a memory dump instead of a machine
    type TEXT          keys for the program's console (make debug in QEMU)
"""
import os
import re
import sys

import gdb
import gdb.printing
import gdb.unwinder

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dump  # noqa: E402
import machine  # noqa: E402
from machine import Unknown, cores, gs, span, symbol  # noqa: E402


class Command(gdb.Command):
    """A command whose usage line is its name and ARGS, and whose help is its docstring."""

    NAME, ARGS = "", ""

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_STATUS)

    def invoke(self, text, from_tty):
        machine.forget()
        self.run(text)

    def usage(self):
        return f"{self.NAME} {self.ARGS}".strip()

    def nothing(self, text):
        if text.strip():
            raise Unknown(f"usage: {self.usage()}")


# ---- goroutines -----------------------------------------------------------------------------------------------

class InfoGs(Command):
    """Every goroutine: number, name, state and for how long, core, and where in the program it is."""

    NAME = "info gs"

    def run(self, text):
        self.nothing(text)
        now = machine.now()
        print(f"{'id':>5}  {'name':12} {'state':20} {'since >=':>9} {'core':>4}  where")
        for g in gs():
            since = span(max(0, now - g.since)) if g.is_("WAITING") else ""
            pinned = "*" if g.pin != 255 and not g.affinity else ""
            core = f"{g.core}{pinned}"
            gdb.write(f"{g.id:5}  {g.title:12} {g.state_text:20} {since:>9} {core:>4}  {machine.place_of(g)}\n")


def backtrace(g):
    gdb.write("\n" + g.header() + "\n")
    with machine.shown(g) as (frame, exact):
        first, keep = frame.level(), False
        for line in gdb.execute("with width 0 -- bt", to_string=True).splitlines():
            if match := re.match(r"#(\d+) ( *)", line):
                number, keep = int(match[1]) - first, int(match[1]) >= first
                line = f"#{number:<3}" + line[match.end():]
                if number == 0 and exact is not None:
                    line = line.replace(f"{exact + 1:#018x}", f"{exact:#018x}").replace(hex(exact + 1), hex(exact))
            if keep and re.search(r" 0x0+ in \?\? \(\)$", line):
                break  # the caller of a G's first function
            if keep:
                gdb.write(line + "\n")
    if g.creator:
        line, block = gdb.find_pc_line(g.creator - 1), gdb.block_for_pc(g.creator - 1)
        while block and not block.function:
            block = block.superblock
        name = block.function.name if block else hex(g.creator)
        where = f" ({machine.source(line)}:{line.line})" if line.symtab else ""
        gdb.write(f"created by {name}{where} in goroutine {g.parent}\n")


class GCommand(Command):
    """Carries out a command with the frames of a goroutine: g 7 bt, g 7 info locals, g all bt."""

    NAME, ARGS = "g", "N|NAME|all COMMAND"

    def run(self, text):
        which, _, command = text.strip().partition(" ")
        command = command.strip()
        if not which or not command:
            raise Unknown(f"usage: {self.usage()}, as in: g 7 bt, g all bt, g 7 info locals")
        for g in gs() if which == "all" else [machine.g_called(which)]:
            try:
                self.carry_out(g, command)
            except Unknown as error:
                if which != "all":
                    raise
                gdb.write(f"{error}\n")

    @staticmethod
    def carry_out(g, command):
        if command in ("bt", "backtrace", "where"):
            backtrace(g)
            return
        with machine.shown(g) as (frame, _):
            machine.own_frame(frame).select()
            gdb.execute(command)


# ---- cores ----------------------------------------------------------------------------------------------------

def ring_length(core):
    ring = core["runq"]
    return (int(ring["tail"]) - int(ring["head"])) % 2 ** 32 + int(ring["overflow_count"])


def list_length(first):
    n = 0
    while int(first) != 0:
        n, first = n + 1, first["link"]
    return n


class InfoCores(Command):
    """What each core runs, what waits for it in its queues, and its counters."""

    NAME = "info cores"

    def run(self, text):
        self.nothing(text)
        all_gs = gs(everything=True)
        print("core thread  queued timers   switches      ticks     stolen  runs")
        for core in cores():
            thread, n = machine.thread_of(core), core["n"]
            g, over = machine.running_on(core, all_gs)
            if g is not None:
                runs = g.short + (", under a handler" if over else "") + f" at {machine.place_of(g)}"
            else:
                runs = "asleep" if int(core["naps"]) % 2 else "the scheduler"
            queued = ring_length(core) + (int(core["runnext"]) != 0) + list_length(core["pinned"]["head"]) + \
                list_length(core["inbox"].cast(gdb.lookup_type("struct g").pointer()))
            switches = int(core["tick"]) // (symbol("cores").type.range()[1] + 1)
            print(f"{int(core['hal']['index']):4} {thread.num if thread else '-':>6}  {queued:6} "
                  f"{int(core['alarms']['n']):6} {switches:10} {int(n['ticks']):10} {int(n['stolen']):10}  "
                  f"{runs}")
        waiting = int(symbol("globq_count"))
        print(f"{int(symbol('machine.active'))} of them in use, {waiting} in the global queue, "
              f"slice {span(int(symbol('machine.slice')))}")


# ---- waiting --------------------------------------------------------------------------------------------------

def waiters(wait_list):
    """The Gs on a list, first come first."""
    found, w = [], wait_list["head"]
    while int(w) != 0 and len(found) < 100000:
        found.append(machine.G(int(w["g"])))
        w = w["next"]
    return found


def alone(c, what):
    """Who waits alone on a channel, in the note of its lock (sched/wait.h), as a list like the one above."""
    note = int(c["lock"]) % 2 ** 64
    address = note % 2 ** 61
    if note >> 61 != (5 if what == "senders" else 4) or address == 0:
        return []
    w = gdb.Value(address).cast(gdb.lookup_type("struct waiter").pointer())
    return [machine.G(int(w["g"]))]


def chan_waiters(c, what):
    return alone(c, what) + waiters(c[what])


def short(gs):
    return ", ".join(g.short for g in gs) or "nobody"


def waiters_text(wait_list):
    return short(waiters(wait_list))


def values_in(c):
    return int(c["open"]) % 2 ** 32 + int(c["held"])  # sched/chan.h


def channel(text):
    """The struct chan that an expression gives: a pointer to one, an address, or a typed channel."""
    try:
        value = gdb.parse_and_eval(text)
    except gdb.error as error:
        raise Unknown(f"bareloom: {error}")
    type_ = value.type.strip_typedefs()
    if type_.code == gdb.TYPE_CODE_PTR:
        target = type_.target().strip_typedefs()
        if target.code == gdb.TYPE_CODE_STRUCT and target.tag not in (None, "chan"):
            raise Unknown(f"bareloom: {text} is a {target}, no channel")
    elif type_.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        if "chan" not in [f.name for f in type_.fields()]:
            raise Unknown(f"bareloom: {text} is no channel")
        value = value["chan"]
    elif type_.code != gdb.TYPE_CODE_INT:
        raise Unknown(f"bareloom: {text} is no channel")
    address = int(value)
    if address == 0:
        raise Unknown(f"bareloom: {text} is NULL: whoever uses it waits for ever")
    c = gdb.Value(address).cast(gdb.lookup_type("struct chan").pointer()).dereference()
    try:
        sane = values_in(c) <= int(c["capacity"]) and all(int(c[flag]) <= 1 for flag in ("closed", "closing", "word"))
    except gdb.MemoryError:
        raise Unknown(f"bareloom: memory at {address:#x} cannot be read")
    if not sane:
        raise Unknown(f"bareloom: at {address:#x} there is no channel")
    return c


class InfoChan(Command):
    """A channel: its capacity, what is in it, who waits to send and to receive."""

    NAME, ARGS = "info chan", "C"

    def run(self, text):
        if not text.strip():
            raise Unknown(f"usage: {self.usage()}: an expression, as in: info chan numbers")
        c = channel(text)
        state = "closed" if int(c["closed"]) else "open"
        of = "a timer's" if int(c["timer"]) else f"{values_in(c)} of {int(c['capacity'])} in its buffer"
        print(f"channel {int(c.address):#x}: {int(c['elem'])} bytes a value, {of}, {state}")
        for what in ("senders", "receivers"):
            print(f"  {what}: {short(chan_waiters(c, what))}")


class InfoTimers(Command):
    """What is due, core by core: sleepers, limits of waits, timers. Times are since power-on."""

    NAME = "info timers"

    def run(self, text):
        self.nothing(text)
        now = machine.now()
        print(f"now at least {span(now)}")
        for core in cores():
            heap = core["alarms"]
            for slot in sorted((heap["slots"][i] for i in range(int(heap["n"]))), key=lambda s: int(s["when"])):
                when = int(slot["when"])
                print(f"core {int(core['hal']['index'])}  at {span(when)} (in {span(when - now)})  "
                      f"{self.owner(slot['alarm'])}")

    @staticmethod
    def owner(alarm):
        if not int(alarm["is_timer"]):
            g = machine.G(int(alarm) - machine.G.layout.type["alarm"].bitpos // 8)
            return f"{g.short} [{g.state_text}] at {machine.place_of(g)}"
        t = alarm.cast(gdb.lookup_type("struct timer").pointer())
        every = f" every {span(int(t['period']))}" if int(t["period"]) else ""
        if not int(t["fn"]):
            got = short(chan_waiters(t["chan"], "receivers"))
            return f"timer {int(t):#x} sends{every} on channel {int(t['chan'].address):#x}, received by {got}"
        return f"timer {int(t):#x} calls{every} {symbolic(int(t['fn']))}({int(t['arg']):#x})"


def symbolic(address):
    """name, name+0x10, or the address."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    if text.startswith("No symbol"):
        return hex(address)
    return text.split(" in section")[0].strip().replace(" + ", "+")


# ---- deadlock -------------------------------------------------------------------------------------------------

def holder(g, by_address):
    """Who holds what g waits for: such an object begins with a word that names its holder (sched/watch.c)."""
    if not g.is_("WAITING") or not g.waits_on:
        return None
    word = machine.words(g.waits_on, 1)[0]
    if g.waits_for("RWMUTEX_R", "RWMUTEX_W") and not word & 2:
        return None
    return by_address.get(word & ~7)


class Deadlock(Command):
    """Who waits for each other in a circle, for what, and who holds it; then who waits for those."""

    NAME = "deadlock"

    def run(self, text):
        self.nothing(text)
        by_address = {g.address: g for g in gs()}
        held = {g.address: holder(g, by_address) for g in by_address.values()}
        in_circle, circles = set(), 0
        for g in by_address.values():
            circle, at = [], g
            while at is not None and at not in circle:
                circle.append(at)
                at = held[at.address]
            if at is not g or g.address in in_circle:
                continue
            circles += 1
            in_circle.update(x.address for x in circle)
            print(f"{len(circle)} goroutines wait for each other for ever:")
            for x in circle:
                self.tell(x, held[x.address])
        for g in by_address.values():
            if g.address not in in_circle and held[g.address] is not None and held[g.address].address in in_circle:
                print("and behind them:")
                self.tell(g, held[g.address])
        if not circles:
            print("no goroutines wait for each other in a circle of locks and joins")

    @staticmethod
    def tell(g, by):
        held = "the end of" if g.waits_for("JOIN") else "held by"
        what = symbolic(g.waits_on)
        print(f"  {g.short} [{g.state_text}] at {machine.place_of(g)}\n"
              f"    waits for {what if what == hex(g.waits_on) else f'{what} ({g.waits_on:#x})'}, {held} {by.short}")


# ---- the console ----------------------------------------------------------------------------------------------

class Type(Command):
    r"""Keys for the program's console: type ps\r, type \x1c. Escapes are those of C."""

    NAME, ARGS = "type", "TEXT"

    def run(self, text):
        path = os.environ.get("BARELOOM_CONSOLE")
        if not path:
            raise Unknown("bareloom: this console is not `make debug`'s: type there")
        if not text:
            raise Unknown(rf"usage: {self.usage()}, as in: type ps\r")
        try:
            keys = text.encode().decode("unicode_escape").encode("latin-1")
        except (UnicodeDecodeError, UnicodeEncodeError) as error:
            raise Unknown(f"bareloom: {error}")
        with open(path, "wb", buffering=0) as fifo:
            fifo.write(keys)


# ---- printers -------------------------------------------------------------------------------------------------

def is_pointer(type_):
    return type_.strip_typedefs().code == gdb.TYPE_CODE_PTR


class Summary:
    """Shows a structure as one line, a pointer to it with a short one; print/r shows the fields."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        machine.forget()
        try:
            if not is_pointer(self.value.type):
                return self.full(self.value)
            if int(self.value) == 0:
                return "NULL"
            return f"{int(self.value):#x} <{self.brief(self.value.dereference())}>"
        except (gdb.error, Unknown):
            return f"{int(self.value):#x}" if is_pointer(self.value.type) else "not readable"

    def full(self, v):
        return self.brief(v)


def name_of_g(address):
    """Of a G, or of a core's g0; what is none is said to be none."""
    array = symbol("cores")
    first, size = int(array.address), array[0].type.sizeof
    if first <= address < first + array.type.sizeof:
        return f"g0 of core {(address - first) // size}"
    g = machine.G(address)
    return f"{g.short} [{g.state_text}]" if g.sane else "no goroutine"


class PrintG(Summary):
    def brief(self, v):
        return name_of_g(int(v.address))


class PrintChan(Summary):
    def brief(self, v):
        n = len(chan_waiters(v, "senders")) + len(chan_waiters(v, "receivers"))
        return f"channel, {values_in(v)} of {int(v['capacity'])}, {n} waiting" + \
            (", closed" if int(v["closed"]) else "")

    def full(self, v):
        return f"{self.brief(v)}, {int(v['elem'])} bytes a value; senders: {short(chan_waiters(v, 'senders'))}; " \
               f"receivers: {short(chan_waiters(v, 'receivers'))}"


class PrintMutex(Summary):
    def brief(self, v):
        owner = int(v["word"]) & ~7
        return f"mutex, locked by {name_of_g(owner)}" if owner else "mutex, not locked"

    def full(self, v):
        return f"{self.brief(v)}; waiting: {waiters_text(v['waiters'])}"


class PrintWaitList(Summary):
    def brief(self, v):
        return f"{len(waiters(v))} waiting"

    def full(self, v):
        return f"waiting: {waiters_text(v)}"


class PrintSpan(Summary):
    def to_string(self):
        return span(int(self.value))


PRINTERS = {"g": PrintG, "chan": PrintChan, "mutex": PrintMutex, "wait_list": PrintWaitList}


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("bareloom")

    def __call__(self, value):
        if value.type.name == "ns_t":
            return PrintSpan(value)
        type_ = value.type.strip_typedefs().unqualified()
        if type_.code == gdb.TYPE_CODE_PTR:
            type_ = type_.target().strip_typedefs().unqualified()
        printer = PRINTERS.get(type_.tag) if type_.code == gdb.TYPE_CODE_STRUCT else None
        return printer(value) if printer else None


def forget_layout(event):
    machine.G.layout = None


for command in (InfoGs, GCommand, InfoCores, InfoChan, InfoTimers, Deadlock, Type, dump.MemoryDump):
    command()
gdb.unwinder.register_unwinder(None, machine.unwinder, replace=True)
gdb.printing.register_pretty_printer(None, Printers(), replace=True)
gdb.events.new_objfile.connect(forget_layout)
