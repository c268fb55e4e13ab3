"""What is measured: one rule at all its rates, or the directions that constants give at the start.

A cell's factors: `rule` (see RATES; or "directions"), `hidden` layers, `images` trained on, `steps`, `rates`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.lab.analysis.rates import read_rates
from levinthal.networks.initial import generator
from levinthal.networks.losses import cross_entropy
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_nets
from levinthal.probes.parameters import gradients
from levinthal.training import choose_device, log_spaced, train
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
from levinthal.training.members import ByRow, own_orders, summed
from levinthal.vocabulary import Cell, Dataset, Estimate, Measurement, Snapshot, Task

RATES: Mapping[str, tuple[float, ...]] = {
    "plain": (0.1, 0.3, 1, 3, 10, 30),
    "fixed": (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "tracked": (0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "lars": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "adam": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
}
WIDTH, BATCH, SNAPSHOTS = 30, 50, 12
READ = 2000  # images on which speeds are read
DRAWS, DECADES, NEARBY = 20, 6, 1e-4  # random factors a seed and their span; how far the loss is probed


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train one rule at all its rates, or probe the directions that factors give at the start."""
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
    members = [(seed, rate) for rate in read_rates(str(task.cell["rates"])) for seed in task.seeds]
    seeds = tuple(seed for seed, _ in members)
    rates = torch.tensor([rate for _, rate in members], device=inputs.device)
    nets = _networks(task.cell, seeds, inputs)
    start = equalising(_slopes(nets, inputs, labels))
    constants = start if rule == "fixed" else torch.ones_like(start)
    factors: Mapping[str, Factors] = {"tracked": tracked, "lars": lars}
    sgd = partial(LayerwiseSGD, rates=rates, factors=factors.get(rule, constant(constants)))
    order = own_orders(len(inputs), seeds).to(inputs.device)
    for snapshot in train(
        ByRow(nets, inputs),
        order,
        order,
        steps=steps,
        loss=summed(cross_entropy, labels),
        optimizer=partial(MemberAdam, rates=rates) if rule == "adam" else sgd,
        batch_size=BATCH,
        snapshots=log_spaced(steps, SNAPSHOTS),
        device=inputs.device.type,
    ):
        with torch.no_grad():
            yield from _told("training_loss", cross_entropy(nets(inputs), labels), members, snapshot)
        if rule in ("plain", "fixed"):
            slopes = _slopes(nets, inputs[:READ], labels[:READ])
            yield from _told("imbalance", imbalance(constants * norms(slopes)), members, snapshot)
        if rule == "fixed" and snapshot.step == 0:
            batch = [weight.grad for weight in nets.parameters() if weight.grad is not None]
            yield from _told("batch_imbalance", imbalance(constants * norms(batch)), members, snapshot)


def imbalance(speeds: Speeds) -> Tensor:
    """log10 of the fastest layer's speed over the slowest's, a member."""
    return (speeds.amax(1) / speeds.amin(1)).log10()


def _told(
    name: str, values: Tensor, members: list[tuple[int, float]], snapshot: Snapshot
) -> Iterator[Measurement]:
    unit = "nats" if name == "training_loss" else "decades"
    for (seed, rate), value in zip(members, values.nan_to_num(math.inf).tolist(), strict=True):
        yield Measurement(name, Estimate.exact(value, unit), seed, snapshot.step, "", f"rate={rate:g}")


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
    """Positive factors, their logarithms uniform over six decades, from each seed's own stream."""
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
