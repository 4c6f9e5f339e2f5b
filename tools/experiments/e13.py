"""E13: what each core keeps of its own: of blocks, and of dead Gs."""
from experiments import Experiment, Lines, Run, Trace, number

CORES = (1, 2, 4)
WORDS = {"on": "steal=127", "off": "gcache=off"}


def per_us(row):
    return row["times"] * 1e3 / row["ns"]


def says(t):
    def of(what, cores, gcache="-"):
        return t.one(per_us, work=what, cores=cores, gcache=gcache)

    def wait(cores, gcache):
        return t.one(lambda row: row["lock_wait"] / row["times"], work="lives", cores=cores, gcache=gcache)

    return [
        (f"malloc() and free() by each core alone: {number(of('blocks', 1))} pairs a microsecond on one core, {number(of('blocks', 4))} on four, since "
         "a core takes from what it has itself and asks the common heap for many at once.", of("blocks", 4) > 3 * of("blocks", 1)),
        (f"Goroutines that are started and end: {number(of('lives', 1, 'on'))} a microsecond on one core and {number(of('lives', 4, 'on'))} on four; from the list of "
         f"all cores, with its lock (`gcache=off`), {number(of('lives', 1, 'off'))} and {number(of('lives', 4, 'off'))}.",
         of("lives", 4, "on") > of("lives", 4, "off") and of("lives", 1, "on") > of("lives", 1, "off")),
        (f"On four cores each of these waits {number(wait(4, 'off'))} instructions for that lock, {number(wait(4, 'on'))} with the cache.",
         wait(4, "off") > wait(4, "on")),
    ]


EXPERIMENT = Experiment(
    title="The allocator: what each core keeps",
    asks="Each core replaces blocks of random sizes, and each starts goroutines that end at once. Does it pay that a core keeps some of what is free, and dead "
         "goroutines with their stacks, instead of asking for each under a lock?",
    runs=[*(Run("blocks", "", n, {"work": "blocks", "gcache": "-", "cores": n}, times=1000, host=dict(times=50000)) for n in CORES),
          *(Run("lives", WORDS[g], n, {"work": "lives", "gcache": g, "cores": n}, times=400, host=dict(times=20000)) for g in WORDS for n in CORES)],
    pictures=[Lines("blocks", "malloc() and free()", "cores", "cores", per_us, "pairs a microsecond", lambda row: "blocks", lambda row: row["work"] == "blocks"),
              Lines("lives", "Goroutines started and ended", "cores", "cores", per_us, "a microsecond", lambda row: f"gcache={row['gcache']}",
                    lambda row: row["work"] == "lives")],
    traces=[Trace(f"gcache-{g}", f"gcache={g}: 8 lives on each of two cores", Run("lives", WORDS[g], 2, times=8)) for g in WORDS],
    says=says,
    limits="That a lock's line moves from core to core, and that a dead goroutine's stack is in the cache of the core where it died, is not counted: both speak "
           "for the caches.")
