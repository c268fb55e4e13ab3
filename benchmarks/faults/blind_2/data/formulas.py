"""Rows for the healthy cases of the second blind suite, from formulas with a known truth."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.blind_2.data.tables import Maker
from benchmarks.faults.own.data import Rows
from torch import Generator
from torch.nn.functional import one_hot


def _dice(seed: int) -> Generator:
    return Generator().manual_seed(87_000_301 + seed)


def spirals(seed: int) -> Rows:
    """(900, 2) points on three interleaved arms."""
    dice = _dice(seed)
    y, t = torch.randint(0, 3, (900,), generator=dice), torch.rand(900, generator=dice).sqrt()
    angle = 4 * t + 2 * math.pi * y / 3
    arms = torch.stack((t * angle.cos(), t * angle.sin()), 1)
    return 2 * arms + 0.06 * torch.randn(900, 2, generator=dice), y


def gratings(seed: int) -> Rows:
    """(640, 1, 12, 12) stripes at four orientations, any phase, noise on top."""
    dice = _dice(seed)
    y = torch.randint(0, 4, (640,), generator=dice)
    u, v = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    turn = (math.pi / 4 * y)[:, None, None]
    phase = 2 * math.pi * torch.rand(640, 1, 1, generator=dice)
    x = (1.3 * (turn.cos() * u + turn.sin() * v) + phase).sin()
    return (x + 0.5 * torch.randn(640, 12, 12, generator=dice))[:, None], y


def chirps(seed: int) -> Rows:
    """(640, 1, 48) tones that rise, fall, stay or wobble."""
    dice = _dice(seed)
    y, t = torch.randint(0, 4, (640,), generator=dice), torch.linspace(0, 1, 48)
    paths = torch.stack((4 * t + 6 * t**2, 16 * t - 6 * t**2, 10 * t, 10 * t + 0.8 * (12 * t).sin()))
    x = (2 * math.pi * (0.7 * paths[y] + torch.rand(640, 1, generator=dice))).sin()
    return (x + 0.6 * torch.randn(640, 48, generator=dice))[:, None], y


def clouds(kinds: int, width: int, count: int = 900) -> Maker:
    """Points around as many centres as there are kinds."""

    def rows(seed: int) -> Rows:
        dice = _dice(seed)
        centres, y = (
            torch.randn(kinds, width, generator=dice),
            torch.randint(0, kinds, (count,), generator=dice),
        )
        return centres[y] + torch.randn(count, width, generator=dice), y

    return rows


def rare(seed: int) -> Rows:
    """(1600, 10): one row in twelve lies in a shell of its own, as 1. of shape (n, 1)."""
    dice = _dice(seed)
    y = (torch.rand(1600, generator=dice) < 1 / 12).float()
    x = torch.randn(1600, 10, generator=dice)
    x[:, :4] += 2.2 * y[:, None] * torch.tensor([1.0, -1.0, 1.0, 0.5])
    return x, y[:, None]


def topics(seed: int) -> Rows:
    """(800, 14) tokens of 400; five topics like forty words each, the rest is everyone's."""
    dice = _dice(seed)
    y = torch.randint(0, 5, (800,), generator=dice)
    own = 40 * y[:, None] + torch.randint(0, 40, (800, 14), generator=dice)
    any_ = torch.randint(0, 400, (800, 14), generator=dice)
    return torch.where(torch.rand(800, 14, generator=dice) < 0.5, own, any_), y


