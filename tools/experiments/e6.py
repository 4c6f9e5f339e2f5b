"""E6: who runs where when a new goroutine is ready and all cores are busy."""
from experiments import Bars, Experiment, Run, Trace, number

PLACES = {"wait": ("policy=nosteal", 0), "before": ("policy=gmp", 1), "free core": ("policy=gmp", 0)}


def run(place):
    words, option = PLACES[place]
    return Run("decision", words, 2, {"place": place}, place=option)


def us(ns):
    return f"{number(ns / 1000)} us"


def says(t):
    def of(what, place):
        return t.one(what, place=place)

    return [
        (f"Where it waits for its maker (`policy=nosteal`) the new one begins after {us(of('new_began', 'wait'))}, when the "
         f"maker has ended, although core 1 idles from 100 us on; all is done after {us(of('all_ended', 'wait'))}.",
         of("new_began", "wait") >= of("maker_ended", "wait")),
        (f"Put before its maker (a yield behind the `go()`) it begins at once, after {us(of('new_began', 'before'))}, and the "
         f"maker ends the later for it, after {us(of('maker_ended', 'before'))} instead of {us(of('maker_ended', 'wait'))}.",
         of("new_began", "before") < 60000 and of("maker_ended", "before") > of("maker_ended", "wait") + 40000),
        (f"On the next free core (`policy=gmp`) it begins after {us(of('new_began', 'free core'))}, when core 1 has nothing else, "
         f"and all is done after {us(of('all_ended', 'free core'))}: the least, since an idle core is used.",
         of("all_ended", "free core") == min(t.values("all_ended"))
         and of("maker_ended", "free core") < of("maker_ended", "before")),
    ]


EXPERIMENT = Experiment(
    title="A scheduling decision",
    asks="Ardan Labs' \"Scheduling in Go\" asks: a maker on core 0 starts a newcomer after 50 of its 200 us; core 1 is busy with a "
         "neighbor for its first 100 us. Does the newcomer, which wants 100 us, wait for the maker, run before it, or take the next "
         "free core?",
    runs=[run(place) for place in PLACES],
    pictures=[Bars(name, title, "place", "where the newcomer goes", lambda row, of=of: row[of] / 1000, "us after the maker's beginning", lambda row, to=to: to)
              for name, title, of, to in (("began", "When the newcomer begins", "new_began", "until the newcomer begins"),
                                           ("done", "When all is done", "all_ended", "until all is done"))],
    traces=[Trace("wait", "It waits for its maker", run("wait")), Trace("before", "It runs before its maker", run("before")),
            Trace("free-core", "It takes the next free core", run("free core"))],
    says=says,
    limits="What an emulator cannot show is why one might want to wait: the newcomer finds in core 0's caches what its maker has "
           "just written.")
