"""Frozen batch norms that move: no parameter of theirs is trained, and their running statistics are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.norm_statistics import statistics
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.context import SIGNIFICANT_ERRORS, Context
from levinthal.clinic.rules.frozen import was_changed
from levinthal.clinic.rules.generalisation_gap import evaluations_of
from levinthal.vocabulary import Finding, Severity

MOVED = 0.2
"""Mean distance of the running means from where they began, in running standard deviations, that counts."""
DISAGREES = 1.5
"""Loss of training rows in evaluation mode over that in training mode, above which the two disagree."""
EPSILON = 1e-5
"""What is added to a variance, as batch norms do."""

FROZEN_NORM_MOVES = FindingKind(
    code="FROZEN_NORM_MOVES",
    means="batch norms are frozen, but in training mode: their running statistics follow the new batches",
    remedy="put them into evaluation mode after every `model.train()`: `model.backbone.eval()`",
    severity=Severity.INFO,
    area=Area.MODEL,
    order=112,
    evidence=(
        "batch norms with statistics of earlier batches, whose parameters require no gradient and do not "
        "change, in training mode at every sample, and whose running means have moved by {moved} running "
        "standard deviations or more; a warning if they are declared frozen, or if the loss of training rows "
        "in evaluation mode is {disagrees} times that in training mode"
    ),
    thresholds={"moved": MOVED, "disagrees": DISAGREES},
    source=EXACT,
    only_by_hand="the mode of a part of the model is set in the user's own loop",
)


@rule(FROZEN_NORM_MOVES)
def frozen_norms(context: Context) -> Iterator[Finding]:
    """Batch norms without a gradient that take the statistics of the batches all the same."""
    moved = _moved(context)
    if not moved:
        return
    declared = [name for name in moved if _is_declared(name, context.setup)]
    evidence = {
        "batch norms": len(moved),
        "running means moved by, in standard deviations": max(moved.values()),
    }
    ratio = _evaluated_over_trained(context)
    evidence |= {"loss in evaluation mode / in training mode": ratio} if ratio > DISAGREES else {}
    severity = Severity.WARNING if declared or ratio > DISAGREES else Severity.INFO
    where = abbreviated(declared or list(moved))
    yield found(FROZEN_NORM_MOVES, where, context.history.samples[0].step, evidence, severity=severity)


def _moved(context: Context) -> dict[str, float]:
    """Batch norm -> how far its running means have moved, where it is frozen and that is far."""
    modules, found = dict(context.setup.hooked_module.named_modules()), dict[str, float]()
    for name, before in context.history.frozen_statistics.items():
        norm = modules.get(name)
        if isinstance(norm, nn.modules.batchnorm._BatchNorm) and _is_frozen(name, norm, context):
            way = _distance(before, statistics(norm))
            found |= {name: way} if way > MOVED else {}
    return found


def _is_frozen(name: str, norm: nn.modules.batchnorm._BatchNorm, context: Context) -> bool:
    """Whether no parameter of it has been trained, and it was called in training mode in every sample."""
    own = [f"{name}.{inner}" if name else inner for inner, _ in norm.named_parameters()]
    is_still = not any(p.requires_grad for p in norm.parameters())
    is_kept = not any(was_changed(each, context) for each in own)  # of a moving average of another network
    seen = [name in sample.norm_sizes and name not in sample.norms_in_eval for sample in context.history]
    return is_still and is_kept and bool(seen) and all(seen) and norm.running_mean is not None


def _distance(before: torch.Tensor, now: torch.Tensor) -> float:
    """The mean distance of running means in standard deviations; 0 of those that were of no batch."""
    mean, variance, batches = before
    if before.shape != now.shape or not float(batches[0]):
        return 0.0
    way = ((now[0].to(mean) - mean).abs() / (variance + EPSILON).sqrt()).mean()
    return float(way) if bool(torch.isfinite(way)) else 0.0


def _is_declared(name: str, setup: TrainingSetup) -> bool:
    """Whether the user has declared this batch norm frozen, or each of its parameters."""
    own = [each for each in setup.names if each.rpartition(".")[0] == name]
    return setup.is_declared_frozen(name) or all(map(setup.is_declared_frozen, own))


def _evaluated_over_trained(context: Context) -> float:
    """The last loss of training rows in evaluation mode over that in training mode; 0 where it is unknown, or
    beyond it by less than its error.
    """
    held, trend = context.history.validation, context.trend
    last = next(reversed(evaluations_of(context.history)), None)
    plain = (
        held is not None and held.loss_fn is None and held.batch_loss is None and not held.training_batches
    )
    if last is None or last.training is None or not plain or not (trend.known and trend.end > 0):
        return 0.0
    beyond = last.training.loss - trend.end
    return last.training.loss / trend.end if beyond > SIGNIFICANT_ERRORS * last.training.error else 0.0
