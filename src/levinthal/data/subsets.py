"""The part of a data set that a study trains on."""

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
        factor: what the number of samples is called in the cell, for the error.

    Returns:
        Inputs (samples, features) float32 and labels (samples,) int64.

    Raises:
        InputError: more samples than there are, none, or another word for the labels.
    """
    there = len(data.train_labels)
    if not 1 <= samples <= there:
        raise InputError(f"{factor}={samples} but {data.name} has {there} to train on: ask for 1 to {there}")
    wanted = data.train_labels[:samples]
    if require_one_of("labels", labels, ("true", "shuffled")) == "shuffled":
        wanted = np.random.default_rng(0).permutation(wanted)
    return torch.tensor(data.train_inputs[:samples]), torch.tensor(wanted)
