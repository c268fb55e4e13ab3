"""What the study measures, and with what: three kinds of cell.

scale   GSC of the output with respect to every stage of the trunk, at initial weights
batch   the growth of the squared gradient with batch norm, against the size of the batch
error   NLC at initial weights, and the errors of the same network trained at each learning rate
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from levinthal.networks.plain import Stage, plain
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.probes.signal import PER_LAYER, signal
from levinthal.training import Adam, train
from levinthal.vocabulary import Dataset, Estimate, Measurement, Task, Trust

WIDTH = 100
DRAWS = 4  # networks a seed in the cells of `batch`: one network's rate wanders by some per cent
PRODUCTS = 5
BATCH = 256
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
READ = 200  # images on which NLC is measured
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


def measure(task: Task, *, data: Dataset | None, device: str) -> Iterator[Measurement]:
    """Every seed of one cell. The networks are small: the CPU, whatever the device."""
    del device
    for seed in task.seeds:
        if task.cell["arm"] == "scale":
            yield from _scale(str(task.cell["network"]), int(task.cell["depth"]), seed)
        elif task.cell["arm"] == "batch":
            yield _growth(str(task.cell["network"]), int(task.cell["batch"]), int(task.cell["depth"]), seed)
        elif data is not None:
            yield from _errors(data, task, seed)


def _noise(rows: int, seed: int) -> Float[Tensor, "n d"]:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(seed))


def _square(name: str, depth: int, seed: int) -> nn.Sequential:
    """A network of a hundred inputs, units and outputs."""
    return plain(inputs=WIDTH, width=WIDTH, depth=depth, outputs=WIDTH, seed=seed, **NETWORKS[name])


def _scale(name: str, depth: int, seed: int) -> Iterator[Measurement]:
    """GSC of the output by the number of weight layers below, and the rate at which it grows."""
    net = _square(name, depth, seed)
    stages = list(net)
    below = {"input": 0} | dict(zip(map(str, range(len(stages))), _layers_below(stages), strict=True))
    found = gradient_scale(net, _noise(BATCH, seed), products=PRODUCTS, layers=stages.__contains__, seed=seed)
    for stage, coefficient in found.items():
        yield Measurement("gradient_scale", coefficient, seed, layer=str(below[stage]))
    between = np.array([depth - below[stage] for stage in found], dtype=float)
    logs = np.log2([float(coefficient) for coefficient in found.values()])
    slope = float(np.polyfit(between, logs, 1)[0])
    said = ("a straight line through all depths",)
    yield Measurement("growth", Estimate(slope, PER_LAYER, trust=Trust.CALIBRATED, reasons=said), seed)


def _layers_below(stages: list[nn.Module]) -> list[int]:
    return list(itertools.accumulate(stage.layers for stage in stages if isinstance(stage, Stage)))


def _growth(name: str, batch: int, depth: int, seed: int) -> Measurement:
    """log2 of the squared gradient's rate a layer, the mean over a few networks."""
    rates = [
        float(signal(_square(name, depth, DRAWS * seed + k), _noise(batch, DRAWS * seed + k)).growth)
        for k in range(DRAWS)
    ]
    mean, said = float(np.mean(rates)), (f"the mean of {DRAWS} networks of width {WIDTH}",)
    return Measurement("rate", Estimate(mean, PER_LAYER, trust=Trust.CALIBRATED, reasons=said), seed)


def _errors(data: Dataset, task: Task, seed: int) -> Iterator[Measurement]:
    """NLC before training; validation and test error after it, at every rate, from the same weights."""
    one = design(seed, int(task.cell["net"]), int(task.cell["deepest"]))
    splits = _splits(data, int(task.cell["images"]), seed)
    x, y = splits["train"]
    first = _network(one, data, seed)
    yield Measurement("nonlinearity", nonlinearity(first, x[:READ]), seed)
    for rate in RATES:
        net = _network(one, data, seed)
        steps = int(task.cell["steps"])
        feed = train(
            net,
            x,
            y,
            steps=steps,
            batch_size=64,
            optimizer=Adam(rate),
            order_seeds=seed,
            snapshots=(),
            device="cpu",
        )
        list(feed)
        for name in ("validation", "test"):
            yield Measurement(f"{name}_error", _error(net, *splits[name]), seed, steps, "", f"rate={rate:g}")


def _network(one: Design, data: Dataset, seed: int) -> nn.Module:
    return plain(
        inputs=data.train_inputs.shape[1], width=30, depth=one.depth, outputs=data.classes, seed=seed,
        activation=one.activation, norm=one.norm, residual=one.residual, gain=one.gain,
    )  # fmt: skip


def _splits(data: Dataset, images: int, seed: int) -> Mapping[str, tuple[Tensor, Tensor]]:
    """Three quarters of the images to train on, a quarter to choose the rate by, and the test set."""
    order = np.random.default_rng(seed).permutation(len(data.train_labels))[:images]
    cut = 3 * len(order) // 4
    middle, spread = float(data.train_inputs.mean()), float(data.train_inputs.std())
    parts = {
        "train": (data.train_inputs[order[:cut]], data.train_labels[order[:cut]]),
        "validation": (data.train_inputs[order[cut:]], data.train_labels[order[cut:]]),
        "test": (data.test_inputs, data.test_labels),
    }
    return {
        name: (torch.as_tensor((x - middle) / spread), torch.as_tensor(y)) for name, (x, y) in parts.items()
    }


@torch.no_grad()
def _error(net: nn.Module, x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Estimate:
    """Share labelled wrongly; batch norm reads the statistics of the set, for its running ones lag behind."""
    (wrong,) = error_counts(net.train()(x), y)
    return proportion(wrong, len(y))
