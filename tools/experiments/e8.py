"""E8: the slice and the slowest requests."""
from experiments import Experiment, Lines, Run, Trace, number

SLICES = (50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000)
HOGS = 4


def run(slice_, **options):
    return Run("requests", "", 1, {"slice": slice_}, slice=slice_, gs=HOGS, **options)


def says(t):
    def p99(slice_):
        return t.one("hundredth", slice=slice_) / 1e6

    return [
        (f"The slowest of a hundred wait for the slices of those that compute: {number(p99(10000000))} ms at Go's slice of 10 ms, {number(p99(1000000))} at "
         f"1 ms, {number(p99(100000))} at 100 us.", p99(10000000) > 4 * p99(1000000) > 8 * p99(100000)),
        (f"The half that is quicker takes {number(t.one('median', slice=10000000) / 1e6)}, {number(t.one('median', slice=1000000) / 1e6)} and "
         f"{number(t.one('median', slice=100000) / 1e6)} ms.", t.one("median", slice=10000000) > t.one("median", slice=100000)),
        (f"The price is preemptions (those for who hands the requests out are counted, too): {t.one('preempted_a_s', slice=10000000)} a second at 10 ms, {t.one('preempted_a_s', slice=1000000)} at 1 ms, "
         f"{t.one('preempted_a_s', slice=100000)} at 100 us, each of some 800 instructions here.",
         t.one("preempted_a_s", slice=100000) > t.one("preempted_a_s", slice=1000000) > t.one("preempted_a_s", slice=10000000)),
    ]


EXPERIMENT = Experiment(
    title="The slice and the slowest requests",
    asks=f"{HOGS} goroutines that only compute share a core with short requests, four at a time. A request that waits in the queue waits for slices: how "
         "long do the slowest take as the slice gets shorter?",
    runs=[run(s, requests=100) for s in SLICES],
    traces=[Trace("slices", "Eight requests, slices of 200 us", run(200000, requests=8))],
    says=says)
EXPERIMENT.pictures = [
    Lines("slowest", "The slowest of a hundred requests", lambda row: row["slice"] / 1000, "slice, us", lambda row: row["hundredth"] / 1e6, "ms",
          lambda row: "the slowest of a hundred"),
    Lines("median", "The middle one", lambda row: row["slice"] / 1000, "slice, us", lambda row: row["median"] / 1e6, "ms", lambda row: "the middle one")]
