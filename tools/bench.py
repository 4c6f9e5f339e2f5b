#!/usr/bin/env python3
"""Runs the measurements of bench/ and makes the table. `make bench` comes here.

    bench.py                         all of them on virt, exact: a table, and build/bench/virt.json
    bench.py --board rpi3 --bench yield_2,fib_24
    bench.py --compare OLD.json      what has changed since: runs, or reads --new NEW.json
    bench.py --gate                  against bench/baseline.json: one line for each operation that became slower, or
                                     is above a goal that is a limit
    bench.py --baseline              writes bench/baseline.json anew, and as --docs
    bench.py --docs                  writes the table of docs/PERFORMANCE.md from these two, and in its prose each figure
                                     that is marked as of a row: 84<!-- yield_2 -->, or <!-- yield_2/4 --> on 4 cores
    bench.py --check-docs            whether all of that is so
    bench.py --wall                  at full emulated speed, or on the host: wall time, which moves by the factor

Exact means -icount with the counter at 1 GHz: one instruction of any core is one nanosecond, sleeping costs
nothing, and a run repeats to the last digit however busy this computer is. Each measurement has a boot of its own for
each number of cores, so that none depends on what ran before. bench/goals.txt has what they are held against.

--wall runs everything ROUNDS times in turn and gives the median. Such figures can be compared only with others of
the same run: --image OTHER runs another image between, and gives the ratio. The exit status is 0; 1 if the gate
finds something; 77 if it cannot run here.
"""
import argparse
import concurrent.futures
import difflib
import fcntl
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

import run
import test as harness

GOALS = f"{run.ROOT}/bench/goals.txt"
DOCS = f"{run.ROOT}/docs/PERFORMANCE.md"
MARKED = re.compile(r"([\d.,]*\d)<!-- (\w+)(?:/(\d))? -->")
BASELINE = f"{run.ROOT}/bench/baseline.json"
RESULTS = f"{run.ROOT}/build/bench"
LINE = re.compile(r"bench (\w+) cores=(\d+) total=(\d+) n=(\d+)")
OWN_CORES = ("reset_to_main",)  # on a machine of that many cores; else the others sleep
MAX_CORES = 8
# Whose instructions are a loop's that waits for the slice's end, or of two rows in one pass: not split by functions.
NOT_ALONE = ("preempted", "sleep_behind_hogs_late", "pairs_1", "pairs_2", "reset_to_main")
ROUNDS = 7
TIMEOUT = 300
WORKERS = max(1, min(2, os.cpu_count() or 1))


class Goal:
    """A line of bench/goals.txt."""

    def __init__(self, heading, fields):
        self.heading = heading
        self.row, self.what, self.unit, goal, peer1, peer4, slack = fields
        self.goal = None if goal == "-" else float(goal)
        self.peers = {1: self.peer(peer1), 4: self.peer(peer4)}
        self.limit = slack == "limit"
        one, _, more = slack.partition("/")
        self.slacks = None if slack in ("-", "limit") else (float(one), float(more or one))

    def slack(self, cores):
        return self.slacks[cores > 1]

    def is_above(self, figure):
        return self.goal is not None and figure > self.goal * 1.005

    @staticmethod
    def peer(text):
        figure, _, name = text.partition(" ")
        return None if figure == "-" else (float(figure), name)


def read_goals():
    goals, heading = {}, ""
    with open(GOALS) as file:
        for line in file:
            if line.startswith("="):
                heading = line[1:].strip()
            elif line.strip() and not line.startswith("#"):
                fields = [f.strip() for f in line.split("|")]
                if len(fields) != 7:
                    sys.exit(f"bench: bench/goals.txt: seven fields are wanted: {line.strip()}")
                goals[fields[0]] = Goal(heading, fields)
    return goals


# ---- running ---------------------------------------------------------------------------------------

