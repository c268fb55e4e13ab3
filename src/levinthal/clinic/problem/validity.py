"""The fields of a Problem, checked before anything is trained: one line names the field and the way out."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from levinthal.clinic.failures.arguments import as_frozen
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.problem.places import in_one_line
from levinthal.errors import InputError
from levinthal.vocabulary import Problem

MOST = 10**12
"""Steps, or rows of a batch, that nobody can mean."""
FUNCTIONS = {
    "metric": ("(outputs, targets) -> number", ("outputs", "targets")),
    "schedule": ("(optimizer) -> scheduler", ("optimizer",)),
    "prepare": ("(inputs, targets) -> (inputs, targets)", ("inputs", "targets")),
    "step": ("(model, optimizer, inputs, targets)", ("model", "optimizer", "inputs", "targets")),
}
"""The fields that may be a function -> what it does, and the arguments that it gets."""


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
    with in_one_line(problem):
        _require_factories(problem)
        _require_functions(problem)
        require_count("batch_size", problem.batch_size)
        require_count("steps", problem.steps)
        _require_settings(problem)
        for name, data in (("train", problem.train), ("validation", problem.validation)):
            if name == "train" or data is not None:
                _require_data(name, data)


def require_count(name: str, value: Any) -> None:
    """Raise InputError for anything but a whole number of 1 or more that can be meant."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise InputError(f"{name}={value!r} leaves nothing to train with: use a whole number, 1 or more")
    if int(value) > MOST:
        raise InputError(
            f"{name}={value:.3g} is more than anybody can train with: use a smaller whole number"
        )


def _require_factories(problem: Problem) -> None:
    if isinstance(problem.model, nn.Module) or not callable(problem.model):
        raise InputError(f"model is {_kind(problem.model)}: pass a function that builds the network anew")
    require_loss(problem.loss, "loss")
    if not callable(problem.optimizer) or isinstance(problem.optimizer, type):
        example = "lambda model: torch.optim.SGD(model.parameters(), lr=0.1)"
        raise InputError(f"optimizer is {_kind(problem.optimizer)}: pass a function, {example}")
    _require_arguments("model", problem.model, ())
    _require_arguments("loss", problem.loss, ("outputs", "targets"))
    _require_arguments("optimizer", problem.optimizer, ("model",))


def _require_functions(problem: Problem) -> None:
    for name, (does, arguments) in FUNCTIONS.items():
        function = getattr(problem, name)
        is_class = isinstance(function, type) and name != "schedule"
        if function is not None and (is_class or not callable(function)):
            raise InputError(f"{name} is {_kind(function)}: pass a function {does}, or None")
        if function is not None:
            _require_arguments(name, function, arguments)


def _require_arguments(name: str, function: Any, arguments: tuple[str, ...]) -> None:
    """Raise InputError for a function that cannot be called with these arguments, as far as it says so."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C may not say what it takes
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        gets = ", ".join(arguments) or "nothing"
        what = (
            "no argument"
            if not arguments
            else "1 argument"
            if len(arguments) == 1
            else f"{len(arguments)} arguments"
        )
        raise InputError(f"{name} has to take {what} ({gets}): {error}") from None


def _require_settings(problem: Problem) -> None:
    clip, shuffle = problem.clip, problem.shuffle
    if callable(clip):
        _require_arguments("clip", clip, ("model",))
    elif clip is not None and (isinstance(clip, bool) or not isinstance(clip, Real)):
        raise InputError(
            f"clip is {_kind(clip)}: pass the largest norm of the gradient, or a function(model)"
        )
    elif clip is not None and (math.isnan(clip) or clip <= 0):
        raise InputError(f"clip={clip!r} leaves no gradient: pass a largest norm above 0, or None")
    if not isinstance(shuffle, bool | np.bool_):
        raise InputError(f"shuffle={shuffle!r} is {_kind(shuffle)}: pass True or False")
    if isinstance(problem.frozen, Iterator):
        raise InputError("frozen is an iterator, which can be read only once: pass a tuple")
    if any(given == "" for given in as_frozen(problem.frozen)):
        raise InputError("frozen='' is the beginning of every name: name what stays, or leave it out")


def _require_data(name: str, data: Any) -> None:
    way_out = "give (inputs, targets) or a DataLoader"
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        raise InputError(f"{name} is {_kind(data)}: give DataLoader({name}, batch_size=32, shuffle=True)")
    wrong = isinstance(data, Tensor | np.ndarray | str | bytes | dict | type)
    if wrong or not isinstance(data, Iterable):
        raise InputError(f"{name} is {_kind(data)}: {way_out}")
    if isinstance(data, Iterator) and not isinstance(data, DataLoader):
        raise InputError(f"{name} is an iterator, which can be read only once: {way_out}")
    if isinstance(data, tuple | list) and len(data) == 2:
        _require_arrays(name, *data)
    of_arrays = isinstance(data, tuple) and all(isinstance(side, Tensor | np.ndarray) for side in data)
    if isinstance(data, tuple) and of_arrays and len(data) != 2:
        raise InputError(f"{name} holds {len(data)} arrays: give two, (inputs, targets)")


def _require_arrays(name: str, inputs: Any, targets: Any) -> None:
    """Inputs in an array and targets in a list are no two batches."""
    if isinstance(inputs, Tensor | np.ndarray | dict) and isinstance(targets, tuple | list):
        kind = f"its targets as a {type(targets).__name__}"
        raise InputError(f"{name} has {kind}: give one tensor, torch.tensor(targets)")


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
