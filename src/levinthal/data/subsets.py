"""The subset of a data set that a study trains on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from levinthal.errors import InputError, require_one_of
from levinthal.vocabulary import Dataset


def training_subset(
    data: Dataset, samples: int, labels: str = "true", *, factor: str = "samples"
) -> tuple[Tensor, Tensor]:
    """The first training samples of a data set.

    Args:
        data: the data set.
        samples: how many to take, from 1 to all.
        labels: "true", or "shuffled": one fixed permutation of the chosen labels, the same for all seeds.
        factor: the name of `samples` in the cell, for the error message.

    Returns:
        Inputs (samples, features) float32 and labels (samples,) int64.

    Raises:
        InputError: `samples` is below 1 or above the size of the training set, or `labels` is unknown.

    >>> from levinthal.data import load
    >>> training_subset(load("digits"), 3)[1]
    tensor([0, 1, 2])
    """
    there = len(data.train_labels)
    if not 1 <= samples <= there:
        raise InputError(f"{factor}={samples} but {data.name} has {there} to train on: ask for 1 to {there}")
    wanted = data.train_labels[:samples]
    if require_one_of("labels", labels, ("true", "shuffled")) == "shuffled":
        wanted = np.random.default_rng(0).permutation(wanted)
    return torch.tensor(data.train_inputs[:samples]), torch.tensor(wanted)
