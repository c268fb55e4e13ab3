"""Problems whose fields do not fit: one line names the field and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import levinthal
from levinthal.clinic.examination import examine
from levinthal.clinic.problem.validity import require_problem
from levinthal.errors import InputError

X, Y = torch.randn(64, 8, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4
SHARED = nn.Linear(8, 4)


class Endless:
    """A loader of empty batches that never ends."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield X[:0], Y[:0]


EMPTY = Endless()
RAGGED: Any = DataLoader([(torch.zeros(8 + i % 2), 0) for i in range(8)], batch_size=4)  # type: ignore[arg-type]
PROBLEM = levinthal.Problem(
    model=lambda: nn.Linear(8, 4),
    loss=functional.cross_entropy,
    train=(X, Y),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
    steps=3,
)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"frozen": ("wieght",)}, "frozen='wieght' matches no parameter: did you mean 'weight'"),
        ({"model": nn.Linear(8, 4)}, "model is of type Linear: pass a function"),
        ({"model": lambda: None}, r"model\(\) returns a value of type NoneType"),
        ({"model": lambda: SHARED}, r"model\(\) returns the same network twice: build it anew"),
        ({"loss": None}, "loss is None: pass a function"),
        ({"loss": nn.CrossEntropyLoss}, r"pass an instance, CrossEntropyLoss\(\)"),
        ({"optimizer": torch.optim.SGD}, "optimizer is the class SGD: pass a function"),
        ({"optimizer": lambda _: None}, "returns NoneType: return a torch.optim.Optimizer"),
        ({"optimizer": lambda _: []}, "returns 0 optimisers"),
        (
            {"optimizer": lambda m: torch.optim.LBFGS(m.parameters())},
            "LBFGS, whose step takes a closure: give",
        ),
        ({"train": EMPTY}, "train yields 1,000 empty batches one after the other: give rows"),
        ({"validation": EMPTY}, "validation yields 1,000 empty batches"),
        ({"train": [(X[:4], ["a"] * 4)]}, "a batch holds a value of type str: give tensors"),
        (
            {"train": (np.ma.masked_array(X.numpy()), Y)},
            "train has a masked array, whose mask a tensor loses",
        ),
        ({"prepare": lambda x, y: (x[:0], y[:0])}, r"prepare\(inputs, targets\) returns 0 rows"),
        (
            {"train": RAGGED},
            "reading train failed: .*stack expects.*: give all rows one shape, or the loader",
        ),
        ({"optimizer": lambda _: torch.optim.SGD([], 0.1)}, "empty parameter list: pass model.parameters()"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"steps": 0}, "steps=0"),
        ({"train": None}, "train is of type NoneType"),
        ({"train": X}, "train is of type Tensor"),
        ({"train": (X, Y, Y)}, "train holds 3 arrays"),
        ({"train": (X, Y.tolist())}, r"train has its targets as a list: give one tensor, torch.tensor\(targ"),
        ({"validation": [X.numpy(), (1, 2)]}, "validation has its targets as a tuple: give one tensor"),
        ({"train": iter([(X, Y)])}, "train is an iterator, which can be read only once"),
        ({"train": (X[:0], Y[:0])}, "train has 0 rows"),
        ({"train": DataLoader(TensorDataset(X[:0], Y[:0]))}, "train yields 0 batches"),
        ({"train": (["a"] * 64, Y)}, "the data hold str"),
        ({"validation": (X[:0], Y[:0])}, "validation has 0 rows"),
        ({"validation": (X[:, :3], Y)}, r"expects 8 features \(axis -1\), and a validation batch has 3"),
        ({"schedule": lambda _: None}, r"schedule\(optimizer\) returns a value of type NoneType"),
        ({"prepare": lambda x, y: None}, r"prepare\(inputs, targets\) returns a value of type NoneType"),
        (
            {"metric": lambda o, t: (o[:, 0] > t).float()},
            r"metric\(outputs, targets\) returns a value of shape",
        ),
    ],
)
def test_a_field_that_does_not_fit_is_one_line(change: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line) as raised:
        examine(replace(PROBLEM, **change))
    assert "\n" not in str(raised.value)


def test_a_class_of_a_billion_takes_no_table_of_a_billion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "bincount")
    with pytest.raises(InputError, match="the model has 4 outputs"):
        examine(replace(PROBLEM, train=(X, Y + 10**9)))


def test_validation_rows_that_are_not_finite_are_found() -> None:
    bad = X.clone()
    bad[3:5, 2] = torch.nan
    seen = examine(replace(PROBLEM, validation=(bad, Y)))
    (finding,) = [f for f in seen.findings if f.code == "NON_FINITE_INPUT"]
    assert finding.where == "validation"
    assert finding.evidence == {"rows with nan or infinity": 2, "of": 64}
    assert not seen.is_healthy


@pytest.mark.parametrize("given", [nn.Linear(4, 2), None, {"model": nn.Linear}])
def test_anything_but_a_problem_is_one_line(given: object) -> None:
    with pytest.raises(InputError, match=f"a {type(given).__name__} is no Problem: pass levinthal.Problem"):
        require_problem(given)
