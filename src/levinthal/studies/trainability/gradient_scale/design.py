"""The cells of every preset: networks at initialisation, batches, and trained networks drawn at random.

A cell has an `arm` and the factors of that arm:

scale   GSC of the output with respect to every stage of the trunk, at initial weights: `network`, `depth`
batch   the growth of the squared gradient with batch norm, against the size of the batch: `network`, `batch`
error   NLC at initial weights, and the errors of the same network trained at each learning rate: `net`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.vocabulary import Cell, Preset, Task

PHILIPP = "Philipp, Song & Carbonell (2017), arXiv 1712.05577"
YANG = "Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz (2019), arXiv 1902.08129"
NLC = "Philipp & Carbonell (2018), arXiv 1806.00179"

WIDTH = 100
DRAWS = 4  # networks per seed in the cells of `batch`: the rate of one network varies by some per cent
PRODUCTS = 5
BATCH = 256
FEWEST = 12  # seeds with which a share of 0.93 is two thirds of the growth, unseen failing seeds allowed for
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
NETWORKS: Mapping[str, dict[str, Any]] = {
    "linear": {"activation": "linear"},
    "ReLU": {"activation": "relu"},
    "tanh": {"activation": "tanh"},
    "SELU": {"activation": "selu"},
    "layer norm, ReLU": {"activation": "relu", "norm": "layer"},
    "layer norm, tanh": {"activation": "tanh", "norm": "layer"},
    "batch norm, linear": {"activation": "linear", "norm": "batch"},
    "batch norm, ReLU": {"activation": "relu", "norm": "batch"},
    "batch norm, tanh": {"activation": "tanh", "norm": "batch"},
    "residual layer norm, ReLU": {"activation": "relu", "norm": "layer", "residual": True},
    "residual batch norm, ReLU": {"activation": "relu", "norm": "batch", "residual": True},
    "residual batch norm, tanh": {"activation": "tanh", "norm": "batch", "residual": True},
    "orthogonal batch norm, ReLU": {"activation": "relu", "norm": "batch", "weights": "orthogonal"},
    "orthogonal batch norm, tanh": {"activation": "tanh", "norm": "batch", "weights": "orthogonal"},
}
NORMS = {"none": "no norm", "batch": "batch norm", "layer": "layer norm"}
"""Norm of a drawn network -> its name."""
RIGHT_SIZED = 3
"""The largest NLC that is called right-sized (1 to 3)."""
LAWS = {"batch norm, ReLU": ("relu", "ReLU"), "batch norm, linear": ("linear", "linear")}
"""Network with a known law -> the name of the law, and the same network without batch norm."""


@dataclass(frozen=True, slots=True)
class Design:
    """One network drawn for the comparison of NLC with test error."""

    activation: str
    norm: str
    residual: bool
    depth: int
    gain: float


def design(seed: int, index: int, deepest: int) -> Design:
    """Network `index` of a seed: activation, norm, skips, even depth and scale of weights, all at random."""
    rng = np.random.default_rng([seed, index])
    return Design(
        str(rng.choice(["relu", "tanh", "selu", "sigmoid"])),
        str(rng.choice(["none", "batch", "layer"])),
        bool(rng.integers(2)),
        2 * int(rng.integers(1, deepest // 2 + 1)),
        float(2 ** rng.uniform(-1, 2)),
    )


def _preset(
    about: str, data: str, depths: tuple[int, ...], seeds: int, nets: int, trained: int, **training: int
) -> Preset:
    """Cells of the three kinds; `nets` networks of each of `trained` seeds are trained."""
    batches = (("batch norm, ReLU", (8, 16, 32, 64, 128, 256)), ("batch norm, linear", (8, 16)))
    bare = (("ReLU", (64,)), ("linear", (64,)))
    scale: list[Cell] = [{"arm": "scale", "network": n, "depth": d} for d in depths for n in NETWORKS]
    batch: list[Cell] = [
        {"arm": "batch", "network": n, "batch": b, "depth": 50} for n, bs in (*batches, *bare) for b in bs
    ]
    error: list[Cell] = [{"arm": "error", "net": k, **training} for k in range(nets)]
    exact = [Task(cell, tuple(range(seeds)), cost=1.0) for cell in scale]
    rates = [Task(cell, tuple(range(max(seeds, FEWEST))), cost=1.0) for cell in batch]
    return Preset(
        about, data, (*exact, *rates, *(Task(cell, tuple(range(trained)), cost=3.0) for cell in error))
    )


PRESETS = {
    "quick": _preset(
        "50 layers of 100 units; 20 small networks trained on the embedded digits; a minute",
        "digits", (50,), 8, 20, 8, deepest=12, images=1197, steps=100,
    ),
    "standard": _preset(
        "26, 50 and 100 layers; 30 small networks trained on MNIST; ten minutes",
        "mnist", (26, 50, 100), 12, 30, 8, deepest=20, images=5000, steps=250,
    ),
}  # fmt: skip
