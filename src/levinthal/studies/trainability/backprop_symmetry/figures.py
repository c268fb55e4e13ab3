"""The figures: the share of solved networks over training, and the ratios of the weights of a solution."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.lab.analysis import QUARTILES, Along, By, caption, facets, percent
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.backprop_symmetry.design import NEAR, TASKS
from levinthal.vocabulary import Axis, Figure, Panel, Series

KINDS = {"1:2:4": (2.0, 4.0), "2:3:4": (1.5, 2.0)}
SWEEPS = Along("step", Axis("sweep"))
SHARE = Axis("networks right on all 64 vectors", "%")
LEARNT = By("task", TASKS, groups={"random function": "random"})


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    solved = rows.where(name="solved")
    if len(solved):
        yield _sweeps(solved)
    if len(rows.where(name="middle", task="symmetry", right=True)):
        yield _ratios(rows)


def _sweeps(rows: Rows) -> Figure:
    last = max(rows.distinct("step"))
    shares = {t: 100 * part.values().mean() for t, _, part in LEARNT.split(rows.where(step=last))}
    names = {"symmetry": "it", "random function": "a random one"}
    seen = ", ".join(f"{share:.0f} % learn {names[task]}" for task, share in shares.items())
    panels = facets(rows, SWEEPS, SHARE, LEARNT, reduce=percent)
    words = caption(rows, QUARTILES, "share of a seed's networks")
    return Figure("sweeps", f"Within {last:,} sweeps {seen}", words, panels)


def _ratios(rows: Rows) -> Figure:
    keep = {"task": "symmetry", "right": True}
    middle, largest = (rows.where(name=name, **keep).by("seed", "layer") for name in ("middle", "largest"))
    kinds = [kind_of(middle[at], largest[at]) for at in middle]
    shares = {kind: 100 * kinds.count(kind) / len(kinds) for kind in (*KINDS, "other")}
    bars = Series("solved networks", tuple(shares), tuple(shares.values()), "bar", group="symmetry")
    panel = Panel(Axis("sizes of a hidden unit's three mirrored weights"), Axis("solutions", "%"), (bars,))
    words = f"First hidden unit of {len(kinds)} solved networks, each size within 5 %."
    seen = " and ".join(f"{share:.0f} % are {kind}" for kind, share in shares.items() if share > 0)
    return Figure("ratios", f"Of the solutions {seen}", words, (panel,))


def kind_of(middle: float, largest: float) -> str:
    """The ratio of three sizes, by their middle and largest over the smallest.

    >>> kind_of(2.01, 3.97), kind_of(1.52, 2.02), kind_of(2.0, 3.0)
    ('1:2:4', '2:3:4', 'other')
    """
    for kind, (second, third) in KINDS.items():
        if abs(middle / second - 1) <= NEAR and abs(largest / third - 1) <= NEAR:
            return kind
    return "other"
