"""Reads a trace in Chrome's JSON format as the format's description has it ("Trace Event Format"): every event with the
fields that its phase wants, and of their types; slices of a lane inside each other or apart; each arrow from one slice to
another. What a viewer would drop in silence is an error here. Prints how many there are of each phase."""
import bisect
import collections
import json
import math
import sys

NUMBER = (int, float)
COMMON = {"name": str, "cat": str, "ph": str, "ts": NUMBER, "pid": int, "tid": int}
PHASES = {  # what else it has; a ? behind a name: or has not
    "X": {"dur": NUMBER, "args?": dict, "cname?": str},
    "C": {"args": dict},
    "i": {"s": str},
    "s": {"id": int, "args?": dict},
    "f": {"id": int, "bp": str},
    "M": {"args": dict},
}
METADATA = {"process_name": ("name", str), "thread_name": ("name", str), "thread_sort_index": ("sort_index", int)}
COLOR_NAMES = {"grey"}  # of those that the format knows those that are used


def check(e):
    assert e["ph"] in PHASES, f"there is no such phase: {e}"
    wanted = {**COMMON, **PHASES[e["ph"]]}
    for field, kind in wanted.items():
        name = field.rstrip("?")
        assert field != name or name in e, f"no {name}: {e}"
        assert name not in e or (isinstance(e[name], kind) and not isinstance(e[name], bool)), f"{name} is no {kind}: {e}"
    unknown = e.keys() - {field.rstrip("?") for field in wanted}
    assert not unknown, f"{unknown} are no fields of this phase: {e}"
    assert e["name"] and e["ts"] >= 0 and e.get("dur", 0) >= 0 and e["tid"] > 0, e
    assert e.get("cname", "grey") in COLOR_NAMES and e.get("s") in (None, "t") and e.get("bp") in (None, "e"), e
    if e["ph"] == "C":
        assert e["args"] and all(isinstance(v, NUMBER) for v in e["args"].values()), f"a counter counts: {e}"
    if e["ph"] == "M":
        field, kind = METADATA[e["name"]]
        assert isinstance(e["args"][field], kind), e


def lanes_of(events):
    lanes = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            lanes[e["pid"], e["tid"]].append((e["ts"], e["ts"] + e["dur"], e["cat"]))
    return lanes


SLACK = 0.0011  # a nanosecond, and what a float loses


def outermost(slices):
    """Those that lie in no other; or an error if they are neither inside each other nor apart, or anything but an interrupt
    is inside."""
    stack, outer = [], []
    for begin, end, what in slices:  # by their begin, the longer one first, as they stand in the file
        while stack and stack[-1] <= begin + SLACK:
            stack.pop()
        assert not stack or end <= stack[-1] + SLACK, f"the slice {begin}..{end} ends after the one around it, {stack[-1]}"
        assert not stack or what == "irq", f"the slice {begin}..{end} is inside another"
        if not stack:
            outer.append((begin, end))
        stack.append(end)
    return outer


def check_ends(lanes, begin, end):
    """Of an arrow: it begins in a slice, whose end is not part of it, and ends where one begins."""
    def around(e):
        slices = lanes[e["pid"], e["tid"]]
        return slices[bisect.bisect_right(slices, (e["ts"] + SLACK / 2, math.inf)) - 1]

    first, last = around(begin), around(end)
    assert first[0] <= begin["ts"] + SLACK / 2 and begin["ts"] < first[1] - SLACK / 2, f"from no slice: {begin}"
    assert abs(last[0] - end["ts"]) < SLACK / 2, f"to no slice: {end}"


def main(path):
    with open(path) as file:
        trace = json.load(file)
    assert trace["displayTimeUnit"] in ("ms", "ns") and trace.keys() == {"displayTimeUnit", "traceEvents"}, trace.keys()
    events = trace["traceEvents"]
    for e in events:
        check(e)
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    lanes = lanes_of(events)
    assert lanes and lanes.keys() <= named, "a lane has no name"
    lanes = {lane: outermost(slices) for lane, slices in lanes.items()}
    begins = {e["id"]: e for e in events if e["ph"] == "s"}
    ends = {e["id"]: e for e in events if e["ph"] == "f"}
    assert begins and begins.keys() == ends.keys(), "an arrow has one end"
    for i, begin in begins.items():
        end = ends[i]
        assert begin["ts"] <= end["ts"] and (begin["name"], begin["cat"]) == (end["name"], end["cat"]), f"{begin} {end}"
        check_ends(lanes, begin, end)
    print(*(f"{ph} {n}" for ph, n in sorted(collections.Counter(e["ph"] for e in events).items())))


main(sys.argv[1])
