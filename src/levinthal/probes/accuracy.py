"""Test error and loss, with the interval that a finite test set leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.losses import cross_entropy
from levinthal.networks.reading import activations, logits_without
from levinthal.vocabulary import Estimate, Interval, Measurement, Probe, Snapshot, Trust

Z95 = 1.959963984540054


def wilson(count: int, total: int) -> Interval:
    """95 % interval of a proportion (Wilson 1927): it covers well even at 0 errors.

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
        InputError: no trials, or more outcomes than trials.

    >>> print(proportion(18, 600))
    0.03 [0.0191, 0.0469] (calibrated)
    """
    if not 0 <= count <= total or total == 0:
        raise InputError(f"{count} of {total} is no share: pass 0 <= count <= total, and at least one trial")
    return Estimate(count / total, "", wilson(count, total), trust=Trust.CALIBRATED, details={"n": total})


def error_counts(logits: Float[Tensor, "*s n c"], labels: Int[Tensor, "n"]) -> list[int]:
    """Number of inputs that each network labels wrongly; a logit that is not a number is an error."""
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
    """Share of inputs labelled wrongly, a seed and a reading of batch norm at a time.

    An ordinary module is read in evaluation mode, whatever `batchnorm` says beyond "running".
    """

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        for mode in batchnorm:
            counts = error_counts(_logits(snapshot.model, inputs, mode, reference), labels)
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
    out: Tensor = model(inputs)
    for module, training in modes.items():
        module.training = training
    return out


def ablated_error(
    inputs: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, batchnorm: Sequence[str] = ("running",)
) -> Probe:
    """Test error of shortcut networks with the deep or the shallow path replaced by its mean (claim C11)."""

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        model = snapshot.model
        assert isinstance(model, Ensemble)
        for mode in batchnorm:
            for path in ("deep", "shallow"):
                logits = logits_without(model, inputs, path, batchnorm=mode)
                counts = error_counts(logits, labels)
                condition = f"batchnorm={mode} without={path}"
                yield from _errors("ablated_error", snapshot, counts, len(labels), condition)

    return probe


def training_loss(snapshot: Snapshot) -> Iterator[Measurement]:
    """The loss of the batch at hand; not finite is unreliable, and said."""
    for seed, value in zip(seeds_of(snapshot.model), snapshot.loss.reshape(-1).tolist(), strict=True):
        yield Measurement("training_loss", _finite(value, "nats"), seed, snapshot.step)


def validation_loss(
    inputs: Float[Tensor, "n d"], labels: Int[Tensor, "n"], *, batchnorm: str = "running"
) -> Probe:
    """Cross-entropy on held-out inputs."""

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
