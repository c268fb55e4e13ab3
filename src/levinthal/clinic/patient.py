"""Who is examined: the model, its optimisers, and what each parameter is to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from levinthal.errors import InputError


@dataclass(frozen=True, slots=True)
class Patient:
    """A model in training; `names` and `parameters` go together."""

    model: nn.Module
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    frozen: tuple[str, ...]

    @staticmethod
    def of(model: nn.Module, optimizers: tuple[Optimizer, ...], frozen: tuple[str, ...] = ()) -> Patient:
        """Raises InputError for a model without parameters, or with parameters that have no shape yet."""
        named = dict(model.named_parameters())
        lazy = [name for name, p in named.items() if isinstance(p, nn.UninitializedParameter)]
        if lazy:
            raise InputError(f"{lazy[0]} has no shape yet (a lazy module): run one batch through the model")
        if not named:
            raise InputError("the model has 0 parameters: there is nothing to train")
        return Patient(model, optimizers, tuple(named), tuple(named.values()), frozen)

    @property
    def listened(self) -> nn.Module:
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

    def rates(self) -> tuple[float, ...]:
        """The learning rate of each parameter, 0 where no optimiser has it."""
        groups = (group for optimizer in self.optimizers for group in optimizer.param_groups)
        home = {id(p): rate for group in groups for rate in [_plain(group["lr"])] for p in group["params"]}
        return tuple(home.get(id(parameter), 0.0) for parameter in self.parameters)

    def alike(self, tolerance: float) -> tuple[str, ...]:
        """Names of trainable matrices all of whose rows are equal, to a share of their norm."""
        named = zip(self.names, self.parameters, strict=True)
        return tuple(name for name, p in named if p.requires_grad and _rows_are_alike(p.detach(), tolerance))

    def is_meant_to_stay(self, name: str) -> bool:
        """Whether the user has said that this parameter, or module, is frozen."""
        return f"{name}.".startswith(self.frozen) if self.frozen else False


def _plain(rate: float | torch.Tensor) -> float:
    return rate.item() if isinstance(rate, torch.Tensor) else float(rate)


@torch.no_grad()
def _rows_are_alike(weight: torch.Tensor, tolerance: float) -> bool:
    if weight.dim() < 2 or len(weight) < 2:
        return False
    weight = torch.view_as_real(weight).flatten(1) if weight.is_complex() else weight
    weight = weight if weight.dtype == torch.float64 else weight.float()
    spread = torch.linalg.vector_norm(weight - weight.mean(0, keepdim=True))
    return bool(spread <= tolerance * torch.linalg.vector_norm(weight))
