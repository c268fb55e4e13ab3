"""The measurement: GSC and its growth at initial weights, NLC and the errors of trained networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from levinthal.networks.plain import Stage, plain
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.probes.signal import PER_LAYER, signal
from levinthal.studies.trainability.gradient_scale.design import (
    BATCH,
    DRAWS,
    NETWORKS,
    PRODUCTS,
    RATES,
    WIDTH,
    Design,
    design,
)
from levinthal.training import Adam, train
from levinthal.vocabulary import Dataset, Estimate, Measurement, Task, Trust

READ = 200  # images on which NLC is measured


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
    reasons = ("a straight line through all depths",)
    yield Measurement("growth", Estimate(slope, PER_LAYER, trust=Trust.CALIBRATED, reasons=reasons), seed)


def _layers_below(stages: list[nn.Module]) -> list[int]:
    return list(itertools.accumulate(stage.layers for stage in stages if isinstance(stage, Stage)))


def _growth(name: str, batch: int, depth: int, seed: int) -> Measurement:
    """log2 of the squared gradient's rate a layer, the mean over a few networks."""
    rates = [
        float(signal(_square(name, depth, DRAWS * seed + k), _noise(batch, DRAWS * seed + k)).growth)
        for k in range(DRAWS)
    ]
    mean, reasons = float(np.mean(rates)), (f"the mean of {DRAWS} networks of width {WIDTH}",)
    return Measurement("rate", Estimate(mean, PER_LAYER, trust=Trust.CALIBRATED, reasons=reasons), seed)


def _errors(data: Dataset, task: Task, seed: int) -> Iterator[Measurement]:
    """NLC before training; errors after it, at every learning rate, from the same initial weights."""
    one = design(seed, int(task.cell["net"]), int(task.cell["deepest"]))
    splits = _splits(data, int(task.cell["images"]), seed)
    x, y = splits["train"]
    untrained = _network(one, data, seed)
    yield Measurement("nonlinearity", nonlinearity(untrained, x[:READ]), seed)
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
    """Three quarters of the images for training, a quarter to choose the learning rate, and the test set."""
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
