"""Networks of the first blind suite, for images, sequences, sets and graphs.

A network that answers at every place gives (n, classes, places), as cross-entropy takes it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from benchmarks.faults.blind_1.networks.vectors import Act, dense
from torch import Tensor, nn
from torch.nn import functional


def stack(
    *widths: int, size: int = 3, outputs: int = 10, act: Act = nn.ReLU, norm: Any = None
) -> nn.Sequential:
    """Convolutions of these widths, the mean over places, an affine layer."""
    layers: list[nn.Module] = []
    for fan, width in pairwise(widths):
        layers += [nn.Conv2d(fan, width, size, padding=size // 2), *([norm(width)] if norm else []), act()]
        layers += [nn.MaxPool2d(2)] if len(layers) < 5 else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * widths[-1], outputs))


class Squeezed(nn.Module):
    """A convolution whose channels are weighted by a summary of the whole image."""

    def __init__(self, fan: int, width: int):
        super().__init__()
        self.conv = nn.Conv2d(fan, width, 3, padding=1)
        self.weigh = nn.Sequential(nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, width), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(n, fan, h, w) -> (n, width, h, w)"""
        x = torch.relu(self.conv(x))
        return x * self.weigh(x.mean((2, 3)))[:, :, None, None]


class UNet(nn.Module):
    """Down, up, and the fine picture beside the coarse one; a number for every pixel."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.down, self.low = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 2 * width, 3, padding=1)
        self.up, self.end = nn.ConvTranspose2d(2 * width, width, 2, 2), nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) -> (n, 1, h, w)"""
        fine = torch.relu(self.down(x))
        coarse = torch.relu(self.low(functional.max_pool2d(fine, 2)))
        return self.end(torch.cat((fine, torch.relu(self.up(coarse))), 1))


class NextBlock(nn.Module):
    """Depthwise 5 x 5, layer norm, wide and narrow again; its scale is initialised small (Liu et al. 2022)."""

    def __init__(self, width: int):
        super().__init__()
        self.depth, self.norm = nn.Conv2d(width, width, 5, padding=2, groups=width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) -> the same"""
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.narrow(functional.gelu(self.wide(y)))).permute(0, 3, 1, 2)


class Mixer(nn.Module):
    """Mixes places, then channels (Tolstikhin et al. 2021), on (n, places, channels)."""

    def __init__(self, places: int, inputs: int, width: int, outputs: int):
        super().__init__()
        self.start, self.end = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.across, self.along = (
            dense(places, 2 * places, places, act=nn.GELU),
            dense(width, width, width, act=nn.GELU),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, places, inputs) -> (n, outputs)"""
        x = self.start(x)
        x = x + self.across(self.norms[0](x).mT).mT
        return self.end((x + self.along(self.norms[1](x))).mean(1))


