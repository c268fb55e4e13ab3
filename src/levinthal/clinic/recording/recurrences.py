"""Recurrent modules: sequence lengths, the gain of one step, and saturated gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.sample import LayerStats

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
SEQUENCES, ROWS = 4, 32
SATURATED = 2 * math.acosh(math.sqrt(10))
"""Input at which the slope of a sigmoid is a tenth of its largest: cosh(x / 2)^2 = 10."""
GATED: tuple[tuple[Any, int], ...] = (((nn.LSTM, nn.LSTMCell), 4), ((nn.GRU, nn.GRUCell), 3))
SHUT = {
    4: {"input gate": (0, -1), "forget gate": (1, -1), "output gate": (3, -1)},
    3: {"update gate": (1, 1)},
}
"""Gate -> its part, and the end at which it lets nothing through: the state of a GRU then never changes. A
forget gate that is open at all times may be meant.
"""
SIGMOIDS = {4: (0, 1, 3), 3: (0, 1)}
"""Which parts are sigmoid gates: input, forget and output of an LSTM; reset and update of a GRU."""


def length(module: nn.Module, args: Sequence[Any]) -> int:
    """The steps through time of one call of a recurrent module; 1 for a cell."""
    x = args[0] if args else None
    if not isinstance(module, nn.RNNBase) or not isinstance(x, Tensor) or x.dim() < 2:
        return 1
    return x.shape[1 if module.batch_first and x.dim() == 3 else 0]


@torch.no_grad()
def gates(module: nn.Module, args: Sequence[Any], output: Any) -> LayerStats | None:
    """How many gates of a GRU or an LSTM (first layer) are saturated, over a few sequences.

    None for other modules. The contribution of the state is known for one layer in one direction alone.
    """
    count = next((gates for kinds, gates in GATED if isinstance(module, kinds)), 0)
    x = args[0] if args else None
    if not count or not isinstance(x, Tensor) or x.dim() not in (2, 3):
        return None
    weights = dict(module.named_parameters(recurse=False))
    if not all(map(is_readable, (x, *weights.values()))):  # sharded again after the pass, say
        return None
    first = "" if isinstance(module, nn.RNNCellBase) else "_l0"
    z, state = _by_sequence(module, x, output)
    inner, outer = weights[f"weight_ih{first}"], weights[f"weight_hh{first}"]
    pre = z @ inner.T
    if state is not None and state.shape[-1] == outer.shape[1]:
        pre = pre + state @ outer.T
    for bias in (f"bias_ih{first}", f"bias_hh{first}"):
        pre = pre + weights[bias] if bias in weights else pre
    parts = pre.reshape(-1, pre.shape[-1]).chunk(count, 1)
    sigmoids = torch.cat([parts[i] for i in SIGMOIDS[count]], 1)
    live = ~(sigmoids.abs() >= SATURATED)  # nan is not saturated
    units = live.any(0)
    shut = {n: (end * parts[i] >= SATURATED).all(0).float().mean() for n, (i, end) in SHUT[count].items()}
    return LayerStats(
        torch.linalg.vector_norm(sigmoids), sigmoids.numel(), torch.count_nonzero(live),
        torch.count_nonzero(units), sigmoids.numel(), len(units), saturates=True, shut=shut,
    )  # fmt: skip


def _by_sequence(module: nn.Module, x: Tensor, output: Any) -> tuple[Tensor, Tensor | None]:
    """(sequences, steps, inputs) a few sequences, and the states before each step where they are known."""
    if not isinstance(module, nn.RNNBase):
        return x.detach()[:ROWS].reshape(-1, x.shape[-1]), None
    out = output[0] if isinstance(output, tuple) else output
    x, out = (t.detach().unsqueeze(0) if t.dim() == 2 else t.detach() for t in (x, out))
    if not module.batch_first:
        x, out = x.transpose(0, 1), out.transpose(0, 1)
    x, out = x[:SEQUENCES], out[:SEQUENCES]
    if module.num_layers > 1 or module.bidirectional:
        return x, None
    return x, torch.cat((torch.zeros_like(out[:, :1]), out[:, :-1]), 1)


@torch.no_grad()
def recurrent_gains(model: nn.Module) -> dict[str, Tensor]:
    """Recurrence without gates -> its gain per step: the spectral radius of its matrix.

    It is computed as the 32nd root of the norm of the 32nd power (Gelfand), without the activation.
    """
    plain = {n: m for n, m in model.named_modules() if isinstance(m, nn.RNN | nn.RNNCell)}
    weights = {name: dict(m.named_parameters(recurse=False)) for name, m in plain.items()}
    found = {name: w.get("weight_hh", w.get("weight_hh_l0")) for name, w in weights.items()}
    return {name: _radius(w.detach().float()) for name, w in found.items() if is_readable(w)}


def _radius(matrix: Tensor) -> Tensor:
    """() the spectral radius of a matrix, about."""
    logarithm = matrix.new_zeros(())
    for doubling in range(5):
        norm = torch.linalg.matrix_norm(matrix).clamp(min=1e-30)
        matrix = matrix / norm
        logarithm = logarithm + norm.log() / 2**doubling
        matrix = matrix @ matrix
    gain: Tensor = (logarithm + torch.linalg.matrix_norm(matrix).clamp(min=1e-30).log() / 32).exp()
    return gain
