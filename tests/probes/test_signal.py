from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.networks import first_last, ordinary
from levinthal.probes.signal import growth_over_draws, signal
from levinthal.vocabulary import Trust


def orthogonal_net(depth: int, width: int = 6, gain: float = 1.0) -> nn.Sequential:
    layers = [nn.Linear(width, width, dtype=torch.float64) for _ in range(depth)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain=gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def doubles(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def half_square(output: Tensor, _target: object) -> Tensor:
    return output.square().sum(1).mean() / 2


@pytest.mark.parametrize("gain", [1.0, 0.5, 3.0])
def test_an_orthogonal_net_has_its_gain_forward_and_backward(gain: float) -> None:
    found = signal(orthogonal_net(6, gain=gain), doubles(20, 6))
    for layer in found.layers:
        assert float(layer.forward_gain) == pytest.approx(gain, rel=1e-12)
        assert layer.backward_gain is not None
        assert float(layer.backward_gain) == pytest.approx(gain, rel=1e-12)
        assert layer.saturated is layer.dead is None  # a Linear is never saturated
    assert float(found.growth) == pytest.approx(2 * math.log2(gain), abs=1e-12)
    assert float(found.forward_growth) == pytest.approx(2 * math.log2(gain), abs=1e-12)
    assert found.growth.interval is not None
    assert found.growth.interval.high - found.growth.interval.low < 1e-12
    assert found.growth.trust is Trust.CALIBRATED


def test_the_contrived_chain_of_sigmoids_grows_by_25_a_layer() -> None:
    # weights 100 and biases that hold z at 0: every term 100 s'(0) = 25 (Nielsen, ch. 5)
    layers: list[nn.Module] = []
    for k in range(6):
        linear = nn.Linear(1, 1, dtype=torch.float64)
        nn.init.constant_(linear.weight, 100)
        nn.init.constant_(linear.bias, -100 * (0.3 if k == 0 else 0.5))
        layers += [linear, nn.Sigmoid()]
    found = signal(nn.Sequential(*layers), torch.full((8, 1), 0.3, dtype=torch.float64))
    assert float(found.growth) == pytest.approx(2 * math.log2(25), rel=1e-9)
    assert [float(layer.saturated) for layer in found.layers if layer.saturated] == [0.0] * 6


def test_every_number_is_autograds_on_a_net_with_a_loss() -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, y = doubles(30, 4), torch.arange(30) % 3
    found = signal(net, x, y, nn.functional.cross_entropy)
    z = net[0](x)
    h = torch.tanh(z)
    out = net[2](h)
    loss = nn.functional.cross_entropy(out, y)
    gz, gh, gout, gw, gb = torch.autograd.grad(loss, [z, h, out, net[0].weight, net[0].bias])
    for layer, value, gradient in zip(found.layers, (z, h, out), (gz, gh, gout), strict=True):
        assert float(layer.forward_scale) == pytest.approx(value.detach().square().mean().sqrt().item())
        assert float(layer.backward_scale) == pytest.approx(gradient.square().mean().sqrt().item())
    first = found["0"]
    assert float(first.forward_gain) == pytest.approx(
        (z.detach().norm() / x.norm() * math.sqrt(4 / 5)).item()
    )
    assert first.parameter_gradient is not None
    assert float(first.parameter_gradient) == pytest.approx(math.hypot(gw.norm().item(), gb.norm().item()))
    assert found["1"].parameter_gradient is None
    assert found["1"].backward_gain is not None
    assert float(found["1"].backward_gain) == pytest.approx((gz.norm() / gh.norm()).item())
    assert found.loss == pytest.approx(loss.item())
    assert (found.depth, [layer.kind for layer in found.layers]) == (2, ["Linear", "Tanh", "Linear"])


def test_the_interval_over_inputs_covers_the_rate_on_ever_more_inputs() -> None:
    torch.manual_seed(0)
    layers = [part for _ in range(6) for part in (nn.Linear(8, 8), nn.Tanh())]
    net = nn.Sequential(*layers).double()
    for layer in net[::2]:
        nn.init.normal_(layer.weight, 0, 1.5 / math.sqrt(8))
    truth = float(signal(net, 2 * doubles(20_000, 8)).growth)
    held = 0
    for seed in range(1, 101):
        span = signal(net, 2 * doubles(40, 8, seed=seed)).growth.interval
        assert span is not None
        held += span.low <= truth <= span.high
    assert 86 <= held <= 100


def test_draws_of_the_weights_have_their_own_interval_and_leave_the_random_state() -> None:
    def factory() -> nn.Module:
        layers = [nn.Linear(20, 20, bias=False) for _ in range(8)]
        for layer in layers:
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / 20))
        return nn.Sequential(*layers)

    state = torch.get_rng_state()
    rate = growth_over_draws(
        factory, torch.randn(16, 20, generator=torch.Generator().manual_seed(0)), draws=12
    )
    assert torch.equal(state, torch.get_rng_state())
    assert rate.interval is not None
    assert rate.interval.low < 1.0 < rate.interval.high + 0.1  # E ||W^T g||^2 = 2 ||g||^2, less Jensen
    again = growth_over_draws(
        factory, torch.randn(16, 20, generator=torch.Generator().manual_seed(0)), draws=12
    )
    assert again.details["rates"] == rate.details["rates"]
    with pytest.raises(InputError, match="draws=1"):
        growth_over_draws(factory, torch.ones(2, 20), draws=1)


