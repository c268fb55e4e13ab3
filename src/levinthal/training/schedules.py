"""At which steps a run is evaluated, and in which order it sees the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from levinthal.errors import InputError
from levinthal.networks.architecture import require_at_least
from levinthal.networks.initial import generator


def log_spaced(steps: int, count: int = 32) -> tuple[int, ...]:
    """Choose steps that are evenly spaced in log(1 + step).

    Networks change fastest at the beginning of training, and a logarithmic schedule samples it most densely.

    Args:
        steps: the last step, that is the number of updates of the run.
        count: how many steps to choose. Steps that round to the same number are chosen once.

    Returns:
        At most `count` steps in ascending order. The first is 0 and the last is `steps`.

    Raises:
        InputError: `steps` is negative, or `count` is below 2.

    >>> log_spaced(1000, 8)  # k = 0..7: exp(k / 7 ln 1001) - 1, rounded
    (0, 2, 6, 18, 51, 138, 372, 1000)
    """
    require_at_least("steps", steps, 0, "goes back in time")
    require_at_least("count", count, 2, "cannot hold the first and the last step")
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


def batch_rows(rows: int, batch_size: int, order_seeds: int | Sequence[int], seeds: int) -> Iterator[Tensor]:
    """Row numbers (b) shared by all networks, or (S, b) where every network has its own order.

    Raises:
        InputError: the batch is empty or larger than the data, or the number of orders is neither one nor
            the number of networks.
    """
    require_at_least("batch_size", batch_size, 1, "holds no sample")
    if batch_size > rows:
        raise InputError(f"batch_size={batch_size} exceeds the {rows} samples: use None for the full batch")
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
