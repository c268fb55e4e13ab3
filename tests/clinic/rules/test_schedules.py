"""Schedules that keep the learning rate low to the end, and schedules that only begin low."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as fn
from torch.optim.lr_scheduler import LambdaLR

from levinthal.clinic import watch
from levinthal.clinic.rules.label_probes import leaking_columns
from levinthal.clinic.rules.tables import Table

X = torch.randn(600, 12, generator=torch.Generator().manual_seed(0))
Y = X[:, :4].argmax(1)


def codes(factor: Callable[[int], float], rate: float = 3e-3) -> dict[str, str]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = LambdaLR(optimizer, factor)
    draw = torch.Generator().manual_seed(0)
    with watch(model, optimizer, every=5) as w:
        for _ in range(150):
            rows = torch.randint(0, 600, (32,), generator=draw)
            optimizer.zero_grad()
            fn.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
            schedule.step()
    return {finding.code: finding.remedy for finding in w.findings()}


@pytest.mark.parametrize(
    "factor",
    [lambda step: step / 4000, lambda _: 3e-3],
    ids=["warm-up longer than the training", "a rate in place of a factor"],
)
def test_a_schedule_that_keeps_the_rate_low(factor: Callable[[int], float]) -> None:
    assert "shorter warm-up" in codes(factor).get("LR_TOO_LOW", "")


@pytest.mark.parametrize(
    ("factor", "rate"),
    [
        (lambda step: min(1.0, (step + 1) / 20), 3e-3),
        (lambda step: 0.98**step, 3e-2),
        (lambda step: 3e-3 * min(1.0, (step + 1) / 20), 1.0),
    ],
    ids=["a warm-up", "a decay", "factors that are the rates"],
)
def test_other_schedules(factor: Callable[[int], float], rate: float) -> None:
    assert "LR_TOO_LOW" not in codes(factor, rate)


def table(values: np.ndarray, numbers: np.ndarray) -> Table:
    return Table(values, None, numbers)


def test_a_target_among_the_columns_leaks_although_others_are_like_it() -> None:
    generator = np.random.default_rng(0)
    walk = generator.normal(size=(200, 12)).cumsum(1) + 5 * generator.normal(size=(200, 1))
    leaking = leaking_columns(table(walk, 3 * walk[:, -1] + 1))
    assert leaking is not None
    assert leaking[0] == [11]
    assert leaking_columns(table(walk[:, :-1], walk[:, -1])) is None
    assert leaking_columns(table(walk[:, -2:], walk[:, -1])) is None  # a law of two columns
    assert leaking_columns(table(np.repeat(walk[:, -1:], 4, 1), walk[:, -1])) is None