class Temporal(nn.Module):
    """Dilated convolutions over time, the block's input beside its output."""

    def __init__(self, inputs: int, width: int, outputs: int, depth: int = 4):
        super().__init__()
        self.start, self.end = nn.Conv1d(inputs, width, 3, padding=1), nn.Linear(width, outputs)
        self.blocks = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=2**k, dilation=2**k) for k in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, time) -> (n, outputs)"""
        x = torch.relu(self.start(x))
        for block in self.blocks:
            x = x + torch.relu(block(x))
        return self.end(x.mean(2))


class Recurrence(nn.Module):
    """A recurrent layer over tokens or rows; answers from the end, from all places, or at every place."""

    def __init__(
        self, kind: type[nn.RNNBase], inputs: int, width: int, outputs: int, answer: str = "end", **words: Any
    ):
        super().__init__()
        tokens = words.pop("tokens", False)
        self.start = nn.Embedding(inputs, width) if tokens else nn.Identity()
        self.layer = kind(width if tokens else inputs, width, batch_first=True, **words)
        self.end = nn.Linear(width * (1 + self.layer.bidirectional), outputs)
        self.answer = answer

    def forward(self, x: Tensor) -> Tensor:
        """(n, time) or (n, time, inputs) -> (n, outputs) or (n, outputs, time)"""
        seen = self.layer(self.start(x))[0]
        if self.answer == "each":
            return self.end(seen).mT
        return self.end(seen[:, -1] if self.answer == "end" else seen.mean(1))


class Block(nn.Module):
    """Attention and a small network with skips; the norm before (`pre`) or after each, or no skip at all."""

    def __init__(self, width: int, heads: int = 2, pre: bool = True, skip: bool = True):
        super().__init__()
        self.mix = nn.MultiheadAttention(width, heads, batch_first=True)
        self.think = dense(width, 2 * width, width, act=nn.GELU)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.pre, self.skip = pre, skip

    def forward(self, x: Tensor) -> Tensor:
        """(n, places, width) -> the same"""
        for norm, part in zip(self.norms, (self._mixed, self.think), strict=True):
            y = part(norm(x) if self.pre else x)
            y = x + y if self.skip else y
            x = y if self.pre else norm(y)
        return x

    def _mixed(self, x: Tensor) -> Tensor:
        return self.mix(x, x, x, need_weights=False)[0]


class Encoder(nn.Module):
    """Tokens (or rows of numbers) with places, blocks, and an answer for all or at every place."""

    def __init__(
        self, inputs: int, width: int, outputs: int, length: int, depth: int = 2, each: bool = False,
        tokens: bool = True, **words: Any
    ):  # fmt: skip
        super().__init__()
        self.start = nn.Embedding(inputs, width) if tokens else nn.Linear(inputs, width)
        self.places = nn.Parameter(0.3 * torch.randn(length, width))
        self.blocks = nn.Sequential(*(Block(width, **words) for _ in range(depth)))
        self.end, self.each = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, outputs)), each

    def forward(self, x: Tensor) -> Tensor:
        """(n, places) or (n, places, inputs) -> (n, outputs) or (n, outputs, places)"""
        x = self.blocks(self.start(x) + self.places)
        return self.end(x).mT if self.each else self.end(x.mean(1))


class Weighed(nn.Module):
    """Attention written out, with a question that is learned: which places matter?"""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.keys, self.values, self.end = (
            nn.Linear(inputs, width),
            nn.Linear(inputs, width),
            nn.Linear(width, outputs),
        )
        self.question = nn.Parameter(torch.randn(width) / math.sqrt(width))

    def forward(self, x: Tensor) -> Tensor:
        """(n, places, inputs) -> (n, outputs)"""
        share = torch.softmax(torch.tanh(self.keys(x)) @ self.question, 1)
        return self.end((share[..., None] * torch.relu(self.values(x))).sum(1))


class OfSets(nn.Module):
    """Features of each point, pooled by maximum and mean."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.each, self.all = dense(inputs, width, width), dense(2 * width, width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, points, inputs) -> (n, outputs)"""
        said = self.each(x)
        return self.all(torch.cat((said.amax(1), said.mean(1)), 1))


class OfGraphs(nn.Module):
    """Messages along links, `rounds` times; links and features come side by side."""

    def __init__(self, features: int, width: int, outputs: int, rounds: int = 2):
        super().__init__()
        sizes = [features, *[width] * rounds]
        self.near = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.self_ = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.end = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, nodes, nodes + features) -> (n, outputs)"""
        links, h = x[..., : x.shape[1]], x[..., x.shape[1] :]
        for near, own in zip(self.near, self.self_, strict=True):
            h = torch.relu(links @ near(h) + own(h))
        return self.end(h.amax(1))


class Teller(nn.Module):
    """Encoder and decoder: the decoder writes place by place and attends to the input."""

    def __init__(self, kinds: int, width: int, length: int):
        super().__init__()
        self.start, self.places = nn.Embedding(kinds, width), nn.Parameter(torch.randn(length, width))
        self.reader, self.writer = (nn.GRU(width, width, batch_first=True) for _ in range(2))
        self.end = nn.Linear(2 * width, kinds)

    def forward(self, x: Tensor) -> Tensor:
        """(n, length) -> (n, kinds, length)"""
        read, state = self.reader(self.start(x))
        wrote = self.writer(self.places.expand(len(x), -1, -1), state)[0]
        found = torch.softmax(wrote @ read.mT / math.sqrt(wrote.shape[2]), 2) @ read
        return self.end(torch.cat((wrote, found), 2)).mT


class Spectral(nn.Module):
    """Complex weights on the Fourier coefficients of a signal, and a small network."""

    def __init__(self, outputs: int, kept: int = 12):
        super().__init__()
        self.kept, self.end = kept, dense(2 * kept, 48, outputs, act=nn.GELU)
        self.weights = nn.Parameter(torch.randn(kept, 2) / 2)

    def forward(self, x: Tensor) -> Tensor:
        """(n, length) -> (n, outputs)"""
        known = torch.fft.rfft(x, norm="ortho")[:, : self.kept] * torch.view_as_complex(self.weights)
        return self.end(torch.view_as_real(known).flatten(1))


class Twins(nn.Module):
    """One network reads both; the answer compares."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.reads, self.end = dense(inputs, 48, width), nn.Linear(2 * width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2, inputs) -> (n, 2)"""
        return self.end(torch.cat((self.reads(x[:, 0]), self.reads(x[:, 1])), 1).relu())


class Two(nn.Module):
    """Two heads on one body: the class, and odd or even; the first answers."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.digit, self.odd = dense(64, 48, 32), nn.Linear(32, 10), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 64) -> (n, 10) and (n, 2)"""
        body = torch.relu(self.body(x))
        return self.digit(body), self.odd(body)
