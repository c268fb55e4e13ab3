"""Sequences whose targets are their own values: which shift makes one of the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from levinthal.clinic.recording.batch_call import BatchCall

FEWEST_PLACES = 4
PADDED, RARE = 0.3, 0.01
"""Share of rows that end in padding, at least; share of the places before it that hold its value, at most."""
MOST_EQUAL = 0.9
"""Share of the targets that have to be inputs."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How targets follow from inputs.

    Attributes:
        places: 1 where the target at t is the input at t + 1; 0 where it is the input at t.
        share: The share of the targets for which this holds.
    """

    places: int
    share: float


def shift_of(inputs: Tensor, targets: Tensor, batch: int) -> Shift | None:
    """Whether targets are the later values, or the same values, of a sequence of inputs.

    Args:
        inputs: (rows, places) categories or numbers, or (rows, places, columns); the first rows of the batch.
        targets: The targets of the whole batch, of any shape whose first axis runs over rows and places.
            Categories below 0 (`ignore_index`) do not count.
        batch: The rows of the whole batch.

    Returns:
        The shift; None where the targets are something else, or nearly all one value.

    >>> x = torch.arange(24).view(2, 12) % 7
    >>> shift_of(x[:, :-1], x[:, 1:].reshape(-1), 2)
    Shift(places=1, share=1.0)
    """
    if inputs.dim() not in (2, 3) or inputs.shape[1] < FEWEST_PLACES:
        return None
    x = inputs if inputs.dim() == 2 else inputs.flatten(2)
    rows, places = x.shape[:2]
    columns = x.shape[2] if x.dim() == 3 else 1
    if x.is_floating_point() != targets.is_floating_point() or targets.numel() % batch:
        return None
    a_row = targets.numel() // batch
    for wide in {1, columns}:
        for length in (places, places - 1):
            if a_row == length * wide:
                y = targets.detach().reshape(batch, length, wide)[:rows]
                found = _best(x.reshape(rows, places, columns), y)
                if found is not None:
                    return found
    return None


def _best(x: Tensor, y: Tensor) -> Shift | None:
    """The shift by which some column of the inputs is the target."""
    length = y.shape[1]
    for places in (1, 0):
        known = min(length, x.shape[1] - places)
        later = x[:, places : places + known]
        given = y[:, :known]
        valid = given >= 0 if not y.is_floating_point() else torch.isfinite(given)
        if given.shape[2] == later.shape[2]:
            share = _share(later == given, valid)
        else:
            share = max(_share(later[..., [c]] == given, valid) for c in range(later.shape[2]))
        if share >= MOST_EQUAL and len(torch.unique(given[valid])) > 2:
            return Shift(places, share)
    return None


def _share(equal: Tensor, valid: Tensor) -> float:
    return float((equal & valid).sum() / valid.sum().clamp(min=1))


def is_causal_at(output: Tensor, inputs: Tensor) -> bool:
    """Whether an output has a value for each place of a sequence."""
    rows, places = inputs.shape[:2]
    if output.dim() >= 2 and output.shape[:2] == (rows, places):
        return True
    return output.dim() == 2 and len(output) == rows * places


def later_changed(x: Tensor) -> Tensor:
    """The sequences with the later half of another row each.

    >>> later_changed(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 4],
            [3, 2]])
    """
    cut = x.shape[1] // 2
    return torch.cat((x[:, :cut], x.roll(1, 0)[:, cut:]), 1)


def words_exchanged(x: Tensor) -> Tensor | None:
    """Padded tokens with the words exchanged among each other; None where there is no padding behind them.

    >>> words_exchanged(torch.tensor([[1, 2, 0, 0], [3, 4, 5, 0], [6, 7, 0, 0], [8, 9, 1, 2]])).tolist()
    [[2, 1, 0, 0], [2, 3, 4, 0], [5, 6, 0, 0], [7, 8, 9, 1]]
    """
    length = padding_behind(x)
    if length is None:
        return None
    words = torch.arange(x.shape[1], device=x.device) < (x.shape[1] - length)[:, None]
    changed = x.clone()
    changed[words] = x[words].roll(1)
    return None if torch.equal(changed, x) else changed


def padding_behind(x: Tensor) -> Tensor | None:
    """(rows,) the length of the run of one value, the same in all rows, behind sequences of unlike length;
    None where there is no such value: rows with it are too few or of one length, or it comes before too.

    >>> padding_behind(torch.tensor([[1, 2, 0, 0], [3, 4, 5, 0], [6, 7, 0, 0], [8, 9, 1, 2]])).tolist()
    [2, 1, 2, 0]
    """
    if x.dim() != 2 or x.is_floating_point() or x.shape[1] < FEWEST_PLACES or x.dtype == torch.bool:
        return None
    value = x[:, -1].mode().values
    length = (x == value).flip(1).int().cumprod(1).sum(1)
    before = int((x == value).sum() - length.sum())
    some = length[length > 0]
    if len(some) < PADDED * len(x) or len(torch.unique(length)) < 2 or before > RARE * x.numel():
        return None
    return length


def padding_of(call: BatchCall, targets: Tensor) -> tuple[int, float] | None:
    """The class behind target sequences of unlike length, and its share of the targets."""
    lengths = {x.shape[1] - less for x in call.batched.values() if x.dim() > 1 for less in (0, 1)}
    for length in {targets.shape[-1] if targets.dim() == 2 else 0, *lengths} - {0}:
        if targets.numel() == call.batch * length:
            y = targets.reshape(call.batch, length)
            run = padding_behind(y)
            if run is not None:
                return int(y[:, -1].mode().values), float(run.sum() / y.numel())
    return None
