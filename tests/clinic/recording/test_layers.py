"""The saturated regions that are written down are those that would be found."""

from __future__ import annotations

from functools import partial

import pytest
from torch.nn import functional

from levinthal.clinic.recording.layers import _KNOWN, ACTIVATIONS, tails_of_call
from levinthal.probes.saturation import saturated_tails


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.keys() - {"leaky_relu"}))
def test_the_tails_of_functions(name: str) -> None:
    assert _KNOWN[name] == tails_of_call(name, (), {}) == saturated_tails(ACTIVATIONS[name])


@pytest.mark.parametrize("slope", [0.01, 0.1, 0.2, 1.0, 5.0, 10.0, 20.0, -0.05, -0.5])
def test_the_tails_of_a_leaky_relu_depend_on_its_slope(slope: float) -> None:
    found = saturated_tails(partial(functional.leaky_relu, negative_slope=slope))
    assert tails_of_call("leaky_relu", (None, slope), {}) == found
    assert tails_of_call("leaky_relu", (None,), {"negative_slope": slope}) == found
