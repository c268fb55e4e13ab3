"""Representations and attention that collapse, for the first blind suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from benchmarks.faults.blind_1.faulty.data import Row
from benchmarks.faults.blind_1.faulty.operators import Operator, both, every, fields, hidden, net
from benchmarks.faults.blind_1.networks.structured import Block, Encoder, Weighed
from benchmarks.faults.blind_1.networks.vectors import dense
from torch import Tensor, nn

Change = Callable[[Any], object]


class Sharp(nn.Module):
    """Attention written out by someone who multiplied by the width instead of dividing by its root."""

    def __init__(self, width: int, factor: float):
        super().__init__()
        self.asks, self.keys, self.values = (nn.Linear(width, width) for _ in range(3))
        self.factor = factor

    def forward(self, x: Tensor, *_: Tensor, **_words: bool) -> tuple[Tensor, None]:
        """(n, places, width) -> the same, and nothing"""
        alike = self.asks(x) @ self.keys(x).mT * self.factor
        return torch.softmax(alike, 2) @ self.values(x), None


def heavy(factor: float) -> Change:
    """Queries and keys are initialised large."""

    def change(layer: nn.MultiheadAttention) -> None:
        layer.in_proj_weight[: 2 * layer.embed_dim] *= factor

    return change


def unasked(layer: nn.MultiheadAttention) -> None:
    """Queries and keys are initialised to zero: neither gets a gradient."""
    layer.in_proj_weight[: 2 * layer.embed_dim] = 0


def sharpened(factor: float) -> Change:
    def change(block: Block) -> None:
        block.mix = Sharp(block.mix.embed_dim, factor)  # type: ignore[assignment,arg-type]

    return change


def cold_question(layer: Weighed) -> None:
    layer.question.mul_(1000)


def one_direction(layer: nn.Linear) -> None:
    """Weights of rank one: all units share one direction, with different norms."""
    units = torch.randn(layer.out_features, 1)
    layer.weight.copy_(units @ torch.randn(1, layer.in_features) / layer.in_features**0.5)
    layer.bias.zero_()


def kaiming(layer: nn.Linear) -> None:
    nn.init.kaiming_normal_(layer.weight)
    layer.bias.zero_()


def pulled_together(out: Tensor, _y: Tensor) -> Tensor:
    """Two views are pulled together, and nothing pushes different rows apart."""
    return ((out[:, 0] - out[:, 1]) ** 2).mean()


def without_skips(depth: int) -> Operator:
    return net(lambda _: Encoder(6, 24, 6, 8, depth, each=True, skip=False))


def thirty_layers(inputs: int, outputs: int) -> Operator:
    """Thirty layers of ReLU: all inputs come out in nearly one direction."""
    return both(net(lambda _: dense(inputs, *[32] * 30, outputs)), hidden(kaiming))


COLLAPSES: tuple[Row, ...] = (
    ("RANK_COLLAPSE", "two views pulled together", fields(loss=pulled_together), "two-views", {}),
    ("RANK_COLLAPSE", "blocks without skips", without_skips(6), "reversed-encoder sorted-encoder",
     {"also": ("VANISHING_GRADIENT",)}),
    ("RANK_COLLAPSE", "thirty layers of ReLU", thirty_layers(64, 10), "digits-cycle digits-restarts", {}),
    ("RANK_COLLAPSE", "thirty layers of ReLU", thirty_layers(16, 6), "clouds-slow", {}),
    ("RANK_COLLAPSE", "one direction", hidden(one_direction), "digits-even-variance", {}),
    ("ATTENTION_COLLAPSE", "heavy questions", every(nn.MultiheadAttention, heavy(60.0)),
     "reversed-encoder sorted-encoder", {}),
    ("ATTENTION_COLLAPSE", "nobody asks", every(nn.MultiheadAttention, unasked),
     "reversed-encoder reversed-post-norm", {"also": ("SYMMETRIC_INIT",)}),
    ("ATTENTION_COLLAPSE", "times the width", every(Block, sharpened(24.0)), "reversed-encoder grey-patches",
     {}),
    ("ATTENTION_COLLAPSE", "a cold question", every(Weighed, cold_question), "lines-weighed", {}),
)  # fmt: skip
