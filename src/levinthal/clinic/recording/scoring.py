"""The loss and the accuracy of a model on some rows, in pieces, so that the loss has a standard error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.recording.functions import LOGITS
from levinthal.clinic.recording.row_reservoir import count, moved, taken
from levinthal.errors import InputError

LossFn = Callable[[Any, Any], Tensor]
BatchLoss = Callable[[nn.Module, Any], tuple[Tensor, Any]]
"""A model and a batch in; the loss of the batch, and the output that answers are read from, out."""
AT_ONCE = 256
KNOWN = ("cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss")
"""Loss functions of torch that can be applied to a model's output as it is."""
Pieces = tuple[list[Tensor], list[tuple[Any, Any]]]
"""The losses of pieces of a batch; outputs and targets of the whole batch, in one pair or more."""
Rule = Callable[[nn.Module, Any, Any, int], Pieces]


@dataclass(frozen=True, slots=True)
class Score:
    """The loss and the accuracy of the model on some rows.

    Attributes:
        losses: (pieces,) the mean loss of each piece of the rows.
        right: () the number of right answers; None where answers cannot be counted.
        rows: The number of answers.
    """

    losses: Tensor
    right: Tensor | None
    rows: int

    @property
    def loss(self) -> float:
        """The mean loss."""
        return float(self.losses.mean())

    @property
    def error(self) -> float:
        """The standard error of the mean loss, from the spread of its pieces."""
        return float(self.losses.std() / math.sqrt(len(self.losses))) if len(self.losses) > 1 else math.nan

    @property
    def accuracy(self) -> float:
        """Share of right answers; nan where they cannot be counted."""
        return math.nan if self.right is None else float(self.right) / self.rows


def known_loss(kind: str) -> LossFn | None:
    """The loss function of torch with this name, if it can be applied to an output."""
    return partial(_of_tensor, getattr(functional, kind)) if kind in KNOWN else None


def _of_tensor(function: LossFn, output: Any, targets: Any) -> Tensor:
    """The loss of an output that is a tensor."""
    if not isinstance(output, Tensor):
        raise InputError(f"the model returns a {type(output).__name__}: pass loss_fn=, which takes it")
    return function(output, targets)


def loss_of_output(loss: LossFn) -> Rule:
    """Put a batch through the model, and apply a loss (output, targets) to pieces of its output."""

    def applied(model: nn.Module, x: Any, y: Any, size: int) -> Pieces:
        output = model(x) if isinstance(x, Tensor) else model(**x) if isinstance(x, Mapping) else model(*x)
        ends = [(low, low + size) for low in range(0, count(x) - size + 1, size)]
        losses = [loss(taken(output, *piece), taken(y, *piece)).float().mean() for piece in ends]
        return losses, [(output, y)]

    return applied


def loss_of_batch(loss: BatchLoss) -> Rule:
    """Put pieces of a batch through a function that calls the model and has a loss of its own."""

    def applied(model: nn.Module, x: Any, y: Any, size: int) -> Pieces:
        ends = [(low, low + size) for low in range(0, count(x), size)]
        both = [loss(model, taken(x, *piece)) for piece in ends]
        answers = [(output, taken(y, *piece)) for (_, output), piece in zip(both, ends, strict=True)]
        return [value.float().mean() for value, _ in both], answers

    return applied


@torch.no_grad()
def scored(
    model: nn.Module, rule: Rule, batches: Sequence[tuple[Any, Any]], size: int, kind: str
) -> Score | None:
    """The model's score on rows, with the loss of pieces of one size; None where there is no piece."""
    device = next(model.parameters()).device
    losses, right, rows = [], [], 0
    for inputs, targets in joined(batches):
        pieces, answers = rule(model, moved(inputs, device), moved(targets, device), size)
        losses += pieces
        for output, y in answers:
            hits = _hits(output, y, kind)
            if hits is not None:
                right.append(torch.count_nonzero(hits))
                rows += hits.numel()
    total = torch.stack(right).sum() if right else None
    return Score(torch.stack(losses), total, rows) if losses else None


def joined(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Small batches joined to about 256 rows, where inputs and targets are tensors of one shape."""
    held: list[tuple[Tensor, Tensor]] = []
    for inputs, targets in pairs:
        if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
            yield inputs, targets
            continue
        full = sum(len(x) for x, _ in held) >= AT_ONCE
        if held and (full or inputs.shape[1:] != held[0][0].shape[1:]):
            yield _together(held)
            held = []
        held.append((inputs, targets))
    if held:
        yield _together(held)


def _together(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])


def _hits(output: Any, targets: Any, kind: str) -> Tensor | None:
    """Which answers are right, where the targets are classes, or binary with logits."""
    if isinstance(output, Mapping):
        output = next(iter(output.values()), None)
    z = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(z, Tensor) or not isinstance(targets, Tensor):
        return None
    if not targets.is_floating_point() and z.dim() == targets.dim() + 1 and z.shape[:1] == targets.shape[:1]:
        answers = z.argmax(1)
        return answers == targets if answers.shape == targets.shape else None
    return (z > 0) == (targets > 0.5) if kind == LOGITS and z.shape == targets.shape else None
