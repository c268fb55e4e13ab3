from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.networks.plain import ACTIVATIONS, NORMS, plain


def linears(net: nn.Module) -> list[nn.Linear]:
    return [part for part in net.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize(("activation", "norm"), list(itertools.product(ACTIVATIONS, NORMS)))
@pytest.mark.parametrize("residual", [False, True])
def test_every_network_has_its_depth_and_gives_its_outputs(
    activation: str, norm: str, residual: bool
) -> None:
    net = plain(
        inputs=7, width=9, depth=8, outputs=4, seed=1, activation=activation, norm=norm, residual=residual
    )
    assert sum(stage.layers for stage in net) == len(linears(net)) == 8
    assert net(torch.randn(6, 7)).shape == (6, 4)


def test_a_plain_network_is_what_it_says() -> None:
    net = plain(inputs=3, width=4, depth=3, outputs=2, seed=0, activation="tanh")
    x = torch.randn(5, 3)
    one, two, three = linears(net)
    assert torch.equal(net(x), three(torch.tanh(two(torch.tanh(one(x))))))


def test_a_residual_network_skips_two_layers_at_a_time() -> None:
    net = plain(inputs=3, width=4, depth=6, outputs=2, seed=0, norm="layer", residual=True)
    parts, norms = linears(net), [part for part in net.modules() if isinstance(part, nn.LayerNorm)]
    x = torch.randn(5, 3)

    def ready(index: int, value: Tensor) -> Tensor:
        return torch.relu(norms[index](value))

    trunk = parts[0](x)
    trunk = trunk + parts[2](ready(1, parts[1](ready(0, trunk))))
    trunk = trunk + parts[4](ready(3, parts[3](ready(2, trunk))))
    assert torch.allclose(net(x), parts[5](ready(4, trunk)), atol=1e-6)


def test_networks_of_a_seed_share_their_draws_and_nothing_else_is_drawn() -> None:
    state = torch.get_rng_state()
    relu, tanh = (
        plain(inputs=8, width=8, depth=4, outputs=8, seed=2, activation=a) for a in ("relu", "tanh")
    )
    skips = plain(inputs=8, width=8, depth=4, outputs=8, seed=2, residual=True, norm="batch")
    other = plain(inputs=8, width=8, depth=4, outputs=8, seed=3)
    assert torch.equal(state, torch.get_rng_state())
    for a, b, c, d in zip(*map(linears, (relu, tanh, skips, other)), strict=True):
        assert torch.allclose(a.weight, math.sqrt(2) * b.weight)
        assert torch.equal(a.weight, c.weight)
        assert not torch.allclose(a.weight, d.weight)
        assert a.bias.abs().max() == 0


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_weights_have_the_scale_they_were_asked_for(gain: float) -> None:
    net = plain(inputs=300, width=300, depth=2, outputs=300, seed=0, gain=gain)
    assert all(
        layer.weight.std().item() * math.sqrt(300) == pytest.approx(gain * math.sqrt(2), rel=0.01)
        for layer in linears(net)
    )
    square = plain(
        inputs=20, width=20, depth=2, outputs=20, seed=0, gain=gain, weights="orthogonal", activation="tanh"
    )
    for layer in linears(square):
        assert torch.allclose(layer.weight @ layer.weight.T, gain**2 * torch.eye(20), atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"activation": "rely"}, "did you mean 'relu'"),
        ({"norm": "group"}, "unknown norm"),
        ({"weights": "zero"}, "unknown weights"),
        ({"depth": 1}, "at least 2"),
        ({"depth": 5, "residual": True}, "even"),
    ],
)
def test_what_cannot_be_built_says_why(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        plain(**{"inputs": 3, "width": 3, "depth": 4, "outputs": 2, "seed": 0, **wrong})  # type: ignore[arg-type]
