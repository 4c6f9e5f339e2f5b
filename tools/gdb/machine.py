"""What a stopped Bareloom consists of, read by gdb from memory alone: Gs, cores, and the registers of Gs that are
off their cores. The same for QEMU, for a board behind OpenOCD, for the host's process and for a memory dump.

A G's registers are in one of four places:
    a thread     its core was stopped while it ran: the core's stack pointer lies in the G's stack
    a trap       it runs, and a handler or a fault runs over it: at the top of its core's stack
    a frame      it was preempted (hal/aarch64/context.S, resume)
    its stack    it waits, yielded, or has yet to begin (hal_park, hal_prepare)
gdb shows frames of registers that it has no thread for when an unwinder says that they called the current frame:
so nothing of the target is changed, and a dump, which cannot be written to, is shown like all else.
"""
import contextlib
import functools
import struct

import gdb
import gdb.unwinder

# Folders whose functions are not what a user looks for in a G's frames.
RUNTIME = ("include/", "sched/", "hal/", "sync/", "libc/", "boot/", "drivers/", "newlib/", "sysdeps/", "../")

PARK_SIZE, FRAME_Q0, TRAP_SIZE = 176, 288, 288  # hal/aarch64/offsets.h
MASK = 2 ** 64 - 1
CORE_SLOT = 0x8000                              # linker/aarch64.ld.S, .stacks


class Unknown(gdb.GdbError):
    """One line for the user instead of a stack of Python's."""


_seen = {}  # what one command has found out already; forget() before the next


def forget():
    _seen.clear()


def once(fn):
    """Of a function without arguments: its answer holds for the rest of a command."""
    @functools.wraps(fn)
    def cached():
        if fn not in _seen:
            _seen[fn] = fn()
        return _seen[fn]
    return cached


def symbol(name):
    """The value of a variable, or an error that says what is amiss."""
    try:
        return gdb.parse_and_eval(name)
    except gdb.error as error:
        raise Unknown(f"bareloom: no {name} here ({error}): is this a program of Bareloom, built with -g?")


