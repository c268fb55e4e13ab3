"""Parameters that do not change: forgotten, trained before, declared, or changed by the loop itself."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.cases import X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import State, Watch, watch
from levinthal.clinic.answer.states import Reason
from levinthal.clinic.rules.frozen import LIKE_NOISE, SINGULAR, above_noise


def trained(
    model: nn.Module, steps: int, call: nn.Module | None = None, frozen: tuple[str, ...] = ()
) -> Watch:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
    with watch(model, optimizer, every=5, frozen=frozen) as w:
        for _ in range(steps):
            at = torch.randint(0, len(X), (64,))
            optimizer.zero_grad()
            functional.cross_entropy((call or model)(X[at]), Y[at]).backward()
            optimizer.step()
    return w


@pytest.mark.parametrize("before", [0, 100])
def test_a_frozen_layer_with_random_weights_is_in_doubt_and_a_trained_one_is_not(before: int) -> None:
    torch.manual_seed(0)
    model = mlp()
    if before:
        trained(model, before)
        model[-1].reset_parameters()
    model[0].requires_grad_(False)
    w = trained(model, 200)
    (found,) = w.findings()
    assert (found.code, str(found.severity)) == ("FROZEN_PARAMS", "info")
    assert (float(found.evidence[SINGULAR]) < LIKE_NOISE) == (not before)
    said = w.answer()
    assert said.is_healthy == bool(before)
    if not before:
        assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.DOUBTED)
        assert "FROZEN_PARAMS" in said.headline
        assert trained(model, 200, frozen=("0.",)).answer().is_healthy


class Taught(nn.Module):
    """A student, and a teacher that is a moving average of it."""

    def __init__(self) -> None:
        super().__init__()
        self.student = mlp()
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            for old, new in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
                old.data.lerp_(new.data, 0.1)
        given: Tensor = self.student(x)
        return given


def test_a_moving_average_of_another_network_is_not_frozen() -> None:
    torch.manual_seed(0)
    assert [f.code for f in trained(Taught(), 60).findings()] == []
    still = Taught()
    assert [f.code for f in trained(still, 60, call=still.student).findings()] == ["FROZEN_PARAMS"]


@given(st.integers(2, 60), st.integers(32, 60), st.integers(0, 9), st.sampled_from([torch.rand, torch.randn]))
def test_independent_numbers_look_fresh(rows: int, columns: int, seed: int, draw: object) -> None:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(rows, columns, generator=generator)
    if draw is torch.rand:
        numbers = torch.rand(rows, columns, generator=generator) - 0.5
    assert above_noise(numbers) < LIKE_NOISE


def test_the_largest_singular_value_is_that_of_the_decomposition() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(40, 3, 5) + 0.3
    exact = torch.linalg.svdvals(matrix.flatten(1))[0] / (matrix.square().mean().sqrt() * (40**0.5 + 15**0.5))
    assert above_noise(matrix) == pytest.approx(float(exact), rel=1e-4)
    assert above_noise(torch.randn(3000, 2000)) == pytest.approx(1.0, abs=0.06)
