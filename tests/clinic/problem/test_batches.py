"""Batches of a problem: every row once an epoch, in an order that the seed fixes."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import levinthal
from levinthal.clinic.problem.batches import batches, held_out
from levinthal.errors import InputError

X, Y = torch.arange(12.0)[:, None], torch.arange(12)
LOADER = DataLoader(TensorDataset(X, Y), batch_size=4, shuffle=True)
PROBLEM = levinthal.Problem(
    model=lambda: nn.Linear(1, 12),
    loss=nn.functional.cross_entropy,
    train=(X, Y),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
    batch_size=4,
)


def rows(problem: levinthal.Problem, seed: int, count: int) -> list[list[int]]:
    return [y.tolist() for _, y in islice(batches(problem, seed), count)]


@pytest.mark.parametrize("train", [(X, Y), (X.numpy(), Y.numpy()), LOADER], ids=["pair", "arrays", "loader"])
def test_an_epoch_holds_every_row_once_and_the_seed_fixes_the_order(train: object) -> None:
    problem = replace(PROBLEM, train=train)
    assert sorted(chain.from_iterable(rows(problem, 0, 3))) == list(range(12))
    torch.rand(3)  # other draws have no effect
    assert rows(problem, 0, 6) == rows(problem, 0, 6) != rows(problem, 1, 6)
    assert rows(problem, 0, 3) != rows(problem, 0, 6)[3:]


def test_without_shuffling_rows_come_in_their_order() -> None:
    assert rows(replace(PROBLEM, shuffle=False), 0, 2) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_inputs_may_be_dictionaries_of_tensors() -> None:
    problem = replace(PROBLEM, train=({"a": X, "b": 2 * X}, Y))
    inputs, targets = next(batches(problem, 0))
    assert torch.equal(inputs["b"], 2 * inputs["a"])
    assert torch.equal(inputs["a"][:, 0].long(), targets)


def test_prepare_is_applied_to_training_and_validation_batches() -> None:
    problem = replace(PROBLEM, prepare=lambda x, y: (x + 100, y), validation=(X, Y))
    assert float(next(batches(problem, 0))[0].min()) >= 100
    assert float(held_out(problem)[0][0].min()) >= 100


@pytest.mark.parametrize(
    ("train", "line"),
    [
        ((X, Y[:5]), "train has 12 inputs and 5 targets"),
        ((X[:0], Y[:0]), "train has 0 rows"),
        ([], "0 batches"),
        ([(X, Y, Y)], "train has a batch that is a value of 3 items"),
        ([X], "train has a batch that is a value of type Tensor"),
        (([[1.0, 2.0], [3.0]], Y[:2]), r"different lengths \(row 0 has 2 values, row 1 has 1 value\)"),
        (
            (np.array([np.zeros(2), np.zeros(3)], object), Y[:2]),
            r"\(row 0 has 2 values, row 1 has 3 values\)",
        ),
        (([[1.0], [3.0]], Y[:2]), r"the data are a list of numbers: pass torch.tensor"),
    ],
)
def test_data_that_make_no_batch_are_refused_in_one_line(train: object, line: str) -> None:
    with pytest.raises(InputError, match=line):
        next(batches(replace(PROBLEM, train=train), 0))


def test_a_list_of_two_batches_is_not_a_pair_of_arrays() -> None:
    loader = [(X[:4], Y[:4]), (X[4:8], Y[4:8])]
    assert [y.tolist() for _, y in islice(batches(replace(PROBLEM, train=loader), 0), 2)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]
    assert len(held_out(replace(PROBLEM, train=loader))) == 2
