"""Networks of the first blind suite, for vectors. Each is small and plain; sizes are arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

Act = Callable[[], nn.Module]


def dense(
    *sizes: int, act: Act = nn.ReLU, between: Callable[[int], nn.Module] | None = None
) -> nn.Sequential:
    """Affine layers of these sizes; after each but the last, `between(width)` and the activation."""
    layers: list[nn.Module] = []
    for fan, width in pairwise(sizes[:-1]):
        layers += [nn.Linear(fan, width), *([between(width)] if between else []), act()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class Mish(nn.Module):
    """x tanh softplus x, written out."""

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...)"""
        return x * torch.tanh(functional.softplus(x))


class Sine(nn.Module):
    """A sine as activation."""

    def __init__(self, speed: float = 1.0):
        super().__init__()
        self.speed = speed

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...)"""
        return torch.sin(self.speed * x)


class Gated(nn.Module):
    """A gated linear unit."""

    def __init__(self, fan: int, width: int):
        super().__init__()
        self.both = nn.Linear(fan, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, fan) -> (n, width)"""
        return functional.glu(self.both(x), -1)


class Maxout(nn.Module):
    """The largest of three affine maps."""

    def __init__(self, fan: int, width: int):
        super().__init__()
        self.all = nn.Linear(fan, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, fan) -> (n, width)"""
        return self.all(x).unflatten(1, (-1, 3)).amax(2)


class Highway(nn.Module):
    """Layers that carry their input past, by a gate of bias -2."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int):
        super().__init__()
        self.start, self.end = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.made = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        for gate in self.gates:
            nn.init.constant_(gate.bias, -2)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        x = self.start(x)
        for made, gate in zip(self.made, self.gates, strict=True):
            share = torch.sigmoid(gate(x))
            x = share * torch.relu(made(x)) + (1 - share) * x
        return self.end(x)


class ZeroGated(nn.Module):
    """Residual blocks, each behind a gate that is initialised to zero."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int):
        super().__init__()
        self.start, self.end = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.blocks = nn.ModuleList(dense(width, width, width, act=nn.SiLU) for _ in range(depth))
        self.gates = nn.Parameter(torch.zeros(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        x = self.start(x)
        for block, gate in zip(self.blocks, self.gates, strict=True):
            x = x + gate * block(x)
        return self.end(x)


class Dense(nn.Module):
    """Every layer sees all layers before it."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(inputs + width * k, width) for k in range(depth))
        self.end = nn.Linear(inputs + width * depth, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        for layer in self.layers:
            x = torch.cat((x, torch.relu(layer(x))), 1)
        return self.end(x)


class Fourier(nn.Module):
    """Fixed random waves of the inputs, then a small network."""

    def __init__(self, inputs: int, waves: int, outputs: int, speed: float = 2.0):
        super().__init__()
        self.register_buffer("waves", speed * torch.randn(inputs, waves))
        self.rest = dense(2 * waves, 32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        turned = x @ self.waves
        return self.rest(torch.cat((turned.sin(), turned.cos()), 1))


class Bumps(nn.Module):
    """Radial functions with centres that move."""

    def __init__(self, inputs: int, bumps: int, outputs: int):
        super().__init__()
        self.centres, self.sharp = (
            nn.Parameter(1.2 * torch.randn(bumps, inputs)),
            nn.Parameter(torch.zeros(bumps)),
        )
        self.end = nn.Linear(bumps, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        return self.end(torch.exp(-self.sharp.exp() * ((x[:, None] - self.centres) ** 2).sum(2)))


class Experts(nn.Module):
    """Small networks and the weights given to each; with `top`, only the best few are asked."""

    def __init__(self, inputs: int, width: int, outputs: int, experts: int = 4, top: int = 0):
        super().__init__()
        self.gate, self.top = nn.Linear(inputs, experts), top
        self.experts = nn.ModuleList(dense(inputs, width, outputs) for _ in range(experts))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        worth = self.gate(x)
        if self.top:
            least = worth.topk(self.top, 1).values[:, -1:]
            worth = worth.masked_fill(worth < least, -math.inf)
        answers = torch.stack([expert(x) for expert in self.experts], 2)
        return (answers * torch.softmax(worth, 1)[:, None]).sum(2)


class Adapted(nn.Module):
    """A fixed affine map and a trained one of low rank beside it, initialised to zero."""

    def __init__(self, fixed: nn.Linear, rank: int = 4):
        super().__init__()
        self.fixed = fixed.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, fixed.in_features) / math.sqrt(fixed.in_features))
        self.up = nn.Parameter(torch.zeros(fixed.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        return self.fixed(x) + x @ self.down.T @ self.up.T


class OneByOne(nn.Module):
    """An additive model: a small network for each column, summed."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.parts = nn.ModuleList(dense(1, width, outputs, act=nn.Tanh) for _ in range(inputs))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        return sum(part(column) for part, column in zip(self.parts, x.split(1, 1), strict=True))
