"""E7: how many a thief takes."""
from experiments import Experiment, Lines, Run, Trace, number

STEAL = {"half": 127, "one": 1, "eight": 8, "off": "off"}
CORES = (1, 2, 4)


def per_us(row):
    return row["gs"] * 1e3 / row["ns"]


def says(t):
    def of(steal, cores=4, work="burst"):
        return t.one(per_us, steal=steal, cores=cores, work=work)

    def stolen(steal, work="burst"):
        return t.one("stolen", steal=steal, cores=4, work=work)

    return [
        (f"When one core starts all, nobody else works unless somebody steals: {number(of('off'))} goroutines a microsecond on four cores with "
         f"`steal=off`, {number(of('off', 1))} on one; with `steal=half` {number(of('half'))}.",
         of("off") < 1.2 * of("off", 1) and of("half") > 2 * of("off")),
        (f"How many at once matters less: {number(of('one'))} with one, {number(of('eight'))} with up to eight; others take {stolen('one')}, "
         f"{stolen('eight')} and, with half, {stolen('half')} times one of the 256, some twice.",
         min(of("one"), of("eight"), of("half")) > 2 * of("off")),
        (f"In a tree, where each goroutine starts two more, half takes {stolen('half', 'tree')} goroutines from others' queues and one takes "
         f"{stolen('one', 'tree')}: {number(of('half', work='tree'))} and {number(of('one', work='tree'))} goroutines a microsecond.",
         of("half", work="tree") > 1.5 * of("off", work="tree")),
    ]


def run(work, steal, cores, **options):
    return Run(work, f"steal={STEAL[steal]}", cores, {"work": work, "steal": steal, "cores": cores}, **options)


EXPERIMENT = Experiment(
    title="Steal variants",
    asks="256 goroutines of 2000 instructions that one core starts, and a tree of 1023: what is gained when idle cores take half of another's "
         "queue, up to eight, one, or none? (`steal=`; half is `steal=127`, which takes the slow ways as the others do.)",
    runs=[*(run("burst", s, n, gs=256) for s in STEAL for n in CORES), *(run("tree", s, n, depth=9) for s in STEAL for n in CORES)],
    pictures=[Lines(work, title, "cores", "cores", per_us, "goroutines a microsecond", "steal", lambda row, work=work: row["work"] == work)
              for work, title in (("burst", "One core starts all"), ("tree", "Each starts two more"))],
    traces=[Trace(s, f"steal={s}: 24 that one core starts", run("burst", s, 4, gs=24)) for s in ("half", "one", "off")],
    says=says,
    limits="What a stolen goroutine finds in its new core's cache, nothing, is not in these figures: on silicon it is what speaks for taking many "
           "at once, and seldom.")
