"""E12: priority inversion."""
from experiments import Experiment, Lines, Run, Trace, number

MIDDLES = (100000, 200000, 400000, 800000)
LOCKS = {"semaphore": 0, "mutex": 1}


def run(lock, middle):
    return Run("inversion", "policy=prio", 1, {"lock": lock, "middle": middle}, **{"lock": LOCKS[lock], "middle": middle})


def us(ns):
    return f"{number(ns / 1000)} us"


def says(t):
    def of(lock, middle):
        return t.one("high_waits", lock=lock, middle=middle)

    most, least = max(MIDDLES), min(MIDDLES)
    return [
        (f"With a semaphore nobody is known to hold it, so nobody inherits: high, before whom nobody comes, waits {us(of('semaphore', least))} where "
         f"middle computes for {us(least)}, {us(of('semaphore', most))} where it does for {us(most)}: as long as middle likes.",
         all(of("semaphore", m) > m for m in MIDDLES)),
        (f"With a mutex low inherits from high what it holds for it, and goes before middle: {us(of('mutex', least))} and {us(of('mutex', most))}, the "
         "rest of what low has to do under the lock, whatever middle does.",
         all(of("mutex", m) < 100000 for m in MIDDLES)),
    ]


EXPERIMENT = Experiment(
    title="Priority inversion",
    asks="What made Mars Pathfinder restart itself: low holds a lock, for 100 us; high wants it; middle, who has nothing to do with it, is before "
         "low. For how long does high wait, under `policy=prio` on one core?",
    runs=[run(lock, middle) for lock in LOCKS for middle in MIDDLES],
    pictures=[Lines("wait", "How long high waits for the lock", lambda row: row["middle"] // 1000, "us that middle computes",
                    lambda row: row["high_waits"] / 1000, "us", "lock")],
    traces=[Trace("semaphore", "Without inheritance", run("semaphore", 200000)), Trace("mutex", "With it", run("mutex", 200000))],
    says=says)
