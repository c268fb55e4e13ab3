from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.clinic.cases import Loop, mlp, sampled
from tests.integrations.logs import trained
from torch import nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.integrations.logged import COLUMNS, counts, last_step, numbers_by_step, rows


def test_each_sampled_step_has_its_numbers_in_order() -> None:
    w = trained(nn.Softmax(1))
    found = numbers_by_step(w, start=100)
    assert list(found) == [100 + step for step in sampled(30, 5)]
    losses = [numbers["levinthal/loss"] for numbers in found.values()]
    assert losses == pytest.approx(w.history.losses.tolist())
    names = {f"levinthal/{curve}/{layer}" for curve in ("gradient_norm", "step_size") for layer in (0, 2)}
    assert found[100].keys() == {"levinthal/loss", *names}
    assert last_step(w, 100) == max(found)


def test_a_number_that_is_not_finite_is_left_out() -> None:
    model, lost = mlp(depth=1), Loop(steps=30, loss=lambda z, y: math.nan * functional.cross_entropy(z, y))
    w = lost.run(model, torch.optim.SGD(model.parameters(), 0.1))
    found = numbers_by_step(w)
    assert np.isnan(w.history.losses).all()
    assert not any("levinthal/loss" in numbers for numbers in found.values())
    assert all(math.isfinite(value) for numbers in found.values() for value in numbers.values())


def test_findings_are_rows_and_counts() -> None:
    w = trained(nn.Softmax(1))
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows(w)]
    assert found[0]["code"] == "DOUBLE_SOFTMAX"
    assert sum(counts(w).values()) == len(found) == len(w.findings())
    assert counts(w)["levinthal/warning"] == sum(row["severity"] == "warning" for row in found)


def test_before_the_first_step_there_is_nothing() -> None:
    model = mlp(depth=1)
    w = watch(model, torch.optim.SGD(model.parameters(), 0.1))
    assert (numbers_by_step(w), rows(w), last_step(w, 7)) == ({}, [], 7)
