"""The training setup: the model, its optimisers, and the parameters that each of them holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.matrix_rows import common_and_apart, row_distance, stacked_parts
from levinthal.clinic.recording.parameter_norms import local
from levinthal.errors import InputError
from levinthal.user_data import require_module

Frozen = str | Callable[[str], bool]
"""The beginning of a name, a pattern with `*`, `?` or `[seq]`, or a function of a name."""

EQUAL_AT_INIT = 1e-5
"""Distance of a matrix's rows over its norm, below which they are equal at initialisation."""


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """A model in training.

    Attributes:
        model: The model.
        optimizers: Its optimisers.
        names: The names of its parameters.
        parameters: The parameters, in the same order.
        frozen: Prefixes, patterns and predicates of the names of parameters that are declared frozen.
    """

    model: nn.Module
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    frozen: tuple[Frozen, ...]

    @staticmethod
    def of(
        model: nn.Module, optimizers: tuple[Optimizer, ...], frozen: tuple[Frozen, ...] = ()
    ) -> TrainingSetup:
        """The setup of a model.

        Raises:
            InputError: The model or an optimiser is none, the model has no parameters, or a parameter has no
                shape yet.
        """
        require_module(model)
        optimizers = tuple(map(unwrapped, optimizers))
        if strange := [
            one for one in optimizers if isinstance(one, type) or not hasattr(one, "register_step_pre_hook")
        ]:
            raise InputError(f"the optimiser is {_kind(strange[0])}: pass a torch.optim.Optimizer")
        named = own_parameters(model)
        return TrainingSetup(model, optimizers, tuple(named), tuple(named.values()), frozen)

    @property
    def hooked_module(self) -> nn.Module:
        """The module whose parts get hooks: the original of a compiled module."""
        inner = getattr(self.model, "_orig_mod", self.model)
        assert isinstance(inner, nn.Module)
        return inner

    @property
    def evaluated_module(self) -> nn.Module:
        """The module that is evaluated: what a wrapper holds whose calls wait for other processes."""
        inner = self.hooked_module
        return inner.module if isinstance(inner, nn.parallel.DistributedDataParallel) else inner

    @property
    def is_trained(self) -> bool:
        """Whether a pass can train anything: a loop may switch all gradients off to draw samples."""
        return any(p.requires_grad for p in self.parameters)

    @property
    def is_sharded(self) -> bool:
        """Whether this process holds a part of the parameters, so that a forward pass waits for others."""
        sharded = any(local(p) is not p for p in self.parameters)
        return sharded or any("FullySharded" in type(m).__name__ for m in self.model.modules())

    def groups(self) -> list[dict[str, object] | None]:
        """The parameter group of each parameter, or None where no optimiser holds it."""
        group_of = {
            id(p): group for opt in self.optimizers for group in opt.param_groups for p in group["params"]
        }
        return [group_of.get(id(parameter)) for parameter in self.parameters]

    def trained(self) -> set[int]:
        """Ids of the parameters that an optimiser trains."""
        both = zip(self.parameters, self.groups(), strict=True)
        return {id(p) for p, group in both if p.requires_grad and group is not None}

    def matrices(self) -> list[int]:
        """Indices of the matrices that an optimiser trains."""
        both = enumerate(zip(self.parameters, self.groups(), strict=True))
        return [i for i, (p, group) in both if p.dim() >= 2 and p.requires_grad and group is not None]

    def rates(self) -> tuple[float, ...]:
        """(parameters,) the learning rate of each parameter, 0 where no optimiser holds it."""
        groups = (group for optimizer in self.optimizers for group in optimizer.param_groups)
        rate_of = {id(p): rate for group in groups for rate in [_plain(group["lr"])] for p in group["params"]}
        return tuple(rate_of.get(id(parameter), 0.0) for parameter in self.parameters)

    def equal_row_matrices(self, tolerance: float) -> tuple[str, ...]:
        """Trainable matrices whose rows are all equal, to a share of their norm. Of stacked matrices (the
        gates of a recurrence; queries, keys and values) the rows within each part are compared.
        """
        return tuple(
            name for name, apart in self.row_distances(self.names).items() if float(apart) <= tolerance
        )

    def row_distances(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        """Trainable matrix -> distance of its rows from their mean, as a share of their norm."""
        parts = stacked_parts(self.model)
        named = [(name, p) for name, p in zip(self.names, self.parameters, strict=True) if name in names]
        trained = [(n, p) for n, p in named if p.requires_grad and p.dim() > 1 and is_readable(local(p))]
        pieces = {n: local(p).detach().chunk(parts.get(id(p), 1)) for n, p in trained}
        whole = {name: chunks for name, chunks in pieces.items() if min(map(len, chunks)) > 1}
        return {name: torch.stack([row_distance(c) for c in chunks]).amax() for name, chunks in whole.items()}

    def equal_rows(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        """Matrix -> (1, ...) the mean of its rows, which are equal."""
        named = zip(self.names, self.parameters, strict=True)
        return {name: p.detach().mean(0, keepdim=True) for name, p in named if name in names}

    def row_movements(self, starts: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Matrix of once equal rows -> (2,) the norm of what its rows have moved, and of the part of it that
        is not common to all of them (to all of each gate).
        """
        named = [(n, p) for n, p in zip(self.names, self.parameters, strict=True) if n in starts]
        same = [(n, p) for n, p in named if starts[n].shape[1:] == p.shape[1:]]
        parts = stacked_parts(self.model)
        return {n: common_and_apart(p.detach() - starts[n], parts.get(id(p), 1)) for n, p in same}

    def row_gradients(self, names: Collection[str]) -> dict[str, torch.Tensor]:
        """As `row_movements`, of the gradients: how far a step would move the rows."""
        named, parts = zip(self.names, self.parameters, strict=True), stacked_parts(self.model)
        known = [(n, p, p.grad) for n, p in named if n in names and p.grad is not None]
        return {n: common_and_apart(g.to_dense(), parts.get(id(p), 1)) for n, p, g in known}

    def norm_gains(self) -> dict[str, torch.Tensor]:
        """Normalisation layer -> () the root mean square of its gain, which most start at 1."""
        return {
            name: local(module.weight).detach().float().square().mean().sqrt()
            for name, module in self.hooked_module.named_modules()
            if _has_gain(module)
        }

    def frozen_values(self) -> dict[str, torch.Tensor]:
        """Parameter that requires no gradient -> some of its values."""
        named = zip(self.names, self.parameters, strict=True)
        return {n: some_values(p).clone() for n, p in named if not p.requires_grad and is_readable(local(p))}

    def not_finite(self) -> tuple[str, ...]:
        """Parameters with a number that is nan or infinite."""
        named = ((n, local(p).detach()) for n, p in zip(self.names, self.parameters, strict=True))
        read = [(n, p) for n, p in named if is_readable(p) and p.is_floating_point() and p.numel()]
        ends = [(n, torch.stack(torch.aminmax(p))) for n, p in read]  # both are nan if one number is
        return tuple(n for n, both in ends if not bool(torch.isfinite(both).all()))

    def is_declared_frozen(self, name: str) -> bool:
        """Whether the user has declared this parameter or module frozen."""
        return any(is_matched(name, frozen) for frozen in self.frozen)


def own_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Name -> parameter. Under FSDP2 it is the shard, which the optimiser holds, also where the whole
    parameter is registered at the moment, as after an evaluation.
    """
    shards = dict[int, nn.Parameter]()
    for module in model.modules():
        state = getattr(module, "_get_fsdp_state", None)
        groups = getattr(state(), "_fsdp_param_groups", ()) if callable(state) else ()
        for held in (each for group in groups for each in getattr(group, "fsdp_params", ())):
            info = held._module_info
            shards[id(getattr(info.module, info.param_name))] = held.sharded_param
    return {name: shards.get(id(p), p) for name, p in model.named_parameters()}


def is_matched(name: str, frozen: Frozen) -> bool:
    """Whether a name begins with a prefix, fits a pattern (`*`, `?`, `[seq]`), or satisfies a predicate.

    >>> [is_matched("body.0.weight", f) for f in ("body.", "*.weight", lambda name: "head" in name)]
    [True, True, False]
    """
    if callable(frozen):
        return bool(frozen(name))
    return f"{name}.".startswith(frozen) or (any(c in frozen for c in "*?[") and fnmatchcase(name, frozen))


def _has_gain(module: nn.Module) -> bool:
    """Whether a module normalises and has a gain: norms of other libraries are told by their name."""
    gain = dict(module._parameters).get("weight")  # a parametrised one is computed when it is asked for
    is_gain = gain is not None and gain.dim() == 1 and is_readable(local(gain))
    return "norm" in type(module).__name__.lower() and is_gain


def some_values(parameter: torch.Tensor) -> torch.Tensor:
    """(64,) or fewer of its values, evenly spaced; the stride is odd, so that they are of all columns."""
    flat = local(parameter).detach().reshape(-1)
    return flat[:: max((len(flat) // 64 - 1) | 1, 1)][:64]


def together(model: Any) -> Any:
    """A sequence of networks as one module with parts "0", "1", ...; anything else as it is."""
    if isinstance(model, list | tuple) and model and all(isinstance(each, nn.Module) for each in model):
        return nn.ModuleList(model)
    return model


def unwrapped(optimizer: Any) -> Any:
    """The optimiser inside another one: Accelerate's and Lightning's wrappers have no hooks, and
    sharpness-aware minimisation or lookahead steps by the one inside.
    """
    while isinstance(optimizer, Optimizer):
        inner = [each for each in vars(optimizer).values() if isinstance(each, Optimizer)]
        if len(inner) != 1 or inner[0] is optimizer:
            break
        optimizer = inner[0]
    return optimizer


def _plain(rate: float | torch.Tensor) -> float:
    """A learning rate as a number."""
    return rate.item() if isinstance(rate, torch.Tensor) else float(rate)


def _kind(value: object) -> str:
    """The type of a value, for an error."""
    return f"of type {type(value).__name__}"
