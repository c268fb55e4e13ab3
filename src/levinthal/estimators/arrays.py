"""What a pair of arrays must be before information is estimated between them, and what it may hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float

from levinthal.arguments import in_short
from levinthal.errors import InputError
from levinthal.user_data import NUMBERS, OTHERS, as_array
from levinthal.user_data import ONE_LENGTH as ONE_LENGTH
from levinthal.user_data import uneven_rows as uneven_rows

Array = npt.NDArray[Any] | torch.Tensor | Sequence[Any]
"""One side of a pair: an array, a tensor of any device, or a sequence of numbers or of rows."""
ROWS_LOOKED_AT = 64
SAME_DIRECTION = 1e-10
LARGEST = 1e150  # squares and their sums over columns stay within float64


def paired(
    x: Array, y: Array, *, rows: int = 2
) -> tuple[Float[np.ndarray, "n dx"], Float[np.ndarray, "n dy"]]:
    """Both sides as float64 matrices of as many rows, at least `rows`, every value finite.

    Tensors of any device are copied to the host; a one-dimensional side becomes one column.
    Raises InputError for what no estimator here can read.

    >>> [side.shape for side in paired(np.array([0.0, 0.5, 2.0]), torch.eye(3))]
    [(3, 1), (3, 3)]
    """
    left, right = _matrix(x, "x"), _matrix(y, "y")
    if len(left) != len(right):
        raise InputError(f"x has {len(left)} rows and y has {len(right)}: pass one row of each per sample")
    if len(left) < rows:
        raise InputError(f"this estimate needs at least {rows} rows; got {len(left)}: pass more samples")
    return left, right


def _matrix(values: Array, name: str) -> Float[np.ndarray, "n d"]:
    array = host(values, name)
    if array.ndim not in (1, 2):
        raise InputError(f"{name} has shape {array.shape}, not (N, d): flatten each sample into one row")
    matrix = np.ascontiguousarray(array.reshape(len(array), -1) if array.size else array, np.float64)
    if matrix.size == 0:
        raise InputError(f"{name} has shape {array.shape}: it holds no values; pass N rows of d columns")
    _refuse_bad_values(matrix, name)
    return matrix


def require_rows(rows: int, k: int) -> None:
    """Raise InputError where so many rows do not have k neighbours each."""
    if rows <= k:
        raise InputError(
            f"k={in_short(k)} neighbours need at least {in_short(k + 1)} rows; got {rows}: "
            "lower k or pass more samples"
        )


def host(values: Any, name: str, kinds: str = "f") -> npt.NDArray[Any]:
    """The values in host memory as an array whose dtype is of one of these kinds (numpy's letters).

    Raises InputError for anything else: what it is, and what to pass.
    """
    array = as_array(values, name)
    if array.dtype.kind not in kinds:
        raise InputError(_wrong_dtype(name, values, array.dtype))
    return array


def _wrong_dtype(name: str, values: Any, dtype: np.dtype[Any]) -> str:
    shown = str(values.dtype) if isinstance(values, torch.Tensor) else str(dtype)
    if dtype.kind == "c":
        return f"{name} is {shown}, an estimate needs real values: pass real and imaginary part as columns"
    if dtype.kind in "biu":
        return (
            f"{name} is {shown}, an estimate needs floats: cast it to float to have it computed and flagged"
        )
    return f"{name} holds {OTHERS[dtype.kind]}, an estimate needs floats: {NUMBERS}"


def _refuse_bad_values(matrix: Float[np.ndarray, "n d"], name: str) -> None:
    finite = np.isfinite(matrix)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        bad = matrix.size - np.count_nonzero(finite)
        raise InputError(
            f"{name} holds {bad} NaN or infinite of {matrix.size} values, the first at row {row}, "
            f"column {column}: drop those rows"
        )
    largest = float(np.abs(matrix).max())
    if largest > LARGEST:
        raise InputError(f"{name} reaches {largest:.0e}, whose squares overflow: rescale it")
    if 0 < largest < 1 / LARGEST:
        raise InputError(f"{name} reaches only {largest:.0e}, whose squares underflow: rescale it")


def is_constant(matrix: Float[np.ndarray, "n d"]) -> bool:
    """Whether every row is the same.

    >>> is_constant(np.array([[1.0, 2.0], [1.0, 2.0]]))
    True
    """
    return bool((matrix == matrix[0]).all())


def constant_columns(matrix: Float[np.ndarray, "n d"]) -> int:
    """Number of columns that hold one value.

    >>> constant_columns(np.array([[1.0, 5.0], [3.0, 5.0]]))
    1
    """
    return int((matrix.max(0) == matrix.min(0)).sum())


def standardised(matrix: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each column to mean 0 and standard deviation 1; a constant column to 0.

    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    varies = matrix.max(0) > matrix.min(0)
    centred = np.where(varies, matrix - matrix.mean(0), 0.0)
    deviation = np.sqrt(np.einsum("nd,nd->d", centred, centred) / len(matrix))
    return centred / np.where(deviation > 0, deviation, 1.0)


def share_of_repeated_rows(matrix: Float[np.ndarray, "n d"]) -> float:
    """Share of the rows that occur more than once, bit for bit.

    >>> share_of_repeated_rows(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [4.0, 2.0]]))
    0.5
    """
    no_minus_zero = matrix + 0.0
    rows = no_minus_zero.view(f"V{no_minus_zero.strides[0]}").ravel().tolist()
    return sum(times for times in Counter(rows).values() if times > 1) / len(matrix)


def share_of_repeated_values(matrix: Float[np.ndarray, "n d"]) -> float:
    """Share of the entries that equal another entry of their column, in up to 64 rows evenly spaced.

    Constant columns are left out: they carry no information, discrete or not.

    >>> share_of_repeated_values(np.array([[0.0, 1.0, 7.0], [0.0, 2.0, 7.0], [3.0, 4.0, 7.0], [5.0, 6.0, 7]]))
    0.25
    """
    varies = matrix.max(0) > matrix.min(0)
    ordered = np.sort(_some_rows(matrix)[:, varies], axis=0)
    if ordered.size == 0:
        return 0.0
    same = ordered[1:] == ordered[:-1]
    repeated = np.zeros(ordered.shape, bool)
    repeated[1:] |= same
    repeated[:-1] |= same
    return float(repeated.mean())


def linear_dimension(matrix: Float[np.ndarray, "n d"], enough: int) -> int:
    """Number of independent directions; where 64 rows already show more than `enough`, that lower bound.

    Neither duplicated nor constant columns count. Directions of little variance do: the max-norm does not
    see them, yet they may carry information.

    >>> linear_dimension(np.array([[0.0, 0.0, 7.0], [1.0, 2.0, 7.0], [2.0, 4.0, 7.0]]), enough=2)
    1
    """
    if matrix.shape[1] == 1:
        return int(not is_constant(matrix))
    seen = _rank(standardised(_some_rows(matrix)))
    return seen if seen > enough or len(matrix) <= ROWS_LOOKED_AT else _rank(standardised(matrix))


def _rank(matrix: Float[np.ndarray, "n d"]) -> int:
    gram = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
    powers = np.linalg.eigvalsh(gram)
    return int(np.count_nonzero(powers > SAME_DIRECTION * powers[-1])) if powers[-1] > 0 else 0


def _some_rows(matrix: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m d"]:
    step = max(1, len(matrix) // ROWS_LOOKED_AT)
    return matrix[::step][:ROWS_LOOKED_AT]
