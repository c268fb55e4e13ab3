"""How good a trained network is: accuracy, R^2 or minus the loss, on rows it has not been trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.problem.batches import held_out
from levinthal.probes.untouched import untouched
from levinthal.vocabulary import Problem

Loss = Callable[[Any, Any], Tensor]
LOPSIDED = 0.8
"""Share of one class from which every class counts the same."""
LOST = {"accuracy": 0.0, "balanced accuracy": 0.0, "R^2": -1.0}
"""The score of outputs that are no numbers."""


def score_name(problem: Problem) -> str:
    """What `score` returns: metric, accuracy, balanced accuracy, R^2 or minus loss."""
    if problem.metric:
        return getattr(problem.metric, "__name__", "metric").strip("<>").replace("lambda", "metric")
    targets = _joined([y for _, y in held_out(problem)])
    if not isinstance(targets, Tensor):
        return "minus loss"
    if targets.is_floating_point():
        return "accuracy" if _are_yes_or_no(targets) else "R^2"
    shares = torch.bincount(targets.reshape(-1).clamp(min=0)).float() / max(targets.numel(), 1)
    return "balanced accuracy" if shares.max() > LOPSIDED else "accuracy"


def score(problem: Problem, model: nn.Module, name: str, loss: Loss | None = None) -> float:
    """The score of a network in evaluation mode; a loss that is no number is one here too.

    `loss` is the yardstick where the score is one, so that a remedy that changes the loss does not change it.
    """
    outputs, targets = list[Any](), list[Any]()
    data = held_out(problem)
    with untouched(model), torch.no_grad():
        model.eval()
        for x, y in data:
            outputs.append(model(x))
            targets.append(y)
        if problem.metric:
            return float(problem.metric(_joined(outputs), _joined(targets)))
        found = _known(name, _joined(outputs), _joined(targets), loss or problem.loss)
        return -_loss(loss or problem.loss, outputs, targets) if found is None else found


def _loss(loss: Loss, outputs: list[Any], targets: list[Any]) -> float:
    values = [float(loss(out, y).detach().sum()) for out, y in zip(outputs, targets, strict=True)]
    return sum(values) / len(values)


def _known(name: str, outputs: Any, targets: Any, loss: Loss) -> float | None:
    """Accuracy or R^2, where outputs and targets have the shapes for it."""
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return None
    if not outputs.isfinite().all() and name != "minus loss":
        return LOST[name]
    if name == "R^2":
        return _r_squared(outputs, targets) if outputs.numel() == targets.numel() else None
    if name == "accuracy" and targets.is_floating_point():
        return _of_yes_or_no(outputs, targets, loss)
    if name != "minus loss" and outputs.dim() == targets.dim() + 1:
        return _accuracy(outputs.movedim(1, -1).argmax(-1), targets, balanced=name != "accuracy")
    return None


def _are_yes_or_no(targets: Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _of_yes_or_no(outputs: Tensor, targets: Tensor, loss: Loss) -> float | None:
    """Share of right answers: of rows whose targets are one of several, else of single ones."""
    if outputs.numel() != targets.numel():
        return None
    limit, outputs = _undecided(outputs, targets, loss), outputs.reshape(targets.shape)
    if targets.dim() == 2 and targets.shape[1] > 1 and bool((targets.sum(1) == 1).all()):
        return float((outputs.argmax(1) == targets.argmax(1)).float().mean())
    return float(((outputs > limit) == (targets > 0.5)).float().mean())


def _undecided(outputs: Tensor, targets: Tensor, loss: Loss) -> float:
    """The output that decides nothing: where the loss is least if half the answers are yes.

    0 for logits, a half for probabilities and for squares.
    """
    halves = (torch.arange(targets.numel()) % 2).to(targets).reshape(targets.shape)
    costs = {limit: float(loss(torch.full_like(outputs, limit), halves).sum()) for limit in (0.0, 0.5)}
    return 0.5 if costs[0.5] < costs[0.0] else 0.0


def _accuracy(guess: Tensor, targets: Tensor, balanced: bool) -> float:
    """Share of right guesses among targets that are not negative (ignored ones are); or mean recall."""
    right, real = (guess == targets)[targets >= 0].float(), targets[targets >= 0]
    if not balanced:
        return float(right.mean())
    return float(torch.stack([right[real == kind].mean() for kind in torch.unique(real)]).mean())


def _r_squared(outputs: Tensor, targets: Tensor) -> float:
    """Share of the variance explained; never below -1, so that a run that blew up does not weigh for all."""
    targets = targets.float()
    spread = float(((targets - targets.mean(0)) ** 2).mean())
    error = float(((outputs.float().reshape(targets.shape) - targets) ** 2).mean())
    return max(-1.0, 1 - error / spread) if spread > 0 else -error


def _joined(parts: list[Any]) -> Any:
    """Batches in one piece where they are tensors; otherwise the only one, or the list."""
    if all(isinstance(part, Tensor) and part.dim() for part in parts):
        return torch.cat(parts)
    return parts[0] if len(parts) == 1 else parts
