"""Where a loss that is not finite began: the layer, gradient or weight that was first, and the operation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import torch

from levinthal.clinic.recording.functions import LOG, NORM, SQRT
from levinthal.clinic.recording.sample import TENSOR, Sample
from levinthal.clinic.rules.context import Context

ALMOST_ZERO = 1e-12
"""Number of a logarithm or a root below which it counts as zero."""
RISEN_FAR = 10.0
"""Times the first loss, above which a run had come apart before its loss was not finite."""
LARGEST_HALF = 65_504.0
"""The largest number of float16."""
REMEDIES = {
    SQRT: "keep the root away from zero, where its slope is infinite: `(x + 1e-8).sqrt()`",
    NORM: "keep the norm away from zero, where it has no slope: `(x.square().sum(-1) + 1e-8).sqrt()`",
    LOG: "keep the logarithm away from zero: `x.clamp(min=1e-8).log()`, or use losses of logits",
}
SAID = {SQRT: "square root of 0", NORM: "norm of 0", LOG: "logarithm of 0 or less"}
OVERFLOW = "compute in bfloat16, or keep float32 and use `torch.autocast` with a `GradScaler`"
IN_BACKWARD = (
    "the backward pass divides by zero where the forward pass does not: look for the root or norm of 0, "
    "`x / y` with y of 0, or `torch.where` that hides a nan in the branch not taken"
)
MASKED = (
    "look at what this layer is given: a row of a softmax that is masked everywhere (-inf alone), "
    "x / 0 or inf - inf gives nan; leave one place of each row unmasked"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where numbers were first not finite.

    Attributes:
        where: A layer or a parameter; "loss" where neither is known.
        evidence: Name -> number or short text.
        remedy: For the operation; "" for the usual one.
        is_calm: Whether the loss had not risen far before.
    """

    where: str = "loss"
    evidence: dict[str, object] = field(default_factory=dict)
    remedy: str = ""
    is_calm: bool = False


def origin(context: Context) -> Origin:
    """Where a run of which a loss is not finite began to be so, as far as the sampled steps show it."""
    found, samples = _origin(context), context.history.samples
    finite = list(takewhile(lambda s: s.loss is None or math.isfinite(float(s.loss)), samples))
    return replace(found, is_calm=_is_calm(finite))


def _origin(context: Context) -> Origin:
    samples, read = context.history.samples, _read(context)
    bad = next(
        (i for i, s in enumerate(samples) if s.loss is not None and not math.isfinite(float(s.loss))), None
    )
    if bad is None:
        return Origin()
    if bad and _not_finite(samples[bad - 1], "gradient", read):
        bad -= 1  # the loss of that step is finite, and none after it
    is_calm = _is_calm(samples[:bad])
    first, operation = samples[bad], _operation(samples[: bad + 1])
    said: dict[str, object] = {} if operation is None else {"seen before it": SAID[operation]}
    remedy = "" if operation is None else REMEDIES[operation]
    weights, gradients = (_not_finite(first, column, read) for column in ("weight", "gradient"))
    if weights:
        return Origin("loss", {"first not finite": f"weights, before step {first.step:,}"} | said, remedy)
    if first.loss is not None and math.isfinite(float(first.loss)) and gradients:
        what = {"first not finite": "the gradient, of a finite loss", "gradients": len(gradients)}
        return Origin(gradients[-1], what | said, remedy or (IN_BACKWARD if is_calm else ""))
    layer = _first_layer(first)
    if layer is None:
        what = {"first not finite": "the loss, with finite layers"} if first.layers else {}
        return Origin("loss", what | said if first.tensors is not None else said, remedy)
    name, value = layer
    if math.isinf(value) and _is_half(context):
        return Origin(
            name, {"first not finite": "its output, beyond float16", "limit": LARGEST_HALF}, OVERFLOW
        )
    is_calm &= first.tensors is not None and math.isnan(value)
    return Origin(name, {"first not finite": "its output"} | said, remedy or (MASKED if is_calm else ""))


def _is_calm(samples: Sequence[Sample]) -> bool:
    """Whether the loss had not risen far before: then the steps were not too large."""
    losses = [abs(float(sample.loss)) for sample in samples if sample.loss is not None]
    return bool(losses) and losses[-1] <= RISEN_FAR * losses[0]


def _read(context: Context) -> list[tuple[int, str]]:
    """Place and name of the parameters whose numbers are read: the matrices, where a network trains any."""
    both = enumerate(zip(context.setup.names, context.setup.parameters, strict=True))
    trained = [(i, name, p.dim()) for i, (name, p) in both if p.requires_grad]
    some = [(i, name) for i, name, axes in trained if axes > 1]
    return some or [(i, name) for i, name, _ in trained]


def _not_finite(sample: Sample, column: str, read: Sequence[tuple[int, str]]) -> list[str]:
    """Parameters that were read, and of which this number is not finite."""
    if sample.tensors is None:
        return []
    finite = torch.isfinite(sample.tensors[:, TENSOR.index(column)]).tolist()
    without = set(sample.without_gradient) if column == "gradient" else set()
    return [name for i, name in read if not finite[i] and name not in without]


def _first_layer(sample: Sample) -> tuple[str, float] | None:
    """The first layer in the order of execution whose output is not finite, and its norm."""
    norms = ((name, float(stats.norm)) for name, stats in zip(sample.names, sample.layers, strict=False))
    return next(((name, norm) for name, norm in norms if not math.isfinite(norm)), None)


def _operation(samples: Sequence[Sample]) -> str | None:
    """The operation that was given zero, in the latest of some samples."""
    for sample in reversed(samples):
        low = {kind: float(least) for kind, least in sample.least_given.items()}
        found = next((kind for kind, least in low.items() if least <= ALMOST_ZERO), None)
        if found is not None:
            return found
    return None


def _is_half(context: Context) -> bool:
    """Whether a part of the model is in float16."""
    return any(p.dtype is torch.float16 for p in context.setup.parameters)
