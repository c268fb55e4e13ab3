"""Who is examined: the model, its optimisers, and what each parameter is to them."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from levinthal.errors import InputError

STACKED: dict[type[nn.Module], int] = {
    **dict.fromkeys((nn.LSTM, nn.LSTMCell), 4),
    **dict.fromkeys((nn.GRU, nn.GRUCell, nn.MultiheadAttention), 3),
}

EQUAL_AT_INIT = 1e-5
"""Distance of a matrix's rows over its norm, below which they are equal before training."""


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """A model in training; `names` and `parameters` go together."""

    model: nn.Module
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    frozen: tuple[str, ...]

    @staticmethod
    def of(
        model: nn.Module, optimizers: tuple[Optimizer, ...], frozen: tuple[str, ...] = ()
    ) -> TrainingSetup:
        """Raises InputError for what is no model or optimiser, and for a model without parameters or whose
        parameters have no shape yet.
        """
        if not isinstance(model, nn.Module):
            raise InputError(f"the model is {_kind(model)}: pass a torch.nn.Module")
        if strange := [one for one in optimizers if not hasattr(one, "register_step_pre_hook")]:
            raise InputError(f"the optimiser is {_kind(strange[0])}: pass a torch.optim.Optimizer")
        named = dict(model.named_parameters())
        lazy = [name for name, p in named.items() if isinstance(p, nn.UninitializedParameter)]
        if lazy:
            raise InputError(f"{lazy[0]} has no shape yet (a lazy module): run one batch through the model")
        if not named:
            raise InputError("the model has 0 parameters: there is nothing to train")
        return TrainingSetup(model, optimizers, tuple(named), tuple(named.values()), frozen)

    @property
    def hooked_module(self) -> nn.Module:
        """The module whose parts are listened to: a compiled module's original."""
        inner = getattr(self.model, "_orig_mod", self.model)
        assert isinstance(inner, nn.Module)
        return inner

    def groups(self) -> list[dict[str, object] | None]:
        """The optimiser's group of each parameter, or None where no optimiser has it."""
        home = {
            id(p): group for opt in self.optimizers for group in opt.param_groups for p in group["params"]
        }
        return [home.get(id(parameter)) for parameter in self.parameters]

    def matrices(self) -> list[int]:
        """Places of the matrices that are trained by an optimiser."""
        both = enumerate(zip(self.parameters, self.groups(), strict=True))
        return [i for i, (p, group) in both if p.dim() >= 2 and p.requires_grad and group is not None]

    def rates(self) -> tuple[float, ...]:
        """The learning rate of each parameter, 0 where no optimiser has it."""
        groups = (group for optimizer in self.optimizers for group in optimizer.param_groups)
        home = {id(p): rate for group in groups for rate in [_plain(group["lr"])] for p in group["params"]}
        return tuple(home.get(id(parameter), 0.0) for parameter in self.parameters)

    def equal_row_matrices(self, tolerance: float) -> tuple[str, ...]:
        """Names of trainable matrices all of whose rows are equal, to a share of their norm; of stacked ones
        (the gates of a recurrence, queries, keys and values) within each part.
        """
        return tuple(
            name for name, apart in self.row_distances(self.names).items() if float(apart) <= tolerance
        )

    def row_distances(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        """Trainable matrix -> how far its rows are from being equal, as a share of their norm."""
        parts = _stacked(self.model)
        named = [(name, p) for name, p in zip(self.names, self.parameters, strict=True) if name in names]
        pieces = {
            n: p.detach().chunk(parts.get(id(p), 1)) for n, p in named if p.requires_grad and p.dim() > 1
        }
        whole = {name: chunks for name, chunks in pieces.items() if min(map(len, chunks)) > 1}
        return {
            name: torch.stack([_row_distance(c) for c in chunks]).amax() for name, chunks in whole.items()
        }

    def is_declared_frozen(self, name: str) -> bool:
        """Whether the user has said that this parameter, or module, is frozen."""
        return f"{name}.".startswith(self.frozen) if self.frozen else False


def _stacked(model: nn.Module) -> dict[int, int]:
    """Parameter -> of how many matrices, one above the other, it is made."""
    found = ((module, STACKED.get(type(module), 1)) for module in model.modules())
    return {id(p): parts for m, parts in found if parts > 1 for p in m.parameters(recurse=False)}


def _plain(rate: float | torch.Tensor) -> float:
    return rate.item() if isinstance(rate, torch.Tensor) else float(rate)


@torch.no_grad()
def _row_distance(weight: torch.Tensor) -> torch.Tensor:
    weight = torch.view_as_real(weight).flatten(1) if weight.is_complex() else weight
    weight = weight if weight.dtype == torch.float64 else weight.float()
    spread = torch.linalg.vector_norm(weight - weight.mean(0, keepdim=True))
    # of weights far from 0 not of their own norm, but of that of fresh ones, of variance 1 / (3 n)
    norm = torch.linalg.vector_norm(weight).clamp(max=math.sqrt(len(weight)))
    return torch.where(spread > 0, spread / norm.clamp(min=1e-30), spread)


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
