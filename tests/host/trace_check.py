#!/usr/bin/env python3
# The checker of traces (tools/trace.py --check) finds what a scheduler must not do, and nothing in what it may do.
# boards: host
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import trace  # noqa: E402

FAILED = []
CHAN_RECV = trace.REASONS.index("chan receive")
YIELD = trace.WHYS.index("yield")


def record(*events, cores=2, begin=0, end=1000, lost=0):
    """A trace of events (t, core, kind, arg, a, b), the last three 0 where they are left out."""
    t = trace.Trace(cores, begin, end)
    t.lost = [lost] * cores
    for e in events:
        t.cores[e[1]].append(trace.Event(*e, *[0] * (6 - len(e))))
    return t


def errors(t, wall=100, switch=0):
    replay = trace.Replay(t)
    replay.check_wall(wall, switch)
    return replay.errors


def good(what, t, wall=100, switch=0):
    found = errors(t, wall, switch)
    say(what, not found, found)


def bad(what, words, t, wall=100, switch=0):
    found = errors(t, wall, switch)
    say(f"found: {what}", any(words in e for e in found), found)


def say(what, ok, found):
    print("ok  " if ok else "FAIL", what)
    if not ok:
        print("     errors:", found)
        FAILED.append(what)


# ---- what may happen ----
PINGPONG = [(0, 0, "create", 0, 2, 1), (10, 0, "block", CHAN_RECV, 1), (20, 0, "start", 0, 2),
            (100, 0, "unblock", 0, 1, 2), (110, 1, "awake", 0, 110), (120, 1, "steal", 0, 1, 1), (130, 1, "start", 0, 1),
            (140, 0, "end", 0, 2), (150, 0, "idle"), (900, 0, "irq_begin"), (910, 0, "irq_end"), (950, 0, "awake", 0, 800),
            (960, 0, "idle"), (970, 0, "awake", 0, 810), (980, 0, "idle"), (500, 1, "stop", YIELD, 1),
            (510, 1, "start", 0, 1)]
good("a life of two Gs", record(*PINGPONG))
good("what was there before we looked", record((10, 0, "block", CHAN_RECV, 1), (20, 0, "start", 0, 7),
                                               (30, 1, "unblock", 0, 9, 4), (40, 1, "stop", YIELD, 4)))
good("three events at one time, in the only order that is possible",
     record((0, 0, "idle"), (5, 1, "block", CHAN_RECV, 1), (10, 0, "awake"), (10, 0, "start", 0, 1),
            (5, 1, "start", 0, 2), (10, 1, "unblock", 0, 1, 2)))

ALL_OF_IT = trace.Replay(record((10, 0, "irq_begin", 0, 7), (11, 0, "irq_end"), (20, 0, "irq_begin", 0, 7), (21, 0, "irq_end"),
                                cores=1))
say("a core that enters and leaves nobody runs whom its interrupts meet", [s[:4] for s in ALL_OF_IT.core_spans[0]] ==
    [("run", 0, 1000, 7)] and [s.what for s in ALL_OF_IT.g_spans[7]] == ["running"], ALL_OF_IT.core_spans)

# ---- what may not ----
bad("a G on two cores at once", "although it runs on core 0",
    record((10, 0, "start", 0, 1), (20, 1, "start", 0, 1)))
bad("two Gs on one core", "the core runs G 1", record((10, 0, "start", 0, 1), (20, 0, "start", 0, 2)))
bad("a wait that nobody ended", "nothing has made it ready",
    record((10, 0, "start", 0, 1), (20, 0, "block", CHAN_RECV, 1), (30, 1, "start", 0, 1)))
bad("an end of a wait that there was not", "made ready although it is runnable",
    record((10, 0, "create", 0, 2, 1), (20, 0, "unblock", 0, 2, 1)))
bad("one that is made ready twice", "made ready although it is runnable",
    record((10, 0, "block", CHAN_RECV, 1), (20, 1, "unblock", 0, 1, 2), (30, 1, "unblock", 0, 1, 2)))
bad("one that is made ready while it runs", "made ready although it is running",
    record((10, 0, "start", 0, 1), (20, 1, "unblock", 0, 1, 2)))
bad("a G that runs after its end", "although it is dead",
    record((10, 0, "start", 0, 1), (20, 0, "end", 0, 1), (30, 1, "start", 0, 1)))
bad("one that leaves a core on which it is not", "does not run it",
    record((10, 0, "start", 0, 1), (20, 0, "block", CHAN_RECV, 2)))
