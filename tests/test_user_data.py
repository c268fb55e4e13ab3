"""Arrays, tensors and modules of a user, read as what is meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from levinthal.errors import InputError
from levinthal.user_data import as_tensor, require_module

ROWS = np.random.default_rng(0).random((6, 4))


class Table:
    """A table of another library."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        del dtype, copy
        return ROWS


@pytest.mark.parametrize(
    "values",
    [
        ROWS,
        ROWS.tolist(),
        Table(),
        np.asfortranarray(ROWS),
        ROWS[::-1][::-1],
        ROWS.astype(">f8"),
        ROWS.astype("longdouble"),
        np.broadcast_to(ROWS, (6, 4)),
        torch.tensor(ROWS, requires_grad=True),
    ],
    ids=["array", "lists", "table", "columns first", "reversed", "big endian", "long", "read only", "tensor"],
)
def test_rows_of_numbers_are_read_whatever_holds_them(values: Any) -> None:
    assert torch.equal(as_tensor(values, "inputs"), torch.tensor(ROWS))


def test_an_array_shares_its_memory_and_a_read_only_one_is_left_alone() -> None:
    array = ROWS.copy()
    as_tensor(array, "inputs")[0, 0] = 7.0
    assert array[0, 0] == 7.0
    array.flags.writeable = False
    as_tensor(array, "inputs")[0, 0] = 8.0
    assert array[0, 0] == 7.0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (None, "inputs=None has no rows"),
        (5, "inputs=5 has no rows"),
        ({"a": [1.0]}, "has no rows"),
        ((i for i in [1.0]), "has no rows: pass an array"),
        (["a"], "inputs holds text"),
        ([None], "inputs holds Python objects"),
        (ROWS * 1j, "inputs holds complex numbers"),
        (np.zeros(3, "M8[s]"), "inputs holds dates"),
        ([[1.0], [2.0, 3.0]], "row 0 has 1 value, row 1 has 2 values"),
        (torch.tensor(1.0), "inputs has shape ()"),
        (torch.zeros(2, device="meta"), "inputs is on the meta device"),
        (torch.zeros(2, 2).to_sparse(), "pass inputs.to_dense()"),
    ],
)
def test_anything_else_is_refused_in_a_line(values: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        as_tensor(values, "inputs")
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (None, "the model is of type NoneType: pass a torch.nn.Module"),
        (nn.Linear, r"the model is the class Linear: pass an instance, Linear\(...\)"),
        (nn.ReLU(), "0 parameters"),
        (nn.LazyLinear(3), r"weight has no shape yet \(a lazy module\)"),
        (nn.Linear(2, 2, device="meta"), "the model is on the meta device"),
    ],
)
def test_a_model_is_a_module_that_can_be_trained(model: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        require_module(model)
