"""Pictures of a replayed trace: for ui.perfetto.dev, as a page of its own, for a terminal. tools/trace.py uses it."""
import bisect
import html
import itertools
import json

# The page's colors: of what a core does, and of what a G does.
COLORS = {"idle": "#eeeeee", "sched": "#c8c8c8", "runnable": "#f2c14e", "running": "#4c9f70", "sleep": "#b8c4d6",
          "chan send": "#5b8db8", "chan receive": "#7fb2d9", "select": "#8f7fd9", "sync.Mutex.Lock": "#d9534f",
          "sync.RWMutex.RLock": "#e08a6b", "sync.RWMutex.Lock": "#c9503c", "sync.WaitGroup.Wait": "#a0a0c8",
          "semacquire": "#b07ab0", "sync.Cond.Wait": "#cf8fb8", "IO wait": "#99bb99", "join": "#aaaacc"}
IRQ_COLORS = {"timer": "#3b3b98", "doorbell": "#d35400", "device": "#16a085"}
OTHER = "#cccccc"


def label(replay, g):
    name = replay.trace.names.get(g, "")
    return f"G{g} {name}".strip()


def g_color(g):
    """Golden-angle hues: neighbors differ."""
    return f"hsl({g * 137.508 % 360:.0f},55%,{60 + g % 3 * 6}%)"


def state_name(span):
    """What a G's span is called: a wait by its reason."""
    return span.detail if span.what == "waiting" else span.what


# ---- for ui.perfetto.dev -------------------------------------------------------------------------

CORES, GS = 1, 2  # two processes


def json_events(replay, lanes_for_gs):
    def us(t):
        return (t - replay.trace.begin) / 1000

    def lane(core):
        return core + 1  # to readers of the format thread 0 is nobody's

    shown = [[s for s in spans if s.what != "sched" and s.end > s.begin] for spans in replay.core_spans]
    begins = [[s.begin for s in spans] for spans in shown]

    def inside(core, t):
        """t; or the last moment before it at which something is shown of the core: an arrow begins in what is shown, or
        nowhere. What a G does as it ends it does after that."""
        at = bisect.bisect_right(begins[core], t) - 1
        return min(t, shown[core][at].end - 1) if at >= 0 else t

    def says(what, pid, tid, **args):
        return {"ph": "M", "cat": "__metadata", "ts": 0, "pid": pid, "tid": tid, "name": what, "args": args}

    def named(pid, tid, name):
        yield says("thread_name", pid, tid, name=name)
        yield says("thread_sort_index", pid, tid, sort_index=tid)

    yield says("process_name", CORES, lane(0), name="cores")
    for core, spans in enumerate(shown):
        yield from named(CORES, lane(core), f"core {core}")
        for s in spans:
            name = label(replay, s.g) if s.what == "run" else "asleep"
            yield {"ph": "X", "pid": CORES, "tid": lane(core), "ts": us(s.begin), "dur": (s.end - s.begin) / 1000,
                   "name": name, "cat": s.what, "cname": None if s.what == "run" else "grey"}
        for begin, end, kind, over, line in replay.irqs[core]:
            yield {"ph": "X", "pid": CORES, "tid": lane(core), "ts": us(begin), "dur": (end - begin) / 1000,
                   "name": f"interrupt: {kind}", "cat": "irq", "args": {"over": label(replay, over), "line": line}}
        for t, n in replay.queues[core]:
            yield {"ph": "C", "cat": "queue", "pid": CORES, "tid": lane(core), "ts": us(t), "name": f"queue of core {core}",
                   "args": {"Gs": n}}
    for t, core, text in replay.instants:
        yield {"ph": "i", "s": "t", "cat": "instant", "pid": CORES, "tid": lane(core), "ts": us(t), "name": text}
    for i, a in enumerate(replay.arrows):
        flow = {"cat": "wake", "name": a.reason, "id": i, "pid": CORES}
        yield {**flow, "ph": "s", "tid": lane(a.core), "ts": us(inside(a.core, a.t)),
               "args": {"by": "an interrupt" if a.handler else label(replay, a.by)}}
        yield {**flow, "ph": "f", "bp": "e", "tid": lane(a.to), "ts": us(a.start)}
    if lanes_for_gs:
        yield says("process_name", GS, 1, name="goroutines")
        for g, spans in sorted(replay.g_spans.items()):
            yield from named(GS, g, label(replay, g))
            for s in spans:
                if s.what != "dead" and s.end > s.begin:
                    yield {"ph": "X", "pid": GS, "tid": g, "ts": us(s.begin), "dur": (s.end - s.begin) / 1000,
                           "name": state_name(s), "cat": s.what,
                           "args": {"core": s.core} if s.what == "running" else {"why": s.detail}}


