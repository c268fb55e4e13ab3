"""What is drawn: who solves it when, and the ratios of the weights of those that did."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import band
from levinthal.studies.trainability.backprop_symmetry.measure import NEAR
from levinthal.vocabulary import Axis, Figure, Panel, Series

KINDS = {"1:2:4": (2.0, 4.0), "2:3:4": (1.5, 2.0)}
TASKS = {"symmetry": "mirror symmetry", "random function": "random function"}


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    solved = rows.where(name="solved")
    if len(solved):
        yield _sweeps(solved)
    shapes = rows.where(name="middle")
    if len(shapes) and len(shapes.where(task="symmetry", right=True)):
        yield _ratios(rows)


def _sweeps(rows: Rows) -> Figure:
    series = []
    for task, words in TASKS.items():
        arm = rows.where(task=task)
        points = {float(s): (100 * g.values()).tolist() for (s,), g in arm.group_by("step").items()}
        if points:
            series.append(band(words, points, group="random" if task != "symmetry" else task))
    last = rows.where(step=max(rows.distinct("step")))
    ends = {
        task: 100 * last.where(task=task).values().mean() for task in TASKS if task in last.distinct("task")
    }
    seen = ", ".join(
        f"{share:.0f} % learn {'it' if t == 'symmetry' else 'a random one'}" for t, share in ends.items()
    )
    panel = Panel(Axis("sweep"), Axis("networks right on all 64 vectors", "%"), tuple(series))
    caption = f"Share of a seed's networks: median and quartiles over {len(rows.distinct('seed'))} seeds."
    title = f"Within {max(rows.distinct('step')):,} sweeps {seen}"
    return Figure("sweeps", title, caption, (panel,))


def _ratios(rows: Rows) -> Figure:
    keep = {"task": "symmetry", "right": True}
    middle, largest = (rows.where(name=name, **keep).by("seed", "layer") for name in ("middle", "largest"))
    kinds = [kind_of(middle[at], largest[at]) for at in middle]
    shares = {kind: 100 * kinds.count(kind) / len(kinds) for kind in (*KINDS, "other")}
    bars = Series("solved networks", tuple(shares), tuple(shares.values()), "bar", group="symmetry")
    panel = Panel(Axis("sizes of a hidden unit's three mirrored weights"), Axis("solutions", "%"), (bars,))
    caption = f"First hidden unit of {len(kinds)} solved networks, each size within 5 %."
    said = " and ".join(f"{share:.0f} % are {kind}" for kind, share in shares.items() if share > 0)
    return Figure("ratios", f"Of the solutions {said}", caption, (panel,))


def kind_of(middle: float, largest: float) -> str:
    """The ratio of three sizes, by their middle and largest over the smallest.

    >>> kind_of(2.01, 3.97), kind_of(1.52, 2.02), kind_of(2.0, 3.0)
    ('1:2:4', '2:3:4', 'other')
    """
    for kind, (second, third) in KINDS.items():
        if abs(middle / second - 1) <= NEAR and abs(largest / third - 1) <= NEAR:
            return kind
    return "other"
