"""Whether a model reads tokens as a set: order does not change its output, whatever the weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.output_comparison import spread_of
from levinthal.clinic.recording.passes import Given, Notes
from levinthal.clinic.recording.sequences import FEWEST_PLACES, padding_behind

CLOSE = 1e-4
"""Share of the spread of an output below which two values of it are equal: sums depend on the order."""
Outputs = Callable[[Given], list[Tensor]]


def has_attention(model: nn.Module, notes: Notes) -> bool:
    """Whether a model has attention: a softmax over places, at least."""
    return notes.over_places or any(isinstance(m, nn.MultiheadAttention) for m in model.modules())


def redraw(model: nn.Module) -> None:
    """Draw the weights of a copy anew: positions that begin at zero would not show with its own."""
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) / math.sqrt(max(p[0].numel(), 1)) if p.dim() else p)


def is_orderless(call: BatchCall, outputs: Outputs) -> bool | None:
    """Whether the outputs stay, or move with the tokens, when the tokens of each row are turned round.

    Args:
        call: The call, with token ids among its arguments.
        outputs: One pass of a copy of the model whose weights were drawn anew.

    Returns:
        The answer; None where no argument holds token ids, or where there is no output for each row.
    """
    found = next(((name, x) for name, x in call.batched.items() if _are_tokens(x)), None)
    places = None if found is None else turned_round(found[1])
    if found is None or places is None:
        return None
    name, x = found
    try:
        before, after = outputs(call.given), outputs(call.with_input(name, x[:, places]))
    except Exception:  # of a model that does not bear other weights, or another order
        return None
    main = next((i for i, y in enumerate(before) if y.dim() and len(y) == len(x)), None)
    if main is None or len(after) != len(before) or before[main].shape != after[main].shape:
        return None
    a, b = before[main], after[main]
    is_sequence = a.dim() > 2 and a.shape[1] == x.shape[1]
    return _are_equal(a, b) or (is_sequence and _are_equal(a[:, places], b))


def turned_round(x: Tensor) -> Tensor | None:
    """(places,) the places of the tokens in reverse, but for a first one that all rows share, and padding.

    >>> turned_round(torch.tensor([[9, 1, 2, 3, 0], [9, 4, 5, 6, 7], [9, 8, 1, 0, 0]])).tolist()
    [0, 2, 1, 3, 4]
    """
    padding = padding_behind(x)
    first = int(bool((x[:, 0] == x[0, 0]).all()))
    last = x.shape[1] - (0 if padding is None else int(padding.max()))
    places = torch.arange(x.shape[1], device=x.device)
    places[first:last] = places[first:last].flip(0)
    changed = (x[:, places] != x).any(1).float().mean()
    return places if last - first > 1 and float(changed) > 0.5 else None


def _are_tokens(x: Tensor) -> bool:
    is_whole = not (x.is_floating_point() or x.dtype == torch.bool)
    return is_whole and x.dim() == 2 and x.shape[1] >= FEWEST_PLACES and len(torch.unique(x)) > 2


def _are_equal(a: Tensor, b: Tensor) -> bool:
    apart = (a.double() - b.double()).abs().amax()
    return bool(torch.isfinite(a).all()) and float(apart) <= CLOSE * float(spread_of(a))
