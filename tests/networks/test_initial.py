from __future__ import annotations

import math

import pytest
import torch

from levinthal.errors import InputError
from levinthal.networks.initial import INITS, TRUNCATED_SD, generator, initial_weights


def drawn(init, out=300, inputs=500):
    return INITS[init](out, inputs, generator(0, "test"))


def test_the_truncated_standard_deviation_is_the_closed_form():
    # variance of a standard normal on [-2, 2]: 1 - 4 phi(2) / (2 Phi(2) - 1)
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    assert math.isclose(TRUNCATED_SD, math.sqrt(1 - 4 * phi / math.erf(math.sqrt(2))), rel_tol=1e-12)


@pytest.mark.parametrize(
    ("init", "nominal"), [("glorot_normal", (2 / 800) ** 0.5), ("he_normal", (2 / 500) ** 0.5)]
)
def test_normals_are_cut_at_two_and_only_the_rescaled_reach_their_nominal_size(init, nominal):
    weights, rescaled = drawn(init), drawn(f"{init}_rescaled")
    assert float(weights.abs().max()) <= 2 * nominal
    assert float(weights.abs().max()) > 1.99 * nominal
    assert math.isclose(float(weights.std()), TRUNCATED_SD * nominal, rel_tol=0.01)
    assert math.isclose(float(rescaled.std()), nominal, rel_tol=0.01)
    assert abs(float(weights.mean())) < 5 * nominal / math.sqrt(weights.numel())


@pytest.mark.parametrize(("out", "inputs"), [(7, 4), (4, 7), (5, 5)])
def test_orthogonal_has_orthonormal_rows_or_columns(out, inputs):
    weights = INITS["orthogonal"](out, inputs, generator(3, "test"))
    gram = weights.T @ weights if out > inputs else weights @ weights.T
    assert torch.allclose(gram, torch.eye(min(out, inputs), dtype=torch.float64), atol=1e-12)


def test_identity_like_passes_units_on():
    weights = drawn("identity_like", 8, 4)
    eye = torch.eye(4, dtype=torch.float64).repeat(2, 1)
    assert float((weights - eye).abs().max()) <= 0.2 * math.sqrt(2 / 12)
    assert not torch.equal(weights[:4], weights[4:])


def test_gain_scales_hidden_weights_and_not_the_softmax_layer():
    shapes = ((6, 9), (3, 6), (10, 3))
    once, twice = (initial_weights(shapes, 5, "he_normal", gain) for gain in (1.0, 2.0))
    assert torch.equal(twice[0], 2 * once[0])
    assert torch.equal(twice[1], 2 * once[1])
    assert torch.equal(twice[2], once[2])


def test_pixels_are_mixed_even_where_hidden_layers_are_identities():
    shapes = ((6, 9), (3, 6), (10, 3))
    like, glorot = (initial_weights(shapes, 5, init, 1.0) for init in ("identity_like", "glorot_normal"))
    assert torch.equal(like[0], glorot[0])
    assert float(like[1].diagonal().min()) > 0.8


def test_purposes_and_seeds_are_streams_of_their_own():
    draws = {
        (seed, purpose): float(torch.rand(1, generator=generator(seed, purpose)))
        for seed in (0, 1)
        for purpose in ("initial weights", "data order")
    }
    assert len(set(draws.values())) == 4


def test_an_unknown_init_and_a_negative_seed():
    with pytest.raises(InputError, match="did you mean 'glorot_normal'"):
        initial_weights(((2, 2), (2, 2)), 0, "glorot_norm", 1.0)
    with pytest.raises(InputError, match="seed=-1"):
        generator(-1, "test")


def test_large_logits_are_the_glorot_draw_with_a_larger_softmax_layer_alone():
    shapes = ((6, 9), (3, 6), (10, 3))
    large, glorot = (
        initial_weights(shapes, 5, init, 1.0) for init in ("glorot_normal_large_logits", "glorot_normal")
    )
    assert all(torch.equal(a, b) for a, b in zip(large[:2], glorot[:2], strict=True))
    assert torch.equal(large[2], math.sqrt(2) * glorot[2])
