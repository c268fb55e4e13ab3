"""When to look, and in which order the data come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from levinthal.errors import InputError
from levinthal.networks.architecture import require_at_least
from levinthal.networks.initial import generator


def log_spaced(steps: int, count: int = 32) -> tuple[int, ...]:
    """At most `count` steps from 0 to `steps`, both included, evenly spaced in log(1 + step).

    Most of what is interesting happens before step 250.

    >>> log_spaced(1000, 8)
    (0, 2, 6, 18, 51, 138, 372, 1000)
    """
    require_at_least("steps", steps, 0, "goes back in time")
    require_at_least("count", count, 2, "cannot hold the first and the last step")
    spaced = np.expm1(np.linspace(0, np.log1p(steps), count))
    return tuple(sorted({round(step) for step in spaced} | {0, steps}))


def batches(rows: int, batch_size: int, order_seed: int) -> Iterator[Tensor]:
    """Row numbers of one batch after another, without end: every epoch is a new permutation.

    The rows of a permutation that do not fill a batch are left out of that epoch (all batches are equal,
    and so is the noise in their gradients). The order depends on `order_seed` alone.
    """
    draw = generator(order_seed, "data order")
    while True:
        order = torch.randperm(rows, generator=draw)
        yield from order[: rows - rows % batch_size].view(-1, batch_size)


def batch_rows(rows: int, batch_size: int, order_seeds: int | Sequence[int], seeds: int) -> Iterator[Tensor]:
    """Row numbers (b) shared by all networks, or (S, b) where every network has its own order.

    Raises InputError for a batch that is empty or larger than the data, and for a number of orders that
    is neither one nor the number of networks.
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
