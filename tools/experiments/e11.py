"""E11: a core without work has no tick; and how late who is woken runs."""
from experiments import Bars, Experiment, Run, Trace

LOADS = {"idle": dict(), "hogs": dict(hogs=1), "hogs that yield": dict(hogs=1, yields=20000), "tick=off": dict(hogs=1, yields=20000)}


def says(t):
    def of(what, load):
        return t.one(what, load=load)

    times = 100
    return [
        (f"Four cores without work have {of('ticks', 'idle')} ticks while a goroutine wakes {times} times in 50 ms: one each, and no other.",
         of("ticks", "idle") <= times + 5),
        (f"It is {of('median', 'idle')} ns late in the middle, and {of('longest', 'idle')} ns at most.", of("longest", "idle") < 20000),
        (f"Beside a hog on each core it is {of('median', 'hogs')} ns late and {of('longest', 'hogs')} at most, since who is woken by an interrupt displaces who computes; "
         f"there are {of('ticks', 'hogs')} ticks.", of("longest", "hogs") < 60000 and of("ticks", "hogs") > of("ticks", "idle")),
        (f"With `tick=off` it waits until somebody yields, which they do after 20 us: {of('median', 'tick=off')} ns in the middle, {of('longest', 'tick=off')} at most. Of hogs that "
         "yield never it would wait for ever.", of("median", "tick=off") > 3 * of("median", "hogs that yield")),
    ]


EXPERIMENT = Experiment(
    title="Tickless idle, and jitter",
    asks="A goroutine wants to run every 500 us. How late is it on idle cores, beside hogs, and beside hogs that nothing takes off? How many timer interrupts "
         "does the machine have meanwhile?",
    runs=[Run("jitter", "tick=off" if load == "tick=off" else "", 4, {"load": load}, **options) for load, options in LOADS.items()],
    pictures=[Bars("late", "Later than it wanted, at most", "load", "what the cores do", lambda row: row["longest"] / 1000, "us", lambda row: "longest"),
              Bars("ticks", "Timer interrupts in 50 ms", "load", "what the cores do", "ticks", "of four cores", lambda row: "ticks")],
    traces=[Trace(name, title, Run("jitter", words, 2, every=100000, times=5, **options)) for name, title, words, options in (
        ("idle", "Two idle cores", "", {}), ("hogs", "Beside hogs", "", dict(hogs=1)),
        ("tick-off", "Beside hogs that yield, tick=off", "tick=off", dict(hogs=1, yields=40000)))],
    says=says,
    limits="An instruction takes a nanosecond here whatever it does; caches and buses make silicon's jitter larger, and hw-report measures it there.")
