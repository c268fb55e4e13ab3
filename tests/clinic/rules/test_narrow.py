"""Bottlenecks narrower than the task; beside each a narrow layer that limits nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import X, Y
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.behaviour_passes import MOST_PASSES, behaviour

CODE = "NARROW_LAYER"
Loss = Callable[[nn.Module, Tensor], Tensor]
CORNERS = (X.view(-1, 2, 4, 2, 4).mean((2, 4)).flatten(1) - 0.3) * 5
"""Four means of an image, about independent of each other."""


class Pooled(nn.Module):
    """A global pooling that leaves so many numbers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer, self.head = nn.Conv2d(1, channels, 3), nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.layer(x.view(-1, 1, 8, 8)).relu().mean((2, 3)))
        return out


class Beside(nn.Module):
    """A narrow layer beside another path: a gate, an adapter, a skip connection or a branch."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.wide, self.head = way, nn.Linear(64, 32), nn.Linear(32, 10)
        self.down, self.up = nn.Linear(32, 2), nn.Linear(2, 32)

    def forward(self, x: Tensor) -> Tensor:
        h = self.wide(x).relu()
        small = self.up(self.down(h))
        out: Tensor = self.head(h * small.sigmoid() if self.way == "gate" else h + small)
        return out


def stack(width: int, out: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, width), nn.Tanh(), nn.Linear(width, out))


def entropy(model: nn.Module, rows: Tensor) -> Tensor:
    return functional.cross_entropy(model(X[rows]), Y[rows])


def of_blobs(model: nn.Module, rows: Tensor) -> Tensor:
    """Four clouds, which two numbers tell apart."""
    drawn = torch.Generator().manual_seed(0)
    centres, noise = torch.randn(4, 64, generator=drawn), torch.randn(len(X), 64, generator=drawn)
    return functional.cross_entropy(model((centres[Y % 4] + 0.3 * noise)[rows]), Y[rows] % 4)


def corners(model: nn.Module, rows: Tensor) -> Tensor:
    return functional.mse_loss(model(X[rows]), CORNERS[rows])


def itself(model: nn.Module, rows: Tensor) -> Tensor:
    return functional.mse_loss(model(X[rows]), X[rows])


def trained(
    make: Callable[[], nn.Module], loss: Loss = entropy, steps: int = 200, rate: float = 1e-2
) -> Watch:
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    with watch(model, optimizer, every=5) as w:
        for step in range(steps):
            rows = torch.randint(0, len(X), (64,), generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            loss(model, rows).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def severity(w: Watch) -> str:
    return next((str(f.severity) for f in w.findings() if f.code == CODE), "")


NARROW: dict[str, tuple[Callable[[], nn.Module], Loss, str, int, int]] = {
    "one unit before a head of ten classes": (lambda: stack(1), entropy, "2", 1, 9),
    "a pooling that leaves one number": (lambda: Pooled(1), entropy, "head", 1, 9),
    "one unit for four numbers": (lambda: stack(1, 4), corners, "2", 1, 4),
}


@pytest.mark.parametrize("name", NARROW)
def test_a_layer_that_is_narrower_than_the_task_is_named(name: str) -> None:
    make, loss, where, width, needed = NARROW[name]
    first = trained(make, loss).findings()[0]
    assert (first.code, first.where, first.follows) == (CODE, where, None)
    assert first.severity != "info"
    assert first.evidence["numbers per row"] == width
    assert first.evidence["dimensions of the targets"] == needed
    assert first.evidence["loss at the end"] > first.evidence[list(first.evidence)[-1]]


FITTING: dict[str, Callable[[], Watch]] = {
    "a layer as wide as the task": lambda: trained(lambda: stack(4, 4), corners),
    "a narrow layer that suffices": lambda: trained(lambda: stack(2), of_blobs),
    "a gate": lambda: trained(lambda: Beside("gate"), rate=1e-7),
    "a skip connection": lambda: trained(lambda: Beside("skip"), rate=1e-7),
    "an autoencoder": lambda: trained(lambda: stack(2, 64), itself),
}


@pytest.mark.parametrize("name", FITTING)
def test_narrow_layers_that_limit_nothing_are_not(name: str) -> None:
    assert severity(FITTING[name]()) == ""


def test_a_narrow_layer_is_info_where_another_cause_is_known() -> None:
    w = trained(lambda: stack(2), rate=1e-7)
    assert severity(w) == "info"
    assert w.findings()[0].code == "LR_TOO_LOW"


def test_a_short_training_of_a_narrow_network_is_unfinished_and_not_accused() -> None:
    assert severity(trained(lambda: stack(2), steps=60, rate=1e-3)) in ("", "info")


def test_few_inputs_are_no_narrow_layer() -> None:
    """A spiral of three classes, a curve in space: the inputs themselves are few."""
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2), nn.ReLU(), nn.Linear(2, 5))
    seen = behaviour(model, (torch.randn(16, 2),), {})
    assert seen is not None
    assert seen.narrow is None


@pytest.mark.parametrize("way", ["gate", "skip"])
def test_the_passes_are_few_and_tell_a_second_path(way: str) -> None:
    torch.manual_seed(0)
    for model, narrow in ((Beside(way), None), (stack(3), ("2", 3)), (Pooled(2), ("head", 2))):
        seen = behaviour(model, (X[:32],), {})
        assert seen is not None
        assert (seen.narrow, seen.passes <= MOST_PASSES) == (narrow, True)
