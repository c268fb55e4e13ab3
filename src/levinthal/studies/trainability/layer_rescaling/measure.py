"""The measurement: one rule at all its learning rates, or the directions that constants give at first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from levinthal.lab.analysis.rates import read_rates
from levinthal.networks.initial import generator
from levinthal.networks.losses import cross_entropy
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_nets
from levinthal.probes.parameters import gradients
from levinthal.training import choose_device, log_spaced
from levinthal.training.grid import Grid, train_grid
from levinthal.training.layerwise import (
    Factors,
    LayerwiseSGD,
    MemberAdam,
    Speeds,
    constant,
    equalising,
    lars,
    norms,
    rescaled,
    tracked,
)
from levinthal.vocabulary import Cell, Dataset, Estimate, Measurement, Task

WIDTH, BATCH, SNAPSHOTS = 30, 50, 12
READ = 2000  # images on which speeds are read
DRAWS, DECADES, NEARBY = 20, 6, 1e-4  # random factors a seed and their span; how far the loss is probed


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train one rule at all its learning rates, or probe the directions that factors give before training."""
    inputs, labels = (
        torch.tensor(s[: int(task.cell["images"])]) for s in (data.train_inputs, data.train_labels)
    )
    if task.cell["rule"] == "directions":
        yield from _directions(task, inputs, labels)
    else:
        target = choose_device(device)
        yield from _training(task, inputs.to(target), labels.to(target))


def _networks(cell: Cell, seeds: tuple[int, ...], inputs: Tensor) -> SigmoidNets:
    widths = (inputs.shape[1], *[WIDTH] * int(cell["hidden"]), 10)
    return sigmoid_nets(widths, seeds=seeds, dtype=inputs.dtype).to(inputs.device)


def _slopes(nets: torch.nn.Module, inputs: Tensor, labels: Tensor) -> list[Tensor]:
    return list(gradients(nets, inputs, labels, cross_entropy).values())


def _training(task: Task, inputs: Tensor, labels: Tensor) -> Iterator[Measurement]:
    rule, steps = str(task.cell["rule"]), int(task.cell["steps"])
    grid = Grid.of(task.seeds, read_rates(str(task.cell["rates"])))
    nets = _networks(task.cell, grid.seeds, inputs)
    first = equalising(_slopes(nets, inputs, labels))
    constants = first if rule == "fixed" else torch.ones_like(first)
    for snapshot in train_grid(
        nets,
        inputs,
        labels,
        grid=grid,
        steps=steps,
        batch_size=BATCH,
        loss=cross_entropy,
        optimizer=_optimizer(rule, constants),
        snapshots=log_spaced(steps, SNAPSHOTS),
    ):
        with torch.no_grad():
            losses = cross_entropy(nets(inputs), labels).nan_to_num(math.inf)
        yield from grid.measurements("training_loss", losses, snapshot.step, unit="nats")
        if rule in ("plain", "fixed"):
            slopes = {"imbalance": _slopes(nets, inputs[:READ], labels[:READ])}
            if rule == "fixed" and snapshot.step == 0:
                slopes["batch_imbalance"] = [w.grad for w in nets.parameters() if w.grad is not None]
            for name, found in slopes.items():
                values = imbalance(constants * norms(found)).nan_to_num(math.inf)
                yield from grid.measurements(name, values, snapshot.step, unit="log10 ratio")


def _optimizer(rule: str, constants: Tensor) -> Callable[..., Optimizer]:
    """The rule's optimiser, of parameters and `rates=`."""
    if rule == "adam":
        return MemberAdam
    factors: Mapping[str, Factors] = {"tracked": tracked, "lars": lars}
    return partial(LayerwiseSGD, factors=factors.get(rule, constant(constants)))


def imbalance(speeds: Speeds) -> Tensor:
    """log10 of the fastest layer's speed over the slowest's, a member."""
    return (speeds.amax(1) / speeds.amin(1)).log10()


def _directions(task: Task, inputs: Tensor, labels: Tensor) -> Iterator[Measurement]:
    """Share of directions along which the loss falls: D g for several D, and D g shuffled."""
    nets = _networks(task.cell, task.seeds, inputs.double())
    slopes = _slopes(nets, inputs.double(), labels)
    moves = {
        "equalising": [rescaled(slopes, equalising(slopes))],
        "random": [rescaled(slopes, factors) for factors in random_factors(task.seeds, len(nets.biases))],
    }
    draw = generator(0, "shuffled entries")
    moves["shuffled"] = [[_shuffled(tensor, draw) for tensor in move] for move in moves["random"]]
    for name, found in moves.items():
        falls = torch.stack([fall(nets, move, inputs.double(), labels) > 0 for move in found])
        for seed, share in zip(task.seeds, falls.double().mean(0).tolist(), strict=True):
            yield Measurement("downhill", Estimate.exact(share), seed, condition=f"factors={name}")


def random_factors(seeds: tuple[int, ...], layers: int) -> Float[Tensor, "draw s layer"]:
    """Positive factors, their logarithms uniform over six powers of ten, from each seed's own stream."""
    drawn = [
        torch.rand(DRAWS, layers, generator=generator(seed, "factors"), dtype=torch.float64) for seed in seeds
    ]
    return 10 ** (DECADES * torch.stack(drawn, dim=1))


def _shuffled(tensor: Tensor, draw: torch.Generator) -> Tensor:
    order = torch.randperm(tensor[0].numel(), generator=draw)
    return tensor.flatten(1)[:, order].view_as(tensor)


@torch.no_grad()
def fall(nets: SigmoidNets, move: list[Tensor], inputs: Tensor, labels: Tensor) -> Tensor:
    """By how much a unit step against `move` lowers each member's loss, by a central difference."""
    length = norms(move).norm(dim=1, keepdim=True)
    steps = rescaled(move, (NEARBY / length).expand(-1, len(nets.biases)))
    losses = []
    for sign in (1, -1):
        for weight, step in zip(nets.parameters(), steps, strict=True):
            weight.add_(step, alpha=sign)
        losses.append(cross_entropy(nets(inputs), labels))
        for weight, step in zip(nets.parameters(), steps, strict=True):
            weight.sub_(step, alpha=sign)
    return (losses[0] - losses[1]) / (2 * NEARBY)
