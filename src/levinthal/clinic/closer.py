"""A closer look: what costs more than a step may, taken at log-spaced steps alone.

How many directions the rows of a layer's output span, what attention attends to, how long a recurrence is.
Each gives tensors on the device of what it reads, or numbers known without it, and waits for nothing.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS, FEWEST_ROWS, FEWEST_UNITS, FEWEST_TOKENS = 32, 8, 4, 3
SEQUENCES, MOST_WEIGHTS = 4, 2**21
PACE = 1.5
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
ATTENTION: dict[Any, str] = {
    functional.scaled_dot_product_attention: "scaled_dot_product",
    functional.multi_head_attention_forward: "multi_head",
    functional.softmax: "softmax",
    torch.softmax: "softmax",
    Tensor.softmax: "softmax",
}
_MULTI_HEAD = inspect.signature(functional.multi_head_attention_forward)


def effective_rank(output: Tensor) -> Tensor | None:
    """The participation ratio (sum of l)^2 / sum of l^2 of the second moments l of up to 32 rows; 1 where all
    rows lie on one line through 0, all equal for example. None for too few rows or units.

    >>> round(float(effective_rank(torch.eye(8))))
    8
    """
    if output.dim() < 2 or len(output) < FEWEST_ROWS:
        return None
    some = output.detach()[:: max(1, len(output) // ROWS)][:ROWS]
    rows = some.reshape(len(some), -1)
    if rows.shape[1] < FEWEST_UNITS:
        return None
    x = rows.float()
    gram = x @ x.T
    return gram.diagonal().sum() ** 2 / gram.square().sum()


def attention_numbers(kind: str, args: Sequence[Any], words: Mapping[str, Any], result: Any) -> Tensor | None:
    """(3,) of a few sequences' attention weights: their entropy as a share of the most; the weight of the
    token that gets most, over all queries; by how much the last query's largest weight is above an equal one.
    """
    made = {"scaled_dot_product": _of_products, "multi_head": _of_heads, "softmax": _of_softmax}[kind]
    try:
        weights = made(args, words, result)
    except (RuntimeError, TypeError, KeyError, IndexError):  # called in a way that is not known here
        return None
    if weights is None or weights.dim() < 3 or weights.shape[-1] < FEWEST_TOKENS:
        return None
    w, tokens = weights.detach().float(), weights.shape[-1]
    entropy = -torch.xlogy(w, w).sum(-1).mean() / math.log(tokens)
    return torch.stack((entropy, w.mean(-2).amax(-1).mean(), (tokens * w[..., -1, :].amax(-1) - 1).mean()))


def _of_products(args: Sequence[Any], words: Mapping[str, Any], _: Any) -> Tensor | None:
    """Of the arguments of `scaled_dot_product_attention`."""
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = dict(zip(names, args, strict=False)) | dict(words)
    q, k, mask = given["query"].detach(), given["key"].detach(), given.get("attn_mask")
    if q.dim() != 4 or k.shape[1] != q.shape[1] or q[:SEQUENCES, :, :, 0].numel() * k.shape[2] > MOST_WEIGHTS:
        return None
    q, k = q[:SEQUENCES], k[:SEQUENCES]
    scores = q @ k.transpose(-2, -1) * (given.get("scale") or q.shape[-1] ** -0.5)
    if given.get("is_causal"):
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    if mask is not None:
        mask = mask[:SEQUENCES] if mask.dim() == 4 else mask
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    weights: Tensor = scores.softmax(-1).nan_to_num(0.0)
    return weights


def _of_heads(args: Sequence[Any], words: Mapping[str, Any], _: Any) -> Tensor | None:
    """Of the arguments of `multi_head_attention_forward`, asked once more for its weights."""
    given = _MULTI_HEAD.bind(*args, **words).arguments
    query, key, heads, mask = given["query"], given["key"], given["num_heads"], given.get("attn_mask")
    if query.dim() != 3 or SEQUENCES * heads * len(query) * len(key) > MOST_WEIGHTS:
        return None
    few = {name: given[name].detach()[:, :SEQUENCES] for name in ("query", "key", "value")}
    padding = given.get("key_padding_mask")
    few["key_padding_mask"] = None if padding is None else padding[:SEQUENCES]
    few["attn_mask"] = mask[: SEQUENCES * heads] if mask is not None and mask.dim() == 3 else mask
    quiet = {"training": False, "dropout_p": 0.0, "need_weights": True, "average_attn_weights": False}
    with torch.no_grad():
        weights = functional.multi_head_attention_forward(**(given | few | quiet | {"is_causal": False}))[1]
    return None if weights is None else weights.nan_to_num(0.0)


def _of_softmax(args: Sequence[Any], words: Mapping[str, Any], result: Any) -> Tensor | None:
    """What a softmax over the last of two equal dimensions gave: attention written out."""
    dim = words.get("dim", args[1] if len(args) > 1 else None)
    square = isinstance(result, Tensor) and result.dim() >= 3 and result.shape[-1] == result.shape[-2]
    if not square or dim not in (-1, result.dim() - 1) or result[:SEQUENCES].numel() > MOST_WEIGHTS:
        return None
    found: Tensor = result.detach()[:SEQUENCES]
    return found


def length(module: nn.Module, args: Sequence[Any]) -> int:
    """Over how many steps a recurrent module goes in one call; 1 for a cell."""
    x = args[0] if args else None
    if not isinstance(module, nn.RNNBase) or not isinstance(x, Tensor) or x.dim() < 2:
        return 1
    return x.shape[1 if module.batch_first and x.dim() == 3 else 0]


@torch.no_grad()
def recurrent_gains(model: nn.Module) -> dict[str, Tensor]:
    """Name -> the factor by which a plain recurrence (no gates) multiplies a signal in one step, before any
    activation: the spectral radius of its matrix, as the 32nd root of the norm of its 32nd power (Gelfand).
    """
    plain = {n: m for n, m in model.named_modules() if isinstance(m, nn.RNN | nn.RNNCell)}
    weights = {name: dict(m.named_parameters(recurse=False)) for name, m in plain.items()}
    found = {name: w.get("weight_hh", w.get("weight_hh_l0")) for name, w in weights.items()}
    return {name: _radius(w.detach().float()) for name, w in found.items() if w is not None}


def _radius(matrix: Tensor) -> Tensor:
    logarithm = matrix.new_zeros(())
    for doubling in range(5):
        norm = torch.linalg.matrix_norm(matrix).clamp(min=1e-30)
        matrix = matrix / norm
        logarithm = logarithm + norm.log() / 2**doubling
        matrix = matrix @ matrix
    gain: Tensor = (logarithm + torch.linalg.matrix_norm(matrix).clamp(min=1e-30).log() / 32).exp()
    return gain
