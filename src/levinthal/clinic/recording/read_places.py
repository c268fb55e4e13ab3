"""At which places of a padded sequence a recurrent network is read, by the gradient of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.batch_call import BatchCall
from levinthal.clinic.recording.nested import named_tensors
from levinthal.clinic.recording.sequences import padding_behind
from levinthal.probes.forward_state import ForwardState

Read = tuple[Tensor, Tensor]
"""(rows, places, units) the outputs of a recurrence, and its last state, cut from what made them."""


def reads_padding(model: nn.Module, state: ForwardState, call: BatchCall) -> float | None:
    """The share of the padded rows whose output depends on no output of the recurrence before the padding.

    A last state counts as an output behind the padding, unless the sequence is packed.

    Args:
        model: A copy of the model, in evaluation mode.
        state: What its passes may change; it is put back.
        call: The call, with padded token ids among its arguments.

    Returns:
        The share; None where nothing is padded, no recurrence reads it, or there is no output for each row.
    """
    tokens = next((x for x in call.batched.values() if padding_behind(x) is not None), None)
    modules = [m for m in model.modules() if isinstance(m, nn.RNNBase)]
    length = None if tokens is None else padding_behind(tokens)
    if tokens is None or length is None or not modules:
        return None
    is_padding = torch.arange(tokens.shape[1], device=tokens.device) >= (tokens.shape[1] - length)[:, None]
    reads: list[Read] = []
    handles = [m.register_forward_hook(_cutting(reads, tuple(tokens.shape))) for m in modules]
    try:
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            made = model(*call.given[0], **call.given[1])
    except Exception:  # of a model that does not bear the cut
        return None
    finally:
        for handle in handles:
            handle.remove()
        state.restore(generators=False)
    main = next((y for _, y in named_tensors(made) if y.requires_grad and len(y) == len(tokens)), None)
    if main is None or main.dim() > 2 or not reads:
        return None
    return _share_behind(main, reads[-1], is_padding)


def _cutting(reads: list[Read], shape: tuple[int, ...]) -> Callable[..., Any]:
    """A hook that puts leaves in the place of what a recurrence returns."""

    def cut(module: Any, _: Any, made: Any) -> Any:
        output, state = made
        is_time_first = not module.batch_first
        if not isinstance(output, Tensor) or output.dim() != 3:
            return None
        rows = output.transpose(0, 1) if is_time_first else output
        if tuple(rows.shape[:2]) != shape:
            return None
        leaf = rows.detach().requires_grad_()
        hidden = (state[0] if isinstance(state, tuple) else state).detach().requires_grad_()
        reads.append((leaf, hidden))
        output = leaf.transpose(0, 1) if is_time_first else leaf
        return output, ((hidden, *state[1:]) if isinstance(state, tuple) else hidden)

    return cut


def _share_behind(main: Tensor, read: Read, is_padding: Tensor) -> float | None:
    """The share of the padded rows of which padding alone is read."""
    by_place, by_state = torch.autograd.grad(main.double().square().sum(), read, allow_unused=True)
    padded = is_padding.any(1)
    live = torch.zeros_like(is_padding) if by_place is None else (by_place != 0).any(2)
    is_state = torch.zeros_like(padded) if by_state is None else (by_state != 0).any(2).any(0)
    behind = (live.any(1) | is_state) & ~(live & ~is_padding).any(1)
    return float((behind & padded).sum() / padded.sum().clamp(min=1))
