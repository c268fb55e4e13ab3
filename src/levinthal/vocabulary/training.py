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
    """A classification task as arrays.

    Attributes:
        name: Its name.
        train_inputs: (n, d) float32, the training inputs.
        train_labels: (n,) int64, their classes.
        test_inputs: (m, d) float32, the test inputs.
        test_labels: (m,) int64, their classes.
        classes: The number of classes.
        checksum: A hash of all arrays: runs on other data are other runs.
    """

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

    Attributes:
        step: The step that is about to be taken, from 0.
        epoch: The epochs so far.
        model: The network, whose parameters hold the gradients.
        inputs: The inputs of the batch.
        labels: Its labels.
        loss: A scalar, or one value a seed for an ensemble.
    """

    step: int
    epoch: float
    model: torch.nn.Module
    inputs: torch.Tensor
    labels: torch.Tensor
    loss: torch.Tensor


Probe = Callable[[Snapshot], Iterable[Measurement]]
