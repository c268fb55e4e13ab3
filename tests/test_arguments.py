"""Arguments: one line with the name, the value, what is expected and the way out."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from levinthal import arguments
from levinthal.errors import InputError, require_one_of


class Odd:
    def __repr__(self) -> str:
        return "odd\n\x1b[31m\u202e" * 99


NO_NUMBERS = [None, "3", b"3", [3], {"k": 3}, (i for i in "3"), 3j, Odd(), int, np.ones(2), torch.ones(2)]
TRUTHS = [True, np.bool_(True), torch.tensor(True), np.array(True)]


@pytest.mark.parametrize("value", [4, np.int64(4), np.uint8(4), np.array(4), torch.tensor(4)], ids=repr)
def test_a_whole_number_of_any_library_is_a_number_of_python(value: Any) -> None:
    found = arguments.whole("k", value, least=1)
    assert (found, type(found)) == (4, int)


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, *TRUTHS, 2.5, math.nan, math.inf, Fraction(5, 2), torch.ones(1, device="meta")]
)
def test_anything_else_is_no_whole_number(value: Any) -> None:
    with pytest.raises(InputError) as caught:
        arguments.whole("k", value, least=1)
    line = str(caught.value)
    assert line.startswith("k=")
    assert line.endswith("is no whole number: pass 1 or more")
    assert line.isprintable()
    assert len(line) < 200


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (3.0, "k=3.0 is no whole number: pass 3"),
        (0, "k=0 is less than 1: use k=1 or more"),
        (65, "k=65 is more than 64: use k=64 or less"),
        (10**5000, "k=about 10**5000 is more than 64: use k=64 or less"),
        (-(10**99), "k=about -10**99 is less than 1: use k=1 or more"),
    ],
    ids=["fraction", "too small", "too large", "huge", "hugely negative"],
)
def test_the_way_out_of_a_whole_number(value: Any, line: str) -> None:
    with pytest.raises(InputError) as caught:
        arguments.whole("k", value, least=1, most=64)
    assert str(caught.value) == line


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), torch.tensor(0.5), Fraction(1, 2), Decimal("0.5")])
def test_a_number_of_any_library_is_a_float(value: Any) -> None:
    assert arguments.number("lr", value, least=0) == 0.5


@pytest.mark.parametrize("value", [*NO_NUMBERS, *TRUTHS, math.nan, np.datetime64("NaT"), np.array("3")])
def test_anything_else_is_no_number(value: Any) -> None:
    with pytest.raises(InputError, match=r"^lr=.* is no number: pass a number of 0 or more$"):
        arguments.number("lr", value, least=0)


@pytest.mark.parametrize(
    ("ends", "value", "asked"),
    [
        ({"least": 0, "below": 1}, 1.0, "a number of 0 or more and below 1"),
        ({"above": 0, "most": 1}, 0, "a number above 0 and of 1 or less"),
        ({"finite": True}, math.inf, "a number"),
        ({"most": 2}, 10**400, "a number of 2 or less"),
    ],
)
def test_a_number_out_of_its_range_names_the_range(ends: dict[str, Any], value: Any, asked: str) -> None:
    with pytest.raises(InputError) as caught:
        arguments.number("share", value, **ends)
    assert str(caught.value).endswith(f"is out of range: pass {asked}")


def test_nan_is_a_number_only_where_it_stands_for_none() -> None:
    assert math.isnan(arguments.number("value", math.nan, nan=True))


@pytest.mark.parametrize("value", [None, "no", 0, 1, [], np.array([True]), Odd()])
def test_only_a_truth_value_is_one(value: Any) -> None:
    with pytest.raises(InputError, match="is neither True nor False"):
        arguments.flag("debiased", value)
    assert arguments.flag("debiased", np.bool_(False)) is False


@pytest.mark.parametrize("value", [None, 5, "12", b"12", {1: 2}, np.array(5), torch.tensor(5)])
def test_a_list_is_no_text_no_mapping_and_no_number(value: Any) -> None:
    with pytest.raises(InputError, match=r"is no list of values: pass seeds=\(0,\)"):
        arguments.several("seeds", value, "seeds=(0,)")
    assert arguments.several("seeds", np.arange(2), "") == [0, 1]


@pytest.mark.parametrize("name", [None, 5, b"ksg", ["ksg"], math.nan, np.array(["a", "b"]), Odd()])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(InputError, match=r"the estimator is of type \w+: pass one of \(ksg, copula\)"):
        require_one_of("estimator", name, ["ksg", "copula"])


def test_a_name_is_shown_without_what_cannot_be_printed_and_in_short() -> None:
    for name in ("k\x1b[31m\u202e\n", "k" * 10**6):
        with pytest.raises(InputError) as caught:
            require_one_of("estimator", name, ["ksg"])
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200


CALLS: dict[str, str] = {
    "mutual_information(X, X, k=True)": "k=True is no whole number: pass 1 or more",
    "mutual_information(X, X, seed=-1)": "seed=-1 is less than 0: use seed=0 or more",
    "mutual_information(X, X, threads=10**6)": "threads=1000000 is more than 1,024",
    "mutual_information(X, X, estimator=None)": "the estimator is of type NoneType: pass one of (ksg,",
    "mutual_information(X, X, calibrate='no')": "calibrate='no' is neither True nor False",
    "mutual_information(X, X, compat='npeet', seed=2**32)": "numpy.random.seed takes 0 to 2**32 - 1",
    "mutual_information(torch.tensor(X).to_sparse(), X)": "layout sparse_coo: pass x.to_dense()",
    "mutual_information(X, torch.tensor(X, device='meta'))": "y is on the meta device, which holds no values",
    "mutual_information(None, X)": "x=None has no rows: pass an array or a tensor of numbers",
    "cka(X, X, debiased='no')": "debiased='no' is neither True nor False",
    "count_neighbours(X * 1j, X)": "x is complex128",
    "proportion(1.5, 3)": "count=1.5 is no whole number",
    "proportion(1, 10**400)": "is more than 9,007,199,254,740,992",
    "count_neighbours(X, X, seed_radius=np.array(0.5))": "seed_radius has shape () for 30 rows",
    "train('net', X, X, steps=1)": "the model is of type str: pass a torch.nn.Module",
    "train(nn.Linear, X, X, steps=1)": "the model is the class Linear: pass an instance, Linear(...)",
    "train(nn.Linear(2, 2), X, [0] * 30, steps=2.5)": "steps=2.5 is no whole number: pass one from 0 to",
    "train(nn.Linear(2, 2), X, [0] * 30, steps=1, optimizer=5)": "optimizer=5 is no function: pass 'sgd'",
    "next(train(nn.Linear(2, 2), X, [9] * 30, steps=1))": "labels run from 9 to 9, and there are 2",
    "next(train(nn.Linear(3, 2), X, [0] * 30, steps=1))": "model or loss fail on inputs (30, 2)",
    "next(train(nn.Linear(2, 2), X, X, steps=1, loss=lambda o, y: 0.5))": "the loss returns 0.5",
    "train(nn.Linear(2, 2), X, [0] * 30, steps=1, snapshots=[-1])": "snapshots=-1 is less than 0",
    "SGD(lr='0.1')": "lr='0.1' is no number: pass a number of 0 or more",
    "SGD(momentum=1.0)": "momentum=1.0 is out of range: pass a number of 0 or more and below 1",
    "Adam(betas=0.9)": "betas=0.9 is no list of values: pass betas=(0.9, 0.999)",
    "first_last(inputs=4, width=10**6, depth=3)": "at most 1e+09",
    "first_last(inputs=4, width=3, depth=2, dtype='float32')": "dtype='float32' has no fractions",
    "activations(nn.Linear(2, 2), X)": "the model is a Linear: build one with networks.first_last(...)",
    "activations(NET, X)": "inputs has shape (30, 2), and the network reads (n, 4)",
    "error_rate(X, [0] * 29)": "30 inputs and 29 labels: give one label for each input",
    "error_rate(X, [0] * 30, batchnorm='runing')": "unknown batchnorm 'runing': did you mean 'running'?",
    "Estimate(0.5, trust='certain')": "unknown trust 'certain': known: (exact,",
    "Estimate('4', trust='exact')": "value='4' is no number",
    "Estimate(10**400, trust='exact')": "is out of range: pass a number that a float holds",
    "Interval(0, 10**400)": "is out of range: pass a number that a float holds",
    "Estimate(4, trust='exact', reasons='few rows')": "reasons='few rows' is no list of values",
}


def test_every_function_says_what_is_wrong_with_an_argument() -> None:
    """In a process of its own: here the annotations are checked before the arguments are."""
    code = f"""
import numpy as np, torch
from torch import nn
from levinthal import Estimate, Interval, cka, mutual_information, proportion, train
from levinthal.estimators import count_neighbours
from levinthal.networks import activations, first_last
from levinthal.probes import error_rate
from levinthal.training import SGD, Adam
X, NET = np.random.default_rng(0).random((30, 2)), first_last(inputs=4, width=3, depth=2)
for call in {list(CALLS)!r}:
    try:
        eval(call)
        print("nothing is wrong")
    except ValueError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(CALLS)
    missed = [
        (call, line) for (call, says), line in zip(CALLS.items(), lines, strict=True) if says not in line
    ]
    assert missed == []


@pytest.mark.parametrize("check", [arguments.function, arguments.several])
def test_a_value_that_cannot_be_shown_is_named_by_its_type(check: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="given=an Odd is no"):
        check("given", Odd(), "print")
