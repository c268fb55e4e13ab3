"""The fields of a Problem, checked before anything is trained: one line names the field and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader

from levinthal.clinic.failures.losses import require_loss
from levinthal.errors import InputError
from levinthal.vocabulary import Problem


def require_problem(problem: Any) -> None:
    """Raise InputError for anything but a Problem, such as a network."""
    if not isinstance(problem, Problem):
        raise InputError(
            f"a {type(problem).__name__} is no Problem: "
            "pass levinthal.Problem(model=..., loss=..., train=..., optimizer=..., steps=...)"
        )


def require_valid(problem: Problem) -> None:
    """Raise InputError for a field that no training can use."""
    require_problem(problem)
    _require_factories(problem)
    for name, value in (("batch_size", problem.batch_size), ("steps", problem.steps)):
        if not isinstance(value, Integral) or value < 1:
            raise InputError(f"{name}={value!r} leaves nothing to train with: use a whole number, 1 or more")
    for name, data in (("train", problem.train), ("validation", problem.validation)):
        if name == "train" or data is not None:
            _require_data(name, data)


def _require_factories(problem: Problem) -> None:
    if isinstance(problem.model, nn.Module) or not callable(problem.model):
        raise InputError(f"model is {_kind(problem.model)}: pass a function that builds the network anew")
    require_loss(problem.loss, "loss")
    if not callable(problem.optimizer) or isinstance(problem.optimizer, type):
        example = "lambda model: torch.optim.SGD(model.parameters(), lr=0.1)"
        raise InputError(f"optimizer is {_kind(problem.optimizer)}: pass a function, {example}")


def _require_data(name: str, data: Any) -> None:
    way_out = "give (inputs, targets) or a DataLoader"
    if isinstance(data, Tensor | np.ndarray | str | dict) or not isinstance(data, Iterable):
        raise InputError(f"{name} is {_kind(data)}: {way_out}")
    if isinstance(data, Iterator) and not isinstance(data, DataLoader):
        raise InputError(f"{name} is an iterator, which can be read only once: {way_out}")
    if isinstance(data, tuple | list) and len(data) == 2:
        _require_arrays(name, *data)
    of_arrays = isinstance(data, tuple) and all(isinstance(side, Tensor | np.ndarray) for side in data)
    if isinstance(data, tuple) and of_arrays and len(data) not in (0, 2):
        raise InputError(f"{name} holds {len(data)} arrays: give two, (inputs, targets)")


def _require_arrays(name: str, inputs: Any, targets: Any) -> None:
    """Inputs in an array and targets in a list are no two batches."""
    if isinstance(inputs, Tensor | np.ndarray | dict) and isinstance(targets, tuple | list):
        kind = f"its targets as a {type(targets).__name__}"
        raise InputError(f"{name} has {kind}: give one tensor, torch.tensor(targets)")


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
