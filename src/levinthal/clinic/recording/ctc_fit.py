"""Whether the label sequences of `ctc_loss` can be met: none is the blank, or longer than the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MOST = 0.5
"""Share of sequences without a path above which `zero_infinity` hides a mistake."""


def ctc_fit(given: Mapping[str, Any]) -> Tensor:
    """Where the labels of a connectionist temporal classification lie.

    A sequence needs one frame for each label, and one blank between two equal ones (Graves et al., ICML
    2006). What stands behind the length of a sequence is padding, and does not count.

    Args:
        given: The arguments of `ctc_loss`: `target`, `target_lengths`, `input_lengths` and `blank`.

    Returns:
        (6,) as in FIT: the smallest and the largest label; the share of the labels that are the blank; the
        share of the sequences that need more frames than there are (with `zero_infinity` 0, unless most
        do); 0 and 0.

    >>> y = torch.tensor([[1, 1, 2], [3, 0, 0]])
    >>> ctc_fit({"target": y, "target_lengths": (3, 1), "input_lengths": (3, 3)}).tolist()
    [1.0, 3.0, 0.0, 0.5, 0.0, 0.0]
    >>> ctc_fit({"target": y, "target_lengths": (3, 2), "input_lengths": (4, 3)}).tolist()
    [0.0, 3.0, 0.20000000298023224, 0.0, 0.0, 0.0]
    """
    y, blank = given["target"].detach(), given.get("blank", 0)
    lengths, frames = (
        torch.as_tensor(given[name], device=y.device).reshape(-1)
        for name in ("target_lengths", "input_lengths")
    )
    inside, needed = torch.ones_like(y, dtype=torch.bool), lengths
    if y.dim() == 2:
        inside = torch.arange(y.shape[1], device=y.device) < lengths[:, None]
        needed = lengths + ((y[:, 1:] == y[:, :-1]) & inside[:, 1:]).sum(1)
    low = torch.where(inside, y, y.amax()).amin()
    high = torch.where(inside, y, y.amin()).amax()
    blanks = ((y == blank) & inside).sum() / inside.sum().clamp(min=1)
    too_long = (needed > frames).float().mean()
    if given.get("zero_infinity"):  # the loop leaves some out on purpose, but not most of them
        too_long = torch.where(too_long > MOST, too_long, 0.0)
    zero = torch.zeros_like(blanks)
    return torch.stack((low.float(), high.float(), blanks, too_long, zero, zero))
