"""Test error and loss, with the interval of a finite test set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from levinthal.arguments import in_short, whole
from levinthal.errors import InputError, require_one_of
from levinthal.networks.ensemble import Ensemble, require_ensemble
from levinthal.networks.losses import cross_entropy
from levinthal.networks.reading import BATCHNORM_MODES, activations, logits_without
from levinthal.probes.checked import classified, on, readings, require_classes, require_snapshot
from levinthal.vocabulary import Estimate, Interval, Measurement, Probe, Snapshot, Trust

Z95 = 1.959963984540054
MOST_TRIALS = 2**53
"""A float holds every whole number up to it."""


def wilson(count: int, total: int) -> Interval:
    """95 % interval of a proportion (Wilson 1927). Its coverage is good even at 0 errors.

    >>> interval = wilson(0, 100)
    >>> interval.low, round(interval.high, 4)
    (0.0, 0.037)
    """
    share, z2 = count / total, Z95**2 / total
    centre = (share + z2 / 2) / (1 + z2)
    half = Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total)) / (1 + z2)
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == total else centre + half
    return Interval(low, high, 0.95, "Wilson")


def proportion(count: int, total: int) -> Estimate:
    """A share of independent trials, such as a test error, with the interval that their number leaves.

    Args:
        count: how many of the trials had the outcome.
        total: how many trials there were: independent, and not used to choose what is judged.

    Returns:
        count / total with its 95 % Wilson interval (Wilson 1927), calibrated; `details["n"]` is the total.

    Raises:
        InputError: a number is no whole number; no trials, or more outcomes than trials.

    >>> print(proportion(18, 600))
    0.03 [0.0191, 0.0469] (calibrated)
    """
    count, total = whole("count", count), whole("total", total, most=MOST_TRIALS)
    if not 0 <= count <= total or total == 0:
        share = f"{in_short(count)} of {in_short(total)}"
        raise InputError(f"{share} is no share: pass 0 <= count <= total, and at least one trial")
    return Estimate(count / total, "", wilson(count, total), trust=Trust.CALIBRATED, details={"n": total})


def error_counts(logits: Float[Tensor, "*s n c"], labels: Int[Tensor, "n"]) -> list[int]:
    """Number of misclassified inputs of each network. A logit that is not finite counts as an error."""
    right = (logits.argmax(-1) == labels) & logits.isfinite().all(-1)
    wrong: list[int] = (~right).sum(-1).reshape(-1).tolist()
    return wrong


def seeds_of(model: nn.Module) -> tuple[int, ...]:
    """The seeds of an ensemble; (0,) for an ordinary module."""
    return model.seeds if isinstance(model, Ensemble) else (0,)


def error_rate(
    inputs: Float[Tensor, "n d"],
    labels: Int[Tensor, "n"],
    *,
    name: str = "test_error",
    batchnorm: Sequence[str] = ("running",),
    reference: Float[Tensor, "m d"] | None = None,
) -> Probe:
    """Measure the share of misclassified inputs, for each seed and each reading of batch norm.

    An ordinary module is evaluated in evaluation mode, whatever `batchnorm` is.

    Args:
        inputs: (n, d) test inputs.
        labels: (n) class numbers.
        name: of the measurement.
        batchnorm: names of `levinthal.networks.BATCHNORM_MODES`.
        reference: (m, d) inputs whose statistics "recalibrated" uses.

    Returns:
        A probe. It yields shares in [0, 1] with their Wilson interval; the condition is `batchnorm=MODE`.

    Raises:
        InputError: the labels are no class numbers, one for each input, or a reading is unknown. When the
            probe is used: they do not fit the network, or "recalibrated" came without `reference`.

    >>> net = nn.Linear(2, 2, bias=False)
    >>> with torch.no_grad():
    ...     _ = net.weight.copy_(torch.eye(2))  # the larger input is the class
    >>> x, y = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    >>> [found.estimate.value for found in error_rate(x, y)(Snapshot(0, 0.0, net, x, y, torch.zeros(())))]
    [0.5]
    """

    inputs, labels = classified(inputs, labels)
    modes = readings(batchnorm)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        for mode in modes:
            logits = _logits(snapshot.model, inputs, mode, reference)
            require_classes(labels, logits)
            counts = error_counts(logits, labels)
            yield from _errors(name, snapshot, counts, len(labels), f"batchnorm={mode}")

    return probe


def _errors(
    name: str, snapshot: Snapshot, counts: list[int], total: int, condition: str
) -> Iterator[Measurement]:
    for seed, count in zip(seeds_of(snapshot.model), counts, strict=True):
        yield Measurement(name, proportion(count, total), seed, snapshot.step, "", condition)


@torch.no_grad()
def _logits(model: nn.Module, inputs: Tensor, mode: str, reference: Tensor | None) -> Tensor:
    if isinstance(model, Ensemble):
        return activations(model, inputs, batchnorm=mode, reference=reference, layers=()).logits
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        out: Tensor = model(on(model, inputs))
    finally:
        for module, training in modes.items():
            module.training = training
    return out


def ablated_error(
    inputs: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, batchnorm: Sequence[str] = ("running",)
) -> Probe:
    """Measure the test error of shortcut networks with the deep or the shallow path replaced by its mean.

    See `levinthal.networks.logits_without`. The comparison shows which path carries the accuracy (claim C11
    of the study first-last-information).

    Args:
        inputs: (n, d) test inputs.
        labels: (n) class numbers.
        batchnorm: names of `levinthal.networks.BATCHNORM_MODES`, except "recalibrated".

    Returns:
        A probe. It yields `ablated_error`, shares in [0, 1] with their Wilson interval; the condition is
        `batchnorm=MODE without=PATH`.

    Raises:
        InputError: the labels are no class numbers, one for each input, or a reading is unknown. When the
            probe is used: they do not fit the network, or it has no shortcut.
    """

    inputs, labels = classified(inputs, labels)
    modes = readings(batchnorm)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = require_ensemble(snapshot.model)
        for mode in modes:
            for path in ("deep", "shallow"):
                logits = logits_without(model, inputs, path, batchnorm=mode)
                require_classes(labels, logits)
                counts = error_counts(logits, labels)
                condition = f"batchnorm={mode} without={path}"
                yield from _errors("ablated_error", snapshot, counts, len(labels), condition)

    return probe


def training_loss(snapshot: Snapshot) -> Iterator[Measurement]:
    """Measure the loss of the next batch, before its update. This function is itself the probe.

    Args:
        snapshot: of an ensemble or of any module.

    Returns:
        A generator of `training_loss` for each seed, in nats. A loss that is not finite is unreliable, with
        the reason.

    Raises:
        InputError: it is no snapshot.

    >>> x = torch.zeros(1, 1)
    >>> found = training_loss(Snapshot(0, 0.0, nn.Linear(1, 1), x, x, torch.tensor(0.5)))
    >>> [str(measurement.estimate) for measurement in found]
    ['0.5 nats (exact)']
    """
    require_snapshot(snapshot)
    for seed, value in zip(seeds_of(snapshot.model), snapshot.loss.reshape(-1).tolist(), strict=True):
        yield Measurement("training_loss", _finite(value, "nats"), seed, snapshot.step)


def validation_loss(
    inputs: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, batchnorm: str = "running"
) -> Probe:
    """Measure the cross-entropy on held-out inputs.

    Args:
        inputs: (n, d).
        labels: (n) class numbers.
        batchnorm: a name of `levinthal.networks.BATCHNORM_MODES`, except "recalibrated".

    Returns:
        A probe. It yields `validation_loss` for each seed, in nats; the condition is `batchnorm=MODE`.

    Raises:
        InputError: the labels are no class numbers, one for each input, or the reading is unknown. When the
            probe is used: they do not fit the network.
    """

    inputs, labels = classified(inputs, labels)
    require_one_of("batchnorm", batchnorm, BATCHNORM_MODES)

    def probe(snapshot: Snapshot) -> Iterable[Measurement]:
        losses = cross_entropy(_logits(snapshot.model, inputs, batchnorm, None), labels)
        pairs = zip(seeds_of(snapshot.model), losses.reshape(-1).tolist(), strict=True)
        condition = f"batchnorm={batchnorm}"
        return [
            Measurement("validation_loss", _finite(value, "nats"), seed, snapshot.step, "", condition)
            for seed, value in pairs
        ]

    return probe


def _finite(value: float, unit: str) -> Estimate:
    if math.isfinite(value):
        return Estimate.exact(value, unit)
    return Estimate(value, unit, trust=Trust.UNRELIABLE, reasons=("the run has diverged",))
