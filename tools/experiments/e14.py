"""E14: bytes per G."""
from experiments import Experiment, Lines, Run, Trace, number

GS = (100, 1000, 10000, 100000)
KINDS = {"64 KiB, page by page": ("", dict()), "small, 1 KiB": ("", dict(small=1)), "1-1, 64 KiB at once": ("model=1-1", dict())}


def most(kind):
    return 10000 if kind.startswith("1-1") else 100000


def says(t):
    def of(kind, gs, what="bytes"):
        return t.one(what, stack=kind, gs=gs)

    big, small, whole = KINDS
    return [
        (f"A goroutine that waits has {of(big, 100000):,} bytes with a hundred thousand of them, {of(big, 1000):,} with a thousand: one page of the stack that it has "
         f"touched, and what is known of it. On a small stack it has {of(small, 100000):,}.",
         of(big, 100000) < 5000 and of(small, 100000) < 1500),
        (f"As a thread, whose stack is there from the beginning, it has {of(whole, 10000):,}: ten thousand fill {number(of(whole, 10000) * 1e4 / 2 ** 20)} MiB, and the "
         "hundred thousand are not possible on this machine.", of(whole, 10000) > 60000),
        (f"To start one takes {of(big, 100000, 'start_ns')} instructions with a hundred thousand, {of(big, 1000, 'start_ns')} with a thousand.",
         of(big, 100000, "start_ns") < 2 * of(big, 1000, "start_ns")),
    ]


EXPERIMENT = Experiment(
    title="Bytes per goroutine",
    asks="100 to 100,000 goroutines wait at the same time. How much memory does each take, and how long does it take to start one?",
    runs=[Run("parked", words, 1, {"stack": kind, "gs": n}, gs=n, **options) for kind, (words, options) in KINDS.items() for n in GS if n <= most(kind)],
    pictures=[Lines("bytes", "Memory of a goroutine that waits", "gs", "goroutines", "bytes", "bytes", "stack"),
              Lines("start", "To start one", "gs", "goroutines", "start_ns", "instructions", "stack")],
    traces=[Trace("parked", "Twelve that wait", Run("parked", "", 1, gs=12))],
    says=says,
    limits="Pages are counted, as the runtime gives them out. Go's begin with 2 KiB of stack that is copied when it grows, which needs a compiler that knows where "
           "pointers are; a Linux thread has 8 KiB to 16 KiB of kernel stack alone.")
