"""Profiles of a trace as folded stacks and as a flame graph; tools/trace.py uses it."""
import collections
import hashlib
import html

import pprof

WIDTH, ROW, LEAST = 1200, 17, 0.3
LOCKS = {"sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock"}

TITLES = {"cpu": ("CPU: where samples met the cores", "samples"),
          "block": ("waiting: where goroutines began to wait, by how long they did", "us"),
          "instructions": ("instructions that QEMU counted, by folder, file and function", "instructions"),
          "mutex": ("locks: where goroutines waited for one, by how long they did", "us")}

# The bottom of every stack, and the top of every wait: they tell nothing.
FRAMES_LEFT_OUT = {"g_main", "hal_first", "host_start", "host_first", "__sanitizer_cov_trace_pc", "park", "park_on", "park_closely", "wait_on", "wait_queued",
                   "wait_on_first", "trace_g_slow", "park_hooked", "park_recorded", "hal_backtrace", "sched_returned"}


def fold(trace, replay, kind):
    """Stacks, outermost first, with how often or how long."""
    folded = collections.Counter()
    waits = {(g, s.begin): s for g, spans in replay.g_spans.items() for s in spans if s.what == "waiting"}
    for events in trace.cores:
        for e in events:
            stack = trace.stacks.get((e.core, e.t, e.kind))
            if stack is None:
                continue
            weight = 1
            if kind == "cpu" and e.kind != "sample":
                continue
            if kind != "cpu":
                wait = waits.get((e.a, e.t))
                if e.kind != "block" or wait is None or (kind == "mutex" and wait.detail not in LOCKS):
                    continue
                weight = (wait.end - wait.begin) // 1000
            frames = [f.split(".")[0] for f in reversed(stack)] # a part that gcc made, f.cold, is f's
            frames = [f for f in frames if f not in FRAMES_LEFT_OUT]
            if kind != "cpu":
                frames.append(wait.detail)
            if frames:
                folded[";".join(frames)] += weight
    return folded


def text(folded):
    """A line for each stack, as flamegraph.pl and its like read them."""
    return "".join(f"{stack} {weight}\n" for stack, weight in sorted(folded.items()))


def write_folded(folded, path):
    with open(path, "w") as file:
        file.write(text(folded))
    return path


def write_all(folded, path, kind, hz=0, seconds=0):
    """A flame graph, folded stacks, and pprof's format."""
    types, period = {
        "cpu": ([("samples", "count", 1), *([("cpu", "nanoseconds", 10**9 // hz)] if hz else [])],
                ("cpu", "nanoseconds", 10**9 // hz) if hz else None),
        "instructions": ([("instructions", "count", 1)], None),
    }.get(kind, ([("delay", "nanoseconds", 1000)], None))
    return [write_svg(folded, path + ".svg", kind), write_folded(folded, path + ".folded"),
            pprof.write(path + ".pb.gz", folded, types, period, seconds)]


def color(name):
    """Warm, and the same for the same function."""
    h = hashlib.md5(name.encode()).digest()
    return f"rgb({205 + h[0] % 50},{90 + h[1] % 110},{40 + h[2] % 40})"


def grow(folded):
    """The tree of calls: {name: [weight, subtree]}."""
    root = {}
    for stack, weight in folded.items():
        level = root
        for name in stack.split(";"):
            node = level.setdefault(name, [0, {}])
            node[0] += weight
            level = node[1]
    return root


def write_svg(folded, path, kind):
    title, unit = TITLES[kind]
    total = sum(folded.values())
    rows = []

    def depth_of(level):
        return 1 + max((depth_of(node[1]) for node in level.values()), default=-1)

    depth = depth_of(grow(folded)) if folded else 0
    height = 60 + ROW * (depth + 1)

    def draw(level, x, depth):
        for name, (weight, below) in sorted(level.items()):
            width = weight * (WIDTH - 20) / total
            if width >= LEAST:
                y = height - 20 - ROW * (depth + 1)
                text = f"{name}: {weight} {unit}, {100 * weight / total:.1f} %"
                room = int(width / 6.6)
                shown = name if len(name) <= room else name[:room - 2] + ".." if room > 4 else ""
                rows.append(f'<g><title>{html.escape(text)}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}"'
                            f' height="{ROW - 1}" fill="{color(name)}" rx="1"/><text x="{x + 3:.1f}" y="{y + 12}">'
                            f'{html.escape(shown)}</text></g>')
                draw(below, x, depth + 1)
            x += width

    if total:
        draw(grow(folded), 10, 0)
    with open(path, "w") as file:
        file.write("\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace"'
            ' font-size="11">', f'<rect width="{WIDTH}" height="{height}" fill="#fffdf5"/>',
            f'<text x="{WIDTH / 2}" y="22" text-anchor="middle" font-size="15">{title}</text>',
            f'<text x="{WIDTH / 2}" y="40" text-anchor="middle">{total} {unit} in all</text>', *rows, "</svg>\n"]))
    return path
