"""What a probe is made from, checked when it is made: inputs, labels, readings, estimators, snapshots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from levinthal.arguments import article, in_short, several
from levinthal.errors import InputError, LevinthalError, require_one_of
from levinthal.networks.reading import BATCHNORM_MODES
from levinthal.user_data import as_tensor
from levinthal.vocabulary import Estimate, Snapshot


def samples(inputs: Any, labels: Any, name: str = "inputs") -> tuple[Tensor, Tensor]:
    """Inputs and their labels as tensors; whole numbers as int64.

    Raises InputError where they are no arrays of numbers, empty, or not of one number.
    """
    x, y = as_tensor(inputs, name), as_tensor(labels, "labels")
    if len(x) != len(y):
        raise InputError(f"{len(x)} {name} and {len(y)} labels: give one label for each input")
    if not len(x):
        raise InputError(f"0 {name}: give some")
    return x, y if y.is_floating_point() else y.long()


def classified(inputs: Any, labels: Any, name: str = "inputs") -> tuple[Tensor, Tensor]:
    """Inputs and their classes. Raises InputError for labels that are no class numbers from 0."""
    x, y = samples(inputs, labels, name)
    if y.is_floating_point() or y.ndim != 1:
        raise InputError(f"labels has shape {tuple(y.shape)} and {y.dtype}: pass one class number an input")
    if int(y.min()) < 0:
        raise InputError(f"labels begin at {int(y.min())}: number the classes from 0")
    return x, y


def require_classes(labels: Tensor, logits: Tensor) -> None:
    """Raise InputError for labels beyond the outputs of a network."""
    most, classes = int(labels.max()), logits.shape[-1]
    if most >= classes:
        raise InputError(f"labels run to {most}, and the model has {classes} outputs: number them from 0")


def words(name: str, given: Any, allowed: Sequence[str]) -> tuple[str, ...]:
    """One name or several, each of them allowed. Raises InputError for another, or for none."""
    found = (given,) if isinstance(given, str) else several(name, given, f"some of {tuple(allowed)}")
    if not found:
        raise InputError(f"{name} is empty: pass some of {tuple(allowed)}")
    return tuple(require_one_of(name, word, allowed) for word in found)


def readings(batchnorm: Any) -> tuple[str, ...]:
    """One reading of batch norm or several."""
    return words("batchnorm", batchnorm, BATCHNORM_MODES)


def estimated(estimator: Callable[[Tensor, Tensor], Any], x: Tensor, y: Tensor) -> Estimate:
    """What an estimator says of two sides. Raises InputError where that is no Estimate."""
    try:
        found = estimator(x, y)
    except LevinthalError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or ["no message"])[0]
        raise InputError(
            f"the estimator fails on sides {tuple(x.shape)} and {tuple(y.shape)}: "
            f"{type(error).__name__}: {said}"
        ) from error
    if not isinstance(found, Estimate):
        raise InputError(
            f"the estimator returns {in_short(found)}: return an Estimate, as levinthal.cka does"
        )
    return found


def require_snapshot(snapshot: Any) -> None:
    """Raise InputError for anything but a snapshot of a run."""
    if not isinstance(snapshot, Snapshot):
        kind = article(type(snapshot).__name__)
        raise InputError(f"a probe reads a snapshot, and got {kind}: pass those of levinthal.train")


def as_pair(name: str, pair: Any) -> tuple[Tensor, Tensor]:
    """Inputs and class numbers that are given as a pair."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"{name}={in_short(pair)} is no pair: pass (inputs, labels)")
    try:
        return classified(*pair)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def on(model: torch.nn.Module, inputs: Tensor) -> Tensor:
    """Inputs in the dtype and on the device of a model; whole numbers keep their dtype."""
    like = next(model.parameters(), inputs)
    return inputs.to(like) if inputs.is_floating_point() else inputs.to(like.device)
