from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests import oracles_training as oracle

from levinthal.errors import InputError
from levinthal.training.optimizers import SGD, Adam, RMSprop, named_optimizer

SLOPES = [0.3, -1.2, 1e-5, 0.0, 2.5, 2.5, -0.7]


def path(rule, slopes=SLOPES, start=0.5):
    weight = torch.tensor([start], dtype=torch.float64)
    optimizer = rule([weight])
    seen = []
    for slope in slopes:
        weight.grad = torch.tensor([slope], dtype=torch.float64)
        optimizer.step()
        seen.append(float(weight))
    return seen


CASES = {
    "rmsprop keras": (RMSprop(0.01), lambda s: oracle.rmsprop(0.5, s, 0.01, 0.9, 1e-8)),
    "rmsprop later keras": (RMSprop(0.01, eps=1e-7), lambda s: oracle.rmsprop(0.5, s, 0.01, 0.9, 1e-7)),
    "rmsprop torch": (RMSprop(0.01, "torch"), lambda s: oracle.rmsprop(0.5, s, 0.01, 0.99, 1e-8)),
    "adam torch": (Adam(0.01), lambda s: oracle.adam(0.5, s, 0.01, 0.9, 0.999, 1e-8, keras=False)),
    "adam keras": (
        Adam(0.01, "keras", eps=1e-3),
        lambda s: oracle.adam(0.5, s, 0.01, 0.9, 0.999, 1e-3, keras=True),
    ),
    "sgd": (SGD(0.1), lambda s: oracle.sgd(0.5, s, 0.1, 0.0, nesterov=False)),
    "momentum": (SGD(0.1, 0.9), lambda s: oracle.sgd(0.5, s, 0.1, 0.9, nesterov=False)),
    "nesterov": (SGD(0.1, 0.9, nesterov=True), lambda s: oracle.sgd(0.5, s, 0.1, 0.9, nesterov=True)),
}


@pytest.mark.parametrize("case", CASES)
def test_steps_computed_by_hand(case):
    rule, by_hand = CASES[case]
    for ours, wanted in zip(path(rule), by_hand(SLOPES), strict=True):
        assert math.isclose(ours, wanted, rel_tol=1e-12)


def test_keras_adam_adds_eps_elsewhere():
    torch_like, keras_like = path(Adam(0.01, eps=1e-3)), path(Adam(0.01, "keras", eps=1e-3))
    assert abs(torch_like[0] - keras_like[0]) > 1e-5


@given(slope=st.floats(1e-3, 1e3), lr=st.floats(1e-5, 1.0))
def test_the_first_step_of_rmsprop_is_lr_over_sqrt_of_one_minus_rho(slope, lr):
    (moved,) = path(RMSprop(lr), [slope], 0.0)
    assert math.isclose(-moved, lr / math.sqrt(0.1), rel_tol=1e-4)


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        (RMSprop(0.01, "torch"), lambda w: torch.optim.RMSprop(w, 0.01)),
        (RMSprop(0.01), lambda w: torch.optim.RMSprop(w, 0.01, alpha=0.9)),
        (Adam(0.01), lambda w: torch.optim.Adam(w, 0.01)),
        (SGD(0.1, 0.9, nesterov=True), lambda w: torch.optim.SGD(w, 0.1, momentum=0.9, nesterov=True)),
    ],
)
def test_torch_s_constants_are_torch_s_optimisers(rule, theirs):
    draw = torch.Generator().manual_seed(0)
    mine = torch.randn(50, generator=draw, dtype=torch.float64)
    other = mine.clone()
    ours, reference = rule([mine]), theirs([other])
    for _ in range(40):
        mine.grad = torch.randn(50, generator=draw, dtype=torch.float64)
        other.grad = mine.grad.clone()
        ours.step()
        reference.step()
    assert torch.allclose(mine, other, atol=1e-12)


def test_rate_zero_keeps_the_weights():
    assert path(RMSprop(0.0)) == path(SGD(0.0)) == path(Adam(0.0)) == [0.5] * len(SLOPES)


def test_a_weight_that_never_had_a_gradient_stays():
    assert path(RMSprop(), [0.0, 0.0]) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: named_optimizer("rmsprob"), "did you mean 'rmsprop'"),
        (lambda: RMSprop(constants="kreas")([torch.zeros(1)]), "did you mean 'keras'"),
        (lambda: Adam(constants="jax")([torch.zeros(1)]), "unknown constants 'jax'"),
        (lambda: SGD(-0.1)([torch.zeros(1)]), "lr=-0.1"),
        (lambda: RMSprop(float("nan"))([torch.zeros(1)]), "lr=nan"),
    ],
)
def test_what_is_no_optimiser(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)


def test_names():
    assert named_optimizer("rmsprop") == RMSprop()
    assert named_optimizer(Adam(0.5)).lr == 0.5
