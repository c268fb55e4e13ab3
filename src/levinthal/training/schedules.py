"""At which steps a run is evaluated, and in which order it sees the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from levinthal.arguments import in_short, several, whole
from levinthal.errors import InputError
from levinthal.networks.initial import generator

MOST_STEPS, MOST_CHOSEN = 10**15, 10**6
"""Steps of a training, and of a schedule, at most: more is a slip of the pen."""


def log_spaced(steps: int, count: int = 32) -> tuple[int, ...]:
    """Choose steps that are evenly spaced in log(1 + step).

    Networks change fastest at the beginning of training, and a logarithmic schedule samples it most densely.

    Args:
        steps: the last step, that is the number of updates of the run.
        count: how many steps to choose. Steps that round to the same number are chosen once.

    Returns:
        At most `count` steps in ascending order. The first is 0 and the last is `steps`.

    Raises:
        InputError: `steps` or `count` is no whole number, `steps` is negative, or `count` is below 2.

    >>> log_spaced(1000, 8)  # k = 0..7: exp(k / 7 ln 1001) - 1, rounded
    (0, 2, 6, 18, 51, 138, 372, 1000)
    """
    steps = whole("steps", steps, least=0, most=MOST_STEPS, because="goes back in time")
    count = whole(
        "count", count, least=2, most=MOST_CHOSEN, because="cannot hold the first and the last step"
    )
    spaced = np.expm1(np.linspace(0, np.log1p(steps), count))
    return tuple(sorted({round(step) for step in spaced} | {0, steps}))


def batches(rows: int, batch_size: int, order_seed: int) -> Iterator[Tensor]:
    """Row numbers of one batch after another, without end. Every epoch is a new permutation.

    The last rows of a permutation do not fill a batch and are left out of that epoch. So all batches have
    one size and their gradients one level of noise. The order depends on `order_seed` alone.
    """
    draw = generator(order_seed, "data order")
    while True:
        order = torch.randperm(rows, generator=draw)
        yield from order[: rows - rows % batch_size].view(-1, batch_size)


def steps_of(name: str, steps: Any) -> frozenset[int]:
    """The steps of a schedule. Raises InputError for what is no step."""
    return frozenset(whole(name, step, least=0) for step in several(name, steps, f"{name}=(0, 100), say"))


def orders(order_seeds: Any) -> int | list[int]:
    """One seed, or one for each network. Raises InputError for what is no seed."""
    if isinstance(order_seeds, Iterable) and getattr(order_seeds, "shape", None) != ():
        each = several("order_seeds", order_seeds, "order_seeds=0, or one for each network")
        return [whole("order_seeds", seed, least=0) for seed in each]
    return whole("order_seeds", order_seeds, least=0)


def batch_rows(rows: int, batch_size: int, order_seeds: int | Sequence[int], seeds: int) -> Iterator[Tensor]:
    """Row numbers (b) shared by all networks, or (S, b) where every network has its own order.

    Raises:
        InputError: the batch is empty or larger than the data, or the number of orders is neither one nor
            the number of networks.
    """
    batch_size = whole("batch_size", batch_size, least=1, because="holds no sample")
    if batch_size > rows:
        given = f"batch_size={in_short(batch_size)}"
        raise InputError(f"{given} exceeds the {rows} samples: use None for the full batch")
    order_seeds = orders(order_seeds)
    if isinstance(order_seeds, int):
        return batches(rows, batch_size, order_seeds)
    if len(order_seeds) != seeds:
        raise InputError(
            f"{len(order_seeds)} order_seeds for {seeds} networks: give one each, or one int for all"
        )
    if seeds == 1:
        return batches(rows, batch_size, order_seeds[0])
    each = [batches(rows, batch_size, seed) for seed in order_seeds]
    return (torch.stack(parts) for parts in zip(*each, strict=True))
