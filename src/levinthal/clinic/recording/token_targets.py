"""How the targets of a loss follow from the token ids that the model is given.

It does not wait for the device: the numbers stay where the tokens are.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.hidden_tokens import hidden_tokens
from levinthal.clinic.recording.nested import named_tensors

FEWEST_PLACES, MOST_INPUTS = 4, 3
AHEAD = ("places", "next", "skipped", "complete")
"""The numbers of `Sample.ahead`, in their order."""
OF_LABELS = ("label", "target")
"""Parts of the names of arguments that are no inputs: a model that computes its loss is given them."""


def ahead(tokens: Tensor, targets: Tensor) -> Tensor | None:
    """Which later token is the target.

    Args:
        tokens: (rows, places) ids.
        targets: The targets, one for each place, or for each place but the last. Those below 0
            (`ignore_index`) do not count.

    Returns:
        (4,) as in AHEAD: the places that tell the token after the next one from the next one, the own and
        the one before, because it differs from each; the share of them whose target is the next token; the
        share whose target is the one after it; the share of rows with a target at the last place. None where
        the targets are not of these shapes.

    >>> x = torch.arange(24).view(2, 12)
    >>> ahead(x[:, :-1], x[:, 1:]).tolist(), ahead(x[:, :-2], x[:, 2:]).tolist()
    ([16.0, 1.0, 0.0, 1.0], [14.0, 0.0, 1.0, 1.0])
    """
    rows, places = tokens.shape
    known = next((n for n in (places, places - 1) if targets.numel() == rows * n), 0)
    if known < FEWEST_PLACES or targets.is_floating_point():
        return None
    inside = places - 2
    whole, following, after = targets.reshape(rows, known), tokens[:, 1:-1], tokens[:, 2:]
    y = whole[:, :inside]
    own = tokens[:, :-2]
    previous = torch.cat((after[:, :1], own[:, :-1]), 1)  # in periodic texts they are the later ones, too
    tells = (following != after) & (own != after) & (previous != after) & (y >= 0)
    count = tells.sum()
    equal = [(tells & (y == x)).sum() / count.clamp(min=1) for x in (following, after)]
    complete = (whole[:, places - 1 :] >= 0).sum() / rows
    return torch.stack((count.float(), *equal, complete))


class TokenTargets:
    """The token ids of one call, held until a loss is called; the targets are compared with each of them."""

    def __init__(self) -> None:
        self._tokens: list[Tensor] = []

    def hold(self, module: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """A step begins with this call."""
        self._tokens = list(_tokens(_arguments(module, args, words)))[:MOST_INPUTS]

    def compared(self, targets: Tensor) -> list[Tensor]:
        """A loss is called with these targets: (4,) as in AHEAD for each input."""
        found = [ahead(x, targets) for x in self._tokens if x.device == targets.device]
        return [numbers for numbers in found if numbers is not None]

    def hidden(self, targets: Tensor, outputs: Tensor) -> list[Tensor]:
        """The same, with these outputs: (7,) as in HIDDEN for each input."""
        found = [hidden_tokens(x, targets, outputs) for x in self._tokens if x.device == targets.device]
        return [numbers for numbers in found if numbers is not None]

    def release(self) -> None:
        """The step is over."""
        self._tokens = []


def _arguments(module: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> dict[str, Any]:
    """Name -> argument, as `forward` names them; by their numbers where it does not take them."""
    try:
        return dict(inspect.signature(module.forward).bind(*args, **words).arguments)
    except (TypeError, ValueError):
        return {**{str(place): value for place, value in enumerate(args)}, **words}


def _tokens(given: dict[str, Any]) -> Iterator[Tensor]:
    """The tensors that may hold token ids, without labels."""
    for name, x in named_tensors(given):
        is_label = any(part in name.lower() for part in OF_LABELS)
        is_long = x.dim() == 2 and x.shape[1] >= FEWEST_PLACES and is_readable(x)
        if is_long and not (is_label or x.is_floating_point() or x.dtype == torch.bool):
            yield x.detach()
