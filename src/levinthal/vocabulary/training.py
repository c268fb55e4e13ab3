"""What a training needs and yields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from levinthal.vocabulary.estimates import Measurement

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, slots=True)
class Dataset:
    """A classification task as arrays: inputs (n, d) float32, labels (n,) int64."""

    name: str
    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    classes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the training loop yields: the state just before the optimiser's step `step` is taken.

    `loss` is a scalar, or one value a seed for an ensemble. Gradients sit in the model's parameters.
    """

    step: int
    epoch: float
    model: torch.nn.Module
    inputs: torch.Tensor
    labels: torch.Tensor
    loss: torch.Tensor


Probe = Callable[[Snapshot], Iterable[Measurement]]
