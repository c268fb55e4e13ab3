"""Code that changes the loss or the targets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from levinthal.clinic.problem.batches import first_batch
from levinthal.clinic.problem.training import built
from levinthal.clinic.treatment.remedy_code import Code, Place, first_batches
from levinthal.vocabulary import Problem

SUMS_TO_ONE = 1e-3


def mean_loss(problem: Problem) -> Code:
    """Divide a summed loss by the number of rows."""
    return _loss("loss_fn(outputs, targets) / len(targets)") if _targets(problem) is not None else ()


def of_same_shape(problem: Problem) -> Code:
    """Give the targets the shape of the outputs, where both have as many elements and another shape."""
    outputs, targets = first_outputs(problem), _targets(problem)
    if outputs is None or targets is None or outputs.numel() != targets.numel():
        return ()
    return () if outputs.shape == targets.shape else _loss("loss_fn(outputs, targets.reshape_as(outputs))")


def squared_error(problem: Problem) -> Code:
    """torch's mean squared error of flattened outputs and targets, where the targets are real numbers."""
    outputs, targets = first_outputs(problem), _targets(problem)
    if outputs is None or targets is None or outputs.numel() != targets.numel():
        return ()
    if not targets.is_floating_point():
        return ()
    return _loss("nn.functional.mse_loss(outputs.reshape(-1), targets.reshape(-1).to(outputs.dtype))")


def of_logits(problem: Problem) -> Code:
    """The loss of logits where the model returns probabilities: softmax or sigmoid maps them back."""
    outputs = first_outputs(problem)
    if outputs is None or not bool(((outputs >= 0) & (outputs <= 1)).all()):
        return ()
    sums = outputs.sum(-1) if outputs.dim() > 1 and outputs.shape[-1] > 1 else None
    if sums is not None and bool(((sums - 1).abs() < SUMS_TO_ONE).all()):
        return _loss("loss_fn(outputs.clamp_min(torch.finfo(outputs.dtype).tiny).log(), targets)")
    return _loss("loss_fn(torch.logit(outputs, eps=torch.finfo(outputs.dtype).eps), targets)")


def cross_entropy(problem: Problem) -> Code:
    """torch's cross-entropy as the loss, where the targets are class indices."""
    return _loss("nn.functional.cross_entropy(outputs, targets)") if _classes(problem) else ()


def balanced(problem: Problem) -> Code:
    """Cross-entropy with each class weighted by the inverse of its frequency."""
    classes, targets = _classes(problem), [y for _, y in first_batches(problem)]
    if not classes or any(y.dim() != 1 or int(y.max()) >= classes or int(y.min()) < 0 for y in targets):
        return ()
    once = (
        "labels = torch.cat([targets for _, targets in batches])\n"
        f"counts = torch.bincount(labels, minlength={classes}).float().clamp(min=1)\n"
        "class_weights = counts.sum() / counts / len(counts)"
    )
    weighted = _loss("nn.functional.cross_entropy(outputs, targets, weight=class_weights)")
    return ((Place.DATA, once), *weighted)


def standardised_targets(problem: Problem) -> Code:
    """The loss of outputs and targets minus the mean of the targets, divided by their standard deviation. A
    hook gives the outputs the scale of the targets again, so the score is that of the user's own targets.
    """
    targets = [y for _, y in first_batches(problem)]
    if problem.step or not all(isinstance(y, Tensor) and y.is_floating_point() for y in targets):
        return ()
    if not float(torch.cat([y.reshape(-1) for y in targets]).std()) > 0:
        return ()
    once = (
        "values = torch.cat([targets.reshape(-1) for _, targets in batches])\n"
        "target_mean, target_std = float(values.mean()), float(values.std())"
    )
    hook = "model.register_forward_hook(lambda layer, args, output: output * target_std + target_mean)"
    loss = "loss_fn((outputs - target_mean) / target_std, (targets - target_mean) / target_std)"
    return ((Place.DATA, once), (Place.MODEL, hook), *_loss(loss))


def _loss(expression: str) -> Code:
    return ((Place.LOSS, f"loss = {expression}"),)


def _targets(problem: Problem) -> Tensor | None:
    targets = first_batch(problem)[1]
    return targets if isinstance(targets, Tensor) and targets.dim() else None


def _classes(problem: Problem) -> int:
    """The number of classes where the targets are their indices and the outputs have one number for each."""
    outputs, targets = first_outputs(problem), _targets(problem)
    if outputs is None or targets is None or targets.is_floating_point() or targets.dtype == torch.bool:
        return 0
    return outputs.shape[1] if outputs.dim() == targets.dim() + 1 and outputs.shape[1] > 1 else 0


def first_outputs(problem: Problem) -> Tensor | None:
    """What a new network returns for the first batch; None where that is no tensor."""
    with torch.random.fork_rng(), torch.no_grad():
        outputs: Any = built(problem)(first_batch(problem)[0])
    return outputs if isinstance(outputs, Tensor) else None
