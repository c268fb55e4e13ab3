from __future__ import annotations

import copy
import random
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levinthal.networks.ordinary import KerasBatchNorm
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.probes.recording import is_activation, recorded, tensor_of
from levinthal.probes.signal import signal


class Noisy(nn.Module):
    """Draws from every source, rebinds a buffer, and raises on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6))
        self.norm, self.own, self.drop = nn.BatchNorm1d(6), KerasBatchNorm(6), nn.Dropout(0.5)
        self.head = nn.Linear(6, 3)
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.own(self.norm(self.linear(x)).relu()))
        x = x * (1 + 0.1 * random.random() + 0.1 * float(np.random.rand()))
        if self.fails:
            raise RuntimeError("on demand")
        out: Tensor = self.head(x)
        return out


def state(net: nn.Module) -> list[object]:
    found: list[object] = [tensor.clone() for tensor in net.state_dict().values()]
    found += [p.grad.clone() for p in net.parameters() if p.grad is not None]
    found += [(m.training, len(m._forward_hooks), len(m._forward_pre_hooks)) for m in net.modules()]
    found += [p.requires_grad for p in net.parameters()]
    return [*found, torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tobytes()]


def same(one: list[object], other: list[object]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_in_the_module_changes(fails: bool) -> None:
    net, x = Noisy(), torch.randn(16, 6)
    net.head.weight.requires_grad_(False)
    net(x).sum().backward()
    net.drop.eval()
    held = [net.linear.parametrizations.weight.original, net.own.running_var, net.own.bias.grad]
    net.fails, before = fails, state(net)
    for measure in (signal, gradient_scale, nonlinearity):
        if fails:
            with pytest.raises(RuntimeError, match="on demand"):
                measure(net, x)
        else:
            measure(net, x)
        assert same(before, state(net))
    now = [net.linear.parametrizations.weight.original, net.own.running_var, net.own.bias.grad]
    assert all(a is b for a, b in zip(held, now, strict=True))


def test_training_goes_on_as_if_nobody_had_looked() -> None:
    def run(look: bool) -> list[Tensor]:
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        net = Noisy()
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(5):
            optimizer.zero_grad()
            x = torch.randn(16, 6)
            net(x).square().mean().backward()
            if look:
                signal(net, x)
                nonlinearity(net, x)
            optimizer.step()
        return list(net.state_dict().values())

    assert all(torch.equal(a, b) for a, b in zip(run(False), run(True), strict=True))


def test_what_is_taken_down_is_what_the_module_gives() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 3)).double()
    x = torch.randn(4, 1, 6, 6, dtype=torch.float64)
    with recorded(net, x) as taken:
        assert torch.equal(tensor_of(taken.output), net(x))
        assert [call.name for call in taken.calls] == ["0", "1", "3"]
        assert torch.equal(taken.calls[0].output, net[0](x))  # although the ReLU writes over it
        assert torch.equal(taken.calls[1].before, net[0](x))
    assert [len(m._forward_hooks) for m in net.modules()] == [0] * 5


def test_blocks_can_be_asked_for_instead() -> None:
    blocks = OrderedDict(one=nn.Sequential(nn.Linear(2, 2), nn.ReLU()), two=nn.Sequential(nn.Linear(2, 2)))
    net = nn.Sequential(blocks)
    with recorded(net, torch.ones(3, 2), layers=lambda m: m in blocks.values()) as taken:
        assert [call.name for call in taken.calls] == ["one", "two"]


def test_keywords_tuples_and_a_compiled_module() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, a: Tensor, b: Tensor, *, times: int = 1) -> tuple[Tensor, None]:
            return self.linear(a + b) * times, None

    net, x = Sum(), torch.ones(9, 3)
    rates = [signal(net, (x, x)), signal(net, {"a": x, "b": x, "times": 1})]
    wrapped = copy.deepcopy(net)
    wrapped._orig_mod = net  # as torch.compile wraps it
    rates.append(signal(wrapped, (x, x)))
    assert len({found.layers[0].forward_scale.value for found in rates}) == 1


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        *(
            (kind(), True)
            for kind in (nn.ReLU, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Hardtanh, nn.Softplus, nn.Mish)
        ),
        *((kind(), False) for kind in (nn.Identity, nn.Dropout, nn.Flatten)),
        *(
            (nn.Softmax(0), False),
            (nn.LogSoftmax(0), False),
            (nn.AvgPool1d(2), False),
            (nn.Linear(8, 8), False),
        ),
    ],
)
def test_activations_are_known_by_what_they_do(module: nn.Module, expected: bool) -> None:
    assert is_activation(module) is expected


def test_a_users_own_activation_is_one() -> None:
    class Bump(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.exp(-(x**2))

    class Mix(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() - x.mean()

    assert is_activation(Bump())
    assert not is_activation(Mix())


def test_sparse_gradients_stay_where_they_are() -> None:
    net = nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Flatten(), nn.Linear(8, 2))
    tokens = torch.randint(0, 10, (9, 2))
    net(tokens).sum().backward()
    before = net[0].weight.grad
    found = signal(net, tokens)["0"].parameter_gradient
    assert net[0].weight.grad is before
    assert found is not None
    assert float(found) > 0
