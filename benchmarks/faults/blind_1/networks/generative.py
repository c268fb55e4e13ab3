"""Networks of the first blind suite that recommend, quantise, generate, or keep a copy of themselves."""

from __future__ import annotations

import copy

import torch
from benchmarks.faults.blind_1.networks.vectors import dense
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Factors(nn.Module):
    """Users and items as vectors; a rating is their product."""

    def __init__(self, users: int, items: int, width: int, sparse: bool = False):
        super().__init__()
        self.users = nn.Embedding(users, width, sparse=sparse)
        self.items = nn.Embedding(items, width, sparse=sparse)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2) of row numbers -> (n, 1)"""
        return (self.users(x[:, 0]) * self.items(x[:, 1])).sum(1, keepdim=True)


class Rounded(nn.Module):
    """Hidden units of -1 and 1; the gradient goes straight through (Bengio, Leonard, Courville 2013)."""

    def __init__(self, inputs: int, width: int, outputs: int, through: bool = True):
        super().__init__()
        self.start, self.norm, self.end = (
            nn.Linear(inputs, width),
            nn.LayerNorm(width),
            nn.Linear(width, outputs),
        )
        self.through = through

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        soft = torch.tanh(self.norm(self.start(x)))
        hard = soft.sign()
        return self.end(soft + (hard - soft).detach() if self.through else hard)


class Pieces(nn.Module):
    """A sequence of blocks, run again in the backward pass instead of kept."""

    def __init__(self, *blocks: nn.Module):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """As the blocks answer."""
        for block in self.blocks[:-1]:
            x = checkpoint(block, x, use_reentrant=False)
        return self.blocks[-1](x)


class Flow(nn.Module):
    """Affine couplings; gives the base point and the log of the volume (Dinh et al. 2017)."""

    def __init__(self, width: int, depth: int = 4):
        super().__init__()
        self.steps = nn.ModuleList(dense(1, width, 2, act=nn.Tanh) for _ in range(depth))
        for step in self.steps:
            nn.init.zeros_(step[-1].weight)
            nn.init.zeros_(step[-1].bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 2) -> (n, 2) and (n,)"""
        volume = x.new_zeros(len(x))
        for step in self.steps:
            kept, moved = x[:, :1], x[:, 1:]
            scale, shift = step(kept).chunk(2, 1)
            x, volume = (
                torch.cat((moved * torch.tanh(scale).exp() + shift, kept), 1),
                volume + torch.tanh(scale)[:, 0],
            )
        return x, volume


class Variational(nn.Module):
    """Encoder, a draw, decoder; gives picture, mean and log variance (Kingma, Welling 2014)."""

    def __init__(self, inputs: int, width: int, hidden: int):
        super().__init__()
        self.encoder, self.decoder = dense(inputs, width, 2 * hidden), dense(hidden, width, inputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, inputs) -> (n, inputs), (n, hidden) twice"""
        mean, wide = self.encoder(x).chunk(2, 1)
        drawn = mean + torch.randn_like(mean) * (wide / 2).exp() if self.training else mean
        return self.decoder(drawn), mean, wide


class Shadowed(nn.Module):
    """A network and a copy of it that follows slowly or is set at times, and may answer in evaluation."""

    def __init__(self, inner: nn.Module, answers: bool = True):
        super().__init__()
        self.inner, self.answers = inner, answers
        self.shadow = copy.deepcopy(inner).requires_grad_(False)

    def follow(self, share: float) -> None:
        """Move the copy by this share of the way."""
        with torch.no_grad():
            for slow, fast in zip(self.shadow.parameters(), self.inner.parameters(), strict=True):
                slow.lerp_(fast, share)

    def forward(self, x: Tensor) -> Tensor:
        """As the inner network answers."""
        return self.inner(x) if self.training or not self.answers else self.shadow(x)


class Painter(nn.Module):
    """A generator of points in the plane and the critic of them."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.painter = dense(4, width, width, 2, act=lambda: nn.LeakyReLU(0.2))
        self.critic = dense(2, width, width, 1, act=lambda: nn.LeakyReLU(0.2))

    def forward(self, noise: Tensor) -> Tensor:
        """(n, 4) -> (n, 2)"""
        return self.painter(noise)
