"""Outputs that become the same for all inputs: a VAE, points that fall together; and healthy kin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.output_spread import OutputSpread
from levinthal.clinic.recording.row_reservoir import Chunk
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.same_outputs import have_become_one

DRAW = torch.Generator().manual_seed(0)
FACTORS = torch.randn(600, 3, generator=DRAW)
X = torch.sigmoid(FACTORS @ torch.randn(3, 20, generator=DRAW))


class Vae(nn.Module):
    """Three numbers between an encoder and a decoder, drawn in training mode alone or always."""

    def __init__(self, always: bool) -> None:
        super().__init__()
        self.inlet, self.both = nn.Linear(20, 24), nn.Linear(24, 6)
        self.outlet, self.always = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 20)), always

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.both(self.inlet(x).relu()).chunk(2, 1)
        noise = torch.randn_like(mean) if self.training or self.always else torch.zeros_like(mean)
        return self.outlet(mean + noise * (0.5 * log_variance).exp()), mean, log_variance


def trained(
    model: nn.Module, loss: Callable[[Tensor], Tensor], rate: float = 1e-2, steps: int = 150
) -> Watch:
    optimizer = torch.optim.Adam(model.parameters(), rate)
    with watch(model, optimizer, every=5) as w:
        for step in range(steps):
            rows = torch.arange(step * 32, step * 32 + 32) % len(X)
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
    assert w.trouble == ""
    assert w.failed_rules == ()
    return w


def vae(model: Vae, factor: float, by_hand: bool) -> Callable[[Tensor], Tensor]:
    def loss(rows: Tensor) -> Tensor:
        out, mean, log_variance = model(X[rows])
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
        error = ((out - X[rows]) ** 2).mean() if by_hand else fn.mse_loss(out, X[rows])
        return error + factor * divergence

    return loss


@pytest.mark.parametrize(("always", "by_hand"), [(False, False), (True, False), (False, True)])
def test_a_divergence_that_outweighs_makes_all_outputs_the_same(always: bool, by_hand: bool) -> None:
    torch.manual_seed(0)
    faulty, cured = Vae(always), Vae(always)
    w = trained(faulty, vae(faulty, 1.0, by_hand))
    codes = [f.code for f in w.findings()]
    assert "RANK_COLLAPSE" in codes
    assert codes[0] in ("TERM_OUTWEIGHS", "RANK_COLLAPSE")
    assert max(have_become_one(Context(w.setup, w.history)).values()) < 1e-5
    w = trained(cured, vae(cured, 1e-5, by_hand))
    assert "RANK_COLLAPSE" not in {f.code for f in w.findings()}
    assert not have_become_one(Context(w.setup, w.history))


def test_targets_that_do_not_vary_or_are_noise_ask_for_the_same_outputs() -> None:
    torch.manual_seed(0)
    for targets in (torch.ones(600, 1), torch.randn(600, 1)):
        model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))
        w = trained(model, lambda rows, m=model, t=targets: fn.mse_loss(m(X[rows]), t[rows]))  # type: ignore[misc]
        assert "RANK_COLLAPSE" not in {f.code for f in w.findings()}


def case(early: float, late: float, variance: float) -> dict[str, float]:
    history, w = History(), watch(nn.Linear(1, 1), torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1))
    history.spreads = OutputSpread(early, 1.0, 1), OutputSpread(late, 1.0, 1)
    if variance >= 0:
        y = torch.tensor([[1.0], [-1.0]] * 50) * variance**0.5
        history.rows.chunks = [Chunk(torch.rand(100, 2), y, alone=True)]
    return have_become_one(Context(w.setup, history))


@pytest.mark.parametrize(
    ("early", "late", "variance", "is_one"),
    [
        (1.0, 1e-5, 1.0, True),
        (1.0, 1e-3, 1.0, False),  # it still differs
        (1e-5, 1e-5, 1.0, False),  # so from the start: other findings say why
        (1.0, 1e-5, 0.0, False),  # nothing asks for more
        (1.0, 1e-5, -1.0, False),  # of unknown targets it has to be exact
        (1.0, 0.0, -1.0, True),
    ],
)
def test_outputs_are_held_against_their_targets(
    early: float, late: float, variance: float, is_one: bool
) -> None:
    assert bool(case(early, late, variance)) == is_one


def test_points_that_fall_together_are_the_cause_of_units_that_died() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8))
    kinds = FACTORS[:, 0] > 0

    def loss(rows: Tensor) -> Tensor:
        points, same = model(X[rows]), kinds[rows][:, None] == kinds[rows][None]
        apart = ((points[:, None] - points[None]) ** 2).sum(2).add(1e-12).sqrt()
        nearest = apart.masked_fill(same, 1e9).amin(1)
        return fn.relu(apart.masked_fill(~same, 0.0).amax(1) - nearest + 0.5).mean()

    found = trained(model, loss, rate=0.3).findings()
    assert "RANK_COLLAPSE" in {f.code for f in found if f.follows in (None, "LR_TOO_HIGH")}
    assert "DEAD_RELU" not in {f.code for f in found if f.follows is None}