class Kinds(nn.Module):
    """What users write: functions for activations, in-place ones, one module twice, tuples and dicts."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.shared = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(8, 3)
        self.unused = nn.Linear(2, 2)

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        x, _ = self.lstm(self.embed(tokens))
        y, _ = self.attend(x, x, x)
        x = self.norm(x + y)
        x = self.act(self.shared(x))
        x = torch.nn.functional.gelu(self.shared(x))
        x += 1
        return {"logits": self.head(x.mean(1)).tanh(), "tokens": tokens}


def test_modules_that_are_reused_or_return_tuples_and_dicts() -> None:
    torch.manual_seed(0)
    net, tokens = Kinds(), torch.randint(0, 11, (16, 5))

    def loss(output: dict[str, Tensor], _targets: object) -> Tensor:
        return output["logits"].square().mean()

    found = signal(net, tokens, None, loss)
    names = ["embed", "lstm", "attend", "norm", "shared", "act", "shared (call 2)", "gelu", "head", "tanh"]
    assert [layer.name for layer in found.layers] == names
    assert all(float(layer.backward_scale) > 0 for layer in found.layers)
    assert found["shared"].parameter_gradient == found["shared (call 2)"].parameter_gradient
    assert found["act"].saturated is not None
    assert found["act"].tails is not None
    assert found["act"].tails.low == 0
    out = net(tokens)
    net.zero_grad()
    loss(out, None).backward()
    assert net.shared.weight.grad is not None
    assert net.shared.bias.grad is not None
    expected = math.hypot(net.shared.weight.grad.norm().item(), net.shared.bias.grad.norm().item())
    assert float(found["shared"].parameter_gradient or 0) == pytest.approx(expected, rel=1e-5)


def test_a_frozen_backbone_and_a_detached_one() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                x = self.body(x)
            out: Tensor = self.head(x)
            return out

    cut = signal(Cut(), torch.randn(16, 4))
    assert float(cut["body"].backward_scale) == 0 < float(cut["head"].backward_scale)
    assert cut.growth.trust is Trust.UNRELIABLE
    assert math.isnan(float(cut.growth))
    net = orthogonal_net(3).requires_grad_(False)
    assert float(signal(net, doubles(10, 6)).growth) == pytest.approx(0, abs=1e-12)
    assert not any(p.requires_grad for p in net.parameters())
    with torch.inference_mode():
        assert float(signal(net, doubles(10, 6)).growth) == pytest.approx(0, abs=1e-12)


def test_few_rows_make_no_interval() -> None:
    found = signal(orthogonal_net(4, gain=2.0), doubles(3, 6)).growth
    assert (found.interval, found.trust) == (None, Trust.UNRELIABLE)
    assert "3 rows" in found.reasons[0]


def test_batch_norm_lowers_the_trust() -> None:
    net = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6))
    assert signal(net, torch.randn(32, 6)).growth.trust is Trust.ORDINAL
    assert signal(net.eval(), torch.randn(32, 6)).growth.trust is Trust.CALIBRATED


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda net, x: signal(net, (1, 2)), "no tensor"),
        (lambda net, x: signal(net, x, None, lambda out, _: out), "scalar"),
        (lambda net, x: signal(nn.Identity(), x), "no layer"),
    ],
)
def test_what_cannot_be_measured_says_why(call: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call(orthogonal_net(2), doubles(9, 6))


def test_the_networks_of_this_house_can_be_read() -> None:
    net = ordinary(first_last(inputs=16, width=10, depth=5, seeds=(3,)))
    found = signal(net, torch.rand(64, 16, generator=torch.Generator().manual_seed(0)))
    assert found.depth == 6
    assert sum(layer.kind == "tanh" for layer in found.layers) == 5  # torch.tanh, no module
    assert np.isfinite(float(found.growth))