def build(board, app="bench", config=""):
    """Where the image is; exits with the compiler's words when there is none."""
    os.makedirs(f"{run.ROOT}/build", exist_ok=True)
    with open(f"{run.ROOT}/build/.lock", "w") as lock:  # the harness runs scripts side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        args = (f"BOARD={board}", f"APP={app}", f"CONFIG={config}")
        status, output = harness.make(f"-j{os.cpu_count() or 1}", *args)
        if status != 0:
            sys.exit(f"{app} does not build:\n{output}")
        return os.path.join(run.ROOT, harness.make(*args, "image-path")[1].strip())


class Machine:
    """A board, an image, and how it is started."""

    def __init__(self, board, image, exact):
        self.board, self.image = board, image
        self.icount = 0 if exact else None

    def boot(self, *args, smp=None):
        """The lines of a run; None if it ended badly, and why was said."""
        cmd = run.command(self.board, self.image, [*args, "--batch"], smp, icount=self.icount)
        try:
            done = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", timeout=TIMEOUT)
            status, output = run.describe(done.returncode), done.stdout
        except subprocess.TimeoutExpired as late:
            status, output = run.HANG, (late.stdout or b"").decode(errors="replace")
        if status != 0:
            print(f"bench: {' '.join(args)}: exit status {status}\n{output}", file=sys.stderr)
            return None
        return output.splitlines()

    def names(self):
        """[(measurement, [numbers of cores])]"""
        smp = MAX_CORES if self.board["NAME"] == "virt" else None
        lines = self.boot("--list", smp=smp) or sys.exit("bench: the image does not list its measurements")
        found = [re.fullmatch(r"(\w+)((?: \d+)+)", line) for line in lines]
        return [(m[1], [int(n) for n in m[2].split()]) for m in found if m]

    def measure(self, name, cores):
        """{(row, cores): figure} of one boot."""
        smp = None
        if self.board["NAME"] in ("virt", "host"):
            smp = cores if name in OWN_CORES else max(cores, int(self.board["CORES"]))
        lines = self.boot(f"--bench={name}", f"--cores={cores}", smp=smp)
        if lines is None:
            return None
        return {(m[1], int(m[2])): int(m[3]) / int(m[4]) for m in map(LINE.search, lines) if m}


def measurement_of(row, goals, names):
    """Which measurement prints the row; None: none. Some print several, whose names begin with theirs."""
    fitting = [name for name in names if row == name or (row in goals and row.startswith(name + "_"))]
    return max(fitting, key=len, default=None)


def jobs_of(machine, goals, only, cores):
    """[(measurement, number of cores)]; only: measurements or rows."""
    listed = dict(machine.names())
    asked = {name: measurement_of(name, goals, listed) for name in only}
    unknown = [name for name, measurement in asked.items() if measurement is None]
    if unknown:
        sys.exit(f"bench: {', '.join(unknown)} is no row: there is {', '.join(n for n in listed if not n.startswith('grow_'))}")
    jobs = [(name, n) for name, counts in listed.items() for n in counts
            if (name in asked.values() if only else not name.startswith("grow_")) and (not cores or n in cores)]
    return jobs or sys.exit(f"bench: nothing of that is measured on {' or '.join(map(str, cores))} cores")


def run_exact(machine, jobs, progress):
    def measure(job):
        got = machine.measure(*job)
        if progress:  # as each ends, not in their order: the harness takes silence for a hang
            print(f"bench: {job[0]} on {job[1]}\n", end="", flush=True)
        return got

    figures, failed = {}, []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for job, got in zip(jobs, pool.map(measure, jobs)):
            if got:
                figures.update(got)
            else:
                failed.append(job)
    return figures, failed


def run_wall(machines, jobs, rounds):
    """Medians of each machine: everything in turn, so that all of them meet the same weather."""
    samples, failed = [{} for _ in machines], []
    for _ in range(rounds):
        for job in jobs:
            for seen, machine in zip(samples, machines):
                got = machine.measure(*job)
                if got is None:
                    failed.append(job)
                for key, figure in (got or {}).items():
                    seen.setdefault(key, []).append(figure)
    return [{key: statistics.median(all_) for key, all_ in seen.items()} for seen in samples], failed


