"""The content of layers: information between them, similarity, and the accuracy of linear probes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from levinthal.arguments import function, number, whole
from levinthal.errors import require_one_of
from levinthal.networks.ensemble import Ensemble, require_ensemble
from levinthal.networks.reading import BATCHNORM_MODES, Activations, activations, statistics
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.probes.checked import as_pair, estimated, readings, words
from levinthal.user_data import as_tensor
from levinthal.vocabulary import Estimate, Measurement, Probe, Snapshot

Estimator = Callable[[Tensor, Tensor], Estimate]
"""A function from two sides, (n, dx) and (n, dy), to an Estimate."""

READOUTS = ("before", "after")
ESTIMATOR = "a function of two sides, such as levinthal.cka"


def first_last_information(
    inputs: Float[Tensor, "n d"],
    estimator: Estimator,
    *,
    name: str = "first_last_information",
    batchnorm: Sequence[str] = ("running",),
    readouts: Sequence[str] = READOUTS,
    reference: Float[Tensor, "m d"] | None = None,
) -> Probe:
    """Apply an estimator to the activations of the first and the last hidden layer.

    This is the first-last information of Hodas & Stinis (2018) when the estimator is mutual information.
    Without a shortcut both readouts are equal: the estimate is computed once and reported under both.

    Args:
        inputs: (n, d).
        estimator: a function from two sides (n, 2W) to an Estimate, such as `levinthal.mutual_information`.
        name: of the measurement.
        batchnorm: names of `levinthal.networks.BATCHNORM_MODES`.
        readouts: "before" (the last layer before the shortcut's sum) and "after" (with the sum, as the
            softmax layer reads it).
        reference: (m, d) inputs whose statistics "recalibrated" uses.

    Returns:
        A probe of an Ensemble. It yields the estimate for each seed, reading and readout; the condition is
        `batchnorm=MODE readout=READOUT`.

    Raises:
        InputError: a readout is unknown. When the probe is used: the model is not an Ensemble, or the reading
            of batch norm is unknown.
    """
    inputs, modes = as_tensor(inputs, "inputs"), readings(batchnorm)
    function("estimator", estimator, ESTIMATOR)
    kept = words("readout", readouts, READOUTS)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        for mode in modes:
            ends = (1, model.architecture.depth)
            read = activations(model, inputs, batchnorm=mode, reference=reference, layers=ends)
            for index, seed in enumerate(model.seeds):
                for readout, estimate in _both(model, read, index, estimator, kept):
                    condition = f"batchnorm={mode} readout={readout}"
                    yield Measurement(name, estimate, seed, snapshot.step, "", condition)

    return probe


def _both(
    model: Ensemble, read: Activations, index: int, estimator: Estimator, readouts: Sequence[str]
) -> Iterator[tuple[str, Estimate]]:
    first, depth = read.produced[1][index], model.architecture.depth
    last = {"before": read.produced[depth][index], "after": read.stream[depth][index]}
    if not model.architecture.shortcut:
        once = estimated(estimator, first, last["before"])
        yield from ((readout, once) for readout in readouts)
        return
    yield from ((readout, estimated(estimator, first, last[readout])) for readout in readouts)


def between_layers(
    inputs: Float[Tensor, "n d"],
    estimator: Estimator,
    *,
    name: str,
    against: str = "first",
    batchnorm: str = "running",
    reference: Float[Tensor, "m d"] | None = None,
) -> Probe:
    """Apply an estimator to every hidden layer from the second on, and the first or the previous layer.

    Both sides are streams, as the next layer reads them. With linear CKA this is the similarity of layers
    (claim C12 of the study first-last-information).

    Args:
        inputs: (n, d).
        estimator: a function from two sides (n, u) to an Estimate, such as `levinthal.cka`.
        name: of the measurement.
        against: "first" or "previous", the other layer.
        batchnorm: a name of `levinthal.networks.BATCHNORM_MODES`.
        reference: (m, d) inputs whose statistics "recalibrated" uses.

    Returns:
        A probe of an Ensemble. It yields the estimate for each seed and layer `hidden2` to `hiddenD`; the
        condition is `batchnorm=MODE against=LAYER`.

    Raises:
        InputError: `against` is unknown. When the probe is used: the model is not an Ensemble, or the reading
            of batch norm is unknown.
    """
    require_one_of("against", against, ("first", "previous"))
    require_one_of("batchnorm", batchnorm, BATCHNORM_MODES)
    inputs = as_tensor(inputs, "inputs")
    function("estimator", estimator, ESTIMATOR)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        read = activations(model, inputs, batchnorm=batchnorm, reference=reference)
        condition = f"batchnorm={batchnorm} against={against}"
        for layer in range(2, model.architecture.depth + 1):
            other = read.stream[1 if against == "first" else layer - 1]
            for index, seed in enumerate(model.seeds):
                estimate = estimated(estimator, other[index], read.stream[layer][index])
                yield Measurement(name, estimate, seed, snapshot.step, f"hidden{layer}", condition)

    return probe


def linear_probe(
    train: tuple[Float[Tensor, "n d"], Int[Tensor, "n"]],
    test: tuple[Float[Tensor, "m d"], Int[Tensor, "m"]],
    *,
    ridge: float = 1e-3,
    batchnorm: str = "running",
) -> Probe:
    """Measure the test accuracy of a linear classifier on each layer (Alain & Bengio 2016).

    The classifier is ridge regression of one-hot labels on the layer's stream, with an intercept, in closed
    form.

    Args:
        train: inputs (n, d) and class numbers (n) to fit on.
        test: inputs (m, d) and class numbers (m) to evaluate on.
        ridge: penalty, in units of the layer's mean variance.
        batchnorm: a name of `levinthal.networks.BATCHNORM_MODES`. "recalibrated" uses the statistics of the
            training inputs.

    Returns:
        A probe of an Ensemble. It yields `linear_probe_accuracy`, a share in [0, 1] with its Wilson interval,
        for each seed and layer `hidden1` to `hiddenD`; the condition is `batchnorm=MODE`.

    Raises:
        InputError: when the probe is used, for a model that is not an Ensemble or an unknown reading.
    """

    require_one_of("batchnorm", batchnorm, BATCHNORM_MODES)
    ridge = number("ridge", ridge, least=0, finite=True)
    train, test = as_pair("train", train), as_pair("test", test)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = _ensemble(snapshot)
        for name, labels in (("train", train[1]), ("test", test[1])):
            whole(f"the classes of {name}", int(labels.max()) + 1, most=model.architecture.classes)
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
    solved, _ = torch.linalg.solve_ex(gram, centred.mT @ (targets - offset))  # solve_ex: no error if diverged
    scores: Tensor = (held - middle).double() @ solved + offset
    return scores


def _ensemble(snapshot: Snapshot) -> Ensemble:
    return require_ensemble(snapshot.model, "this probe reads layers of an Ensemble")
