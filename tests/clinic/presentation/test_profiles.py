from __future__ import annotations

import math

import pytest
import torch
from tests.clinic.histories import history, setup

from levinthal.clinic.presentation.profiles import DEAD, GRADIENT, NAMED, SIZE, run_profiles


def test_signal_gradient_and_dead_units_from_input_to_output() -> None:
    figure = run_profiles(history([2.0, 1.5, 1.0], depth=3), setup(3))
    assert [panel.y for panel in figure.panels] == [SIZE, GRADIENT, DEAD]
    signal, gradient, dead = (panel.series for panel in figure.panels)
    assert signal[0].x == ("Linear 0", "ReLU 1", "Linear 2", "ReLU 3", "Linear 4", "ReLU 5")
    assert signal[0].y == pytest.approx((1, 1, 2, 2, 4, 4))
    assert [s.name for s in signal] == ["step 0", "step 10", "step 20"]
    assert [s.level for s in signal] == [0.0, 0.5, 1.0]
    assert gradient[0].y == pytest.approx((0.01, 0.1, 1.0))
    assert dead[0].role == "reference"
    assert dead[1].y == (25.0,) * 3
    ratio = "The gradient of the first matrix is 1 % of that of the last"
    assert figure.title == f"{ratio}; at most 25 % of a layer's units are dead"


def test_many_layers_go_by_number() -> None:
    figure = run_profiles(history([2.0, 1.0], depth=NAMED), setup(NAMED))
    assert figure.panels[0].series[0].x == tuple(float(i + 1) for i in range(2 * NAMED))
    assert figure.panels[0].x.label == "Layer, by number from the input"
    assert figure.panels[1].x.label == "Weight matrix, from input to output"


def test_saturation_is_drawn_of_activations_flat_at_both_ends_alone() -> None:
    seen = history([2.0, 1.0])
    for sample in seen:
        sample.layers[1].saturates = True
    labels = [panel.y.label for panel in run_profiles(seen).panels]
    assert labels[-2:] == ["Saturated inputs", "Units constant over the batch"]


def test_samples_that_are_not_finite_are_left_out() -> None:
    seen = history([2.0, 1.0, 1.0, math.nan])
    for read in seen.samples[-1].layers:
        read.norm = torch.tensor(math.nan)
    seen.samples[-1].tensors = torch.full((4, 5), math.nan)
    figure = run_profiles(seen, setup())
    assert [s.name for s in figure.panels[0].series] == ["step 0", "step 10", "step 20"]
    assert [s.name for s in figure.panels[1].series] == ["step 0", "step 10", "step 20"]
    for read in (read for sample in seen for read in sample.layers):
        read.norm = torch.tensor(math.nan)
    assert all(math.isfinite(y) for p in run_profiles(seen).panels for s in p.series for y in s.y)


def test_all_panels_speak_of_the_same_steps() -> None:
    seen = history([2.0, 1.8, 1.6, 1.4, 1.2, 1.0])
    for sample in seen.samples[1::2]:
        sample.names, sample.kinds, sample.layers = (), (), []
    signal, gradient, dead = run_profiles(seen, setup()).panels
    steps = ["step 0", "step 20", "step 40"]
    assert [s.name for s in signal.series] == [s.name for s in gradient.series] == steps
    assert [s.name for s in dead.series[1:]] == steps
