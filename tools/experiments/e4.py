"""E4: less is more."""
from experiments import Experiment, Lines, Run, Trace, number

GS = (1, 2, 4, 8, 16, 32, 64)
SLICES = (100000, 200000)


def longest_us(row):
    return row["longest_wait"] / 1000


def says(t):
    def of(gs, slice_):
        return t.one("longest_wait", gs=gs, slice=slice_)

    def expected(gs, slice_):
        return (gs - 1) * slice_

    pairs = [(gs, s) for gs in GS[1:] for s in SLICES]
    off = max(abs(of(gs, s) / expected(gs, s) - 1) for gs, s in pairs)
    return [
        (f"The longest wait is the slices of all others: (n - 1) times the slice, to {number(100 * off)} %.", off < 0.1),
        (f"64 goroutines with slices of 100 us wait for {number(of(64, 100000) / 1e6)} ms; at Go's 10 ms a thousand of them would wait "
         "for 10 s.", True),
        (f"Half as many wait for half as long ({number(of(32, 100000) / 1e6)} ms): less is more. So do as many with half the slice, but that is "
         f"paid for in switches: {t.one('preempted', gs=64, slice=100000)} instead of {t.one('preempted', gs=64, slice=200000)} "
         "for the same time.",
         1.8 < of(64, 100000) / of(32, 100000) < 2.2),
    ]


EXPERIMENT = Experiment(
    title="Less is more",
    asks="Goroutines that never wait share one core in slices. How long is each off the core before its next turn?",
    runs=[Run("waits", "", 1, {"gs": gs, "slice": s}, gs=gs, slice=s, rounds=3 * 200000 // s) for s in SLICES for gs in GS],
    pictures=[Lines("wait", "The longest wait of any goroutine", "gs", "runnable goroutines on one core", longest_us, "us",
                    lambda row: f"a slice of {row['slice'] // 1000} us")],
    traces=[Trace("turns", "Eight in slices of 100 us: each waits for seven", Run("waits", "", 1, gs=8, slice=100000, rounds=4))],
    says=says)
