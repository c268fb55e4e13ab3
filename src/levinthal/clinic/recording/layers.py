"""The leaf modules that are recorded, and the saturated regions of activations (modules or functions)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from levinthal.probes.recording import activation_of
from levinthal.probes.saturation import SLOPE, Tails, saturated_tails
from levinthal.probes.untouched import random_states_restored

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    name: getattr(functional, name)
    for name in ("relu", "relu6", "elu", "selu", "gelu", "silu", "softplus", "tanh", "sigmoid", "leaky_relu")
}
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
PASSING = (nn.modules.dropout._DropoutNd, nn.Identity, nn.Flatten, nn.Unflatten)
NORMS = (nn.modules.batchnorm._BatchNorm,)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A module that is recorded: name, class, saturated regions if it is an activation, and its sort."""

    name: str
    kind: str
    tails: Tails | None
    is_weighted: bool
    is_passing: bool
    is_norm: bool

    @staticmethod
    def of(name: str, module: nn.Module) -> Leaf | None:
        """The leaf of a module; None for a module of another sort, or with submodules."""
        if next(module.children(), None) is not None:
            return None
        is_a = [isinstance(module, kinds) for kinds in (WEIGHTED, PASSING, NORMS)]
        tails = None if any(is_a) else _tails_of(module)
        return Leaf(name, type(module).__name__, tails, *is_a) if tails or any(is_a) else None


_KNOWN: dict[str, Tails] = {
    "relu": Tails(0.0, math.inf),
    "relu6": Tails(0.0, 6.0),
    "elu": Tails(-2.303, math.inf),
    "selu": Tails(-2.303, math.inf),
    "gelu": Tails(-1.728, math.inf),
    "silu": Tails(-0.883, math.inf),
    "softplus": Tails(-2.197, math.inf),
    "tanh": Tails(-1.818, 1.818),
    "sigmoid": Tails(-3.637, 3.637),
}
"""The saturated regions of torch's functions, so that none has to be found inside a forward pass; those of
modules are added by their repr."""


def tails_of_call(name: str, args: tuple[Any, ...], words: dict[str, Any]) -> Tails:
    """The saturated regions of a function as it was called: the slope of a leaky ReLU is an argument."""
    if name != "leaky_relu":
        return _KNOWN[name]
    slope = abs((*args[1:2], words.get("negative_slope"), 0.01)[0] or 0.01)
    return Tails(0.0 if slope <= SLOPE else -math.inf, math.inf if slope < 1 / SLOPE else 0.0)


def _tails_of(module: nn.Module) -> Tails | None:
    """The saturated regions of an activation; None for other modules, and for units that differ (PReLU)."""
    function = activation_of(module)
    if function is None:
        return None
    own = type(module).__module__.startswith("torch.nn.") and next(module.parameters(), None) is None
    try:
        with random_states_restored(), redirect_stdout(StringIO()):
            found = (_KNOWN.get(repr(module)) if own else None) or saturated_tails(function)
    except (RuntimeError, TypeError):
        return None
    if found.low > found.high:  # the derivative is zero everywhere, as for rounding
        return None
    if own:
        _KNOWN[repr(module)] = found
    return found
