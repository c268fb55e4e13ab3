"""Does a wide random layer keep the length of its input?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis import Reading, compare, evidence, log2_ratio, value
from levinthal.vocabulary import (
    Axis,
    Basis,
    Claim,
    Dataset,
    Estimate,
    Figure,
    Measurement,
    Panel,
    Preset,
    Series,
    Study,
    Task,
    Verdict,
)

WIDTHS = (16, 64, 256)
LAYERS = 400  # random layers a seed: its spread is taken over them


def measure(task: Task, *, data: Dataset | None, device: str) -> Iterator[Measurement]:
    """One cell: for each seed, the spread of |Wx|^2 / |x|^2 over many random layers W of this width."""
    del data, device  # the preset names no data set, and numpy runs on the CPU
    width = int(task.cell["width"])
    for seed in task.seeds:
        for draw in ("first", "second"):
            rng = np.random.default_rng([seed, width, draw == "second"])
            weights = rng.normal(0, 1 / math.sqrt(width), size=(LAYERS, width, 8))
            x = rng.normal(size=8)
            ratio = np.sum((weights @ x) ** 2, axis=1) / np.sum(x**2)
            spread = Estimate.exact(float(ratio.std()))
            yield Measurement("spread", spread, seed, condition=f"draw={draw}")


def spread(width: int, draw: str = "first") -> Reading:
    """The spread at one width, seed by seed."""
    return value("spread", width=width, draw=draw)


def figures(rows: Rows) -> Iterator[Figure]:
    """The spread against the width, every seed a point, beside the theory."""
    seen = rows.where(name="spread")
    widths, spreads = tuple(seen.values("width").tolist()), tuple(seen.values().tolist())
    theory = tuple(math.sqrt(2 / width) for width in WIDTHS)
    series = (Series("seeds", widths, spreads, "point"), Series("√(2/n)", WIDTHS, theory, "reference"))
    panel = Panel(Axis("width", log=True), Axis("relative spread", log=True), series)
    yield Figure("spread", "A wider layer keeps the length better", f"{LAYERS} layers a seed", (panel,))


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The answer in one sentence."""
    verdict = verdicts["L1"]
    if verdict.effect is None:
        return "Not measured yet."
    return f"Four times the width divides the spread by {2**verdict.effect.value:.2f}."


study = Study(
    name="keep-length",
    chapter="my-own",
    question="Does a wide random layer keep the length of its input?",
    source="any textbook on random projections",
    version=1,
    presets={
        "quick": Preset(
            about="three widths, 8 seeds: a second",
            data=None,
            tasks=tuple(Task({"width": width}, seeds=tuple(range(8))) for width in WIDTHS),
        ),
    },
    measure=measure,
    claims=(
        Claim(
            id="L1",
            says="The wider a random layer, the better it keeps the length of its input.",
            source="any textbook on random projections",
            quote="",  # the sentence of the source, word by word; this one is ours
            effect="the spread over that of a layer four times as wide",
            unit="log2 ratio",
            null=0.0,  # where the claim is empty: the spread is the same at both widths
            smallest_effect=0.5,
            why_smallest="half of what theory predicts, which is 1",
            basis=Basis.CHOSEN,  # before the first run
            control="the same width, drawn again",
            evidence=evidence(
                {
                    f"{n} to {wide}": compare(spread(n), spread(wide), log2_ratio)
                    for n, wide in pairwise(WIDTHS)
                },
                control=compare(spread(16), spread(16, draw="second"), log2_ratio),
            ),
        ),
    ),
    figures=figures,
    answer=answer,
)
