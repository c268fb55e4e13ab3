"""Networks of every kind to watch, and the number of hooks that are on one; whether two are identical."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tests.clinic.cases import mlp
from torch import Tensor, nn
from torch.nn import functional

Net = Callable[[], nn.Module]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.cells(x.view(-1, 8, 8))[0][:, -1])
        return out


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.block(x.view(-1, 8, 8)).flatten(1))
        return out


class Shared(nn.Module):
    """One module called twice, tied weights, an activation by function."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.twice, self.out = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.twice(torch.tanh(self.twice(self.into(x).relu()))))
        out: Tensor = self.out(h)
        return out


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(288, 10),
    )


NETS: dict[str, Net] = {
    "mlp": mlp,
    "convolutions": convolutions,
    "recurrent": Recurrent,
    "attention": Attention,
    "shared": Shared,
}


def hooks(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    mine = sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)
    return mine + len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)


def identical_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
