"""What one call of a torch function adds to a sample."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

from levinthal.clinic.recording.batch_stats import (
    ENOUGH,
    loss_call,
    loss_rows,
    operation_of,
    rows_summed,
    some_rows,
    target_numbers,
)
from levinthal.clinic.recording.candidates import are_candidates
from levinthal.clinic.recording.ctc_fit import ctc_fit
from levinthal.clinic.recording.functions import ARGUMENTS, LOGITS, NORM, OF_PAIRS, RENAMED
from levinthal.clinic.recording.label_weights import label_weights
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.recording.target_fit import target_fit

Targets = Callable[..., None]
"""Is called with the targets of a loss, and with its outputs where these are known."""
KEYS = {"scaled_dot_product": -2, "multi_head": 0}
"""Attention -> the axis of its keys."""
MOST_CALLS = 64
"""Calls of one sort that are recorded of one step."""


def note_loss(sample: Sample, root: Tensor) -> None:
    """The first value that backward is called on, and whether it is an explicit sum over the batch."""
    if sample.loss is None:
        value = root.detach()
        sample.loss = (value.reshape(-1)[0] if value.dim() else value).clone()
        rows = rows_summed(root.grad_fn)
        sample.summed = rows if rows == sample.batch_size else 0


def note_loss_call(
    sample: Sample,
    kind: str,
    args: tuple[Any, ...],
    words: dict[str, Any],
    result: Any,
    rows: bool,
    on_targets: Targets,
    on_call: Callable[[LossCall, Tensor, Any], None],
) -> None:
    """A call of a loss function; the statistics of its rows only with `rows`."""
    names = ARGUMENTS.get(kind, ("input", "target"))
    given = dict(zip(names, args, strict=False)) | {RENAMED.get(name, name): x for name, x in words.items()}
    if len(sample.losses) < MOST_CALLS:
        call = loss_call(kind, given, result, rows=rows)
        call.operation, call.log_target = operation_of(given["input"].grad_fn), bool(given.get("log_target"))
        call.of_candidates = sample.detailed and call.counts is not None and are_candidates(given["input"])
        call.fit = _fit(kind, given, call.operation) if sample.detailed else None
        call.label_weights = label_weights(given) if kind == LOGITS else None
        sample.losses.append(call)
        on_call(call, given["target"], result)
        if kind not in OF_PAIRS:
            on_targets(given["target"], given["input"])


def _fit(kind: str, given: dict[str, Any], operation: str) -> Tensor | None:
    """Whether the targets lie where they can be met."""
    if kind == "ctc_loss":
        return ctc_fit(given)
    return target_fit(kind, given["target"].detach(), operation)


def note_difference(sample: Sample, a: Tensor, b: Tensor, on_targets: Targets) -> None:
    """A difference or product outside the model."""
    target = _residual(sample, a, b)
    if target is not None:
        on_targets(target)
    _note_broadcast(sample, a, b)


def _note_broadcast(sample: Sample, a: Tensor, b: Tensor) -> None:
    """A difference or product of (n, 1) and (n,): broadcasting compares every pair."""
    if a.requires_grad == b.requires_grad:
        return  # pairs of the outputs themselves, as a ranking compares them
    shapes = tuple(a.shape), tuple(b.shape)
    column, flat = sorted(shapes, key=len, reverse=True)
    if (len(column), len(flat)) == (2, 1) and column[0] == flat[0] > 1 and column[1] == 1:
        sample.broadcast = shapes


def _residual(sample: Sample, a: Tensor, b: Tensor) -> Tensor | None:
    """A difference of a prediction and a target, in a step that calls no loss function; the target."""
    if sample.losses or sample.difference is not None:
        return None
    numbers = a.is_floating_point() and b.is_floating_point() and a.shape == b.shape and a.numel() > 1
    if not numbers or a.requires_grad == b.requires_grad or len(a) != sample.batch_size:
        return None
    output, target = (a, b.detach()) if a.requires_grad else (b, a.detach())
    sample.difference_operation = operation_of(output.grad_fn)
    if sample.detailed:
        sample.difference_fit = target_fit("", target, sample.difference_operation)
    apart = (a.detach() - b.detach()).float()
    seen = (*target_numbers(target.reshape(-1)), apart.square().mean(), apart.abs().mean())
    sample.difference = torch.stack([number.float() for number in seen])
    return target


def note_log_softmax(sample: Sample, args: tuple[Any, ...], words: dict[str, Any]) -> None:
    """The input of a log-softmax, or of a log-sum-exp, outside the model."""
    given = dict(zip(("input", "dim"), args, strict=False)) | words
    x, dim = given["input"].detach(), given.get("dim")
    if x.dim() < 2 or not isinstance(dim, int) or x.shape[dim] < 2:
        return
    if len(sample.log_softmax_inputs) < MOST_CALLS:
        sample.log_softmax_inputs.append(loss_rows(x.movedim(dim, -1).reshape(-1, x.shape[dim])))


def note_softmax(sample: Sample, kind: str, args: tuple[Any, ...], words: dict[str, Any]) -> None:
    """The number of elements that a softmax or an attention goes over, from shapes alone."""
    names = ("query", "key") if kind in KEYS else ("input", "dim")
    given = dict(zip(names, args, strict=False)) | words
    x, dim = given[names[0]], KEYS.get(kind, given.get("dim"))
    over = given["key"] if kind in KEYS else x
    is_learnt = x.requires_grad or kind == "multi_head"
    if not is_learnt or not isinstance(dim, int) or not -over.dim() <= dim < over.dim():
        return
    if over.shape[dim] > 1:
        sample.softmaxes += 1
    elif len(sample.softmax_over_one) < MOST_CALLS:
        sample.softmax_over_one.append(tuple(x.shape))


def note_least(sample: Sample, kind: str, given: Any, result: Any) -> None:
    """The least number that a root or a logarithm is given, or that a norm is; of large tensors at detailed
    samples alone.
    """
    x = result if kind == NORM else given
    if not isinstance(x, Tensor) or not x.requires_grad or not x.is_floating_point() or not x.numel():
        return
    if sample.detailed or given.numel() <= ENOUGH:
        least, known = x.detach().amin().float(), sample.least_given.get(kind)
        sample.least_given[kind] = least if known is None else torch.fmin(known, least)


def note_norm(sample: Sample, name: str, training: bool, args: tuple[Any, ...]) -> None:
    """A batch norm in evaluation mode, or how many values it averages over."""
    if not training:
        sample.norms_in_eval += (name,)
    elif args and isinstance(args[0], Tensor):
        sample.norm_sizes[name] = args[0].numel() // max(args[0].shape[1], 1)


def note_dropout(sample: Sample, place: str, args: tuple[Any, ...], words: dict[str, Any]) -> None:
    """The probability of a dropout in training mode."""
    given = dict(zip(("input", "p", "training"), args, strict=False)) | words
    rates = sample.dropout_rates
    if given.get("training", True) and len(rates) < MOST_CALLS:
        rates[place or f"dropout {len(rates) + 1}"] = given.get("p", 0.5)


def name_of_call(kind: str, layers: Collection[str]) -> str:
    """The name of an activation that `forward` calls as a function: after the last layer, or its number.

    >>> name_of_call("relu", ["f1"]), name_of_call("relu", ["f1", "relu after f1"]), name_of_call("tanh", [])
    ('relu after f1', 'relu 3', 'tanh 1')
    """
    layer = list(layers)[-1].rpartition(" after ")[2] if layers else ""
    name = f"{kind} after {layer}"
    return name if layer and name not in layers else f"{kind} {len(layers) + 1}"


def rows_before(func: Any, args: tuple[Any, ...], words: dict[str, Any]) -> Tensor:
    """The input of an activation; a copy of some rows where it will be overwritten."""
    x: Tensor = args[0].detach()
    is_in_place = getattr(func, "__name__", "").endswith("_") or words.get("inplace") or True in args[1:]
    return some_rows(x).clone() if is_in_place else x


def version_of(value: Any) -> int:
    """How often a tensor was changed in place; -1 where it is unknown."""
    return value._version if isinstance(value, Tensor) and not value.is_inference() else -1
