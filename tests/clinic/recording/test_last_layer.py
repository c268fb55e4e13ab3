"""Outputs of a last layer, and outputs that are made of several."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from levinthal.clinic.recording.last_layer import is_of_last_layer

X, IMAGES = torch.randn(8, 6), torch.randn(8, 3, 6, 6)
LINEAR, BARE, CONVOLUTION = nn.Linear(6, 4), nn.Linear(6, 4, bias=False), nn.Conv2d(3, 4, 3)
INNER = nn.Sequential(nn.Linear(6, 6), nn.ReLU())


def in_half_precision() -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return LINEAR(INNER(X))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("output", "layer", "is_one"),
    [
        pytest.param(lambda: LINEAR(INNER(X)).squeeze(), LINEAR, True, id="linear"),
        pytest.param(lambda: BARE(X).log_softmax(1)[:, :2], BARE, True, id="without a bias"),
        pytest.param(lambda: LINEAR(IMAGES).transpose(1, 3) / 2, LINEAR, True, id="of tokens"),
        pytest.param(lambda: CONVOLUTION(IMAGES).mean((2, 3)).sigmoid(), CONVOLUTION, True, id="convolution"),
        pytest.param(in_half_precision, LINEAR, True, id="half precision"),
        pytest.param(lambda: LINEAR(X) - LINEAR(X + 1), LINEAR, False, id="a difference"),
        pytest.param(lambda: LINEAR(X) @ LINEAR(X).T, LINEAR, False, id="similarities"),
        pytest.param(lambda: torch.cat((LINEAR(X), BARE(X)), 1), LINEAR, False, id="two layers"),
        pytest.param(lambda: LINEAR(X), BARE, False, id="another layer"),
        pytest.param(lambda: BARE(X).detach(), BARE, False, id="no graph"),
        pytest.param(lambda: weight_norm(nn.Linear(6, 4))(X), LINEAR, False, id="a weight that is made"),
    ],
)
def test_the_way_back_to_a_trained_layer_has_no_fork(
    output: Callable[[], Tensor], layer: nn.Module, is_one: bool
) -> None:
    assert is_of_last_layer(output(), {id(p) for p in layer.parameters()}) is is_one
