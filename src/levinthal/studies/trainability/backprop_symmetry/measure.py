"""Networks 6-2-1 that learn a Boolean function of six bits, trained and differentiated as in the paper.

A cell's factors: `task` ("symmetry", "random function", or "gradient"), `nets` a seed, and `sweeps`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from levinthal.networks.initial import generator
from levinthal.networks.sigmoid import SigmoidNets
from levinthal.training import SGD, train
from levinthal.vocabulary import Estimate, Measurement, Task

LENGTH, HIDDEN, ONES = 6, 2, 8  # of the 64 vectors, 8 are symmetric
RATE, MOMENTUM, SPREAD = 0.1, 0.9, 0.3
SWEEPS, LOOK_EVERY = 5000, 25
NEAR, NUDGE = 0.05, 1e-5
Functions = Float[Tensor, "vector net"]


def vectors() -> Float[Tensor, "64 6"]:
    """All binary vectors of length 6."""
    return torch.tensor(list(product((0.0, 1.0), repeat=LENGTH)), dtype=torch.float64)


def symmetric(inputs: Float[Tensor, "n 6"]) -> Float[Tensor, " n"]:
    """1 for vectors that read the same from both ends.

    >>> int(symmetric(vectors()).sum())
    8
    """
    return (inputs == inputs.flip(1)).all(1).double()


def first_nets(seeds: Sequence[int], nets: int) -> SigmoidNets:
    """`nets` networks 6-2-1 of each seed, every weight and bias uniform in [-.3, .3]."""
    shapes = ((HIDDEN, LENGTH), (1, HIDDEN), (HIDDEN,), (1,))
    drawn = [
        [_uniform(draw, nets, *shape) for shape in shapes] for draw in (generator(s, "6-2-1") for s in seeds)
    ]
    first, second, biases, bias = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    return SigmoidNets(members(seeds, nets), [first, second], [biases, bias], "sigmoid")


def _uniform(draw: torch.Generator, *shape: int) -> Tensor:
    return SPREAD * (2 * torch.rand(*shape, generator=draw, dtype=torch.float64) - 1)


def members(seeds: Sequence[int], nets: int) -> tuple[int, ...]:
    """The seed of each network.

    >>> members((0, 1), 2)
    (0, 0, 1, 1)
    """
    return tuple(seed for seed in seeds for _ in range(nets))


def wanted(task: str, seeds: Sequence[int], nets: int) -> Functions:
    """What each network is to say of each vector: symmetry, or 8 vectors at random, each network its own."""
    ones = symmetric(vectors())
    if task != "random function":
        return ones[:, None].expand(-1, len(seeds) * nets)
    draws = [generator(seed, "random function") for seed in members(seeds, 1)]
    return torch.stack(
        [ones[torch.randperm(len(ones), generator=d)] for d in draws for _ in range(nets)], dim=1
    )


def error(outputs: Float[Tensor, "s n 1"], targets: Functions) -> Tensor:
    """E of all networks together: half the sum of squares over vectors, the paper's equation 3."""
    total: Tensor = 0.5 * (torch.sigmoid(outputs[..., 0]) - targets.T).square().sum()
    return total


