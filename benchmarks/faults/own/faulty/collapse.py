"""Collapsed representations: a task that only attention solves, and networks that lose their rank."""

from __future__ import annotations

from collections.abc import Callable

import torch
from benchmarks.faults.own.data import Rows
from benchmarks.faults.own.networks import mlp
from torch import Generator, Tensor, nn
from torch.nn import functional


def marked(seed: int) -> Rows:
    """(800, 6, 6): six tokens, each with a class of four as one-hot, a flag, and noise; one token is flagged,
    and its class is asked for.
    """
    dice = Generator().manual_seed(seed)
    kinds = torch.randint(0, 4, (800, 6), generator=dice)
    place = torch.randint(0, 6, (800,), generator=dice)
    flags = functional.one_hot(place, 6).float()[..., None]
    noise = 0.1 * torch.randn(800, 6, 1, generator=dice)
    x = torch.cat((functional.one_hot(kinds, 4).float(), 2 * flags, noise), 2)
    return x, kinds[torch.arange(800), place]


class Finder(nn.Module):
    """Tokens to vectors, attention without a way around it, the mean classified.

    `blind` to all tokens but one, as by a mask turned inside out.
    """

    def __init__(self, width: int = 24, heads: int = 2, blind: bool = False):
        super().__init__()
        self.blind = blind
        self.inlet, self.head = nn.Linear(6, width), nn.Linear(width, 4)
        self.attend = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, 6) -> (n, 4)"""
        h, padding = self.inlet(x), torch.arange(x.shape[1]).expand(x.shape[:2]) > 0 if self.blind else None
        mixed, _ = self.attend(h, h, h, key_padding_mask=padding, need_weights=False)
        return self.head(functional.gelu(mixed).mean(1))


class OwnFinder(nn.Module):
    """The same by torch's product attention or written out; `scale` multiplies the scores."""

    def __init__(self, width: int = 24, scale: float = 1.0, by_hand: bool = False, blind: bool = False):
        super().__init__()
        self.blind = blind
        self.inlet, self.head = nn.Linear(6, width), nn.Linear(width, 4)
        self.keys, self.queries, self.values = (nn.Linear(width, width) for _ in range(3))
        self.scale, self.by_hand = scale / width**0.5, by_hand

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, 6) -> (n, 4)"""
        h = self.inlet(x)
        q, k, v = self.queries(h), self.keys(h), self.values(h)
        if self.by_hand:
            mixed = (q @ k.transpose(1, 2) * self.scale).softmax(-1) @ v
        else:
            mask = (torch.arange(6) < 1).expand(6, 6) if self.blind else None
            mixed = functional.scaled_dot_product_attention(
                q[:, None], k[:, None], v[:, None], mask, scale=self.scale
            )
        return self.head(functional.gelu(mixed.reshape(v.shape)).mean(1))


class Averaged(nn.Module):
    """A mean over the batch where one over places was meant: every row becomes the same."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, ...) -> (n, ...)"""
        return x.mean(0, keepdim=True).expand_as(x)


def with_middle(middle: Callable[[], nn.Module], inputs: int = 64, outputs: int = 10) -> nn.Module:
    """Something between two layers."""
    return nn.Sequential(
        *(nn.Linear(inputs, 48), nn.ReLU(), middle(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, outputs))
    )


def drowned(depth: int, bias: float, inputs: int = 64, outputs: int = 10) -> nn.Module:
    """A deep chain whose biases drown the signal in every layer."""
    model = mlp((inputs, *(48,) * depth, outputs))
    with torch.no_grad():
        for p in list(model.parameters())[:-1]:
            if p.dim() == 1:
                nn.init.normal_(p, bias, bias)
    return model
