"""The score of a trained network on the validation rows: accuracy, R^2 or minus the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.failures.explained import explained
from levinthal.clinic.failures.losses import scalar_loss
from levinthal.clinic.failures.wording import shown
from levinthal.clinic.problem.batches import held_out
from levinthal.errors import InputError
from levinthal.probes.untouched import untouched
from levinthal.vocabulary import Problem

Loss = Callable[[Any, Any], Tensor]
IMBALANCED = 0.8
"""Share of one class above which the score is the balanced accuracy: every class counts the same."""
WORST = {"accuracy": 0.0, "balanced accuracy": 0.0, "R^2": -1.0}
"""The score of outputs that are not finite."""


def score_name(problem: Problem) -> str:
    """The name of the score: the metric's, accuracy, balanced accuracy, R^2 or minus loss."""
    if problem.metric:
        return getattr(problem.metric, "__name__", "metric").strip("<>").replace("lambda", "metric")
    targets = _joined([y for _, y in held_out(problem)])
    if not isinstance(targets, Tensor):
        return "minus loss"
    if targets.is_floating_point():
        return "accuracy" if _are_binary(targets) else "R^2"
    _, counts = torch.unique(targets.reshape(-1).clamp(min=0), return_counts=True)  # a class may be 1e9
    shares = counts / max(targets.numel(), 1)
    return "balanced accuracy" if shares.max() > IMBALANCED else "accuracy"


def score(problem: Problem, model: nn.Module, name: str, loss: Loss | None = None) -> float:
    """The score of a network in evaluation mode; larger is better.

    `loss` computes the score where that is minus the loss. It is the loss of the untreated problem, so that
    a remedy that changes the loss does not change how it is scored.
    """
    outputs, targets = list[Any](), list[Any]()
    data = held_out(problem)
    with untouched(model), torch.no_grad():
        model.eval()
        for x, y in data:
            with explained(model, None, x, y, "a validation batch"):
                outputs.append(model(x))
            targets.append(y)
        if problem.metric:
            value = _number(problem.metric(_joined(outputs), _joined(targets)))
            _require_finite("metric(outputs, targets)", value, outputs, data)
            return value
        found = _known(name, _joined(outputs), _joined(targets), loss or problem.loss)
        if found is None:
            found = -_loss(loss or problem.loss, outputs, targets)
            _require_finite("the loss of the validation rows", found, outputs, data)
        return found


def _number(value: Any) -> float:
    """A metric's value as a number."""
    try:
        if isinstance(value, str):  # float("0.9") would pass
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        message = f"metric(outputs, targets) returns a value {shown(value)}: return one number"
        raise InputError(message) from None


def _require_finite(what: str, value: float, outputs: list[Any], data: list[tuple[Any, Any]]) -> None:
    """Raise InputError for nan or infinity that neither the network nor the data explain."""
    if not math.isfinite(value) and all(map(is_finite, (outputs, data))):
        raise InputError(f"{what} is {value} of finite outputs and targets: return a finite number")


def is_finite(value: Any) -> bool:
    """Whether all tensors in a value, in dictionaries and tuples too, are finite."""
    if isinstance(value, Tensor):
        return not (value.is_floating_point() or value.is_complex()) or bool(value.isfinite().all())
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return all(map(is_finite, parts))


def _loss(loss: Loss, outputs: list[Any], targets: list[Any]) -> float:
    values = [float(scalar_loss(loss(out, y)).detach()) for out, y in zip(outputs, targets, strict=True)]
    return sum(values) / len(values)


def _known(name: str, outputs: Any, targets: Any, loss: Loss) -> float | None:
    """Accuracy or R^2, where outputs and targets have the shapes for it."""
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return None
    if not outputs.isfinite().all() and name != "minus loss":
        return WORST[name]
    if name == "R^2":
        return _r_squared(outputs, targets) if outputs.numel() == targets.numel() else None
    if name == "accuracy" and targets.is_floating_point():
        return _binary_accuracy(outputs, targets, loss)
    if name != "minus loss" and outputs.dim() == targets.dim() + 1:
        return _accuracy(outputs.movedim(1, -1).argmax(-1), targets, balanced=name != "accuracy")
    return None


def _are_binary(targets: Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _binary_accuracy(outputs: Tensor, targets: Tensor, loss: Loss) -> float | None:
    """Accuracy of 0/1 targets: by row where each row is one-hot, else by element."""
    if outputs.numel() != targets.numel():
        return None
    threshold, outputs = _decision_threshold(outputs, targets, loss), outputs.reshape(targets.shape)
    if targets.dim() == 2 and targets.shape[1] > 1 and bool((targets.sum(1) == 1).all()):
        return float((outputs.argmax(1) == targets.argmax(1)).float().mean())
    return float(((outputs > threshold) == (targets > 0.5)).float().mean())


def _decision_threshold(outputs: Tensor, targets: Tensor, loss: Loss) -> float:
    """The decision threshold of the outputs: the constant with the lower loss on balanced targets.

    0 for logits, 0.5 for probabilities and for squared errors.
    """
    balanced = (torch.arange(targets.numel()) % 2).to(targets).reshape(targets.shape)
    losses = {value: float(loss(torch.full_like(outputs, value), balanced).sum()) for value in (0.0, 0.5)}
    return 0.5 if losses[0.5] < losses[0.0] else 0.0


def _accuracy(predicted: Tensor, targets: Tensor, balanced: bool) -> float:
    """Accuracy over targets that are not negative (negative: ignored); or balanced: the mean recall."""
    correct, labels = (predicted == targets)[targets >= 0].float(), targets[targets >= 0]
    if not balanced:
        return float(correct.mean())
    return float(torch.stack([correct[labels == label].mean() for label in torch.unique(labels)]).mean())


def _r_squared(outputs: Tensor, targets: Tensor) -> float:
    """Share of the variance explained; at least -1, so that one diverged run does not dominate the mean."""
    targets = targets.float()
    variance = float(((targets - targets.mean(0)) ** 2).mean())
    error = float(((outputs.float().reshape(targets.shape) - targets) ** 2).mean())
    return max(-1.0, 1 - error / variance) if variance > 0 else -error


def _joined(parts: list[Any]) -> Any:
    """Batches concatenated where they are tensors; otherwise the only one, or the list."""
    if all(isinstance(part, Tensor) and part.dim() for part in parts):
        return torch.cat(parts)
    return parts[0] if len(parts) == 1 else parts
