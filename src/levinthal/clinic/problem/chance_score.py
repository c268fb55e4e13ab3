"""The score of the best constant output, which a cure has to beat."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from levinthal.clinic.problem.batches import held_out
from levinthal.vocabulary import Problem


def chance_score(problem: Problem, name: str) -> float:
    """The score of the best constant output on the rows that the problem is scored on.

    Args:
        problem: The problem.
        name: The name of its score.

    Returns:
        The share of the most frequent class for an accuracy, 1 over the number of classes for a balanced
        one, 0 for R^2; minus infinity for a metric or a loss, whose best constant is not known.

    >>> import torch
    >>> y = torch.tensor([0, 0, 0, 1])
    >>> problem = Problem(model=None, loss=None, train=(torch.zeros(4, 1), y), optimizer=None)
    >>> chance_score(problem, "accuracy"), chance_score(problem, "balanced accuracy")
    (0.75, 0.5)
    """
    if problem.metric is not None or name not in ("accuracy", "balanced accuracy", "R^2"):
        return -math.inf
    if name == "R^2":
        return 0.0
    parts = [targets for _, targets in held_out(problem)]
    if not all(isinstance(part, Tensor) for part in parts):
        return -math.inf
    return _share(torch.cat(parts), balanced=name != "accuracy")


def _share(targets: Tensor, *, balanced: bool) -> float:
    """Of labels in [0, K), negative ones ignored, or of one-hot rows; of 0 and 1 else, element by element."""
    is_one_hot = targets.is_floating_point() and targets.dim() == 2 and targets.shape[1] > 1
    if is_one_hot and bool((targets.sum(1) == 1).all()):
        targets = targets.argmax(1)
    labels = targets.reshape(-1)
    counts = torch.unique(labels[labels >= 0], return_counts=True)[1]
    return 1 / len(counts) if balanced else float(counts.max() / counts.sum())
