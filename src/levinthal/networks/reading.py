"""Activations of a network at frozen weights, under each reading of batch norm.

`running`      the moving average, initialised at mean 0, variance 1 (Keras up to 2.1.2, torch). After t steps
               .99^t of it is the initial value, so early in training it is biased
`debiased`     the same, corrected for its initialisation (Keras 2.1.3 to 2.2): after one step it is the
               statistic of that batch
`batch`        the statistics of the inputs that are evaluated
`recalibrated` the statistics of other inputs (`reference`, such as the training set) at the current weights

Nothing here changes the model: no buffer, no gradient, no mode.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.arguments import several, whole
from levinthal.errors import InputError, require_one_of
from levinthal.networks.ensemble import Ensemble, read_by, require_ensemble
from levinthal.networks.first_last import BATCHNORM_EPS, BATCHNORM_MOMENTUM
from levinthal.networks.passes import passes, product, tanh_of_half_

BATCHNORM_MODES = ("running", "debiased", "batch", "recalibrated")
"""The readings of batch norm: which mean and variance normalise an input in evaluation."""
ROWS = 4096
"""Samples per pass when the statistics are given."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and variance of every hidden unit before its normalisation.

    Attributes:
        mean: (S, all hidden units).
        var: (S, all hidden units), the biased variance.
    """

    mean: Float[Tensor, "s u"]
    var: Float[Tensor, "s u"]


@dataclass(frozen=True, slots=True)
class Activations:
    """Hidden activations of S networks on n inputs, by layer (1-based).

    Attributes:
        produced: each layer's tanh, before any sum, (S, n, u).
        stream: the same after the sum, as the next layer reads it, (S, n, u).
        logits: (S, n, classes).

    Layers that were not asked for are absent.
    """

    produced: dict[int, Float[Tensor, "s n _"]]
    stream: dict[int, Float[Tensor, "s n _"]]
    logits: Float[Tensor, "s n c"]


@torch.no_grad()
def activations(
    model: Ensemble,
    inputs: Float[Tensor, "n d"],
    *,
    batchnorm: str | Statistics = "running",
    reference: Float[Tensor, "m d"] | None = None,
    layers: Collection[int] | None = None,
) -> Activations:
    """Hidden activations and logits of S networks at frozen weights.

    The first layer is `produced[1]`. The last one is `produced[D]` before the shortcut's sum and `stream[D]`
    after it. Memory: the result, and a pass of one or more seeds over 4,096 inputs (with "batch", over all).

    Args:
        model: the S networks. Nothing in them changes.
        inputs: (n, d).
        batchnorm: a name of `BATCHNORM_MODES`, or the statistics to normalise with.
        reference: (m, d) inputs whose statistics "recalibrated" uses.
        layers: hidden layers to return, 1-based; None is all.

    Returns:
        Activations, each (S, n, u), and logits (S, n, classes).

    Raises:
        InputError: the model is no ensemble, the inputs do not fit it, the reading of batch norm is unknown,
            "recalibrated" came without `reference`, or the network has no such layer.

    >>> from levinthal.networks import first_last
    >>> net = first_last(inputs=4, width=3, depth=2, shortcut=True)
    >>> read = activations(net, torch.rand(6, 4), batchnorm="batch")
    >>> torch.equal(read.stream[2], read.produced[2] + read.produced[1])
    True
    """
    inputs, depth = read_by(require_ensemble(model), inputs), model.architecture.depth
    asked = range(1, depth + 1) if layers is None else several("layers", layers, "layers=(1,), say")
    wanted = {whole("layers", layer) for layer in asked}
    if absent := wanted - set(range(1, depth + 1)):
        raise InputError(
            f"layers has {min(absent)}: no hidden layer {min(absent)} in a network of {depth}: "
            f"ask for 1 to {depth}"
        )
    given = _given(model, batchnorm, reference)
    chunks = torch.split(inputs, ROWS) if given is not None else (inputs,)
    return _side_by_side([_chunk(model, chunk, given, sorted(wanted)) for chunk in chunks], dim=1)


def _side_by_side(parts: list[Activations], dim: int) -> Activations:
    if len(parts) == 1:
        return parts[0]
    wanted = parts[0].produced
    return Activations(
        {layer: torch.cat([part.produced[layer] for part in parts], dim) for layer in wanted},
        {layer: torch.cat([part.stream[layer] for part in parts], dim) for layer in wanted},
        torch.cat([part.logits for part in parts], dim),
    )


def _given(model: Ensemble, batchnorm: str | Statistics, reference: Tensor | None) -> Statistics | None:
    if isinstance(batchnorm, Statistics):
        return batchnorm
    require_one_of("batchnorm", batchnorm, BATCHNORM_MODES)
    if batchnorm == "batch":
        return None
    if batchnorm == "recalibrated":
        if reference is None:
            raise InputError("batchnorm='recalibrated' came without inputs: pass them as reference=...")
        return statistics(model, reference)
    running = Statistics(model.running_mean, model.running_var)
    return debiased(model) if batchnorm == "debiased" else running


def debiased(model: Ensemble) -> Statistics:
    """The running statistics, corrected for their initialisation at mean 0 and variance 1.

    After t updates the initial value has weight w = .99^t. The corrected statistics are mean / (1 - w) and
    (var - w) / (1 - w), as in Keras 2.1.3 to 2.2. At t = 0 they are the initial values.

    Args:
        model: the S networks. Nothing in them changes.

    Returns:
        Statistics, each (S, all hidden units).

    >>> from levinthal.networks import first_last
    >>> net = first_last(inputs=4, width=1, depth=2)
    >>> net.update_running([torch.full((1, 2), 3.0)] * 2, [torch.full((1, 2), 5.0)] * 2)
    >>> debiased(net).mean, debiased(net).var  # after one batch: the statistics of that batch
    (tensor([[3., 3., 3., 3.]]), tensor([[5.0000, 5.0000, 5.0000, 5.0000]]))
    """
    require_ensemble(model)
    initial = (1 - BATCHNORM_MOMENTUM) ** model.updates.to(torch.float64)
    new = torch.where(model.updates > 0, 1 - initial, 1.0)
    initial = torch.where(model.updates > 0, initial, 0.0)
    mean, var = model.running_mean.double() / new, (model.running_var.double() - initial) / new
    return Statistics(mean.to(model.running_mean.dtype), var.clamp(min=0).to(model.running_var.dtype))


@torch.no_grad()
def statistics(model: Ensemble, inputs: Float[Tensor, "n d"]) -> Statistics:
    """The statistics of hidden units over the inputs as one batch, at the current weights.

    Args:
        model: the S networks. Nothing in them changes.
        inputs: (n, d).

    Returns:
        Statistics, each (S, all hidden units). The variance is the biased one.

    >>> from levinthal.networks import first_last
    >>> net, x = first_last(inputs=4, width=3, depth=3), torch.rand(9, 4)
    >>> given, batch = (activations(net, x, batchnorm=b) for b in (statistics(net, x), "batch"))
    >>> torch.allclose(given.logits, batch.logits, atol=1e-5)
    True
    """
    found, inputs = [], read_by(require_ensemble(model), inputs)
    for seeds in passes(model.architecture.width, len(inputs), len(model.seeds)):
        moments = [(step.mean, step.var) for step in _propagate(model, seeds, inputs, None)]
        found.append([torch.cat(side, 1)[..., 0] for side in zip(*moments, strict=True)])
    means, variances = zip(*found, strict=True)
    return Statistics(torch.cat(means), torch.cat(variances))


@dataclass(frozen=True, slots=True)
class _Step:
    """One layer of several seeds: (s, u, n) activations, the (s, u, 1) statistics that normalised them."""

    layer: int
    produced: Tensor
    stream: Tensor
    mean: Tensor
    var: Tensor


def _propagate(model: Ensemble, seeds: slice, inputs: Tensor, given: Statistics | None) -> Iterator[_Step]:
    shape = model.architecture
    below, streams = inputs.mT, dict[int, Tensor]()
    last_use = {shape.source(layer): layer for layer in range(1, shape.depth + 1)}
    for layer, span in enumerate(shape.spans, start=1):
        here = (seeds, span, None)
        z = product(model.weights[layer - 1][seeds], below)
        mean = z.mean(-1, keepdim=True) if given is None else given.mean[here]
        z.sub_(mean)
        var = torch.linalg.vecdot(z, z)[..., None] / z.shape[-1] if given is None else given.var[here]
        scale = 2 * model.gamma[here] * (var + BATCHNORM_EPS).rsqrt()
        produced = tanh_of_half_(z.mul_(scale).add_(model.beta[here], alpha=2))
        source = shape.source(layer)
        below = produced if source is None else produced + streams[source]
        yield _Step(layer, produced, below, mean, var)
        streams[layer] = below
        streams = {lower: stream for lower, stream in streams.items() if last_use.get(lower, 0) > layer}


def _chunk(model: Ensemble, inputs: Tensor, given: Statistics | None, wanted: list[int]) -> Activations:
    together = passes(model.architecture.width, len(inputs), len(model.seeds))
    return _side_by_side([_pass(model, seeds, inputs, given, wanted) for seeds in together], dim=0)


def _pass(
    model: Ensemble, seeds: slice, inputs: Tensor, given: Statistics | None, wanted: list[int]
) -> Activations:
    produced, stream = dict[int, Tensor](), dict[int, Tensor]()
    for step in _propagate(model, seeds, inputs, given):
        top = step.stream
        if step.layer in wanted:
            produced[step.layer], stream[step.layer] = step.produced.mT, step.stream.mT
    logits = torch.baddbmm(model.bias[seeds, :, None], model.weights[-1][seeds], top)
    return Activations(produced, stream, logits.mT)


def logits_without(
    model: Ensemble,
    inputs: Float[Tensor, "n d"],
    path: str,
    *,
    batchnorm: str | Statistics = "running",
    reference: Float[Tensor, "m d"] | None = None,
) -> Float[Tensor, "s n c"]:
    """Logits of shortcut networks with one path replaced by its mean over the inputs.

    The comparison with the full logits shows which path carries the accuracy.

    Args:
        model: S networks with a shortcut. Nothing in them changes.
        inputs: (n, d).
        path: "deep" replaces the last hidden activation. "shallow" replaces the first one where it is added
            to the last; it still feeds the deep path.
        batchnorm: a name of `BATCHNORM_MODES`, or the statistics to normalise with.
        reference: (m, d) inputs whose statistics "recalibrated" uses.

    Returns:
        Logits (S, n, classes).

    Raises:
        InputError: another path, a network without a shortcut, or an unknown reading of batch norm.

    >>> from levinthal.networks import first_last
    >>> net = first_last(inputs=4, width=3, depth=2, classes=2, shortcut=True)
    >>> logits = logits_without(net, torch.rand(5, 4), "deep", batchnorm="batch")
    >>> logits.shape
    torch.Size([1, 5, 2])
    """
    require_one_of("path", path, ("deep", "shallow"))
    shape = require_ensemble(model).architecture
    if not shape.shortcut:
        raise InputError(f"the {shape.name} network has no path to cut: build it with shortcut=True")
    read = activations(model, inputs, batchnorm=batchnorm, reference=reference, layers=(1, shape.depth))
    deep, shallow = read.produced[shape.depth], read.stream[1]
    cut = deep if path == "deep" else shallow
    whole = shallow if path == "deep" else deep
    with torch.no_grad():
        summed = whole + cut.mean(1, keepdim=True)
        out: Tensor = summed @ model.weights[-1].mT + model.bias[:, None]
    return out
