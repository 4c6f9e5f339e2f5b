"""E1: models by what there is to do."""
from experiments import Experiment, Lines, Run, Trace, number

MODELS = ("n-1", "1-1", "m-n")
GS = (1, 2, 4, 8, 16, 32, 64)
# n-1 has one core, so its machine has one, too: the others would sleep.
KINDS = {"cpu": dict(pieces=64, cpu=10000, io=0), "io": dict(pieces=128, cpu=2000, io=50000)}


def per_ms(row):
    return row["pieces"] * 1e6 / row["ns"]


def says(t):
    def of(kind, model, gs):
        return t.one(per_ms, kind=kind, model=model, gs=gs)

    best = {(kind, model): max(t.values(per_ms, kind=kind, model=model)) for kind in KINDS for model in MODELS}
    return [
        (f"What only computes gains by cores and by nothing else: {number(of('cpu', 'm-n', 4))} pieces a millisecond with four goroutines on "
         f"four cores under m-n, {number(of('cpu', '1-1', 4))} under 1-1, {number(of('cpu', 'n-1', 4))} on the one core of n-1; with 64 it is "
         f"no more ({number(of('cpu', 'm-n', 64))}, {number(of('cpu', '1-1', 64))}, {number(of('cpu', 'n-1', 64))}).",
         of("cpu", "m-n", 4) > 3 * of("cpu", "n-1", 4) and all(of("cpu", m, 64) < 1.15 * of("cpu", m, 4) for m in MODELS)),
        (f"What mostly waits gains by goroutines, under each model: from {number(of('io', 'n-1', 1))} pieces with one to {number(of('io', 'n-1', 16))} "
         f"with 16, also on the one core of n-1 ({number(of('io', 'm-n', 16))} under m-n): as long as others wait, there is somebody to run.",
         of("io", "n-1", 16) > 8 * of("io", "n-1", 1) and of("io", "n-1", 16) > 0.8 * of("io", "m-n", 16)),
        (f"With more, n-1's core is full at {number(best['io', 'n-1'])}, and m-n goes on to {number(best['io', 'm-n'])}; "
         f"1-1 comes to {number(best['io', '1-1'])}.",
         best["io", "m-n"] > 1.5 * best["io", "n-1"]),
    ]


EXPERIMENT = Experiment(
    title="Models: who computes and who waits",
    asks="Goroutines that compute 10,000 instructions a piece and never wait, and such that compute 2,000 and then wait for 50 us, as for a disk "
         "or a network, on four cores: how many pieces a millisecond are done by 1 to 64 of them?",
    runs=[Run("mix", f"model={model}", 1 if model == "n-1" else 4, {"kind": kind, "model": model, "gs": gs}, gs=gs,
              **{**options, "pieces": options["pieces"] * (gs if kind == "io" else 1) // (8 if kind == "io" else 1)})
          for kind, options in KINDS.items() for model in MODELS for gs in GS],
    pictures=[Lines("cpu", "Computing only", "gs", "goroutines", per_ms, "pieces a millisecond", "model", lambda row: row["kind"] == "cpu"),
              Lines("io", "Mostly waiting", "gs", "goroutines", per_ms, "pieces a millisecond", "model", lambda row: row["kind"] == "io")],
    traces=[Trace(model, f"Six that mostly wait under {model}, four pieces each",
                  Run("mix", f"model={model}", 1 if model == "n-1" else 4, gs=6, pieces=24, cpu=20000, io=50000))
            for model in MODELS],
    says=says,
    limits="So who computes wants as many goroutines as cores, who waits wants more; and what is computed and waits in turn under n-1 holds up "
           "everybody else.")
