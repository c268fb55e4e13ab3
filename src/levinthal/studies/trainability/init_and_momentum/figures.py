"""The figures: the error of every arm over its learning-rate grid, over training, and over the scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.lab.analysis import (
    LEARNING_RATES,
    QUARTILES,
    STEPS,
    Along,
    By,
    at_best,
    beside,
    caption,
    facets,
    line,
)
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.init_and_momentum.claims import error
from levinthal.studies.trainability.init_and_momentum.design import ARMS, PLAIN, Arm, arm_name
from levinthal.vocabulary import Axis, Figure, Panel, Series

ERROR = Axis("squared error per image", log=True)
ARM_LINES = By(("rule", "momentum"), {arm: arm_name(arm) for arm in (PLAIN, *ARMS)})
INITS = By("init", {"sparse": "sparse initialisation", "small": "weights N(0, .01²)"})
SCALES = Along("scale", Axis("scale of the sparse initialisation", log=True))


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    found = rows.where(name="error", scale=1.0)
    if not len(found):
        return
    baseline = float(np.mean(rows.where(name="mean_image_error").values()))
    drawn = (_rates(found, baseline), _training(found, baseline))
    yield from (figure for figure in drawn if figure.panels)
    if at_end(found, "sparse", ARMS[-1]) and len(rows.distinct("scale")) > 2:
        yield _scales(rows.where(name="error"))


def at_end(rows: Rows, init: str, arm: Arm) -> float | None:
    """The median error of an arm at its best learning rate; None while it has no grid."""
    scores = list(error(init, arm)(rows).by_seed.values())
    return float(np.median(scores)) if scores else None


def _rates(rows: Rows, baseline: float) -> Figure:
    last = max(rows.distinct("step"))
    panels = facets(rows.where(step=last), LEARNING_RATES, ERROR, ARM_LINES, INITS)
    known = {arm: end for arm in (PLAIN, *ARMS) if (end := at_end(rows, "sparse", arm))}
    errors = ", ".join(f"{arm_name(arm)} {end:.2g}" for arm, end in known.items())
    title = f"From the sparse initialisation the best errors are {errors}"
    words = caption(rows, QUARTILES, f"training error after {last:,} steps")
    return Figure("rates", title, words, _with_baseline(panels, baseline))


def _training(rows: Rows, baseline: float) -> Figure:
    panels = facets(rows, STEPS, ERROR, ARM_LINES, INITS, narrow=at_best("error"))
    bad = [end for arm in (PLAIN, *ARMS) if (end := at_end(rows, "small", arm))]
    title = "The error over training"
    if bad:
        share = 100 * min(bad) / baseline
        title = f"From small weights no arm's median gets below {share:.0f} % of the mean image's error"
    words = caption(rows, QUARTILES, "training error, each arm at its best learning rate")
    return Figure("training", title, words, _with_baseline(panels, baseline))


def _with_baseline(panels: tuple[Panel, ...], baseline: float) -> tuple[Panel, ...]:
    """The panels with the error of answering with the mean image, across the first line's width."""

    def across(panel: Panel) -> Series:
        x = panel.series[0].x
        return Series("mean image", (x[0], x[-1]), (baseline,) * 2, "reference")

    return tuple(beside(panel, across(panel)) for panel in panels)


def _scales(rows: Rows) -> Figure:
    arm, name = ARMS[-1], arm_name(ARMS[-1])
    here = rows.where(init="sparse", rule=arm[0], momentum=arm[1])

    def ends(part: Rows) -> dict[int, float]:
        return dict(error("sparse", arm, part.distinct("scale")[0])(part).by_seed)

    found = line(here, SCALES, name, reduce=ends, group=name)
    best = found.x[int(np.argmin(found.y))]
    panel = Panel(SCALES.axis, ERROR, (found,))
    title = f"The best scale of the sparse initialisation is {best:g}"
    return Figure("scale", title, caption(rows, QUARTILES, "best learning rate of each scale"), (panel,))
