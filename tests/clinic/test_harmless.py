"""The watch never breaks and never changes a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.clinic.same_runs import Program, same
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

X, Y = torch.randn(256, 16), torch.randint(4, (256,))


class Own(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b, self.function = nn.Linear(16, 16), nn.Linear(16, 16), function

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.function(self.a(x)))


class Checkpointed(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Linear(16, 16), block, nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.block, self.stem(x), use_reentrant=False))


def simple(make: Callable[[], nn.Module], size: int = 32) -> Program:
    """A plain loop over random batches."""

    def program() -> Any:
        model = make()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)

        def step(_: int) -> Tensor:
            rows = torch.randint(len(X), (size,))
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(X[rows]), Y[rows])
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    return program


def encoder(**words: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, **words)
    return nn.Sequential(nn.Unflatten(1, (1, 16)), layer, nn.Flatten())


BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "sequential gelu": lambda: nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 16)),
    "dropout": lambda: nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 16)),
    "functional gelu": lambda: Own(functional.gelu),
    "functional relu": lambda: Own(functional.relu),
    "tanh": lambda: Own(torch.tanh),
    "leaky relu of its own slope": lambda: Own(lambda x: functional.leaky_relu(x, 0.03)),
    "encoder": encoder,
    "encoder, norm first": lambda: encoder(norm_first=True, activation="gelu"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_activation_checkpointing_without_reentry(name: str) -> None:
    w = same(simple(lambda: Checkpointed(BLOCKS[name]())), every=1)
    assert w.trouble == ""
    assert len(w.history) == 12


def test_selective_checkpointing_counts_no_operation_of_ours() -> None:
    policy = pytest.importorskip("torch.utils.checkpoint")
    kept = [torch.ops.aten.mm.default, torch.ops.aten.addmm.default]

    class Selective(Checkpointed):
        def forward(self, x: Tensor) -> Tensor:
            def contexts() -> Any:
                return policy.create_selective_checkpoint_contexts(kept)

            return self.head(checkpoint(self.block, self.stem(x), use_reentrant=False, context_fn=contexts))

    w = same(simple(lambda: Selective(BLOCKS["sequential gelu"]())), every=1)
    assert w.trouble == ""


class DropPath(nn.Module):
    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        mask = x.new_empty((len(x),) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * mask / (1 - self.p)


def test_stochastic_depth_draws_the_same_numbers() -> None:
    for p in (0.001, 0.05, 0.1, 0.1, 0.1, 0.5):
        program = simple(
            lambda p=p: nn.Sequential(nn.Linear(16, 16), nn.ReLU(), DropPath(p), nn.Linear(16, 4))
        )
        w = same(program, every=1)
        assert "2" not in w.history.layer_names