def address_of(name):
    """Of a symbol that need not have a type; None if it is not there."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
    except gdb.error:
        return None


def read(address, size):
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.MemoryError:
        raise Unknown(f"bareloom: memory at {address:#x} cannot be read")


def words(address, n):
    return struct.unpack(f"<{n}Q", read(address, 8 * n))


def text_at(address, limit=64):
    """The string there, or "" where memory does not answer."""
    try:
        return gdb.selected_inferior().read_memory(address, limit).tobytes().split(b"\0")[0].decode(errors="replace")
    except gdb.MemoryError:
        pass
    try:
        return gdb.Value(address).cast(gdb.lookup_type("char").pointer()).string(length=limit).split("\0")[0]
    except (gdb.error, UnicodeDecodeError):
        return ""


def span(ns):
    """A time as a person writes it: 1.5s, 20ms, 3m2s."""
    sign, ns = ("-" if ns < 0 else ""), abs(ns)
    if ns >= 2 ** 63 - 1:
        return sign + "forever"
    for unit, size in (("s", 10 ** 9), ("ms", 10 ** 6), ("us", 10 ** 3)):
        if ns >= 60 * 10 ** 9:
            return f"{sign}{ns // (60 * 10 ** 9)}m{ns % (60 * 10 ** 9) // 10 ** 9}s"
        if ns >= size:
            return f"{sign}{ns / size:.3f}".rstrip("0").rstrip(".") + unit
    return f"{sign}{ns}ns"


def member(type_, name):
    """(offset, type) of a field, also of one in a nameless structure or union; KeyError."""
    for field in type_.fields():
        if field.name == name:
            return field.bitpos // 8, field.type
        if not field.name:
            try:
                offset, found = member(field.type.strip_typedefs(), name)
                return field.bitpos // 8 + offset, found
            except KeyError:
                pass
    raise KeyError(name)


class Layout:
    """Where fields lie in a structure, so that many of them are read in one go and taken apart here."""

    def __init__(self, type_name, *names):
        self.type = gdb.lookup_type(type_name)
        self.size = self.type.sizeof
        self.fields = {name.replace(".", "_"): self.place(name) for name in names}

    def place(self, path):
        at, type_ = 0, self.type
        for name in path.split("."):
            offset, type_ = member(type_.strip_typedefs(), name)
            at += offset
        return at, type_.strip_typedefs().sizeof

    def take(self, raw, into):
        for name, (at, size) in self.fields.items():
            setattr(into, name, int.from_bytes(raw[at:at + size], "little"))


def signed(v):
    return v - 2 ** 64 if v >= 2 ** 63 else v


@once
def ns_per_tick():
    """Of stamps, as a 32.32 fixed-point number; on the host a stamp is a time."""
    return 2 ** 32 if on_host() else int(symbol("hal_ns_per_tick"))


def stamp_ns(stamp):
    return stamp * ns_per_tick() >> 32


# ---- Gs -------------------------------------------------------------------------------------------------------

class G:
    """A goroutine as it is in memory."""

    layout = None
    FIELDS = ("hal.sp", "hal.port", "hal.frame", "id", "name", "creator", "parent", "stack_lo", "stack_hi", "pin", "affinity",
              "made", "status", "entry", "since", "system", "waits_on", "alarm.pos", "alarm.when")

    def __init__(self, address, raw=None):
        if G.layout is None:
            G.layout = Layout("struct g", *G.FIELDS)
            G.states = {f.name: f.enumval for f in gdb.lookup_type("enum g_state").fields()}
            G.reasons = {f.name: f.enumval for f in gdb.lookup_type("enum wait_reason").fields()}
        self.address = address
        G.layout.take(raw if raw is not None else read(address, G.layout.size), self)
        waiting = G.states["G_WAITING"]
        self.state, self.reason = min(self.status, waiting), max(0, self.status - waiting)
        self.core = self.entry % (symbol("cores").type.range()[1] + 1)
        if self.is_("RUNNABLE") and self.entry == int(symbol("cores")[self.core]["tick"]):
            self.state = G.states["G_RUNNING"]  # g_state()
        self.since = stamp_ns(signed(self.since))
        self.title = text_at(self.name) if self.name else ""

    def is_(self, state):
        return self.state == G.states["G_" + state]

    def waits_for(self, *reasons):
        return self.is_("WAITING") and self.reason in (G.reasons["WAIT_" + r] for r in reasons)

    @property
    def state_text(self):
        if self.is_("WAITING"):
            return reasons().get(self.reason, f"reason {self.reason}?")
        if self.is_("RUNNABLE"):
            return "preempted" if self.hal_frame else "runnable"
        return "running" if self.is_("RUNNING") else "dead"

    @property
    def sane(self):
        """Whether there is a G at all at this address."""
        return bool(self.made and self.id and self.reason < len(G.reasons) and self.stack_lo < self.stack_hi)

    @property
    def short(self):
        return f"goroutine {self.id}" + (f' "{self.title}"' if self.title else "")

    def header(self):
        """As in a report of the machine's own (sched/dump.c)."""
        text = f"goroutine {self.id} [{self.state_text}"
        if self.is_("WAITING"):
            text += f", {span(max(0, now() - self.since))}"
        if self.affinity:
            text += f", on cores {self.affinity:#x}"
        elif self.pin != 255:
            text += f", locked to core {self.pin}"
        return text + (f']: "{self.title}"' if self.title else "]:") + \
            (f" on core {self.core}" if self.is_("RUNNING") else "")


@once
def reasons():
    table = symbol("'sched/info.c'::reasons")
    return {i: table[i].string() for i in range(table.type.range()[1] + 1) if int(table[i])}


def started():
    value = symbol("machine.started")
    if int(value) != 1:
        raise Unknown("bareloom: the scheduler has not started yet: `break main`, then `continue`")


