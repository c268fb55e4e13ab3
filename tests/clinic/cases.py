"""Small training loops to be watched, on the embedded digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.sampling import sampled_step
from levinthal.data import load

_DIGITS = load("digits")
X, Y = torch.tensor(_DIGITS.train_inputs), torch.tensor(_DIGITS.train_labels)


def mlp(
    activation: Callable[[], nn.Module] = nn.ReLU,
    depth: int = 3,
    width: int = 64,
    top: nn.Module | None = None,
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Linear(width if index else 64, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10), *([top] if top else []))


def sampled(steps: int, every: int) -> list[int]:
    """The steps that a watch samples of so many."""
    return [step for step in (sampled_step(block, every) for block in range(steps)) if step < steps]


@dataclass
class Loop:
    """An ordinary loop; every field is something users get wrong."""

    steps: int = 100
    batch: int = 64
    every: int = 5
    zero: bool = True
    inputs: Tensor | None = None
    order: Tensor | None = None
    clip: float = 0.0
    decay: float = 1.0
    after: Callable[[nn.Module], object] | None = None
    loss: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy

    def run(self, model: nn.Module, optimizer: torch.optim.Optimizer, watched: bool = True) -> Watch:
        w = watch(model, optimizer, every=self.every)
        if watched:
            with w:
                self.train(model, optimizer)
        else:
            self.train(model, optimizer)
        assert w.trouble == ""
        return w

    def train(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        inputs = X if self.inputs is None else self.inputs
        draw = torch.Generator().manual_seed(0)
        for step in range(self.steps):
            rows = torch.randint(0, len(inputs), (self.batch,), generator=draw)
            if self.order is not None:
                rows = self.order[step * self.batch % len(inputs) :][: self.batch]
            if self.zero:
                optimizer.zero_grad()
            self.loss(model(inputs[rows]), Y[rows]).backward()
            if self.clip:
                nn.utils.clip_grad_norm_(model.parameters(), self.clip)
            optimizer.step()
            if self.after is not None:
                with torch.no_grad():
                    self.after(model)
            for group in optimizer.param_groups:
                group["lr"] *= self.decay
