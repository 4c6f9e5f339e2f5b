"""What an experiment is written with: one file eN.py each, which has EXPERIMENT = Experiment(...). tools/experiment.py runs them.

    EXPERIMENT = Experiment(
        title="...", asks="what the reader wants to know, in a sentence",
        runs=[Run("yields", "policy=fifo", cores=n, row={"policy": "fifo", "cores": n}, gs=8) for n in (1, 2, 4)],
        pictures=[Lines("throughput", "...", x="cores", x_axis="cores", y=per_us, y_axis="switches a microsecond",
                        by="policy")],
        traces=[Trace("fifo", Run(...))],
        says=says)

What a run tells becomes a row of the table, behind the run's own columns. Time is that of a machine whose cores execute an
instruction a nanosecond each, side by side.

says(t) gives the paragraph: sentences with figures of the table t, each with what must hold for it to be true.
"""
import dataclasses
import typing


class Run:
    """A boot of examples/experiment: a workload, the kernel's words ("policy=fifo slice=1000"), on how many cores, which columns its
    rows begin with, the workload's options. fine: cores take turns of eight instructions, not of up to a thousand, so that locks are as
    crowded as side by side; it takes long, and not all cores are equally fast. host: options that are others with BOARD=host, where it
    takes 50 us and more until the kernel has woken another core, so that a run is to be longer than that."""

    def __init__(self, work, words="", cores=4, row=None, fine=False, host=None, **options):
        self.work, self.words, self.cores, self.row, self.fine, self.options = work, words, cores, row or {}, fine, options
        self.host = host or {}

    def args(self, seed, exact=True):
        options = self.options if exact else {**self.options, **self.host}
        return [f"--work={self.work}", f"--cores={self.cores}", *(f"--{k}={v}" for k, v in options.items()),
                f"--seed={seed}", *self.words.split()]


@dataclasses.dataclass
class Lines:
    """A curve for each value of `by`. x, y, by: the name of a column, or a function of a row; only: of which rows. host: whether it is
    measured with BOARD=host, too."""
    name: str
    title: str
    x: typing.Any
    x_axis: str
    y: typing.Any
    y_axis: str
    by: typing.Any
    only: typing.Any = None
    host: bool = True


class Bars(Lines):
    """The same with a bar for each; x is a name."""


@dataclasses.dataclass
class Trace:
    """A run that is recorded: a picture of who ran where, and the same for ui.perfetto.dev. Keep it below a thousand events."""
    name: str
    title: str
    run: Run
    gs: bool = True  # a lane for each goroutine, too


@dataclasses.dataclass
class Experiment:
    title: str
    asks: str
    runs: list
    says: typing.Callable  # of a Table: [(sentence, whether it holds)]
    pictures: list = dataclasses.field(default_factory=list)
    traces: list = dataclasses.field(default_factory=list)
    limits: str = ""       # what an emulator does not show


def value(of, row):
    return of(row) if callable(of) else row[of]


class Table:
    """Rows of the same columns: numbers and names."""

    def __init__(self, rows):
        self.rows = rows

    def where(self, **wanted):
        return [row for row in self.rows if all(row[k] == v for k, v in wanted.items())]

    def one(self, of, **wanted):
        """A column of the only row that is wanted, or a function of it."""
        rows = self.where(**wanted)
        if len(rows) != 1:
            raise KeyError(f"{len(rows)} rows have {wanted}")
        return value(of, rows[0])

    def values(self, of, **wanted):
        return [value(of, row) for row in self.where(**wanted)]

    def curves(self, picture):
        """[(label, [(x, y)])]"""
        found = {}
        for row in self.rows:
            if picture.only is None or picture.only(row):
                found.setdefault(str(value(picture.by, row)), []).append((value(picture.x, row), value(picture.y, row)))
        return list(found.items())


def number(x):
    """As a sentence has it."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"
