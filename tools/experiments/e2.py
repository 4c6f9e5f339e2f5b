"""E2: one queue for all cores against a queue for each."""
from experiments import Experiment, Lines, Run, Trace, number

CORES = (1, 2, 4, 8)


def per_us(row):
    return row["gs"] * 1000 / row["ns"]


def lock_wait(row):
    return row["lock_wait"] / row["gs"]


def says(t):
    def of(what, policy, cores):
        return t.one(what, policy=policy, cores=cores)

    waits = [of(lock_wait, "fifo", n) for n in CORES]
    ratios = [of(per_us, "gmp", n) / of(per_us, "fifo", n) for n in CORES]
    return [
        (f"With one queue for all cores a core waits for its lock: {', '.join(map(number, waits[:-1]))} and {number(waits[-1])} "
         f"instructions for each goroutine on 1, 2, 4 and 8 cores.",
         waits == sorted(waits)),
        (f"From 4 cores to 8 that is {number(waits[3] / waits[2])} times as much: it grows faster than the number of cores, and "
         "at some number more cores do no more work.",
         waits[3] > 2 * waits[2]),
        (f"With a queue for each core it is {number(of(lock_wait, 'gmp', 8))} on 8 cores, of the few locks that remain.",
         of(lock_wait, "gmp", 8) < waits[3] / 5),
        (f"Goroutines a microsecond go from {number(of(per_us, 'fifo', 1))} to {number(of(per_us, 'fifo', 8))} with one queue, from "
         f"{number(of(per_us, 'gmp', 1))} to {number(of(per_us, 'gmp', 8))} with a queue each: {number(min(ratios))} to "
         f"{number(max(ratios))} times as many.",
         min(ratios) > 2),
    ]


EXPERIMENT = Experiment(
    title="The Saga's curve: one queue for all cores, or one for each",
    asks="Ideas I and II of The Scheduler Saga keep what is ready in one queue under one lock (`policy=fifo`); idea III gives "
         "each core its own, and who is idle steals half of another's (`policy=gmp`). A tree of 511 goroutines, each of which "
         "starts two more and ends: what does each cost as cores are added?",
    runs=[Run("tree", f"policy={policy}", n, {"policy": policy, "cores": n}, fine=True, depth=8, cpu=0,
              host=dict(depth=14))
          for policy in ("fifo", "gmp") for n in CORES],
    pictures=[Lines("throughput", "Goroutines started and ended by all cores together", "cores", "cores", per_us,
                    "a microsecond", "policy"),
              Lines("wait", "Waiting for spinlocks", "cores", "cores", lock_wait, "instructions for each goroutine", "policy", host=False)],
    traces=[Trace(policy, f"A smaller tree on four cores, {title}", Run("tree", f"policy={policy}", 4, fine=True, depth=5, cpu=0))
            for policy, title in (("fifo", "one queue"), ("gmp", "a queue for each"))],
    says=says,
    limits="The Saga tells of a factor that grows from 4 cores to 16, on silicon, where a lock that is taken in turn moves its cache "
           "line from core to core, at some hundred cycles each time: an emulator has no such cost. The factor that is there on one core "
           "is mostly that of the way: under another policy than gmp each answer is checked (POLICY.md).")
