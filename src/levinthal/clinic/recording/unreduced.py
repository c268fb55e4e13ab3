"""Losses of single targets that the loop reduces by hand: with a mask, or with rewards as weights.

What the loop does with them stands in the graph of the value that backward is called on.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import torch
from torch import Tensor

from levinthal.clinic.recording.batch_stats import VIEWS
from levinthal.clinic.recording.sample import LossCall

MOST_NODES = 64
"""Nodes of the graph that are looked at, from the end backwards."""
PARTIAL = {*VIEWS, "Mean", "Sum", "Div", "Neg"}
"""Operations after which each number is still one of a target, or a sum over its last axes."""


class Unreduced:
    """The losses of single targets of a step, until a backward pass says what they are weighted with.

    Attributes:
        drawn: Samples that were drawn from a distribution in this step.
    """

    def __init__(self) -> None:
        self.drawn: list[Tensor] = []
        self._held: list[tuple[LossCall, Any, Tensor, Tensor]] = []

    def note(self, call: LossCall, target: Tensor, result: Any) -> None:
        """A loss function was called; of one that gave a loss for each target, the graph is held."""
        call.is_drawn = any(_same_memory(target, one) for one in self.drawn)
        if isinstance(result, Tensor) and result.dim() and result.grad_fn is not None:
            self._held.append((call, result.grad_fn, result.detach(), target.detach()))

    def settle(self, root: Tensor) -> None:
        """Backward is called on this value: read the weights of each target, and correct what was noted."""
        held, self._held = self._held, []
        for call, node, losses, target in held:
            weights = _fitted(_weights(root.grad_fn, node, losses), losses)
            if weights is not None:
                _correct(call, losses, target, weights)


def _same_memory(a: Any, b: Tensor) -> bool:
    """Whether two tensors are views of one."""
    return isinstance(a, Tensor) and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _way_up(root: Any, node: Any) -> list[tuple[Any, int]]:
    """The operations from a node to the end of the graph, each with the place of the one before it among its
    inputs; none where the node is not found.
    """
    came: dict[Any, tuple[Any, int] | None] = {root: None}
    queue = deque([root])
    while queue and len(came) < MOST_NODES and node not in came:
        parent = queue.popleft()
        for place, (child, _) in enumerate(parent.next_functions):
            if child is not None and child not in came:
                came[child] = (parent, place)
                queue.append(child)
    way: list[tuple[Any, int]] = []
    step = came.get(node)
    while step is not None:
        way.append(step)
        step = came[step[0]]
    return way


def _weights(root: Any, node: Any, losses: Tensor) -> Tensor | None:
    """What each loss is multiplied with before it is summed: numbers, or True where it counts.

    >>> x = torch.ones(3, requires_grad=True)
    >>> losses, mask = x * x, torch.tensor([1.0, 0.0, 1.0])
    >>> _weights((losses * mask).sum().grad_fn, losses.grad_fn, losses).tolist()
    [1.0, 0.0, 1.0]
    >>> _weights(losses[mask > 0].mean().grad_fn, losses.grad_fn, losses).tolist()
    [True, False, True]
    """
    for parent, place in _way_up(root, node):
        kind = type(parent).__name__.partition("Backward")[0]
        if kind == "Mul":
            factor = parent._saved_self if place else parent._saved_other
            is_made = parent.next_functions[1 - place][0] is not None
            if is_made or not isinstance(factor, Tensor):
                return None  # weights that are learnt, as the factor of a focal loss
            if factor.dim():
                return factor.detach()
        elif kind == "Index":
            return torch.zeros_like(losses, dtype=torch.bool).index_put(
                tuple(parent._saved_indices), losses.new_ones((), dtype=torch.bool)
            )
        elif kind == "MaskedSelect":
            return torch.as_tensor(parent._saved_mask)
        elif kind in ("MaskedFill", "Where"):
            is_fill = kind == "MaskedFill"
            chosen = torch.as_tensor(parent._saved_mask if is_fill else parent._saved_condition)
            return ~chosen if is_fill or place else chosen
        elif kind not in PARTIAL:
            return None
    return None


def _fitted(weights: Tensor | None, losses: Tensor) -> Tensor | None:
    """The weights in the shape of the losses; None where they do not fit. Those of rows or places hold for
    all numbers there.
    """
    if weights is None:
        return None
    less = losses.dim() - weights.dim()
    if less > 0 and weights.shape == losses.shape[: weights.dim()]:
        weights = weights.reshape(*weights.shape, *(1,) * less)
    try:
        return weights.expand_as(losses).float()
    except RuntimeError:
        return None


def _correct(call: LossCall, losses: Tensor, target: Tensor, weights: Tensor) -> None:
    """Where the weights are a mask, the value and the targets are those of what counts; a value under
    negative weights, as rewards are, is nan.
    """
    call.least_weight = weights.amin()
    counts = weights != 0
    call.kept = counts.float().mean()
    is_mask = ((weights == weights.amax()) | ~counts).all()
    mean = (losses.float() * counts).sum() / counts.sum()
    value = torch.where(is_mask, mean, torch.as_tensor(call.value))
    call.value = torch.where(call.least_weight < 0, math.nan, value)
    if target.shape != losses.shape:
        return
    if call.counts is not None:
        inside = target.clamp(0, len(call.counts) - 1)
        is_seen = ((inside == target) & counts).to(target.dtype)
        call.counts = call.counts.new_zeros(len(call.counts)).scatter_add_(
            0, inside.reshape(-1), is_seen.reshape(-1)
        )
    elif call.target is not None:
        y, n = target.float(), counts.sum().clamp(min=1)
        middle = (y * counts).sum() / n
        variance = ((y - middle).square() * counts).sum() / n
        call.target = torch.stack((middle, variance, call.target[2]))
