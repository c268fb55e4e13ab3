"""How many of the targets of a masked language model it can see, and which it predicts.

It does not wait for the device: the numbers stay where the tokens are.
"""

from __future__ import annotations

import torch
from torch import Tensor

HIDDEN = ("hidden", "visible", "one_id", "is_target", "right_hidden", "right_visible", "uneven")
"""The numbers of `Sample.hidden`, in their order."""
PLACES = 1024
"""Places of which the targets are read, about."""


def hidden_tokens(tokens: Tensor, targets: Tensor, outputs: Tensor) -> Tensor | None:
    """Which targets stand among the tokens at their own place.

    Args:
        tokens: (rows, places) ids.
        targets: One id for each place; those below 0 (`ignore_index`) do not count.
        outputs: Scores of the ids, (rows * places, ids) or (rows, ids, places).

    Returns:
        (7,) as in HIDDEN: the places that count and whose token is another one than the target; the share of
        the others among all that count; the share of the hidden places that hold one id; whether that id is
        a target (1) or not (0); the shares of the hidden and of the visible places that are predicted
        rightly; the variance of the rows' shares of hidden places beyond chance, over their squared mean (a
        third where they are uniform from 0 on). None where the shapes are others.

    >>> y = torch.tensor([[1, 2, 3, 4]])
    >>> scores = torch.nn.functional.one_hot(torch.tensor([1, 2, 3, 1]), 6).float()
    >>> hidden_tokens(torch.tensor([[1, 2, 5, 5]]), y, scores).tolist()
    [2.0, 0.5, 1.0, 0.0, 0.5, 1.0, -0.25]
    """
    rows, places = tokens.shape
    is_flat, is_by_rows = outputs.shape[:1] == (rows * places,), outputs.shape[:1] == (rows,)
    fits = (is_flat and outputs.dim() == 2) or (is_by_rows and outputs.shape[2:] == (places,))
    if targets.numel() != rows * places or targets.is_floating_point() or not fits:
        return None
    some = min(rows, max(1, PLACES // places))
    x, y = tokens[:some], targets.reshape(rows, places)[:some]
    answers = outputs[: some * places if is_flat else some].detach().argmax(1).reshape(some, places)
    counts = y >= 0
    away, there = counts & (x != y), counts & (x == y)
    many = away.sum()
    ids = torch.where(away, x, torch.iinfo(x.dtype).max).reshape(-1).sort().values
    one = ids[(many // 2).clamp(max=len(ids) - 1).reshape(1)]  # the median, which is the id of most of them
    visible = there.sum() / counts.sum().clamp(min=1)
    one_id, is_target = _share(x == one, away), (counts & (y == one)).any()
    right = _share(answers == y, away), _share(answers == y, there)
    numbers = many, visible, one_id, is_target, *right, _unevenness(away, counts)
    return torch.stack([number.float() for number in numbers])


def _unevenness(away: Tensor, counts: Tensor) -> Tensor:
    """() the variance of the rows' shares of hidden places beyond chance, over their squared mean."""
    of_rows, total = counts.sum(1), counts.sum().clamp(min=1)
    expected = of_rows * (away.sum() / total)
    by_chance = expected * (1 - away.sum() / total)
    beyond = (away.sum(1) - expected).square().sum() - by_chance.sum()
    return beyond / expected.square().sum().clamp(min=1e-9)


def _share(flags: Tensor, among: Tensor) -> Tensor:
    return (flags & among).sum() / among.sum().clamp(min=1)
