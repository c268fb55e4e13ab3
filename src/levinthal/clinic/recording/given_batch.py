"""The batch that a user hands over: arrays and lists of numbers become the tensors that the model takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.clinic.failures.wording import of_numbers, uneven
from levinthal.user_data import as_tensor, require_values


def as_the_model_takes(value: Any, model: nn.Module, name: str) -> Any:
    """Arrays, tables and lists of numbers as tensors on the device of the model.

    Floats get its dtype; whole numbers become int64. Tensors and everything else stay as they are, also
    inside of tuples, lists and mappings.

    Raises InputError for arrays of anything but numbers, and for sparse tensors or those without values.
    """
    if isinstance(value, Tensor):
        require_values(value, name)
        return value
    if uneven(value):
        return value  # where it fails, the line names both rows
    if isinstance(value, np.ndarray) or of_numbers(value) or hasattr(value, "__array__"):
        tensor, like = as_tensor(value, name), next(model.parameters())
        if tensor.is_floating_point():
            return tensor.to(like.device, like.dtype if like.is_floating_point() else None)
        return tensor.to(like.device, tensor.dtype if tensor.dtype.itemsize == 1 else torch.int64)
    if isinstance(value, Mapping):
        return {key: as_the_model_takes(part, model, f"{name}[{key!r}]") for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(as_the_model_takes(part, model, name) for part in value)
    return value