def write_json(replay, path, lanes_for_gs=True):
    events = [{k: v for k, v in e.items() if v is not None} for e in json_events(replay, lanes_for_gs)]
    events.sort(key=lambda e: (e["ph"] != "M", e["ts"], -e.get("dur", 0)))  # what begins together: the longer one around
    with open(path, "w") as file:
        file.write('{"displayTimeUnit": "ns", "traceEvents": [\n')
        file.write(",\n".join(json.dumps(e) for e in events))
        file.write("\n]}\n")
    return path


# ---- a page of its own ---------------------------------------------------------------------------

WIDTH, LEFT, LANE, GAP = 1600, 150, 26, 6
MOST_G_LANES = 60

# Drags and zooms by the wheel; no more than that.
SCRIPT = """
const svg = document.querySelector('svg'), lanes = document.getElementById('lanes'), left = %d, width = %d;
let scale = 1, at = 0;
function show() {
  at = Math.min(0, Math.max(at, (width - left) * (1 - scale)));
  lanes.setAttribute('transform', `translate(${left + at} 0) scale(${scale} 1)`);
}
svg.addEventListener('wheel', e => {
  e.preventDefault();
  const x = (e.clientX - svg.getBoundingClientRect().left) * width / svg.clientWidth - left;
  const was = scale;
  scale = Math.min(5000, Math.max(1, scale * (e.deltaY < 0 ? 1.25 : 0.8)));
  at = x - (x - at) * scale / was;
  show();
}, {passive: false});
svg.addEventListener('mousemove', e => {
  if (e.buttons & 1) { at += e.movementX * width / svg.clientWidth; show(); }
});
"""


def time_text(ns):
    return f"{ns / 1e6:.3f} ms" if ns >= 1e6 else f"{ns / 1e3:.2f} us"


class Page:
    def __init__(self, replay, begin, end):
        self.replay, self.begin, self.end = replay, begin, end
        self.per_ns = (WIDTH - LEFT) / max(end - begin, 1)
        self.names, self.boxes, self.y = [], [], 40

    def x(self, t):
        return (t - self.begin) * self.per_ns

    def box(self, begin, end, y, height, color, title):
        if end <= self.begin or begin >= self.end or end <= begin:
            return
        begin, end = max(begin, self.begin), min(end, self.end)
        self.boxes.append(f'<rect x="{self.x(begin):.3f}" y="{y}" width="{(end - begin) * self.per_ns:.3f}"'
                          f' height="{height}" fill="{color}"><title>{html.escape(title)}</title></rect>')

    def lane(self, name, height=LANE):
        y = self.y
        self.names.append(f'<text x="{LEFT - 8}" y="{y + height / 2 + 4}" text-anchor="end">{html.escape(name)}</text>')
        self.y += height + GAP
        return y

    def core(self, core):
        y = self.lane(f"core {core}")
        for s in self.replay.core_spans[core]:
            what = label(self.replay, s.g) if s.what == "run" else {"idle": "asleep"}.get(s.what, "scheduling")
            self.box(s.begin, s.end, y + 4, LANE - 8, g_color(s.g) if s.what == "run" else COLORS[s.what],
                     f"{what}, {time_text(s.end - s.begin)} from {time_text(s.begin - self.begin)}")
        for begin, end, kind, _, _ in self.replay.irqs[core]:
            self.box(begin, end, y, 4, IRQ_COLORS[kind], f"interrupt: {kind}, {time_text(end - begin)}")

    def g(self, g):
        y = self.lane(label(self.replay, g), 12)
        for s in self.replay.g_spans[g]:
            if s.what != "dead":
                on = f" on core {s.core}" if s.what == "running" else ""
                self.box(s.begin, s.end, y, 12, COLORS.get(state_name(s), OTHER),
                         f"{state_name(s)}{on}, {time_text(s.end - s.begin)}")

    def arrows(self, lanes):
        for a in self.replay.arrows:
            if a.core != a.to and self.begin <= a.t and a.start <= self.end:
                self.boxes.append(f'<line x1="{self.x(a.t):.3f}" y1="{lanes[a.core]}" x2="{self.x(a.start):.3f}"'
                                  f' y2="{lanes[a.to]}" class="wake"><title>{html.escape(a.reason)}</title></line>')

    def axis(self):
        # More than a dozen would not leave their texts room.
        step = next(n * 10 ** zeros for zeros in itertools.count() for n in (1, 2, 5)
                    if n * 10 ** zeros * 12 >= self.end - self.begin)
        t = 0
        while t <= self.end - self.begin:
            x = LEFT + t * self.per_ns
            yield f'<text x="{x:.1f}" y="20" text-anchor="middle">{time_text(t)}</text>'
            yield f'<line x1="{x:.1f}" y1="26" x2="{x:.1f}" y2="34" stroke="#888"/>'
            t += step

    def legend(self, kinds):
        x = LEFT
        self.y += 10
        for kind in kinds:
            color = COLORS.get(kind, IRQ_COLORS.get(kind, OTHER))
            text = {"idle": "asleep", "sched": "scheduling"}.get(kind, kind)
            text = f"interrupt: {text}" if kind in IRQ_COLORS else text
            yield f'<rect x="{x}" y="{self.y}" width="12" height="12" fill="{color}"/>'
            yield f'<text x="{x + 17}" y="{self.y + 10}">{text}</text>'
            x += 40 + 7 * len(text)
            if x > WIDTH - 150:
                x = LEFT
                self.y += 20
        self.y += 30