def gs(everything=False):
    """All Gs that live, by number; everything: the runtime's own, too."""
    started()
    found, page = [], int(symbol("'sched/go.c'::all"))
    page_type = gdb.lookup_type("struct g_page")
    at, size = page_type["gs"].bitpos // 8, gdb.lookup_type("struct g").sizeof
    n = page_type["gs"].type.sizeof // size
    while page != 0:
        raw = read(page, page_type.sizeof)
        for i in range(n):
            g = G(page + at + i * size, raw[at + i * size:at + (i + 1) * size])
            if g.id and not g.is_("DEAD") and (everything or not g.system):
                found.append(g)
        page = int.from_bytes(raw[:8], "little")
    return sorted(found, key=lambda g: g.id)


def g_called(text):
    """By its number or its name."""
    found = [g for g in gs(everything=True) if text in (str(g.id), g.title)]
    if not found:
        raise Unknown(f"bareloom: there is no goroutine {text} now: `info gs` lists them")
    if len(found) > 1:
        raise Unknown(f"bareloom: {len(found)} goroutines are called {text}: {' '.join(str(g.id) for g in found)}")
    return found[0]


def g_at(address):
    """The live G there; None if there is none."""
    return next((g for g in gs(everything=True) if g.address == address), None)


@once
def now():
    """The latest time that the runtime has noted: the counter itself cannot be read through a debugger."""
    times = [int(symbol("'sched/watch.c'::watch.next")) - 10 ** 6]
    for c in cores():
        times += [stamp_ns(int(c["slice_stamp"])), stamp_ns(int(c["n"]["asleep_since"])), int(c["watching"]["at"])]
    return max(times)


# ---- cores ----------------------------------------------------------------------------------------------------

@once
def on_host():
    return address_of("host_switch_out") is not None


@once
def cores():
    """Values of type struct core, of those that have joined."""
    started()
    array = symbol("cores")
    low, high = array.type.range()
    return [array[i] for i in range(low, high + 1) if int(array[i]["hal"]["stack_top"]) != 0]


def thread_of(core):
    """gdb's thread for a core; None: there is none (a dump without registers)."""
    threads = sorted(gdb.selected_inferior().threads(), key=lambda t: t.num)
    if on_host():
        try:
            handle = symbol("host_cores")[int(core["hal"]["index"])]["thread"]
            return gdb.selected_inferior().thread_from_handle(handle)
        except (gdb.error, Unknown):
            return None
    # Threads are in the order of the board's cores, as the slots of their stacks are.
    slot = (int(core["hal"]["stack_top"]) - address_of("__stacks_start")) // CORE_SLOT - 1
    return threads[slot] if slot < len(threads) else None


@contextlib.contextmanager
def selected(thread):
    """With thread as the current one; then everything as it was."""
    before, frame = gdb.selected_thread(), None
    try:
        frame = gdb.selected_frame().level()
    except gdb.error:
        pass
    if thread is not None and (before is None or thread.num != before.num):
        thread.switch()
    try:
        yield
    finally:
        if before is not None and before.is_valid():
            before.switch()
            if frame:
                gdb.execute(f"frame {frame}", to_string=True)


def pc_sp(thread):
    with selected(thread):
        frame = gdb.newest_frame()
        return int(frame.read_register("pc")) & MASK, int(frame.read_register("sp")) & MASK


@once
def threads_by_sp():
    """[(stack pointer, thread)] of all cores."""
    found = []
    for core in cores():
        thread = thread_of(core)
        if thread is not None:
            found.append((pc_sp(thread)[1], thread))
    return found


def running_on(core, all_gs):
    """(the G that core runs or None, whether a handler runs over it)."""
    thread, index = thread_of(core), int(core["hal"]["index"])
    if thread is not None:
        sp = pc_sp(thread)[1]
        for g in all_gs:
            if g.stack_lo < sp <= g.stack_hi:
                return g, False
    for g in all_gs:
        if g.is_("RUNNING") and g.core == index:
            return g, True
    return None, False


# ---- registers ------------------------------------------------------------------------------------------------