bad("a core that sleeps while it runs a G", "falls asleep although it runs",
    record((10, 0, "start", 0, 1), (20, 0, "idle")))
bad("a core that runs a G asleep", "the core is asleep", record((10, 0, "idle"), (20, 0, "start", 0, 1)))
bad("time that goes backwards", "time goes backwards", record((10, 0, "start", 0, 1), (5, 0, "stop", YIELD, 1)))
bad("sleep that the core has counted and the events have not", "by its counter",
    record((0, 0, "idle"), (10, 0, "awake", 0, 10), (20, 0, "start", 0, 1), (800, 0, "block", CHAN_RECV, 1),
           (810, 0, "idle"), (820, 0, "awake", 0, 400)), wall=1)
good("a core that schedules for just so long",
     record((0, 0, "idle"), (490, 0, "awake", 0, 490), (500, 0, "start", 0, 1), cores=1), wall=1)
bad("a core that schedules for longer", "485 ns asleep are less than all of 1000 ns but 1 %",
    record((0, 0, "idle"), (485, 0, "awake", 0, 485), (500, 0, "start", 0, 1), cores=1), wall=1)
good("a core that takes just so long for a switch",
     record((0, 0, "idle"), (485, 0, "awake", 0, 485), (500, 0, "start", 0, 1), cores=1), wall=1, switch=5)
bad("a core that takes longer", "but 1 %, and 1 times 4 ns",
    record((0, 0, "idle"), (485, 0, "awake", 0, 485), (500, 0, "start", 0, 1), cores=1), wall=1, switch=4)
bad("a doorbell that nobody rang", "heard its doorbell",
    record((10, 1, "irq_begin", 1), (11, 1, "irq_end", 1), (12, 1, "irq_begin", 1), (13, 1, "irq_end", 1)))

# ---- the record as it comes over a line ----
LINE = "@trace 0 1000 1 0x0\n@core 0 2 0\n@t 0 CgQAAQAKCwAAAA==*{:02x}\n@end\n"
SUM = sum([10, 4, 0, 1, 0, 10, 11, 0, 0, 0]) & 255
NONE = trace.Image(None)
say("a record is read", [e[:3] + e[4:5] for e in trace.parse(LINE.format(SUM), NONE).cores[0]] ==
    [(10, 0, "start", 1), (20, 0, "irq_begin", 0)], trace.parse(LINE.format(SUM), NONE).cores)
say("found: a damaged line", any("damaged" in p for p in trace.parse(LINE.format(SUM ^ 1), NONE).problems), [])
for what, was, now in [("that has lost a byte", "CgQA", "CgA"), ("of a core that is not there", "@t 0", "@t 9")]:
    say(f"found: a line {what}", any("damaged" in p
                                     for p in trace.parse(LINE.replace(was, now).format(SUM), NONE).problems), [])
say("found: a core's last line with another's number",
    any("no core 9" in p for p in trace.parse(LINE.replace("@core 0", "@core 9").format(SUM), NONE).problems), [])
say("found: a missing line", any("2 events were announced, 0 came" in p
                                 for p in trace.parse(LINE.replace("@t 0", "").format(SUM), NONE).problems), [])
say("found: a record that is cut off", any("cut off" in p
                                           for p in trace.parse(LINE.replace("@end", "").format(SUM), NONE).problems), [])
say("found: a record that ends before it begins",
    any("before it begins" in p for p in trace.parse(LINE.replace("0 1000", "1001 1000").format(SUM), NONE).problems), [])


def cut_ring(*events):
    """The record of a core whose ring begins with these (time, kind, value), each below 128, older ones overwritten."""
    data, last = [], 0
    for t, kind, value in events:
        data += [t - last, trace.KINDS.index(kind), 0, value, 0]
        last = t
    text = base64.b64encode(bytes(data)).decode()
    return f"@trace 0 1000 1 0x0\n@core 0 {len(events)} 7\n@t 0 {text}*{sum(data) & 255:02x}\n@end\n"


for follower in trace.FOLLOWERS:
    CUT = trace.parse(cut_ring((10, follower, 5), (20, "start", 3), (30, "fn", 5)), NONE)
    say(f"a ring that begins with the {follower} of what was overwritten", not errors(CUT) and
        [e[:3] for e in CUT.cores[0]] == [(20, 0, "start")], CUT.cores)
try:
    trace.parse("nothing here", NONE)
    say("found: no record at all", False, [])
except trace.BadTrace:
    say("found: no record at all", True, [])
sys.exit(1 if FAILED else 0)
