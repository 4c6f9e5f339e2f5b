"""Plots as SVG, with axes and units: lines through points, or bars. tools/growth.py and tools/experiment.py use it."""
import html
import math

COLORS = ("#1f5fa8", "#c0392b", "#2e8b57", "#8e5aa8", "#c77d0a", "#3f9fa8", "#7a5c3e", "#666666")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 430, 70, 40, 40, 130
LEGEND = 62      # below the axis
LEGEND_LINE = 18
BASE = HEIGHT - BOTTOM


def nice_top(y):
    if y <= 0:
        return 1
    step = 10 ** math.floor(math.log10(y))
    return math.ceil(y / step * 2) / 2 * step


def number(y, top):
    return f"{y:,.0f}" if top >= 20 else f"{y:.1f}" if top >= 2 else f"{y:.2f}"


class Axes:
    """The frame that every plot has. y_axis is a line above the plot, if the title does not say what y is."""

    def __init__(self, title, x_axis, y_axis, top, labels):
        self.top = nice_top(top)
        height = HEIGHT + max(0, len(labels) - 4) * LEGEND_LINE
        self.out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
                    'font-size="12">', f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
                    f'<text x="{LEFT}" y="{20 if not y_axis else 15}" font-size="14">{html.escape(title)}</text>',
                    f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{BASE + 36}" text-anchor="middle">{html.escape(x_axis)}</text>']
        if y_axis:
            self.out.append(f'<text x="{LEFT}" y="32">{html.escape(y_axis)}</text>')
        for i in range(6):
            y = self.top * i / 5
            self.out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(y):.1f}" y2="{self.y(y):.1f}" stroke="#dddddd"/>'
                            f'<text x="{LEFT - 6}" y="{self.y(y) + 4:.1f}" text-anchor="end">{number(y, self.top)}</text>')
        for i, (label, color) in enumerate(zip(labels, COLORS)):
            at = BASE + LEGEND + LEGEND_LINE * i
            self.out.append(f'<rect x="{LEFT + 14}" y="{at - 9}" width="10" height="10" fill="{color}"/>'
                            f'<text x="{LEFT + 30}" y="{at}">{html.escape(label)}</text>')

    def y(self, y):
        return BASE - y / self.top * (BASE - TOP)

    def tick(self, x, text):
        self.out.append(f'<text x="{x:.1f}" y="{BASE + 16}" text-anchor="middle">{html.escape(text)}</text>')

    def svg(self):
        return "\n".join([*self.out, "</svg>", ""])


def lines(title, x_axis, curves, y_axis=""):
    """curves: [(label, [(x, y)])]. x is linear for up to eight of something, as cores, else a logarithm."""
    xs = sorted({x for _, points in curves for x, _ in points})
    axes = Axes(title, x_axis, y_axis, max(y for _, points in curves for _, y in points), [label for label, _ in curves])
    scale = (lambda x: x) if xs[-1] <= 8 else math.log10

    def px(x):
        return LEFT + (scale(x) - scale(xs[0])) / (scale(xs[-1]) - scale(xs[0])) * (WIDTH - LEFT - RIGHT)

    for x in xs:
        axes.out.append(f'<line x1="{px(x):.1f}" x2="{px(x):.1f}" y1="{TOP}" y2="{BASE}" stroke="#eeeeee"/>')
        axes.tick(px(x), f"{x:,.0f}" if x == int(x) else f"{x:,}")
    for (_, points), color in zip(curves, COLORS):
        line = " ".join(f"{px(x):.1f},{axes.y(y):.1f}" for x, y in points)
        axes.out.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        axes.out += [f'<circle cx="{px(x):.1f}" cy="{axes.y(y):.1f}" r="3" fill="{color}"/>' for x, y in points]
    return axes.svg()


def bars(title, x_axis, groups, y_axis=""):
    """groups: [(label, [(name on the x axis, y)])], side by side at each name."""
    names = list(dict.fromkeys(name for _, points in groups for name, _ in points))
    axes = Axes(title, x_axis, y_axis, max(y for _, points in groups for _, y in points), [label for label, _ in groups])
    room = (WIDTH - LEFT - RIGHT) / len(names)
    width = room * 0.8 / len(groups)
    for i, name in enumerate(names):
        axes.tick(LEFT + room * (i + 0.5), name)
    for k, ((_, points), color) in enumerate(zip(groups, COLORS)):
        for name, y in points:
            x = LEFT + room * (names.index(name) + 0.1) + k * width
            axes.out.append(f'<rect x="{x:.1f}" y="{axes.y(y):.1f}" width="{width - 1:.1f}" height="{BASE - axes.y(y):.1f}" '
                            f'fill="{color}"><title>{html.escape(str(y))}</title></rect>')
    return axes.svg()
