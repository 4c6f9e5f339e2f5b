"""E3: what a switch costs."""
from experiments import Bars, Experiment, Run, Trace, number

WAYS = {"m-n": "model=m-n", "m-n, fifo": "policy=fifo", "1-1": "model=1-1"}
SWITCHES = {"yield": ("yield", 1, {}), "slice over": ("preemption", 1, {}), "wake here": ("wake", 1, {"on": 0}),
            "wake across": ("wake", 2, {"on": 1}), "start, end": ("spawn", 1, {})}


def run(switch, way, fp):
    work, cores, options = SWITCHES[switch]
    return Run(work, WAYS[way], cores, {"switch": switch, "way": way, "fp": fp}, fine=cores > 1, fp=fp, **options)


def says(t):
    def of(switch, way, fp=0):
        return t.one("ns", switch=switch, way=way, fp=fp)

    def ratio(switch):
        return of(switch, "1-1") / of(switch, "m-n")

    dearer = [of(s, "1-1") - of(s, "m-n, fifo") for s in ("yield", "wake here", "start, end")]
    fp = max(abs(of(s, way, 1) / of(s, way) - 1) for s in ("yield", "slice over", "wake here", "start, end") for way in WAYS)
    return [
        (f"A yield is {of('yield', 'm-n')} instructions under m-n and {of('yield', '1-1')} under 1-1, {number(ratio('yield'))} times as many; "
         f"a wake-up on the same core {of('wake here', 'm-n')} and {of('wake here', '1-1')}, to begin and end a goroutine "
         f"{of('start, end', 'm-n')} and {of('start, end', '1-1')}.",
         all(ratio(s) > 2 for s in ("yield", "wake here", "start, end"))),
        (f"Much of that is the queue, one for all with each answer checked (`policy=fifo` under m-n has the same): the exception and "
         f"the frame of all registers are the {number(min(dearer))} to {number(max(dearer))} instructions by which 1-1 is beyond that.",
         min(dearer) > 50),
        (f"At a slice's end the difference is small ({of('slice over', 'm-n')} and {of('slice over', '1-1')}): there both come by an interrupt, "
         "and save all.",
         ratio("slice over") < ratio("yield") / 2),
        (f"To wake somebody on another, idle core takes {of('wake across', 'm-n')}, {number(of('wake across', 'm-n') / of('wake here', 'm-n'))} "
         "times as long as here, without the other core's way out of sleep.",
         of("wake across", "m-n") > 1.5 * of("wake here", "m-n")),
        (f"Whether registers of floating point are in use makes no difference (at most {number(100 * fp)} %): a call saves the eight that it must "
         "keep, an interrupt all 32, always.",
         fp < 0.05),
    ]


EXPERIMENT = Experiment(
    title="What a switch costs",
    asks="From one goroutine to the next: by a yield, at the end of a slice, by a wake-up on the same core and on another one, and with a "
         "beginning and an end; under m-n, where it is a call, and under 1-1, where it is an exception as a kernel's threads have it; "
         "with and without floating point.",
    runs=[run(switch, way, fp) for switch in SWITCHES for way in WAYS for fp in (0, 1)],
    pictures=[Bars("switches", "What a switch costs, without floating point", "switch", "how one is left for the next", "ns", "instructions", "way", lambda row: row["fp"] == 0)],
    traces=[Trace(way, f"Ten wake-ups from core 0 to core 1 under {way}", Run("wake", WAYS[way], 2, fine=True, on=1, times=10))
            for way in ("m-n", "1-1")],
    says=says,
    limits="Real threads pay for a change of privilege and of address space on top, and for what the exception does to a pipeline: "
           "Ardan Labs have 1000 to 1500 ns beside 200 ns on a PC.")
