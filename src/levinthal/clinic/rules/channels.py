"""Whether the first and the last channel of images have changed places between two sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.rules.context import SIGNIFICANT_ERRORS
from levinthal.clinic.rules.tables import FEWEST_ROWS

CHANNELS = 3
SWAPPED_ERRORS = 8.0
"""Standard errors by which the contrast of two channels changes its sign."""
SWAPPED = "read both sets in one order of the channels: OpenCV reads BGR, Pillow and torchvision read RGB"


def swapped(train: Sequence[Any], held_out: Sequence[Any]) -> dict[str, float]:
    """The evidence that the channels of one set are in another order; empty without it.

    Args:
        train: Batches, (n, 3, height, width) where they are images.
        held_out: The same of the other set.

    >>> draw = torch.Generator().manual_seed(0)
    >>> train = torch.randn(200, 3, 4, 4, generator=draw) + torch.tensor([1., 0., -1.])[:, None, None]
    >>> list(swapped([train], [train.flip(1)])), swapped([train], [train])
    (['first channel over the last in training', 'in evaluation'], {})
    """
    both = _channel_means(train), _channel_means(held_out)
    if min(map(len, both)) < FEWEST_ROWS:
        return {}
    (a, a_error), (b, b_error) = (_estimate(means[:, 0] - means[:, -1]) for means in both)
    (mid, mid_error), (other, other_error) = (_estimate(means[:, 1]) for means in both)
    error = float(np.hypot(a_error, b_error))
    is_opposite = abs(a + b) < SIGNIFICANT_ERRORS * error and abs(a - b) > SWAPPED_ERRORS * error
    is_same = abs(mid - other) < SIGNIFICANT_ERRORS * float(np.hypot(mid_error, other_error))
    named = {"first channel over the last in training": a, "in evaluation": b}
    return named if is_opposite and is_same else {}


def _channel_means(parts: Sequence[Any]) -> Tensor:
    """(rows, 3) the mean of each channel, of images with three; (0, 3) of other rows."""
    images = [x for x in parts if isinstance(x, Tensor) and x.dim() == 4 and x.shape[1] == CHANNELS]
    return torch.cat([torch.zeros(0, CHANNELS), *(x.float().mean((2, 3)).cpu() for x in images)])


def _estimate(values: Tensor) -> tuple[float, float]:
    """The mean and its standard error."""
    return float(values.mean()), float(values.std()) / len(values) ** 0.5
