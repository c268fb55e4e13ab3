"""Small random training programs, out of the parts that real ones are made of."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

X, Y = torch.randn(96, 8), torch.randint(3, (96,))


class DropPath(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.new_empty(len(x), 1).bernoulli_(0.9) / 0.9 if self.training else x


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.relu_(x)


LAYERS: dict[str, Any] = {
    "relu": nn.ReLU,
    "relu in place": lambda: nn.ReLU(inplace=True),
    "relu_": InPlace,
    "gelu": nn.GELU,
    "dropout": lambda: nn.Dropout(0.3),
    "stochastic depth": DropPath,
    "batch norm": lambda: nn.BatchNorm1d(8),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8)),
    "layer norm": lambda: nn.LayerNorm(8),
    "prelu": nn.PReLU,
}
EXTRAS = ("nothing", "deepcopy", "save", "state_dict", "evaluate", "hook", "train_again")


@dataclass(frozen=True)
class Parts:
    """What a program is made of."""

    layers: tuple[str, ...]
    checkpointed: bool
    by_parts: bool
    autocast: bool
    accumulated: int
    optimizers: int
    extras: tuple[str, ...]
    compiled: bool = False


class Block(nn.Module):
    def __init__(self, layers: tuple[str, ...], checkpointed: bool) -> None:
        super().__init__()
        self.checkpointed = checkpointed
        made = [part for name in layers for part in (nn.Linear(8, 8), LAYERS[name]())]
        self.body = nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.body, x, use_reentrant=False) if self.checkpointed else self.body(x)


class Whole(nn.Module):
    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.block, self.head = Block(parts.layers, parts.checkpointed), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(x))


def program_of(parts: Parts) -> Any:
    """The program, as `same_runs` takes it."""

    def program() -> Any:
        model: Any = Whole(parts)
        called = torch.compile(model, backend="eager") if parts.compiled else model
        groups = [list(model.parameters())] if parts.optimizers == 1 else halves(model)
        optimizers = [torch.optim.Adam(group, 1e-2) for group in groups]
        average = copy.deepcopy(model)

        def forward(x: Tensor) -> Tensor:
            return model.head(model.block(x)) if parts.by_parts else called(x)

        def step(i: int) -> Any:
            total: Any = 0.0
            for optimizer in optimizers:
                optimizer.zero_grad()
            for _ in range(parts.accumulated):
                rows = torch.randint(len(X), (16,))
                with torch.autocast("cpu", torch.bfloat16, enabled=parts.autocast):
                    loss = functional.cross_entropy(forward(X[rows]), Y[rows]) / parts.accumulated
                done = extra(parts.extras[i % len(parts.extras)], model, average)
                loss.backward()
                total += loss.detach()
            for optimizer in optimizers:
                optimizer.step()
            return total, done, [average(X[:4]).detach()]

        return (called if parts.compiled else model), optimizers, step

    return program


def halves(model: Any) -> list[list[nn.Parameter]]:
    return [list(model.head.parameters()), list(model.block.parameters())]


def extra(name: str, model: Any, average: nn.Module) -> Any:
    """What a loop does besides training, within a step."""
    if name == "deepcopy":
        return [p.detach() for p in copy.deepcopy(model).parameters()]
    if name == "save":
        file = io.BytesIO()
        torch.save(model, file)
        return len(file.getvalue())
    if name == "state_dict":
        average.load_state_dict(model.state_dict())
    if name == "evaluate":
        model.eval()
        with torch.no_grad():
            seen = model.head(model.block(X)).sum()
        model.train()
        return seen
    if name == "hook":
        seen = []
        with_hook = model.head.register_forward_hook(lambda _m, _a, out: seen.append(out.detach()))
        with torch.no_grad():
            model.head(X)
        with_hook.remove()
        return seen
    if name == "train_again":
        model.train()
    return None
