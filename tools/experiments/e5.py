"""E5: false sharing."""
from experiments import Experiment, Lines, Run, Trace, number

APART = (8, 64)
CORES = (1, 2, 4)


def per_us(row):
    return row["cores"] * row["times"] * 1e3 / row["ns"]


def says(t):
    def of(apart, cores):
        return t.one(per_us, apart=apart, cores=cores)

    same = max(abs(of(8, n) / of(64, n) - 1) for n in CORES)
    return [
        (f"Eight bytes apart the four counters are on {t.one('lines', apart=8, cores=4)} line of 64 bytes, which every core writes; 64 bytes "
         f"apart they are on {t.one('lines', apart=64, cores=4)}, and no core touches another's.",
         t.one("lines", apart=8, cores=4) == 1 and t.one("lines", apart=64, cores=4) == 4),
        (f"Here both go on alike, to {number(100 * same)} %: {number(of(8, 4))} and {number(of(64, 4))} additions a microsecond on four cores, "
         f"{number(of(64, 1))} on one.", same < 0.05 and of(64, 4) > 3 * of(64, 1)),
    ]


EXPERIMENT = Experiment(
    title="False sharing",
    asks="Each core adds to a counter of its own. Does it matter whether the counters are on one cache line or on one each?",
    runs=[Run("sharing", "", n, {"apart": apart, "cores": n}, apart=apart, host=dict(times=1000000)) for apart in APART for n in CORES],
    pictures=[Lines("additions", "Additions by all cores together", "cores", "cores", per_us, "additions a microsecond",
                    lambda row: f"{row['apart']} bytes apart")],
    traces=[Trace("line", "Two counters on one line, as a machine without caches has it", Run("sharing", "", 2, apart=8, times=2000))],
    says=says,
    limits="An emulator has no caches: that a line moves from core to core at each write, at tens of cycles, is what it cannot show. "
           "`make experiment E=5 BOARD=host` shows it where more than one core is idle, a board with a cable too. It is why "
           "what each core of this runtime writes at every switch begins on a line of its own (`struct core` in sched/sched.h: what it alone "
           "touches, the inbox that others push to, the queue's tail, its head that thieves move), and why `idle_mask` and `searchers` are on one: "
           "who reads the one reads the other.")
