"""E9: runnext."""
from experiments import Experiment, Lines, Run, Trace, number

OTHERS = (0, 1, 2, 4, 8, 16)
WORDS = {"on": "steal=127", "off": "runnext=off"}


def run(runnext, others, **options):
    return Run("talk", WORDS[runnext], 1, {"runnext": runnext, "others": others}, others=others, **options)


def us(row):
    return row["round_trip"] / 1000


def says(t):
    def of(runnext, others):
        return t.one(us, runnext=runnext, others=others)

    return [
        (f"With `runnext=off` each word waits for all others: a round trip takes {number(of('off', 0))} us with nobody else, {number(of('off', 4))} with four "
         f"others and {number(of('off', 16))} with sixteen.", of("off", 16) > 8 * of("off", 0) and of("off", 16) > 3 * of("off", 4)),
        (f"With runnext who is woken is next, in its waker's slice: {number(of('on', 0))}, {number(of('on', 4))} and {number(of('on', 16))} us. The pair is one for "
         "the slice, so the others have their turn at its end.", of("on", 16) < of("off", 16) / 8),
    ]


EXPERIMENT = Experiment(
    title="runnext",
    asks="Two goroutines ask and answer each other on a core where others compute 2000 instructions and yield. What does it cost them that who is "
         "woken goes to the tail of the queue, and not before it?",
    runs=[run(r, n, rounds=300) for r in WORDS for n in OTHERS],
    pictures=[Lines("round-trip", "A round trip between two", lambda row: row["others"] + 2, "goroutines on the core", us, "us", lambda row: f"runnext={row['runnext']}")],
    traces=[Trace(r, f"runnext={r}, three others", run(r, 3, rounds=10)) for r in WORDS],
    says=says,
    limits="Both take the slow ways here (MODELS.md, knobs); the usual ones take a third of that for a round trip without others.")
