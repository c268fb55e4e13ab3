"""The measurement: autoencoders of sigmoid units, trained with momentum on a schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.errors import require_one_of
from levinthal.lab.analysis.rates import read_rates
from levinthal.networks.initial import Matrix, generator
from levinthal.networks.sigmoid import SigmoidNets
from levinthal.training import choose_device, log_spaced
from levinthal.training.grid import Grid, train_grid
from levinthal.training.momentum import MemberMomentum
from levinthal.vocabulary import Dataset, Estimate, Measurement, Task

CODERS: Mapping[int, tuple[int, ...]] = {
    64: (64, 32, 16, 8, 16, 32, 64),
    784: (784, 128, 64, 16, 64, 128, 784),
}
"""Widths of the autoencoder by the number of pixels."""

CONNECTIONS, SMALL = 15, 0.01
PERIODS, SNAPSHOTS = 100, 10
READ = 2000  # images on which errors are read


def sparse(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Each unit reads 15 others at random (all, if fewer), with weights N(0, 1); Martens (2010).

    >>> (sparse(4, 40, generator(0, "doctest")) != 0).sum(1).tolist()
    [15, 15, 15, 15]
    """
    weights = torch.zeros(out, inputs, dtype=torch.float64)
    for unit in range(out):
        chosen = torch.randperm(inputs, generator=draw)[:CONNECTIONS]
        weights[unit, chosen] = torch.randn(len(chosen), generator=draw, dtype=torch.float64)
    return weights


def small(out: int, inputs: int, draw: torch.Generator) -> Matrix:
    """Weights N(0, .01^2)."""
    return SMALL * torch.randn(out, inputs, generator=draw, dtype=torch.float64)


INITS = {"sparse": sparse, "small": small}


def autoencoders(widths: Sequence[int], seeds: Sequence[int], init: str, scale: float) -> SigmoidNets:
    """One network for each seed (a seed may occur twice); scales of a seed are one draw. Biases are 0."""
    initial = INITS[require_one_of("init", init, INITS)]
    drawn = {}
    for seed in set(seeds):
        draw = generator(seed, "autoencoder")
        drawn[seed] = [scale * initial(o, i, draw).float() for i, o in pairwise(widths)]
    weights = [torch.stack(layer) for layer in zip(*(drawn[seed] for seed in seeds), strict=True)]
    return SigmoidNets(tuple(seeds), weights, [torch.zeros(w.shape[:2]) for w in weights], "sigmoid")


def error(outputs: Float[Tensor, "s n d"], images: Float[Tensor, "*s n d"]) -> Float[Tensor, " s"]:
    """Squared error of an image, summed over its pixels: mean over images, one a network."""
    return (torch.sigmoid(outputs) - images).square().sum(-1).mean(-1)


def mean_image_error(images: Float[Tensor, "n d"]) -> float:
    """The error of answering with the mean image always: the best of a network that ignores its input."""
    return float((images - images.mean(0)).square().sum(-1).mean())


@contextmanager
def tiny_as_zero() -> Iterator[None]:
    """Treat numbers below 1e-38 as zero: no measured number changes, and a step takes half as long.

    Outputs of pixels that are always black sink without end, and the CPU is slow on gradients that small.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train the networks of all seeds and learning rates; those of a seed share weights and data order."""
    with tiny_as_zero():
        yield from _measured(task, data, device)


def _measured(task: Task, data: Dataset, device: str) -> Iterator[Measurement]:
    cell = task.cell
    images = torch.tensor(data.train_inputs[: int(cell["images"])]).to(choose_device(device))
    grid, steps = Grid.of(task.seeds, read_rates(str(cell["rates"]))), int(cell["steps"])
    nets = autoencoders(CODERS[images.shape[1]], grid.seeds, str(cell["init"]), float(cell["scale"]))
    nets = nets.to(images.device)
    for snapshot in train_grid(
        nets,
        images,
        images,
        grid=grid,
        steps=steps,
        batch_size=int(cell["batch"]),
        loss=error,
        optimizer=partial(
            MemberMomentum,
            most=float(cell["momentum"]),
            nesterov=cell["rule"] == "nesterov",
            period=int(cell.get("period", max(1, steps // PERIODS))),
        ),
        snapshots=log_spaced(steps, SNAPSHOTS),
    ):
        with torch.no_grad():
            found = error(nets(images[:READ]), images[:READ]).nan_to_num(math.inf)
        yield from grid.measurements("error", found, snapshot.step)
    for seed in task.seeds:
        yield Measurement("mean_image_error", Estimate.exact(mean_image_error(images[:READ])), seed)
