"""Problems to try the clinic on: `levinthal check examples/broken_digits.py:saturated --treat`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import nn
from torch.nn import functional

import levinthal

digits = levinthal.load("digits")


def mlp(depth: int, activation: type[nn.Module], gain: float = 1.0) -> nn.Sequential:
    """64 - 64 - ... - 10."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(64, 64), activation()]
    net = nn.Sequential(*layers, nn.Linear(64, 10))
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.weight.data.mul_(gain)
    return net


healthy = levinthal.Problem(
    model=partial(mlp, 2, nn.ReLU),
    loss=functional.cross_entropy,
    train=(digits.train_inputs, digits.train_labels),
    validation=(digits.test_inputs, digits.test_labels),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1, momentum=0.9),
    batch_size=64,
    steps=200,
)
too_fast = replace(healthy, optimizer=lambda model: torch.optim.SGD(model.parameters(), 20.0))
saturated = replace(healthy, model=partial(mlp, 4, nn.Tanh, gain=30.0))
vanishing = replace(healthy, model=partial(mlp, 10, nn.Sigmoid))
softmax_twice = replace(healthy, model=lambda: nn.Sequential(mlp(2, nn.ReLU), nn.Softmax(1)))