# ---- results ---------------------------------------------------------------------------------------

def output_of(*cmd):
    try:
        return subprocess.run(cmd, cwd=run.ROOT, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def compiler(board):
    host = board["HAL"] == "host"
    if os.environ.get("LLVM"):
        return output_of("clang", "--version").splitlines()[0]
    gcc = os.environ.get("HOSTCC", "gcc") if host else os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcc"
    return output_of(gcc, "--version").splitlines()[0]


def document(board, mode, figures):
    return {
        "commit": output_of("git", "rev-parse", "HEAD"),
        "dirty": bool(output_of("git", "status", "--porcelain", "--untracked-files=no")),
        "board": board["NAME"],
        "mode": mode,
        "compiler": compiler(board),
        "qemu": "" if board["HAL"] == "host" else ".".join(map(str, run.qemu_version())),
        "figures": {f"{row}/{cores}": round(figure, 3) for (row, cores), figure in sorted(figures.items())},
    }


def write(path, doc):
    with open(path, "w") as file:
        json.dump(doc, file, indent=1)
        file.write("\n")


def save(doc, part):
    os.makedirs(RESULTS, exist_ok=True)
    name = doc["board"] + ("-wall" if doc["mode"] == "wall" else "") + ("-part" if part else "")
    stamped = f"{RESULTS}/{name}-{doc['commit'][:12]}{'-dirty' if doc['dirty'] else ''}.json"
    write(stamped, doc)
    shutil.copyfile(stamped, f"{RESULTS}/{name}.json")
    return os.path.relpath(stamped, run.ROOT)


def load(path):
    try:
        with open(path) as file:
            doc = json.load(file)
        keys(doc)
        return doc
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        sys.exit(f"bench: {path} is no file of figures; `make bench` says where it has put its own, in build/bench")


def keys(doc):
    """{(row, cores): figure}"""
    return {(key.split("/")[0], int(key.split("/")[1])): figure for key, figure in doc["figures"].items()}


# ---- tables ----------------------------------------------------------------------------------------

def number(x):
    if x is None:
        return "-"
    return f"{x:,.0f}" if x >= 1000 else f"{x:.0f}" if x >= 100 else f"{x:.3g}" if x >= 10 else f"{x:.4g}"


def peer_text(peer):
    return f"{number(peer[0])} {peer[1]}" if peer else "-"


def sections(goals, figures):
    """(heading, [goal, ...]) of what was measured, in the order of goals.txt."""
    measured = {row for row, _ in figures}
    for row in sorted(measured - set(goals)):
        print(f"bench: {row} is not in bench/goals.txt", file=sys.stderr)
    headings = {}
    for goal in goals.values():
        if goal.row in measured:
            headings.setdefault(goal.heading, []).append(goal)
    return headings.items()


def ratio_text(goal, figures):
    """Ours by the best peer's, at the numbers of cores for which there is one."""
    parts = [f"{figures[goal.row, n] / goal.peers[n][0]:.2f}" if goal.peers[n] and (goal.row, n) in figures else "-"
             for n in (1, 4)]
    return "-" if parts == ["-", "-"] else " / ".join(parts)


HEAD = ("operation", "unit", "1 core", "4 cores", "goal", "best peer, 1 core", "4 cores", "ours / peer")


def is_missed(goal, figures):
    """On 1 core, or on 4."""
    return any(goal.is_above(figures[goal.row, n]) for n in (1, 4) if (goal.row, n) in figures)


def cells(goal, figures, exact):
    one, four = figures.get((goal.row, 1)), figures.get((goal.row, 4))
    unit = "ns" if goal.unit == "instr" and not exact else goal.unit
    if not exact:  # goals and peers are counts
        return goal.what, unit, number(one), number(four), "-", "-", "-", "-"
    if goal.unit == "ratio":
        one, four = (None if x is None else round(x, 4) for x in (one, four))
    reached = " !" if is_missed(goal, figures) else ""
    return (goal.what, unit, number(one), number(four), number(goal.goal) + reached, peer_text(goal.peers[1]),
            peer_text(goal.peers[4]), ratio_text(goal, figures))


def print_table(goals, figures, exact):
    rows = [(heading, [cells(goal, figures, exact) for goal in part]) for heading, part in sections(goals, figures)]
    columns = len(HEAD) if exact else 4
    wide = [max(len(line[i]) for line in [HEAD, *(l for _, part in rows for l in part)]) for i in range(columns)]
    for heading, part in [("", [HEAD]), *rows]:
        if heading:
            print(f"\n{heading}")
        for line in part:
            print("  " + "  ".join(f"{text:{'<' if i < 2 else '>'}{w}}"
                                   for i, (text, w) in enumerate(zip(line, wide))).rstrip())


def markdown(goals, doc):
    """The table as it stands in docs/PERFORMANCE.md."""
    figures = keys(doc)
    out = [f"Commit {doc['commit'][:12]}{' and changes' if doc['dirty'] else ''}, {doc['compiler']}, QEMU {doc['qemu']}. "
           "Instructions where the unit is empty.", "",
           "| operation | unit | 1 core | 4 cores | goal | best peer, 1 core | 4 cores | ours / peer |",
           "|---|---|---|---|---|---|---|---|"]
    for heading, part in sections(goals, figures):
        out.append(f"| **{heading}** | | | | | | | |")
        for goal in part:
            row = [*cells(goal, figures, True)]
            row[1] = "" if row[1] == "instr" else row[1]
            out.append("| " + " | ".join(row) + " |")
    return "\n".join(out) + "\n\n`!`: the goal is not reached.\n"


def parts_of(text, name):
    """What stands before, in, and behind a part of docs/PERFORMANCE.md that is made."""
    match = re.search(rf"(?s)(.*<!-- {name}: [^\n]*-->\n)(.*?)(<!-- end of {name} -->.*)", text)
    return match.groups() if match else sys.exit(f"bench: docs/PERFORMANCE.md has no part {name}")


def replace_part(name, part):
    with open(DOCS) as file:
        before, _, behind = parts_of(file.read(), name)
    with open(DOCS, "w") as file:
        file.write(before + part + behind)


def with_figures(text, figures):
    """The text, with each marked figure as it was measured."""
    def figure(match):
        key = match[2], int(match[3] or 1)
        return (f"{number(figures[key])}{match[0][len(match[1]):]}" if key in figures else
                sys.exit(f"bench: docs/PERFORMANCE.md: {match[0]}: there is no such row in bench/baseline.json"))
    return MARKED.sub(figure, text)


def docs_now(goals):
    """docs/PERFORMANCE.md, and as it would be with the figures of bench/baseline.json."""
    baseline = load(BASELINE)
    with open(DOCS) as file:
        text = file.read()
    before, _, behind = parts_of(text, "table")
    return text, with_figures(before + markdown(goals, baseline) + behind, keys(baseline))


def write_docs(goals):
    _, right = docs_now(goals)
    with open(DOCS, "w") as file:
        file.write(right)


def rows_to_explain(goals, figures):
    """[(goal, number of cores, figure)] of those behind their goals whose instructions can be counted."""
    return [(goal, n, figures[row, n]) for row, goal in goals.items() for n in [1 if (row, 1) in figures else 4]
            if is_missed(goal, figures) and goal.unit in ("instr", "ns") and row not in NOT_ALONE]


def unexplained(goals, figures, text):
    """A line for each such row that `make bench-where` has not written, or when it was another figure."""
    said = {m[1]: float(m[2].replace(",", "")) for m in re.finditer(r"(?m)^\| `(\w+)` \| ([\d,.]+) \|", text)}
    want = {goal.row: (figure, goal.slack(cores)) for goal, cores, figure in rows_to_explain(goals, figures)}
    lines = [f"{row}: it reaches its goal" for row in said.keys() - want.keys()]
    for row, (figure, slack) in want.items():
        if row not in said:
            lines.append(f"{row}: it is behind its goal")
        elif abs(said[row] / figure - 1) > slack / 100:
            lines.append(f"{row}: {number(figure)} instructions, explained are {number(said[row])}")
    return lines


def check_docs(goals):
    """1 and a line for all that is not so."""
    have, want = docs_now(goals)
    if have != want:
        print("bench: docs/PERFORMANCE.md does not say what bench/goals.txt and bench/baseline.json do: run `make docs`")
        for line in difflib.unified_diff(have.splitlines(), want.splitlines(), "said", "right", n=0, lineterm=""):
            print(f"bench:   {line}")
    stale = unexplained(goals, keys(load(BASELINE)), parts_of(have, "where")[1])
    if stale:
        print("bench: docs/PERFORMANCE.md is behind where instructions go: run `make bench-where DOCS=1`")
        print("".join(f"bench:   {line}\n" for line in stale), end="")
    return int(have != want or bool(stale))


def print_summary(goals, figures):
    rows = [goal for goal in goals.values() if goal.goal is not None and {(goal.row, 1), (goal.row, 4)} & figures.keys()]
    missed = sum(is_missed(goal, figures) for goal in rows)
    print(f"\n{len(rows) - missed} goals reached, {missed} missed (!)")


def print_commits(old, new):
    print("commit " + ", now ".join(doc.get("commit", "?")[:12] + " and changes" * bool(doc.get("dirty")) for doc in (old, new)))


def print_changes(old, new):
    print(f"{'':32}{'cores':>5}{'old':>12}{'new':>12}   change")
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        change = f"{100 * (b / a - 1):+8.1f} %" if a and b is not None else "     gone" if b is None else "      new"
        if a != b:
            print(f"{key[0]:32}{key[1]:5}{number(a):>12}{number(b):>12}{change}")


# ---- the gate --------------------------------------------------------------------------------------

def over_limits(goals, new):
    """A line for each figure above a goal that is a limit."""
    return [f"bench: {goals[row].what}: {figure:.3f}, at most {goals[row].goal:g} is allowed"
            for (row, _), figure in sorted(new.items())
            if row in goals and goals[row].limit and figure > goals[row].goal]


def gate(goals, old, new):
    """One line for each operation that became slower, or is over its limit; the exit status. old None: counts of another
    compiler, so the limits are all there is."""
    over = over_limits(goals, new)
    print("".join(line + "\n" for line in over), end="")
    status = run.SKIP if old is None else slower(goals, old, new)
    return 1 if over else status


def slower(goals, old, new):
    status = 0
    for key, before in sorted(old.items()):
        goal, now = goals.get(key[0]), new.get(key)
        if goal is None or goal.slacks is None:
            continue
        slack = goal.slack(key[1])
        what = f"{key[0]} on {key[1]} core{'s' if key[1] > 1 else ''}"
        if now is None:
            print(f"bench: {what}: in bench/baseline.json, and not measured any more")
            status = 1
        elif now > before * (1 + slack / 100):
            print(f"bench: {what}: {number(now)} {goal.unit}, the baseline says {number(before)} "
                  f"({100 * (now / before - 1):+.1f} %, slack {slack:g} %)")
            status = 1
        elif now < before * (1 - slack / 100):
            print(f"bench: {what}: faster, {number(now)} {goal.unit} instead of {number(before)}")
    for key in sorted(new.keys() - old.keys()):
        if key[0] in goals and goals[key[0]].slacks is not None:
            print(f"bench: {key[0]} on {key[1]} is not in bench/baseline.json")
            status = 1
    if status:
        print("bench: if that is meant, `make bench BASELINE=1` writes bench/baseline.json anew; "
              "`make bench-compare OLD=bench/baseline.json` shows all changes")
    return status


def is_comparable(old, new):
    """Says why not."""
    for what in "board", "mode":
        if old[what] != new[what]:
            sys.exit(f"bench: the old figures are of {what} {old[what]}, the new ones of {new[what]}: they say nothing of each other")
    if old["compiler"] != new["compiler"]:
        print(f"bench: by different compilers: {old['compiler']}, now {new['compiler']}")
        return False
    return True


def mode_of(board, wall):
    return "wall" if wall or board["HAL"] == "host" else "icount"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", default="virt", choices=run.boards())
    parser.add_argument("--bench", default="", help="names, with commas between")
    parser.add_argument("--cores", default="", help="only on these numbers of cores, with commas between")
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of --wall")
    parser.add_argument("--image", help="of --wall: run this one in turn with ours, and print ratios")
    parser.add_argument("--compare", metavar="OLD")
    parser.add_argument("--new", help="of --compare: read, run nothing")
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--check-docs", action="store_true")
    opts = parser.parse_args()

    goals, board = read_goals(), run.load_board(opts.board)
    part = bool(opts.bench or opts.cores)
    exact = mode_of(board, opts.wall) == "icount"
    if opts.check_docs:
        return check_docs(goals)
    if opts.docs:
        return write_docs(goals)
    if opts.baseline and (part or not exact or opts.board != "virt"):
        sys.exit("bench: a baseline is of all rows on virt, exact: without BENCH=, BOARD=, MODE=")
    if not re.fullmatch(r"([1-8](,[1-8])*)?", opts.cores):
        sys.exit(f"bench: --cores={opts.cores}: numbers from 1 to {MAX_CORES}, with commas between, are wanted")
    old = load(BASELINE if opts.gate else opts.compare) if opts.gate or opts.compare else None
    if opts.compare and opts.new:
        new = load(opts.new)
        is_comparable(old, new)
        print_commits(old, new)
        print_changes(keys(old), keys(new))
        return 0
    if why := run.cannot_run(board):
        print(f"bench: {why}")
        return run.SKIP
    comparable = old is not None and is_comparable(old, {**old, "board": opts.board, "mode": mode_of(board, opts.wall),
                                                         "compiler": compiler(board)})

    machine = Machine(board, build(opts.board), exact)
    jobs = jobs_of(machine, goals, [b for b in opts.bench.split(",") if b], [int(n) for n in opts.cores.split(",") if n])
    other = None
    if exact:
        figures, failed = run_exact(machine, jobs, opts.gate)
    else:
        machines = [machine] + ([Machine(board, opts.image, exact)] if opts.image else [])
        for line in machines[0].boot("--facts") or []:
            if line.startswith("bench board:"):
                print(line, flush=True)
        (figures, *other), failed = run_wall(machines, jobs, opts.rounds)
    new = document(board, "icount" if exact else "wall", figures)
    path = save(new, part)

    status = 0
    if old is not None:
        before = {key: figure for key, figure in keys(old).items() if not part or key in figures}
        if opts.gate:
            status = gate(goals, before if comparable else None, keys(new))
        else:
            print_commits(old, new)
            print_changes(before, keys(new))
    else:
        print_table(goals, figures, exact)
        if exact:
            print_summary(goals, figures)
        else:
            print(f"\nwall time, median of {opts.rounds} rounds on a computer that does other things, too: only ratios "
                  "within one run say anything")
    if other:
        print("\nours by the other image's, in turn:")
        for key, figure in sorted(figures.items()):
            if other[0].get(key):
                print(f"  {key[0]:32}{key[1]:3}  {figure / other[0][key]:.3f}")
    if opts.baseline and not failed:
        write(BASELINE, new)
        write_docs(goals)
    print(f"bench: {path}")
    return 1 if failed else status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