def duels(seed: int) -> Rows:
    """(800, 15) tokens of 8: which of the first two tokens stands there more often, as 0. or 1."""
    dice = _dice(seed)
    x = torch.randint(0, 8, (800, 15), generator=dice)
    edge = 2 * torch.randint(0, 2, (800, 1), generator=dice) - 1
    x = torch.where((torch.rand(800, 15, generator=dice) < 0.3), (1 - edge) // 2, x)
    more = (x == 0).sum(1) - (x == 1).sum(1)
    return x, (more > 0).float()[:, None]


def tags(seed: int) -> Rows:
    """(600, 12) tokens of 9; the tag of each is the sum of its two neighbours, in three bands."""
    dice = _dice(seed)
    x = torch.randint(0, 9, (600, 12), generator=dice)
    near = x.roll(1, 1) * (torch.arange(12) > 0) + x.roll(-1, 1) * (torch.arange(12) < 11)
    return x, (near > 5).long() + (near > 10).long()


def sums(seed: int) -> Rows:
    """(700, 20, 2): add the two numbers that are marked."""
    dice = _dice(seed)
    value = torch.rand(700, 20, generator=dice)
    marks = torch.rand(700, 20, generator=dice).topk(2, dim=1).indices
    mark = one_hot(marks, 20).sum(1).float()
    return torch.stack((value, mark), 2), 2 * (value * mark).sum(1, keepdim=True) - 2


def pendulum(seed: int) -> Rows:
    """(700, 2) angle and speed now -> (700, 2) how they are half a second on."""
    dice = _dice(seed)
    x = torch.stack((3 * torch.rand(700, generator=dice) - 1.5, 2 * torch.randn(700, generator=dice)), 1)
    angle, speed = x.unbind(1)
    for _ in range(100):
        speed = speed - 0.005 * (9.0 * angle.sin() + 0.4 * speed)
        angle = angle + 0.005 * speed
    return x, torch.stack((angle, speed), 1)


def bumps(seed: int) -> Rows:
    """(800, 3) -> (800, 1): a bump, a ridge and a slope; noise whose size hangs on the first input."""
    dice = _dice(seed)
    x = 2 * torch.rand(800, 3, generator=dice) - 1
    a, b, c = x.unbind(1)
    clean = 2 * (-4 * (a**2 + b**2)).exp() + (2 * c).tanh() + 0.5 * a * c - 0.6
    return x, (clean + (0.05 + 0.15 * (a > 0)) * torch.randn(800, generator=dice))[:, None]


def ripples(seed: int) -> Rows:
    """(600, 1) -> (600, 1): a quick wave in a slow one."""
    dice = _dice(seed)
    x = 2 * torch.rand(600, 1, generator=dice) - 1
    return x, (14 * x).sin() * (2 * x).cos() + 0.05 * torch.randn(600, 1, generator=dice)


def visits(seed: int) -> Rows:
    """(900, 5) -> (900, 1) counts with a log rate of their own."""
    dice = _dice(seed)
    x = torch.randn(900, 5, generator=dice)
    rate = (1.2 + 0.6 * x[:, :1] - 0.5 * x[:, 1:2].abs() + 0.4 * x[:, 2:3]).exp()
    return x, torch.poisson(rate, generator=dice)


def circuits(seed: int) -> Rows:
    """(700, 10, 13) graphs: ten nodes' links and three features; the class is its hub's kind."""
    dice = _dice(seed)
    links = (torch.rand(700, 10, 10, generator=dice) < 0.25).float().triu(1)
    hub = torch.randint(0, 10, (700,), generator=dice)
    links[torch.arange(700), hub] = (torch.rand(700, 10, generator=dice) < 0.8).float()
    links = ((links + links.mT) > 0).float() * (1 - torch.eye(10))
    kind = torch.randint(0, 3, (700, 10), generator=dice)
    best = links.sum(2).argmax(1)
    return torch.cat((links, one_hot(kind, 3).float()), 2), kind[torch.arange(700), best]


def two_humps(seed: int) -> Rows:
    """(800, 2) points on two half moons, with themselves as targets."""
    dice = _dice(seed)
    angle, side = math.pi * torch.rand(800, generator=dice), torch.randint(0, 2, (800,), generator=dice)
    sign = 1 - 2 * side
    x = torch.stack((angle.cos() * sign + side - 0.5, angle.sin() * sign + 0.5 * side - 0.25), 1)
    x = x + 0.08 * torch.randn(800, 2, generator=dice)
    return x, x


def decay(seed: int) -> Rows:
    """(400, 1) times and, to score by alone, u(t) = exp(-t) cos(3 t)."""
    t = 2 * torch.rand(400, 1, generator=_dice(seed))
    return t, (-t).exp() * (3 * t).cos()


def shapes(seed: int) -> Rows:
    """(800, 12) -> (800, 2): a kind (0, 1, 2) and a size, both in one float tensor."""
    dice = _dice(seed)
    kind, size = torch.randint(0, 3, (800,), generator=dice), torch.rand(800, generator=dice) + 0.5
    forms = torch.randn(3, 12, generator=dice)
    x = forms[kind] * size[:, None] + 0.25 * torch.randn(800, 12, generator=dice)
    return x, torch.stack((kind.float(), size), 1)
