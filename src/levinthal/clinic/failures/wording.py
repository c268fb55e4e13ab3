"""How a failure is worded: one line with the place in the user's code, shapes and dtypes."""

from __future__ import annotations

import traceback
from numbers import Number
from pathlib import Path
from typing import Any

from torch import Tensor

from levinthal.errors import said_by
from levinthal.estimators.arrays import uneven_rows
from levinthal.user_files import is_of_library


def failure(error: BaseException, subject: str) -> str:
    """One line for an exception: what failed, where in the user's code, and torch's own words.

    >>> failure(ValueError("no\\nway"), "the problem")
    'the problem failed: ValueError: no'
    """
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # Python's words for a StopIteration that passes a generator
    own = own_frames(error)
    place = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return f"{subject} failed{place}: {said_by(error)}"


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an exception that are the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f for f in frames if not (f.filename.startswith("<") or is_of_library(f.filename))]


def of_numbers(value: Any) -> bool:
    """Whether a value is a list of numbers, at any depth. A list of tensors is several inputs."""
    while isinstance(value, tuple | list) and value:
        value = value[0]
        if isinstance(value, Number):
            return True
    return False


def uneven(value: Any) -> str:
    """Two rows of different lengths in a nested list of numbers; "" where there are none.

    >>> uneven([[1.0, 2.0], [3.0]])
    'row 0 has 2 values, row 1 has 1 value'
    """
    return uneven_rows(value) if of_numbers(value) else ""


def shown(value: Any) -> str:
    """Shape and dtype of a tensor, type of anything else."""
    if isinstance(value, type):
        return f"of type type (the class {value.__name__})"
    if not isinstance(value, Tensor):
        return f"of type {type(value).__name__}"
    return f"of shape {tuple(value.shape)} ({dtype_name(value)})"


def dtype_name(tensor: Tensor) -> str:
    """The dtype without `torch.`."""
    return str(tensor.dtype).removeprefix("torch.")
