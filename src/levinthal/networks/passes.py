"""How many of S networks share a pass, and the matrix product and tanh of such a pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.arguments import whole

LARGE = 1 << 20
"""Largest first-layer activation, in numbers, of a pass with several seeds."""


def seeds_together(width: int, batch: int, seeds: int) -> int:
    """How many seeds share a pass (a rule measured in benchmarks/results/ensemble.md)."""
    return max(1, min(seeds, LARGE // (2 * width * batch)))


def prefers_ensemble(width: int, batch: int, seeds: int) -> bool:
    """Whether passes over several seeds at once are faster than one pass per seed.

    The rule was measured on CPUs (benchmarks/results/ensemble.md): seeds share a pass while the first hidden
    layer's activations hold at most 2^20 numbers in all.

    Args:
        width: W of the architecture. The first hidden layer has 2W units.
        batch: samples per pass.
        seeds: number of networks.

    Returns:
        True where two or more networks share a pass.

    Raises:
        InputError: a number is no whole number of 1 or more.

    >>> prefers_ensemble(50, 128, 8), prefers_ensemble(50, 60_000, 8)
    (True, False)
    """
    sizes = (("width", width), ("batch", batch), ("seeds", seeds))
    return seeds_together(*(whole(name, size, least=1) for name, size in sizes)) > 1


def passes(width: int, batch: int, seeds: int) -> Iterator[slice]:
    """The seeds of each pass, in passes of nearly equal size.

    >>> list(passes(50, 5_000, 8))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None), slice(6, 8, None)]
    """
    most = seeds_together(width, batch, seeds)
    size = -(-seeds // -(-seeds // most))
    return (slice(start, min(start + size, seeds)) for start in range(0, seeds, size))


def product(weight: Float[Tensor, "s u v"], below: Float[Tensor, "*s v n"]) -> Float[Tensor, "s u n"]:
    """`weight @ below`, where `below` (v, n) may be shared by all seeds."""
    if below.ndim == 2:
        return torch.mm(weight.flatten(0, 1), below).view(*weight.shape[:2], -1)
    return torch.bmm(weight, below)


def tanh_of_half_(doubled: Tensor) -> Tensor:
    """tanh(doubled / 2), in place: torch's sigmoid is ten times as fast as its tanh on the CPU.

    >>> tanh_of_half_(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 0.7616])
    """
    minus_one = _minus_one(doubled.dtype, doubled.device)
    return torch.add(minus_one, doubled.sigmoid_(), alpha=2, out=doubled)


@cache
def _minus_one(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(-1.0, dtype=dtype, device=device)
