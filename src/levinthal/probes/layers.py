"""What the layers hold: information between them, similarity, and what a linear reader finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from levinthal.errors import InputError, require_one_of
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.reading import Activations, activations, statistics
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.vocabulary import Estimate, Measurement, Probe, Snapshot

Estimator = Callable[[Tensor, Tensor], Estimate]
"""(n, dx) and (n, dy) to an Estimate."""

READOUTS = ("before", "after")


def first_last_information(
    inputs: Float[Tensor, "n d"],
    estimator: Estimator,
    *,
    name: str = "first_last_information",
    batchnorm: Sequence[str] = ("running",),
    readouts: Sequence[str] = READOUTS,
    reference: Float[Tensor, "m d"] | None = None,
) -> Probe:
    """`estimator(first, last)` on the hidden activations of every seed, reading and read-out.

    `readouts`: the last layer `before` the shortcut's sum, or `after` it, as the softmax layer reads it.
    Without a shortcut the two are one, computed once and reported under both.
    """
    for readout in readouts:
        require_one_of("readout", readout, READOUTS)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        for mode in batchnorm:
            ends = (1, model.architecture.depth)
            read = activations(model, inputs, batchnorm=mode, reference=reference, layers=ends)
            for index, seed in enumerate(model.seeds):
                for readout, estimate in _both(model, read, index, estimator, readouts):
                    condition = f"batchnorm={mode} readout={readout}"
                    yield Measurement(name, estimate, seed, snapshot.step, "", condition)

    return probe


def _both(
    model: Ensemble, read: Activations, index: int, estimator: Estimator, readouts: Sequence[str]
) -> Iterator[tuple[str, Estimate]]:
    first, depth = read.produced[1][index], model.architecture.depth
    last = {"before": read.produced[depth][index], "after": read.stream[depth][index]}
    if not model.architecture.shortcut:
        once = estimator(first, last["before"])
        yield from ((readout, once) for readout in readouts)
        return
    yield from ((readout, estimator(first, last[readout])) for readout in readouts)


def between_layers(
    inputs: Float[Tensor, "n d"],
    estimator: Estimator,
    *,
    name: str,
    against: str = "first",
    batchnorm: str = "running",
    reference: Float[Tensor, "m d"] | None = None,
) -> Probe:
    """`estimator(other, layer)` for layers 2 to D, `other` being the first or the previous one (claim C12).

    Both are streams, that is what the next layer reads. With linear CKA as the estimator this is the
    similarity of every layer with the first.
    """
    require_one_of("against", against, ("first", "previous"))

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        read = activations(model, inputs, batchnorm=batchnorm, reference=reference)
        condition = f"batchnorm={batchnorm} against={against}"
        for layer in range(2, model.architecture.depth + 1):
            other = read.stream[1 if against == "first" else layer - 1]
            for index, seed in enumerate(model.seeds):
                estimate = estimator(other[index], read.stream[layer][index])
                yield Measurement(name, estimate, seed, snapshot.step, f"hidden{layer}", condition)

    return probe


def linear_probe(
    train: tuple[Float[Tensor, "n d"], Int[Tensor, "n"]],
    test: tuple[Float[Tensor, "m d"], Int[Tensor, "m"]],
    *,
    ridge: float = 1e-3,
    batchnorm: str = "running",
) -> Probe:
    """Accuracy on `test` of a linear reader of each layer, fitted on `train` (Alain & Bengio 2016).

    Ridge regression of one-hot labels on the layer's stream with an intercept, in closed form: quick, and
    the same for every layer. `ridge` is in units of the layer's mean variance.
    """

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        given = statistics(model, train[0]) if batchnorm == "recalibrated" else batchnorm
        fit = activations(model, train[0], batchnorm=given).stream
        held = activations(model, test[0], batchnorm=given).stream
        for layer in fit:
            scores = _ridge_scores(fit[layer], train[1], held[layer], ridge, model.architecture.classes)
            counts = error_counts(scores, test[1])
            for seed, wrong in zip(model.seeds, counts, strict=True):
                estimate = proportion(len(test[1]) - wrong, len(test[1]))
                condition = f"batchnorm={batchnorm}"
                yield Measurement(
                    "linear_probe_accuracy", estimate, seed, snapshot.step, f"hidden{layer}", condition
                )

    return probe


def _ridge_scores(
    x: Float[Tensor, "s n u"],
    labels: Int[Tensor, "n"],
    held: Float[Tensor, "s m u"],
    ridge: float,
    classes: int,
) -> Float[Tensor, "s m c"]:
    targets = functional.one_hot(labels, classes).to(torch.float64)
    middle = x.mean(1, keepdim=True)
    centred, offset = (x - middle).double(), targets.mean(0)
    gram = centred.mT @ centred
    load = ridge * gram.diagonal(dim1=1, dim2=2).mean(1) + torch.finfo(torch.float64).tiny
    gram.diagonal(dim1=1, dim2=2).add_(load[:, None])
    solved, _ = torch.linalg.solve_ex(gram, centred.mT @ (targets - offset))  # a diverged one: no number
    scores: Tensor = (held - middle).double() @ solved + offset
    return scores


def _ensemble(snapshot: Snapshot) -> Ensemble:
    if not isinstance(snapshot.model, Ensemble):
        kind = type(snapshot.model).__name__
        raise InputError(f"this probe reads layers of an Ensemble, not of a {kind}: build one")
    return snapshot.model