def ratios(hidden: Float[Tensor, "s h 6"]) -> Float[Tensor, "s h 2"]:
    """Middle and largest over the smallest of the three weights against their mirror images.

    >>> ratios(torch.tensor([[[1.0, -2.0, 4.0, -4.0, 2.0, -1.0]]])).tolist()
    [[[2.0, 4.0]]]
    """
    sizes = (hidden - hidden.flip(2))[..., : LENGTH // 2].abs().sort(-1).values
    return sizes[..., 1:] / sizes[..., :1]


def is_124(hidden: Float[Tensor, "s h 6"]) -> Bool[Tensor, " s"]:
    """Whether both hidden units of a network are within 5 % of 1:2:4."""
    target = torch.tensor([2.0, 4.0], dtype=hidden.dtype)
    return ((ratios(hidden) / target - 1).abs() <= NEAR).all((1, 2))


def antisymmetry(hidden: Float[Tensor, "s h 6"]) -> Float[Tensor, " s"]:
    """-cos of a unit's weights and their mirror image, mean over units: 1 for equal and opposite."""
    return -torch.cosine_similarity(hidden, hidden.flip(2), dim=2).mean(1)


def delta_rule(nets: SigmoidNets, targets: Functions, *, short: bool = False) -> Float[Tensor, "s h 6"]:
    """dE/dw of the hidden units by the paper's equations 4 to 7; `short` leaves one slope y (1 - y) out."""
    (hidden,), out = nets.layers(vectors())
    y = torch.sigmoid(out)
    top = (y - targets.T[:, None]) * y * (1 - y)
    back = nets.weights[1].mT @ top
    slopes: Tensor = (back if short else back * hidden * (1 - hidden)) @ vectors()
    return slopes


@torch.no_grad()
def central_differences(nets: SigmoidNets, targets: Functions) -> Float[Tensor, "s h 6"]:
    """The same by moving each weight a little to both sides, in all networks at once."""
    slopes = torch.zeros_like(nets.weights[0])
    for unit, place in product(range(HIDDEN), range(LENGTH)):
        for sign in (1, -1):
            nets.weights[0][:, unit, place] += sign * NUDGE
            said = torch.sigmoid(nets(vectors())[..., 0])
            slopes[:, unit, place] += sign * 0.5 * (said - targets.T).square().sum(1) / (2 * NUDGE)
            nets.weights[0][:, unit, place] -= sign * NUDGE
    return slopes


def measure(task: Task, *, data: object, device: object) -> Iterator[Measurement]:
    """Train or differentiate the networks of a cell. No data are needed; the CPU does it, in float64."""
    del data, device
    name, count = str(task.cell["task"]), int(task.cell["nets"])
    nets, targets = first_nets(task.seeds, count), wanted(name, task.seeds, count)
    if name == "gradient":
        yield from _gradients(task.seeds, nets, targets)
    else:
        yield from _training(nets, targets, int(task.cell["sweeps"]))


def _gradients(seeds: Sequence[int], nets: SigmoidNets, targets: Functions) -> Iterator[Measurement]:
    found = central_differences(nets, targets)
    for rule, short in (("whole", False), ("short", True)):
        with torch.no_grad():
            off = (delta_rule(nets, targets, short=short) - found).flatten(1).norm(dim=1)
        worst = (off / found.flatten(1).norm(dim=1)).view(len(seeds), -1).amax(1)
        for seed, missed in zip(seeds, worst.tolist(), strict=True):
            digits = Estimate.exact(-math.log10(missed), "digits")
            yield Measurement("agreement", digits, seed, condition=f"rule={rule}")


def _training(nets: SigmoidNets, targets: Functions, sweeps: int) -> Iterator[Measurement]:
    first = torch.full((len(nets.seeds),), math.inf)
    right = torch.zeros(len(first), dtype=torch.bool)
    looks = {*range(0, min(SWEEPS, sweeps) + 1, LOOK_EVERY), sweeps}
    rule = SGD(RATE, MOMENTUM)
    for snapshot in train(
        nets, vectors(), targets, steps=sweeps, loss=error, optimizer=rule, snapshots=looks, device="cpu"
    ):
        with torch.no_grad():
            right = ((nets(vectors())[..., 0] > 0) == (targets.T > 0.5)).all(1)
        first[right] = first[right].clamp_max(snapshot.step)
        if snapshot.step <= SWEEPS:
            yield from _shares(nets.seeds, first <= snapshot.step, snapshot.step)
    yield from _weights(nets, right, first)


def _shares(seeds: Sequence[int], solved: Bool[Tensor, " s"], step: int) -> Iterator[Measurement]:
    for seed in dict.fromkeys(seeds):
        own = solved[torch.tensor([other == seed for other in seeds])]
        yield Measurement("solved", Estimate.exact(float(own.double().mean())), seed, step)


def _weights(nets: SigmoidNets, right: Tensor, first: Tensor) -> Iterator[Measurement]:
    """What the hidden units of each network look like at the end, and when it first was right."""
    hidden = nets.weights[0].detach()
    numbers = {
        "sweeps": first,
        "is_124": is_124(hidden).double(),
        "antisymmetry": antisymmetry(hidden),
        "middle": ratios(hidden)[:, 0, 0],
        "largest": ratios(hidden)[:, 0, 1],
    }
    for net, seed in enumerate(nets.seeds):
        words = f"right={bool(right[net])}"
        for name, values in numbers.items():
            yield Measurement(name, Estimate.exact(float(values[net])), seed, 0, f"net {net}", words)
