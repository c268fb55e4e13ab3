"""Frozen batch norms whose running statistics move; beside each a norm that is frozen well, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch

CODE = "FROZEN_NORM_MOVES"


class Tuned(nn.Module):
    """A backbone that was trained on other images, frozen by hand, and a new head."""

    def __init__(self, is_trained: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU())
        if is_trained:
            for _ in range(100):
                self.body(1 - X[torch.randint(0, len(X), (64,))])
        self.body.requires_grad_(False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


def nothing(model: Tuned) -> None:
    """No further step."""


def tuned(
    before: Callable[[Tuned], Any] = nothing,
    after: Callable[[Tuned], Any] = nothing,
    inputs: Tensor = X,
    is_trained: bool = True,
    **options: Any,
) -> Watch:
    torch.manual_seed(0)
    model = Tuned(is_trained)
    before(model)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
    with watch(model, optimizer, every=5, **options) as w:
        for _ in range(80):
            rows = torch.randint(0, len(X), (64,))
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[rows]), Y[rows]).backward()
            optimizer.step()
            with torch.no_grad():
                after(model)
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def severity(w: Watch) -> str:
    return next((str(f.severity) for f in w.findings() if f.code == CODE), "")


def test_statistics_that_follow_the_new_images_are_noted() -> None:
    w = tuned()
    found = next(f for f in w.findings() if f.code == CODE)
    assert (found.where, found.severity, found.evidence["batch norms"]) == ("body.1", "info", 1)


@pytest.mark.parametrize("frozen", ["body.", "*body*", lambda name: "head" not in name])
def test_of_norms_that_are_declared_frozen_it_is_a_warning(frozen: Any) -> None:
    assert severity(tuned(frozen=frozen)) == "warning"


def test_it_is_a_warning_where_evaluation_mode_gives_another_loss() -> None:
    """The statistics follow so slowly that those of the old images are still in them at the end."""

    def slowly(model: Tuned) -> None:
        model.body[1].momentum = 0.004  # type: ignore[assignment]

    held_out = X[:256], Y[:256]
    assert severity(tuned(slowly, validation=held_out)) == "warning"
    assert severity(tuned(validation=held_out)) == "info"


def follow(model: Tuned) -> None:
    """The loop itself moves the parameters, as a moving average of another network does."""
    for p in model.body.parameters():
        p.mul_(0.999)


WELL: dict[str, Callable[[], Watch]] = {
    "in evaluation mode": lambda: tuned(lambda model: model.body.eval()),
    "not frozen": lambda: tuned(lambda model: model.body.requires_grad_(True)),
    "of the same images": lambda: tuned(inputs=1 - X),
    "of no batch before": lambda: tuned(is_trained=False),
    "a moving average": lambda: tuned(after=follow),
    "without statistics": lambda: tuned(
        lambda model: model.body.__setitem__(1, nn.BatchNorm1d(32, track_running_stats=False))
    ),
    "frozen and thawed": lambda: tuned(after=lambda model: model.body.requires_grad_(True)),
}


@pytest.mark.parametrize("name", WELL)
def test_norms_that_are_frozen_well_or_not_at_all_are_not_noted(name: str) -> None:
    assert severity(WELL[name]()) == ""
