"""E10: spinning against sleeping."""
from experiments import Experiment, Lines, Run, Trace, number

LOOKS = (0, 10, 100, 1000, 10000)
PAUSES = (1000, 10000, 100000)


def word(looks):
    return f"spin={looks}" if looks else "steal=127"


def says(t):
    def of(looks, pause):
        return t.one("round_trip", looks_most=looks, pause=pause)

    def asleep(looks, pause):
        return t.one("asleep_permille", looks_most=looks, pause=pause) / 10

    most = LOOKS[-1]
    gain = max(1 - of(n, p) / of(0, p) for n in LOOKS[1:] for p in PAUSES)
    return [
        (f"Who sleeps is woken by an interrupt: an answer takes {of(0, 1000):,}, {of(0, 10000):,} and {of(0, 100000):,} ns with 1, 10 and 100 us between two "
         f"questions, and the two cores sleep {asleep(0, 1000)}, {asleep(0, 10000)} and {asleep(0, 100000)} % of the time.", asleep(0, 100000) > 45),
        (f"With up to {most:,} looks it takes {of(most, 1000):,}, {of(most, 10000):,} and {of(most, 100000):,} ns, and they sleep {asleep(most, 1000)}, "
         f"{asleep(most, 10000)} and {asleep(most, 100000)} %.", all(asleep(most, p) < 0.6 * asleep(0, p) for p in PAUSES)),
        (f"The most that any number of looks gains is {number(100 * gain)} %: who finds a G in its inbox still has the interrupt to take that told of it, and "
         "a core that sleeps takes it without an exception.", 0 < gain < 0.2),
        (f"Ten looks are over long before the next question comes when there are 100 us between two, so the core sleeps as long ({asleep(10, 100000)} %).",
         asleep(10, 100000) > 0.9 * asleep(0, 100000)),
    ]


EXPERIMENT = Experiment(
    title="Spinning against sleeping",
    asks="A goroutine on core 0 asks one on core 1, and computes for a while before it asks again. What is gained, and what is burnt, when a core that has "
         "nothing looks a number of times before it sleeps?",
    runs=[Run("cross", word(n), 2, {"looks_most": n, "pause": p}, pause=p, rounds=200) for n in LOOKS for p in PAUSES],
    pictures=[Lines("answer", "An answer from the other core", "pause", "instructions between two questions", "round_trip", "ns",
                    lambda row: f"up to {row['looks_most']} looks"),
              Lines("asleep", "Time asleep", "pause", "instructions between two questions", lambda row: row["asleep_permille"] / 10,
                    "% of both cores' time", lambda row: f"up to {row['looks_most']} looks")],
    traces=[Trace(name, title, Run("cross", word(n), 2, pause=10000, rounds=5))
            for name, title, n in (("sleeps", "It sleeps between two questions", 0), ("spins", "It spins", 10000))],
    says=says,
    limits="What sleeping costs on silicon is not here: a core that wakes from WFI takes microseconds to come out of deep idle states, and Go's spinning spares a "
           "system call for each sleep and wake-up, which a bare machine does not have. So the gain is the smallest here, and the energy is the same as there.")
