"""Values that are wrong for an argument of the Python API, by what the argument is."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

Values = dict[str, Callable[[], Any]]
"""A value as one would write it -> what makes it."""


def as_written(*texts: str, **names: Any) -> Values:
    """Values from their texts, evaluated when they are needed."""
    known = {
        "np": np,
        "torch": torch,
        "nn": nn,
        "Decimal": Decimal,
        "Fraction": Fraction,
        "day": _day,
    } | names

    def made(text: str) -> Callable[[], Any]:
        return lambda: eval(text, dict(known))

    return {text: made(text) for text in texts}


def _day() -> datetime.date:
    return datetime.date(2024, 2, 29)


class Odd:
    """A thing that nothing takes, whose text is long, of several lines, and turns the reading direction."""

    def __repr__(self) -> str:
        return "odd\n\x1b[31m\u202e" * 1000


class Frame:
    """A table of another library: it has rows, columns and `__array__`."""

    def __init__(self, *columns: Any) -> None:
        self.values = np.stack(columns, 1)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        del copy
        return self.values.astype(dtype or self.values.dtype)


class Broken:
    """A table that cannot be read."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("two\nlines")


NOTHING = as_written("None")
THINGS = as_written(
    "'3'", "b'3'", "[3]", "{'k': 3}", "(i for i in '3')", "3j", "Odd()", "lambda: 3", "int", "{3}", "day()",
    "np.array([1, 2])", "np.array('3')", "torch.ones(2)", "torch.ones(1, device='meta')",
    "np.datetime64('NaT')", Odd=Odd,
)  # fmt: skip
TRUTHS = as_written("True", "np.bool_(True)", "torch.tensor(True)", "np.array(True)")
NOT_FINITE = as_written("float('nan')", "float('inf')", "-float('inf')", "np.float32('nan')")
FRACTIONS = as_written(
    "2.5", "3.0", "np.float64(2.5)", "torch.tensor(2.5)", "Fraction(5, 2)", "Decimal('2.5')", "1e400"
)
BELOW = as_written("-1", "-10**30", "np.int64(-3)")
HUGE = as_written("10**6", "10**30", "10**5000")
SAME_WHOLE = as_written("np.int64(4)", "np.uint8(4)", "torch.tensor(4)", "np.array(4)")
SAME_NUMBER = as_written(
    "np.float32(0.5)", "torch.tensor(0.5)", "Fraction(1, 2)", "Decimal('0.5')", "np.array(0.5)"
)

WHOLE = NOTHING | THINGS | TRUTHS | NOT_FINITE | FRACTIONS
NUMBER = NOTHING | THINGS | TRUTHS | as_written("float('nan')", "Decimal('NaN')")
NAME = as_written(
    "5", "True", "''", "'ksgg'", "'K S G'", "b'ksg'", "['ksg']", "{'ksg': 1}", "float('nan')",
    "np.array(['ksg'])", "'ksg\\u202e\\x1b[31m\\n'", "'k' * 10**6", "Odd()", "lambda: 'ksg'",
    "torch.ones(2)", "np.array(['a', 'b'])", Odd=Odd,
)  # fmt: skip
FLAG = as_written(
    "None", "'yes'", "2", "[]", "0.5", "np.array([True, False])", "Odd()", "b'1'", "nn", Odd=Odd
)
SAME_FLAG = as_written("np.bool_(True)")
FUNCTION = as_written("5", "'print'", "[print]", "{}", "torch.ones(2)", "float('nan')", "Odd()", Odd=Odd)
MODULE = as_written(
    "None", "5", "'net'", "nn.Linear", "lambda x: x", "[nn.Linear(4, 4), 5]", "{'a': nn.Linear(4, 4)}",
    "torch.ones(2)", "nn.Linear(4, 4).state_dict()", "nn.ReLU()", "nn.LazyLinear(3)", "Odd()",
    "nn.Linear(4, 4).parameters()", Odd=Odd,
)  # fmt: skip


def _quantised() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.rand(30, 2), 0.1, 0, torch.quint8)


def _nested() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor([torch.rand(2), torch.rand(3)])


KNOWN = {
    "Odd": Odd,
    "Frame": Frame,
    "Broken": Broken,
    "quantised": _quantised,
    "nested": _nested,
    "rng": np.random,
}
ARRAY = as_written(
    "None", "5", "2.5", "True", "'text'", "b'bytes'", "{}", "{'a': [1.0]}", "set()", "Odd()",
    "(i for i in [0.5])", "lambda: 0.5", "[]", "[[]]", "[[1.0], [2.0, 3.0]]", "[0.5, None]", "['a', 'b']",
    "[0.5, 'b']", "float", "Broken()", "np.zeros((0, 2))", "np.zeros((2, 0))", "np.array(0.5)",
    "rng.rand(30, 2, 2)", "rng.rand(1, 2)", "np.array([0.5] * 30, object)", "np.array(['0.5'] * 30)",
    "np.zeros(30, 'M8[s]')", "np.zeros(30, 'm8[s]')", "rng.rand(30) * 1j", "np.zeros(30, [('a', float)])",
    "np.ma.masked_array(rng.rand(30), [1] * 30)", "np.r_[rng.rand(29), np.nan]",
    "np.r_[rng.rand(29), np.inf]", "np.arange(30)", "np.arange(30) > 3", "torch.rand(30, 2).to_sparse()",
    "torch.rand(30, 2).to_sparse_csr()", "torch.rand(30, 2, device='meta')", "torch.rand(30, 2) * 1j",
    "torch.arange(30)", "torch.rand(30) > 0.5", "quantised()", "nested()", "torch.rand(())",
    "nn.Linear(2, 2)", "[torch.rand(2), torch.rand(3)]", "1e300 * rng.rand(30)", "1e-300 * rng.rand(30)",
    "np.rec", **KNOWN,
)  # fmt: skip
SAME_ARRAY = as_written(
    "rng.rand(30)", "rng.rand(30).tolist()", "tuple(rng.rand(30))", "rng.rand(30, 2).tolist()",
    "rng.rand(30, 2).astype('f2')", "rng.rand(30, 2).astype('f4')", "rng.rand(30, 2).astype('longdouble')",
    "rng.rand(30, 4)[:, ::2]", "rng.rand(30, 2)[::-1]", "np.asfortranarray(rng.rand(30, 2))",
    "rng.rand(30, 2).astype('>f8')", "torch.rand(30, 2, dtype=torch.bfloat16)", "torch.rand(30, 2).half()",
    "torch.rand(30, 2, requires_grad=True)", "torch.rand(2, 30).T",
    "torch.rand(1, 2).expand(30, 2) + torch.rand(30, 1)", "Frame(rng.rand(30), rng.rand(30))",
    "nn.Parameter(torch.rand(30, 2))", "[torch.rand(2) for _ in range(30)]", "memoryview(rng.rand(30))",
    "[rng.rand(2) for _ in range(30)]", "torch.rand(30, 2).conj()",
    "torch.rand(30, 2, dtype=torch.float64)[::3].repeat(3, 1)", **KNOWN,
)  # fmt: skip
