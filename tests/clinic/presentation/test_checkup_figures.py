from __future__ import annotations

import pytest
import torch
from torch import nn

from levinthal.clinic.presentation.checkup_figures import checkup_figures
from levinthal.probes.signal import Layer, signal


def layers(count: int = 3, gain: float = 2.0, top: nn.Module | None = None) -> tuple[Layer, ...]:
    net = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(count)), *([top] if top else []))
    for layer in net[:count]:
        nn.init.orthogonal_(layer.weight, gain=gain)
    return signal(net, torch.randn(16, 4, generator=torch.Generator().manual_seed(0))).layers


def test_orthogonal_layers_have_the_gain_they_were_given() -> None:
    sizes, gains = checkup_figures(layers())
    (_, ahead), (_, back) = (panel.series for panel in gains.panels)
    assert ahead.y == pytest.approx((2.0, 2.0, 2.0), rel=1e-5)
    assert back.y[1:] == pytest.approx((2.0, 2.0), rel=1e-5)
    assert all(low <= y <= high for low, y, high in zip(ahead.low, ahead.y, ahead.high, strict=True))
    assert gains.title == "A layer multiplies the signal by 2 to 2, and the gradient by 2 to 2"
    signal_title = "Signal: the last layer has 4.00 times the first."
    assert sizes.title == f"{signal_title} Gradient: the first layer has 4.00 times the last"
    assert ahead.x == ("Linear 0", "Linear 1", "Linear 2")


def test_many_layers_go_by_number_and_activations_have_a_figure() -> None:
    *_, active = checkup_figures(layers(20, top=nn.Tanh()))
    assert active.id == "activations"
    assert checkup_figures(layers(20))[0].panels[0].series[-1].x[-1] == 20.0


def test_a_missing_gradient_is_reported() -> None:
    sizes, _ = checkup_figures(layers(2, gain=0.0))
    assert "an unknown multiple of" in sizes.title
    assert checkup_figures(()) == []
