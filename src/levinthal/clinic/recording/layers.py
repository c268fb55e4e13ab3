"""The leaf modules that are recorded, and the saturated regions of activations (modules or functions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from levinthal.probes.recording import is_activation
from levinthal.probes.saturation import Tails, saturated_tails

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


@cache
def _tails(name: str, slope: float | None = None) -> Tails:
    """The saturated regions of a function, found once."""
    function = ACTIVATIONS[name]
    return saturated_tails(function if slope is None else partial(function, negative_slope=slope))


def tails_of_call(name: str, args: tuple[Any, ...], words: dict[str, Any]) -> Tails:
    """The saturated regions of a function as it was called: the slope of a leaky ReLU is an argument."""
    slope = (*args[1:2], words.get("negative_slope"))[0] if name == "leaky_relu" else None
    return _tails(name, slope)


_KNOWN: dict[str, Tails] = {}
"""The saturated regions of torch's own activations, by their repr."""


def _tails_of(module: nn.Module) -> Tails | None:
    """The saturated regions of an activation; None for other modules, and for units that differ (PReLU)."""
    if not is_activation(module):
        return None
    own = type(module).__module__.startswith("torch.nn.") and next(module.parameters(), None) is None
    try:
        found = (_KNOWN.get(repr(module)) if own else None) or saturated_tails(module.forward)
    except (RuntimeError, TypeError):
        return None
    if found.low > found.high:  # the derivative is zero everywhere, as for rounding
        return None
    if own:
        _KNOWN[repr(module)] = found
    return found
