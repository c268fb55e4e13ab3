"""What is drawn: every arm's error over the whole grid of rates, over training, and over the scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import STEP, band, band_over
from levinthal.lab.analysis.rates import BestRate
from levinthal.studies.trainability.init_and_momentum.claims import ARMS, PLAIN, arm_words, best
from levinthal.vocabulary import Axis, Figure, Panel, Series

ERROR = Axis("squared error per image", log=True)
INITS = {"sparse": "sparse start", "small": "weights N(0, .01²)"}


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    found = rows.where(name="error")
    if len(found):
        baseline = float(np.mean(rows.where(name="mean_image_error").values()))
        drawn = (_over(found, key, baseline) for key in ("rate", "step"))
        yield from (figure for figure in drawn if figure.panels)
        if best(found, "sparse", ARMS[-1]) and len(found.distinct("scale")) > 2:
            yield _over_scale(found)


def _over(rows: Rows, key: str, baseline: float) -> Figure:
    """Errors of every arm from both starts, over rates at the end, or over training at the best rate."""
    panels = []
    last = max(rows.distinct("step"))
    for init, words in INITS.items():
        series = []
        for arm in (PLAIN, *ARMS):
            winner = best(rows, init, arm)
            if winner is not None:
                here = rows.where(init=init, rule=arm[0], momentum=arm[1], scale=1.0)
                here = here.where(step=last) if key == "rate" else here.where(rate=winner.rate)
                series.append(band_over(here, key, arm_words(arm), group=arm_words(arm)))
        if series:
            ends = tuple(s.x[i] for i in (0, -1) for s in series[:1])
            series.append(Series("mean image", ends, (baseline,) * 2, "reference"))
            panels.append(Panel(_axis(key), ERROR, tuple(series), words))
    titles = {"rate": _gain(rows), "step": _stuck(rows, baseline)}
    said = f"after {last:,} steps" if key == "rate" else "each arm at its best rate"
    caption = f"Training error, median and quartiles over {len(rows.distinct('seed'))} seeds, {said}."
    return Figure({"rate": "rates", "step": "training"}[key], titles[key], caption, tuple(panels))


def _axis(key: str) -> Axis:
    return Axis("learning rate", log=True) if key == "rate" else STEP


def _gain(rows: Rows) -> str:
    arms = {arm: winner for arm in (PLAIN, *ARMS) if (winner := best(rows, "sparse", arm))}
    said = ", ".join(f"{arm_words(arm)} {_median(winner):.2g}" for arm, winner in arms.items())
    return f"From the sparse start the best errors are {said}"


def _stuck(rows: Rows, baseline: float) -> str:
    bad = [winner for arm in (PLAIN, *ARMS) if (winner := best(rows, "small", arm))]
    if not bad:
        return "The error over training"
    least = min(map(_median, bad)) / baseline
    return f"From small weights no arm gets below {100 * least:.0f} % of the mean image's error"


def _over_scale(rows: Rows) -> Figure:
    scales = [s for s in rows.where(init="sparse").distinct("scale") if best(rows, "sparse", ARMS[-1], s)]
    winners = [winner for s in scales if (winner := best(rows, "sparse", ARMS[-1], s))]
    name, scores = arm_words(ARMS[-1]), [list(winner.scores.values()) for winner in winners]
    line = band(name, dict(zip(scales, scores, strict=True)), group=name)
    best_scale = scales[int(np.argmin(line.y))]
    caption = f"Best rate of each scale; median and quartiles over {len(rows.distinct('seed'))} seeds."
    panel = Panel(Axis("scale of the sparse start", log=True), ERROR, (line,))
    return Figure("scale", f"The best scale of the sparse start is {best_scale:g}", caption, (panel,))


def _median(winner: BestRate) -> float:
    return float(np.median(list(winner.scores.values())))
