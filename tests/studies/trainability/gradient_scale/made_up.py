"""Made-up rows of the study, with its effects or without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale import study
from levinthal.studies.trainability.gradient_scale.design import RATES
from levinthal.vocabulary import Cell, Estimate, Measurement, Row, Verdict

DEPTH = 50
Change = Callable[[Row], Row]


def changed(change: Change, *ids: str) -> dict[str, Verdict]:
    """The verdicts on some claims, on planted effects with every row changed."""
    return verdicts(Rows.of(map(change, simulated(True))), *ids)


def verdicts(rows: Rows, *ids: str) -> dict[str, Verdict]:
    chosen = [claim for claim in study.claims if not ids or claim.id in ids]
    return {claim.id: judge(claim, claim.evidence(rows)) for claim in chosen}


def row(cell: Cell, name: str, value: float, seed: int, layer: str = "", condition: str = "") -> Row:
    return Row(cell, Measurement(name, Estimate.exact(value), seed, 0, layer, condition))


@cache
def simulated(planted: bool) -> Rows:
    """Every cell of the quick preset with noise; the claims' effects planted, or nowhere."""
    found = list[Row]()
    for task in study.presets["quick"].tasks:
        for seed in task.seeds:
            rng = np.random.default_rng([seed, *repr(dict(task.cell)).encode()])
            found += list(drawn(task.cell, seed, rng, planted))
    return Rows.of(found)


def drawn(cell: Cell, seed: int, rng: np.random.Generator, planted: bool) -> Iterator[Row]:
    network = str(cell.get("network", ""))
    norm, skips = "batch norm" in network, "residual" in network
    if cell["arm"] == "scale":
        explodes = planted and (norm or network == "SELU") and not skips
        slope = 0.25 * explodes + 0.005 * rng.normal()
        for layer in range(0, DEPTH + 1, 5):
            yield row(cell, "gradient_scale", 2 ** (slope * (DEPTH - layer)), seed, str(layer))
    elif cell["arm"] == "batch":
        law = "linear" if "linear" in network else "relu"
        exact = math.log2(float(batchnorm_rate(law, int(cell["batch"]))))
        yield row(cell, "rate", exact * (norm and planted) + 0.01 * exact * rng.normal(), seed)
    else:
        nlc = float(np.exp(2 * rng.normal()))
        log2_error = (math.log(nlc) if planted else rng.normal()) + 0.05 * rng.normal()
        error = 0.1 * 2**log2_error
        yield row(cell, "nonlinearity", nlc, seed)
        for rate in RATES:
            worse = 1 + 0.1 * abs(math.log10(rate) + 2)
            for name in ("validation", "test"):
                yield row(cell, f"{name}_error", error * worse, seed, "", f"rate={rate:g}")
