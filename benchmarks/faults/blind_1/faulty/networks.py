"""Faults of networks, initial weights and losses, for the first blind suite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from benchmarks.faults.blind_1.faulty.data import Row
from benchmarks.faults.blind_1.faulty.operators import (
    Cut,
    Forgetful,
    alike,
    biased,
    both,
    every,
    hidden,
    inserted,
    instead,
    last,
    net,
    output,
    scaled,
    under,
)  # fmt: skip
from benchmarks.faults.blind_1.networks.generative import Rounded
from benchmarks.faults.blind_1.networks.structured import OfGraphs, Recurrence, stack
from benchmarks.faults.blind_1.networks.vectors import dense
from benchmarks.faults.case import TrainingCase
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


def of(made: Callable[[], nn.Module]) -> Callable[[TrainingCase], TrainingCase]:
    """Another network altogether."""
    return net(lambda _: made())


class Bare(nn.Module):
    """Layers applied one after the other; the author forgot the activations."""

    def __init__(self, *sizes: int):
        super().__init__()
        self.one, self.two, self.three = (nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        return self.three(self.two(self.one(x)))


class Steep(nn.Module):
    """Residual blocks that each add three times what they make."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int):
        super().__init__()
        self.start, self.end = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        x = self.start(x)
        for block in self.blocks:
            x = x + 6 * torch.relu(block(x))
        return self.end(x)


class Words(nn.Module):
    """Word vectors summed up: the order of the words is gone."""

    def __init__(self, words: int, width: int, outputs: int):
        super().__init__()
        self.words, self.end = nn.Embedding(words, width), dense(width, 24, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, length) -> (n, outputs)"""
        return self.end(self.words(x).mean(1))


def doubling(layer: nn.RNNBase) -> None:
    """The state more than doubles at every step."""
    nn.init.orthogonal_(layer.weight_hh_l0, 3.0)


def fading(layer: nn.RNNBase) -> None:
    nn.init.orthogonal_(layer.weight_hh_l0, 0.15)


def gates(value: float) -> Callable[[nn.RNNBase], None]:
    """Every gate of a recurrent layer far open or shut."""

    def change(layer: nn.RNNBase) -> None:
        layer.bias_ih_l0.fill_(value)

    return change


def gained(gain: float) -> Callable[[nn.Linear], None]:
    """Kaiming's weights times a gain."""

    def change(layer: nn.Linear) -> None:
        nn.init.kaiming_normal_(layer.weight)
        layer.weight.mul_(gain)
        layer.bias.zero_()

    return change


def sunk(layer: nn.Module) -> None:
    """All weights negative."""
    layer.weight.copy_(-layer.weight.abs())  # type: ignore[operator,union-attr]


def second(change: Callable[[nn.Module], object]) -> Callable[[TrainingCase], TrainingCase]:
    """Something done to the second affine layer."""

    def done(model: nn.Module) -> None:
        change([m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)][1])

    return net(done)


def no_places(model: nn.Module) -> None:
    """The network has no token positions."""
    nowhere = torch.zeros_like(model.places)  # type: ignore[arg-type]
    del model.places
    model.register_buffer("places", nowhere)


def sevenfold(
    act: Callable[[], nn.Module], gain: float = 1.0, depth: int = 10
) -> Callable[[TrainingCase], TrainingCase]:
    """A deep plain network for the digits, its weights of a gain."""
    made = of(lambda: dense(64, *[40] * depth, 10, act=act))
    return both(made, hidden(gained(gain / 2**0.5)))


