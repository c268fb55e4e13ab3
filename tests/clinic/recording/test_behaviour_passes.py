"""How outputs depend on inputs: each way of mixing rows, and the networks that only look like one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal.clinic.recording.behaviour import Behaviour
from levinthal.clinic.recording.behaviour_passes import MOST_PASSES, behaviour

X = torch.randn(40, 12, generator=torch.Generator().manual_seed(0))
SERIES = X.view(40, 3, 4)
TOKENS = torch.randint(1, 20, (40, 9), generator=torch.Generator().manual_seed(1))


class Of(nn.Module):
    """A network and what is done around it."""

    def __init__(self, forward: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.do = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *args: Tensor) -> Tensor:
        return self.do(self, *args)


def seen(model: nn.Module, *args: Tensor, targets: Tensor | None = None) -> Behaviour:
    torch.manual_seed(0)
    found = behaviour(model, args, {}, targets)
    assert found is not None
    assert found.passes <= MOST_PASSES
    return found


def gru(**options: bool) -> nn.GRU:
    torch.manual_seed(0)
    return nn.GRU(4, 8, **options)


def attention(*, batch_first: bool) -> nn.TransformerEncoderLayer:
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=batch_first)


def centred(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / x.std(0, correction=0)


MIXING: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "last states of two directions by view": (
        lambda: Of(lambda m, x: m.r(x)[1].view(len(x), -1), r=gru(batch_first=True, bidirectional=True)),
        SERIES,
    ),
    "time first by view": (lambda: Of(lambda m, x: m.r(x.view(3, len(x), 4))[0][-1], r=gru()), SERIES),
    "batch_first forgotten, last place read": (
        lambda: Of(lambda m, x: m.r(x)[0][:, -1], r=gru()),
        SERIES,
    ),
    "attention along the batch": (
        lambda: Of(
            lambda m, x: m.e(x).mean(1), e=nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=False)
        ),
        SERIES,
    ),
    "attention written out along the batch": (
        lambda: Of(lambda m, x: m.f(x) + (m.f(x) @ m.f(x).T).softmax(1) @ m.f(x), f=nn.Linear(12, 3)),
        X,
    ),
    "softmax over the rows": (lambda: Of(lambda m, x: m.f(x).softmax(0), f=nn.Linear(12, 3)), X),
    "log_softmax over the rows": (lambda: Of(lambda m, x: m.f(x).log_softmax(0), f=nn.Linear(12, 3)), X),
    "cumulative sum over the rows": (lambda: Of(lambda m, x: m.f(x).cumsum(0), f=nn.Linear(12, 3)), X),
    "mean of the batch alone": (
        lambda: Of(lambda m, x: m.f(x).mean(0, keepdim=True).expand(len(x), 3), f=nn.Linear(12, 3)),
        X,
    ),
}
APART: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = {
    "batch norm": (lambda: nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), (X,)),
    "dropout": (lambda: nn.Sequential(nn.Linear(12, 8), nn.Dropout(0.5), nn.Linear(8, 3)), (X,)),
    "similarities of rows": (
        lambda: Of(lambda m, x: fn.normalize(m.f(x)) @ fn.normalize(m.f(x)).T, f=nn.Linear(12, 6)),
        (X,),
    ),
    "a graph": (
        lambda: Of(
            lambda m, x, e: m.f(x).index_add(0, e[0], m.f(x)[e[1]]),
            f=nn.Linear(12, 3),
        ),
        (X, torch.stack((torch.arange(40), torch.arange(40).roll(1)))),
    ),
    "a dense graph": (
        lambda: Of(lambda m, x, a: a @ m.f(x), f=nn.Linear(12, 3)),
        (X, torch.eye(40).roll(1, 0)),
    ),
    "time first": (
        lambda: Of(lambda m, x: m.r(x)[0][-1], r=gru()),
        (SERIES.transpose(0, 1).repeat(5, 1, 1),),
    ),
    "attention within a row": (
        lambda: Of(lambda m, x: m.e(x).mean(1), e=attention(batch_first=True)),
        (SERIES,),
    ),
}


@pytest.mark.parametrize("name", MIXING)
def test_rows_that_depend_on_each_other(name: str) -> None:
    make, inputs = MIXING[name]
    found = seen(make(), inputs)
    assert found.mixing is not None
    assert found.mixing.share > 0.5
    assert not found.mixing.is_distribution
    assert found.mixing.softmax_over_rows == ("softmax over" in name or "log_softmax" in name)


@pytest.mark.parametrize("name", APART)
def test_rows_that_do_not(name: str) -> None:
    make, inputs = APART[name]
    found = behaviour(make(), inputs, {})
    assert (found is None) == (name == "time first")
    assert found is None or found.mixing is None


def test_a_norm_over_the_batch_is_told_apart_and_the_first_layer_is_named() -> None:
    model = Of(lambda m, x: m.g(centred(m.f(x))), f=nn.Linear(12, 8), g=nn.Linear(8, 3))
    found = seen(model, X).mixing
    assert found is not None
    assert found.is_distribution
    assert found.where == "g"


def test_sequences_that_keep_their_first_two_axes_are_marked() -> None:
    found = seen(Of(lambda m, x: m.r(x)[0], r=gru()), SERIES.repeat(1, 5, 1)).mixing
    assert found is not None
    assert found.is_sequence


def model_of_tokens(*, causal: bool) -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        mask = torch.triu(torch.full((x.shape[1],) * 2, -torch.inf), 1) if causal else None
        return m.o(m.b(m.e(x), mask))

    return Of(forward, e=nn.Embedding(20, 16), b=layer, o=nn.Linear(16, 20))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("places", [1, 0])
def test_the_future_is_seen_without_a_mask_alone(causal: bool, places: int) -> None:
    inputs, targets = TOKENS[:, :-1], TOKENS[:, places : 8 + places]
    found = seen(model_of_tokens(causal=causal), inputs, targets=targets.reshape(-1))
    assert found.sees_future is not causal
    assert found.shift is not None
    assert found.shift.places == places


def test_targets_that_are_no_inputs_have_no_future() -> None:
    found = seen(model_of_tokens(causal=False), TOKENS, targets=(TOKENS * 7 % 5))
    assert found.sees_future is None


@pytest.mark.parametrize("trained", [True, False])
def test_dropout_that_evaluation_leaves_on(trained: bool) -> None:
    model = Of(lambda m, x: m.f(fn.dropout(x, 0.3, trained)), f=nn.Linear(12, 3))
    found = seen(model, X)
    assert found.is_random is trained
    assert list(found.dropouts.values()) == [0.3] * trained


def test_noise_without_dropout_is_random_too() -> None:
    found = seen(Of(lambda m, x: m.f(x + torch.randn_like(x)), f=nn.Linear(12, 3)), X)
    assert found.is_random
    assert not found.dropouts


def test_an_output_that_is_constant_whatever_the_weights() -> None:
    cut = Of(lambda m, x: m.g(m.f(x * 0)), f=nn.Linear(12, 8), g=nn.Linear(8, 3))
    assert seen(cut, X).is_constant
    one = Of(lambda m, x: m.f(x).softmax(1), f=nn.Linear(12, 1))
    assert seen(one, X).is_constant


def test_dead_units_and_zero_weights_are_no_such_output() -> None:
    dead = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))
    torch.nn.init.constant_(dead[0].bias, -1e3)
    assert not seen(dead, X).is_constant
    dead[2].weight.data.zero_()
    assert not seen(dead, X).is_constant


@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_an_input_that_no_output_depends_on(factor: float) -> None:
    model = Of(lambda m, x, y: m.f(x) + factor * m.g(y), f=nn.Linear(12, 3), g=nn.Linear(4, 3))
    assert seen(model, X, SERIES[:, 0]).ignored == (() if factor else ("argument 1",))


def test_a_hidden_state_that_a_model_keeps_is_not_noise() -> None:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        m.kept = m.f(x).detach() + getattr(m, "kept", 0.0)
        return m.kept

    assert not seen(Of(forward, f=nn.Linear(12, 3)), X).is_random


def test_too_few_rows_are_not_passed() -> None:
    assert behaviour(nn.Linear(12, 3), (X[:3],), {}) is None
    assert behaviour(nn.Linear(12, 3), (), {}) is None
