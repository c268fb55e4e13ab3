"""Attention weights, however attention is written; read at detailed samples."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

FEWEST_TOKENS, SEQUENCES, MOST_WEIGHTS, PLACES = 3, 4, 2**21, 512
ATTENTION: dict[Any, str] = {
    functional.scaled_dot_product_attention: "scaled_dot_product",
    functional.multi_head_attention_forward: "multi_head",
    functional.softmax: "softmax",
    torch.softmax: "softmax",
    Tensor.softmax: "softmax",
}
_MULTI_HEAD = inspect.signature(functional.multi_head_attention_forward)


def attention_numbers(kind: str, args: Sequence[Any], words: Mapping[str, Any], result: Any) -> Tensor | None:
    """Statistics of the attention weights of a few sequences.

    Args:
        kind: A name of ATTENTION.
        args: The arguments of the call.
        words: Its keyword arguments.
        result: Its result.

    Returns:
        (3,) mean entropy over its maximum; largest mean weight of a token over all queries; largest weight of
        the last query over a uniform weight, less one. None where the call is no attention, or where its
        scores are constant.
    """
    if kind != "multi_head" and not any(getattr(a, "requires_grad", False) for a in (*args, *words.values())):
        return None  # of constant scores, as in a mean over earlier tokens: nothing is learnt there
    made = {"scaled_dot_product": _of_products, "multi_head": _of_heads, "softmax": _of_softmax}[kind]
    try:
        weights = made(args, words, result)
    except (RuntimeError, TypeError, KeyError, IndexError):  # called in a way that is unknown here
        return None
    if weights is None or weights.dim() < 3 or weights.shape[-1] < FEWEST_TOKENS:
        return None
    w, tokens = weights.detach().float(), weights.shape[-1]
    entropy = -torch.xlogy(w, w).sum(-1).mean() / math.log(tokens)
    return torch.stack((entropy, w.mean(-2).amax(-1).mean(), (tokens * w[..., -1, :].amax(-1) - 1).mean()))


def _of_products(args: Sequence[Any], words: Mapping[str, Any], _: Any) -> Tensor | None:
    """The weights, from the arguments of `scaled_dot_product_attention`."""
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
    """The weights, from a second call of `multi_head_attention_forward`."""
    given = _MULTI_HEAD.bind(*args, **words).arguments
    query, key, heads, mask = given["query"], given["key"], given["num_heads"], given.get("attn_mask")
    if query.dim() != 3 or SEQUENCES * heads * len(query) * len(key) > MOST_WEIGHTS:
        return None
    few = {name: given[name].detach()[:, :SEQUENCES] for name in ("query", "key", "value")}
    padding = given.get("key_padding_mask")
    few["key_padding_mask"] = None if padding is None else padding[:SEQUENCES]
    few["attn_mask"] = mask[: SEQUENCES * heads] if mask is not None and mask.dim() == 3 else mask
    plain = {"training": False, "dropout_p": 0.0, "need_weights": True, "average_attn_weights": False}
    with torch.no_grad():
        weights = functional.multi_head_attention_forward(**(given | few | plain | {"is_causal": False}))[1]
    return None if weights is None else weights.nan_to_num(0.0)


def _of_softmax(args: Sequence[Any], words: Mapping[str, Any], result: Any) -> Tensor | None:
    """The weights, from a softmax over the last of two equal dimensions: attention written out."""
    dim = words.get("dim", args[1] if len(args) > 1 else None)
    square = isinstance(result, Tensor) and result.dim() >= 3 and result.shape[-1] == result.shape[-2]
    if not square or dim not in (-1, result.dim() - 1) or result[:SEQUENCES].numel() > MOST_WEIGHTS:
        return None
    found: Tensor = result.detach()[:SEQUENCES]
    return found


def choice_numbers(args: Sequence[Any], words: Mapping[str, Any], result: Any) -> Tensor | None:
    """(3,) as `attention_numbers`, for a softmax over places with one distribution per row: attention
    pooling, gates between experts. The last number is infinite, because a uniform distribution may be
    intended.
    """
    dim = words.get("dim", args[1] if len(args) > 1 else None)
    if not isinstance(result, Tensor) or not isinstance(dim, int) or result.dim() < 2:
        return None
    w = result.detach().movedim(dim, -1).reshape(-1, result.shape[dim])[:PLACES].float()
    if w.shape[1] < FEWEST_TOKENS or dim in (0, -result.dim()):
        return None
    entropy = -torch.xlogy(w, w).sum(-1).mean() / math.log(w.shape[1])
    return torch.stack((entropy, w.mean(0).amax(), torch.full_like(entropy, math.inf)))
