"""Arrays, tensors and modules that a user passes: read as what is meant, or refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from levinthal.arguments import in_short
from levinthal.errors import InputError

ONE_LENGTH = "give every row one length"
NUMBERS = "pass an array or a tensor of numbers, one row per sample"
OTHERS = {
    "O": "Python objects",
    "U": "text",
    "T": "text",
    "S": "bytes",
    "M": "dates",
    "m": "time spans",
    "V": "records",
    "c": "complex numbers",
}
"""Kind of a dtype that is not real -> what its values are."""


def as_array(values: Any, name: str) -> npt.NDArray[Any]:
    """The values as an array; one number alone is none.

    Raises InputError for what has no rows, and for rows of different lengths, of which it names two.
    """
    if isinstance(values, Tensor):
        return _of_tensor(values, name)
    if isinstance(values, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array, whose mask would be lost: drop the masked rows first")
    try:
        array, error = np.asarray(values), None
    except Exception as refused:  # an object of another library may fail in any way
        array, error = np.empty(0, object), refused
    if array.dtype.kind == "O" and uneven_rows(values):
        raise InputError(f"{name} has rows of different lengths ({uneven_rows(values)}): {ONE_LENGTH}")
    if error is not None:
        raise InputError(f"{name} is no array: {_first_line(error)}: {NUMBERS}") from error
    if not array.ndim and not isinstance(values, np.ndarray):
        raise InputError(f"{name}={in_short(values)} has no rows: {NUMBERS}")
    return array


def _of_tensor(values: Tensor, name: str) -> npt.NDArray[Any]:
    """A tensor in host memory; floats as float64, because numpy has no bfloat16."""
    require_values(values, name)
    plain = values.detach().resolve_conj().resolve_neg()
    if plain.is_floating_point():
        plain = plain.to("cpu", torch.float64)
    return np.asarray(plain.cpu().numpy())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def as_tensor(values: Any, name: str) -> Tensor:
    """Real values with rows as a tensor; a tensor as it is. An array shares its memory where it can.

    Raises InputError for what holds no values, no rows, or none that are real.

    >>> as_tensor([[1.0, 2.0]], "inputs")
    tensor([[1., 2.]], dtype=torch.float64)
    """
    if isinstance(values, Tensor):
        require_values(values, name)
        tensor, is_complex = values, values.is_complex()
    else:
        array = as_array(values, name)
        is_complex = array.dtype.kind == "c"
        if array.dtype.kind in OTHERS:
            raise InputError(f"{name} holds {OTHERS[array.dtype.kind]}: {NUMBERS}")
        tensor = torch.as_tensor(_native(array))
    if is_complex:
        raise InputError(f"{name} holds complex numbers: pass real and imaginary part as columns")
    if not tensor.ndim:
        raise InputError(f"{name} has shape (), and no rows: {NUMBERS}")
    return tensor


def _native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array in the order, the byte order and the precision that torch reads, and writeable."""
    kind = np.dtype(np.float64) if array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
    read = np.ascontiguousarray(array, kind)
    return read if read.flags.writeable else read.copy()


def require_values(tensor: Tensor, name: str) -> None:
    """Raise InputError for a tensor without values, or whose values are not stored one by one."""
    if tensor.is_meta:
        raise InputError(f"{name} is on the meta device, which holds no values: pass a tensor with values")
    if tensor.is_nested:
        raise InputError(f"{name} is a nested tensor, whose rows differ in length: {ONE_LENGTH}")
    if tensor.layout != torch.strided:
        kind = str(tensor.layout).removeprefix("torch.")
        raise InputError(f"{name} is a tensor of layout {kind}: pass {name}.to_dense()")
    if tensor.is_quantized:
        raise InputError(f"{name} is a quantised tensor: pass {name}.dequantize()")


def require_module(model: Any) -> nn.Module:
    """The model, if it is a module with parameters that have shapes and values.

    >>> require_module(5)
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: the model is of type int: pass a torch.nn.Module
    """
    if not isinstance(model, nn.Module):
        what = in_short(model) if isinstance(model, type) else f"of type {type(model).__name__}"
        way_out = f"an instance, {model.__name__}(...)" if isinstance(model, type) else "a torch.nn.Module"
        raise InputError(f"the model is {what}: pass {way_out}")
    named = list(model.named_parameters())
    lazy = [name for name, p in named if isinstance(p, nn.UninitializedParameter)]
    if lazy:
        raise InputError(f"{lazy[0]} has no shape yet (a lazy module): run one batch through the model")
    if not named:
        raise InputError("the model has 0 parameters: there is nothing to train")
    if all(parameter.is_meta for _, parameter in named):
        raise InputError("the model is on the meta device, which holds no values: build it on a real device")
    return model


def uneven_rows(values: Any) -> str:
    """Two rows of a nested sequence that differ in length; "" where all rows are equally long.

    >>> uneven_rows([[1.0, 2.0], [3.0, 4.0], [5.0]])
    'row 0 has 2 values, row 2 has 1 value'
    """
    if not isinstance(values, list | tuple | np.ndarray) or (
        isinstance(values, np.ndarray) and not values.ndim
    ):
        return ""
    shapes = list[tuple[int, ...]]()
    for number, row in enumerate(values):
        try:
            shapes.append(tuple(np.shape(row)))
        except ValueError:
            return f"in row {number}, {uneven_rows(row)}"
        if shapes[number] != shapes[0]:
            return f"row 0 {_size(shapes[0])}, row {number} {_size(shapes[number])}"
    return ""


def _size(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"has {shape[0]} value{'s' * (shape[0] != 1)}"
    return f"has shape {shape}" if shape else "is one number"