class Registers:
    """exact: pc is an instruction that was not carried out yet, and not where a call returns to."""

    def __init__(self, values, exact=False):
        self.values, self.exact = values, exact


def parked_aarch64(sp):
    w = words(sp, PARK_SIZE // 8)
    r = {"x29": w[0], "x30": w[1], "pc": w[1], "sp": sp + PARK_SIZE}
    r.update({f"x{19 + i}": w[2 + i] for i in range(10)})
    r.update({f"v{8 + i}": w[12 + i].to_bytes(16, "little") for i in range(8)})
    return Registers(r)


def first_aarch64(begin):
    """Of a G that has yet to begin: hal_prepare() put its function and argument there, and hal_first() calls it by its
    second instruction."""
    fn, arg = words(begin, 2)
    return Registers({"pc": fn, "x0": arg, "x29": 0, "x30": address_of("hal_first") + 8, "sp": begin}, exact=True)


def taken_aarch64(core, thread):
    """(whether the core has just taken an exception and not saved its G's registers yet; these, from the core itself,
    or None where the debugger does not show the two that only the core knows)."""
    with selected(thread):
        frame = gdb.newest_frame()
        pc = int(frame.read_register("pc"))
        if not address_of("trap_vectors") <= pc < address_of("return_to_g"):
            return False, None
        try:
            r = {"pc": int(frame.read_register("ELR_EL1")), "sp": int(frame.read_register("SP_EL0"))}
        except ValueError:
            return True, None
        r.update({f"x{i}": int(frame.read_register(f"x{i}")) & MASK for i in range(31)})
        if int(frame.read_register("sp")) != int(core["hal"]["stack_top"]) and pc % 0x80 != 4:
            r["x0"], r["x1"] = words(int(core["hal"]["stack_top"]) - TRAP_SIZE + 8, 2)
        return True, Registers(r, exact=True)


def trap_aarch64(trap, with_fp):
    w = words(trap, TRAP_SIZE // 8)
    r = {f"x{i}": w[1 + i] for i in range(31)}
    r.update({"sp": w[32], "pc": w[33]})
    if with_fp:
        q = read(trap + FRAME_Q0, 32 * 16)
        r.update({f"v{i}": q[16 * i:16 * i + 16] for i in range(32)})
    return Registers(r, exact=True)


def parked_host(sp):
    context = gdb.lookup_type("struct host_context")
    value = gdb.Value(sp).cast(context.pointer()).dereference()
    names = {"pc": "rip", "fp": "rbp", "rbx": "rbx", "r12": "r12", "r13": "r13", "r14": "r14", "r15": "r15"}
    if "rbx" not in context:
        names = {"pc": "pc", "fp": "x29", **{f"x{i}": f"x{i}" for i in range(19, 29)}}
    r = {register: int(value[field]) for field, register in names.items()}
    sp_name, pc_name = ("rsp", "rip") if "rbx" in context else ("sp", "pc")
    r[sp_name] = sp + context.sizeof
    if r[pc_name] == address_of("host_start"):  # it has yet to begin: host_context_init()
        x86 = "rbx" in context
        fn, arg = (r["rbx"], r["r12"]) if x86 else (r["x19"], r["x20"])
        # sp: where x86 looks for the return address is a 0
        return Registers({pc_name: fn, "rdi" if x86 else "x0": arg, names["fp"]: 0, sp_name: sp + 8 if x86 else sp},
                         exact=True)
    return Registers(r)


def registers_of(g):
    """Where g will go on; a thread if it is running there. None: nobody knows."""
    for sp, thread in threads_by_sp():
        if g.stack_lo < sp <= g.stack_hi:
            return thread
    if g.is_("RUNNING"):
        core = cores()[g.core]
        thread = thread_of(core)
        if on_host():  # a handler runs over it
            sp = int(symbol("host_cores")[g.core]["interrupted_sp"])
            return parked_host(sp) if g.stack_lo < sp <= g.stack_hi else None
        if thread is None or pc_sp(thread) == (0, 0):
            return None  # memory without registers
        taken, registers = taken_aarch64(core, thread)
        if taken:
            return registers
        trap = trap_aarch64(int(core["hal"]["stack_top"]) - TRAP_SIZE, False)
        if g.stack_lo < trap.values["sp"] <= g.stack_hi:
            return trap
        if g.hal_port:
            return first_aarch64(g.hal_port)
        return parked_aarch64(g.hal_sp) if g.stack_lo < g.hal_sp <= g.stack_hi else None  # about to be entered
    if on_host():
        return parked_host(words(g.hal_frame + 8, 1)[0] if g.hal_frame else g.hal_sp)
    if g.hal_port:
        return first_aarch64(g.hal_port)
    return trap_aarch64(g.hal_frame, True) if g.hal_frame else parked_aarch64(g.hal_sp)


class Unwinder(gdb.unwinder.Unwinder):
    """Says, while there is something to show, that the current frame was called from where a G is."""

    def __init__(self):
        super().__init__("bareloom")
        self.shown = None  # Registers
        self.live = None   # (pc, sp) of the frame that is to be passed over

    def __call__(self, pending):
        if self.shown is None:
            return None
        here = int(pending.read_register("pc")) & MASK, int(pending.read_register("sp")) & MASK
        if here != self.live:
            return None
        # Below all stacks, or gdb takes the G's frames for a stack that grows the wrong way.
        info = pending.create_unwind_info(FrameId(16, here[0]))
        for name, value in self.shown.values.items():
            type_ = pending.read_register(name).type
            if isinstance(value, bytes):
                info.add_saved_register(name, gdb.Value(value, type_))
            else:
                # gdb looks for the call before the address, so of an exact one it gets the next
                value += self.shown.exact and name in ("pc", "rip")
                info.add_saved_register(name, gdb.Value(value.to_bytes(8, "little"), type_))
        return info


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


unwinder = Unwinder()


@contextlib.contextmanager
def shown(g):
    """With g's frames in gdb's hands: gives (the innermost one, its exact pc or None)."""
    where = registers_of(g)
    if where is None:
        raise Unknown(f"bareloom: where core {g.core} runs {g.short} is not known: there are no registers of it here, or "
                      "it has just taken an interrupt")
    if isinstance(where, gdb.InferiorThread):
        with selected(where):
            yield gdb.newest_frame(), None
        return
    thread = gdb.selected_thread()
    if thread is None:
        raise Unknown("bareloom: there is no thread to show frames with")
    with selected(thread):
        pc, sp = pc_sp(thread)
        unwinder.live, unwinder.shown = (pc, sp), where
        gdb.invalidate_cached_frames()
        try:
            frame = gdb.newest_frame()
            while frame is not None and frame.type() == gdb.INLINE_FRAME:
                frame = frame.older()
            frame = frame.older() if frame is not None else None
            if frame is None:
                raise Unknown(f"bareloom: the registers of {g.short} lead nowhere")
            exact = where.values.get("pc", where.values.get("rip")) if where.exact else None
            yield frame, exact
        finally:
            unwinder.shown = None
            gdb.invalidate_cached_frames()


def source(line):
    """The file of a symtab and line; "" where nothing is known."""
    return line.symtab.filename.removeprefix("./") if line.symtab else ""


def function_at(frame):
    """f (file:line)"""
    line = frame.find_sal()
    where = f" ({source(line)}:{line.line})" if line.symtab else ""
    return f"{frame.name() or hex(frame.pc())}{where}"


def own_frame(innermost):
    """The innermost frame that is the program's own; else the call of the runtime's that it made."""
    frame, last = innermost, innermost
    while frame is not None and frame.name() not in ("hal_first", "host_first"):
        file = source(frame.find_sal())
        if file and not file.startswith(RUNTIME):
            return frame
        frame, last = frame.older(), frame
    return last


def place_of(g):
    try:
        with shown(g) as (innermost, _):
            return function_at(own_frame(innermost))
    except (Unknown, gdb.error):
        return "?"