NETWORKS: tuple[Row, ...] = (
    ("SYMMETRIC_INIT", "one number", alike(value=0.1), "digits-contrasted-focal sums-gru digits-checkpoints",
     {}),
    ("SYMMETRIC_INIT", "one row for all", alike(), "clouds-mish field-sine friedman-relu", {}),
    ("SYMMETRIC_INIT", "filters alike", alike(), "drifting-mish shapes-squeezed", {}),
    ("SYMMETRIC_INIT", "alike but for a millionth", alike(1e-6),
     "clouds-slow digits-even-variance moons-small", {}),
    ("GRAPH_BROKEN", "through numpy", inserted(-1, partial(Cut, "numpy")),
     "spirals-relu field-sine board-gelu", {}),
    ("GRAPH_BROKEN", "no_grad left over", under("no_grad", 3), "spirals-relu board-gelu digits-deeper-slower",
     {}),
    ("GRAPH_BROKEN", "a threshold in the middle", inserted(-1, partial(Cut, "threshold")),
     "field-sine parity-three clouds-slow", {}),
    ("GRAPH_BROKEN", "rounded, nothing goes through", of(lambda: Rounded(64, 12, 10, through=False)),
     "digits-straight-through", {}),
    ("MISSING_NONLINEARITY", "identity", instead(nn.ReLU, lambda _: nn.Identity()),
     "spirals-relu parity-three friedman-relu", {}),
    ("MISSING_NONLINEARITY", "a leak of one", instead(nn.GELU, lambda _: nn.LeakyReLU(1.0)),
     "board-gelu arm-kilometres", {}),
    ("MISSING_NONLINEARITY", "forgotten in forward", of(lambda: Bare(2, 48, 48, 1)), "field-sine field-tanh",
     {}),
    ("MISSING_NONLINEARITY", "only dropout between", instead(nn.Tanh, lambda _: nn.Dropout(0.1)),
     "moons-small field-tanh", {}),
    ("MISSING_NONLINEARITY", "only batch norm between",
     of(lambda: dense(2, 48, 48, 3, act=nn.Identity, between=nn.BatchNorm1d)), "spirals-relu", {}),
    ("EXCESS_DROPOUT", "before the last layer", inserted(-1, partial(nn.Dropout, 0.97)),
     "digits-narrow clouds-slow friedman-relu", {}),
    ("EXCESS_DROPOUT", "a function after every activation", instead(nn.ReLU, lambda a: Forgetful(a, 0.9)),
     "spirals-relu digits-deeper-slower", {}),
    ("EXCESS_DROPOUT", "whole channels", inserted(2, partial(nn.Dropout2d, 0.95)),
     "grey-cut-out drifting-norm", {}),
    ("EXCESS_DROPOUT", "of the inputs", inserted(0, partial(nn.Dropout, 0.95)), "seasons-gelu clouds-mish",
     {}),
    ("EXCESS_DROPOUT", "between recurrent layers",
     of(lambda: Recurrence(nn.GRU, 3, 32, 3, "each", tokens=True, num_layers=2, dropout=0.95)), "sums-gru",
     {}),
    ("EXPLODING_GRADIENT", "ten layers of gain three", sevenfold(nn.ReLU, 3.0),
     "digits-rate-third digits-cycle", {}),
    ("EXPLODING_GRADIENT", "the state triples",
     both(of(lambda: Recurrence(nn.RNN, 8, 24, 10, nonlinearity="relu")), every(nn.RNN, doubling)),
     "lines-both-ways", {}),
    ("EXPLODING_GRADIENT", "steep residuals", of(lambda: Steep(16, 32, 10, 6)),
     "clouds-zero-gates clouds-highway", {}),
    ("EXPLODING_GRADIENT", "messages pile up",
     both(of(lambda: OfGraphs(4, 24, 2, rounds=8)), every(nn.Linear, scaled(3.0))), "graphs", {}),
    ("EXPLODING_GRADIENT", "wide filters",
     both(of(lambda: stack(1, 8, 16, 16, 16, 16, 16)), hidden(scaled(9.0))), "grey-cut-out drifting-mish",
     {}),
    ("SATURATED_ACTIVATION", "heavy weights", hidden(scaled(150.0)), "digits-brier arm-nanometres field-tanh",
     {}),
    ("SATURATED_ACTIVATION", "heavy biases", hidden(biased(9.0)),
     "moons-small iris-tanh digits-even-variance", {}),
    ("SATURATED_ACTIVATION", "hard limits", hidden(scaled(400.0)), "cancer-hinge", {}),
    ("SATURATED_ACTIVATION", "gates shut", every(nn.RNNBase, gates(-14.0)), "copied-lstm keyword-order-gru",
     {}),
    ("SATURATED_ACTIVATION", "softsign", hidden(scaled(3000.0)), "iris-rprop", {}),
    ("DEAD_RELU", "biases far below", hidden(biased(-12.0)), "digits-wide friedman-relu wine-weighted", {}),
    ("DEAD_RELU", "second layer all negative", second(sunk), "spirals-relu digits-deeper-slower",
     {}),
    ("DEAD_RELU", "norms far below", every(nn.BatchNorm2d, biased(-5.0)), "drifting-norm", {}),
    ("DEAD_RELU", "filters far below", hidden(biased(-10.0)), "grey-cut-out mixed-up-pictures", {}),
    ("DEAD_RELU", "only the second layer", second(biased(-15.0)), "spirals-relu digits-checkpoints", {}),
    ("VANISHING_GRADIENT", "ten sigmoids", sevenfold(nn.Sigmoid), "digits-rate-third digits-cycle", {}),
    ("VANISHING_GRADIENT", "a small gain", sevenfold(nn.Tanh, 0.25, 8),
     "digits-even-variance digits-root-schedule", {}),
    ("VANISHING_GRADIENT", "fading state",
     both(of(lambda: Recurrence(nn.RNN, 2, 24, 1)), every(nn.RNN, fading)), "adding-lstm", {}),
    ("VANISHING_GRADIENT", "faint filters",
     both(of(lambda: stack(1, 8, 16, 16, 16, 16, 16)), hidden(scaled(0.2))), "grey-cut-out drifting-mish",
     {}),
    ("FIRST_LOSS_TOO_LARGE", "heavy last layer", last(scaled(300.0)),
     "digits-even-variance digits-restarts field-sine", {}),
    ("FIRST_LOSS_TOO_LARGE", "cold", output(lambda x: x * 60),
     "digits-even-variance digits-cycle digits-restarts", {}),
    ("FIRST_LOSS_TOO_LARGE", "biases of hundreds", last(lambda a: a.bias.normal_(0, 400)),
     "shapes-squeezed friedman-relu chain-gru", {}),
    ("UNDERFIT", "a plane cannot part them", of(lambda: dense(8, 2)), "parity-three", {}),
    ("UNDERFIT", "a plane cannot part them", of(lambda: dense(2, 2)), "board-gelu", {}),
    ("UNDERFIT", "order is gone", of(lambda: Words(12, 24, 2)), "keyword-order-encoder keyword-order-gru",
     {}),
    ("UNDERFIT", "no places", net(no_places), "reversed-encoder", {}),
)  # fmt: skip