def busiest(replay, most):
    """Gs by how long they ran."""
    ran = {g: sum(s.end - s.begin for s in spans if s.what == "running") for g, spans in replay.g_spans.items()}
    return sorted(sorted(ran, key=lambda g: -ran[g])[:most])


def svg(replay, begin, end, lanes_for_gs=True):
    page = Page(replay, begin, end)
    centers = {}
    for core in range(len(replay.core_spans)):
        centers[core] = page.y + LANE / 2
        page.core(core)
    page.arrows(centers)
    kinds = ["idle", "sched", *IRQ_COLORS]
    if lanes_for_gs:
        page.y += 10
        for g in busiest(replay, MOST_G_LANES):
            page.g(g)
        kinds += ["running", "runnable"] + sorted({s.detail for spans in replay.g_spans.values() for s in spans
                                                   if s.what == "waiting"})
    legend = "\n".join(page.legend(kinds))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {page.y}" font-family="sans-serif"'
        ' font-size="12">',
        "<style>.wake { stroke: #222; stroke-width: .6; opacity: .35; vector-effect: non-scaling-stroke }</style>",
        f'<rect width="{WIDTH}" height="{page.y}" fill="white"/>', *page.axis(),
        f'<clipPath id="clip"><rect x="{LEFT}" y="36" width="{WIDTH - LEFT}" height="{page.y}"/></clipPath>',
        f'<g clip-path="url(#clip)"><g id="lanes" transform="translate({LEFT} 0)">', *page.boxes, "</g></g>",
        *page.names, legend, "</svg>"])


def write_html(replay, path, begin, end, lanes_for_gs=True):
    with open(path, "w") as file:
        if path.endswith(".svg"):
            file.write(svg(replay, begin, end, lanes_for_gs))
        else:
            file.write("<!DOCTYPE html>\n<meta charset='utf-8'><title>trace</title>\n<p style='font-family:sans-serif'>"
                       "The wheel zooms, dragging moves, the pointer over a box tells what it is. The axis is that of the"
                       " whole.</p>\n" + svg(replay, begin, end, lanes_for_gs) +
                       f"\n<script>{SCRIPT % (LEFT, WIDTH)}</script>\n")
    return path


# ---- for a terminal ------------------------------------------------------------------------------

COLUMNS = 100
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def columns(spans, begin, end, letter, n=COLUMNS):
    """What took most of each of n columns' time."""
    width = max((end - begin) / n, 1)
    shares = [{} for _ in range(n)]
    for s in spans:
        first = max(0, int((s.begin - begin) / width))
        last = min(n - 1, int((s.end - begin) / width))
        for column in range(first, last + 1):
            lo, hi = begin + column * width, begin + (column + 1) * width
            share = min(s.end, hi) - max(s.begin, lo)
            if share > 0:
                shares[column][letter(s)] = shares[column].get(letter(s), 0) + share
    return "".join(max(share, key=share.get) if share else " " for share in shares)


def print_gantt(replay, begin, end, lanes_for_gs=False):
    inside = busiest(replay, len(LETTERS))
    letters = dict(zip(inside, LETTERS))

    def of_core(s):
        return letters.get(s.g, "*") if s.what == "run" else {"idle": ".", "sched": "-"}.get(s.what, " ")

    def of_g(s):
        return {"running": "#", "runnable": "=", "waiting": ".", "dead": " "}[s.what]

    print(f"         0 {'':{COLUMNS - 16}} {time_text(end - begin)}")
    for core, spans in enumerate(replay.core_spans):
        print(f"core {core:2} |{columns(spans, begin, end, of_core)}|")
    print(f"a column is {time_text((end - begin) / COLUMNS)}; . asleep, - scheduling" + (", * others" if len(
        replay.g_spans) > len(inside) else ""))
    if lanes_for_gs:
        for g in inside:
            print(f"{letters[g]} {label(replay, g)[:22]:22} |{columns(replay.g_spans[g], begin, end, of_g)}|")
        print("# running, = runnable, . waiting")
    else:
        line = ""
        for g in inside:
            entry = f"{letters[g]} {label(replay, g)}  "
            if len(line) + len(entry) > COLUMNS + 8:
                print(line)
                line = ""
            line += entry
        print(line)
