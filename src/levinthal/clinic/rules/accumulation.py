"""Gradients of several batches that are summed to one step, where their mean is meant."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.sample import TENSOR, LossCall, Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.context import Context, typical
from levinthal.clinic.rules.micro_batches import UNLIKE, batches_of, have_unlike_targets
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.clinic.rules.steps import HUGE_STEP, LR_TOO_HIGH, step_size
from levinthal.vocabulary import Finding, Severity

FEWEST_READ, OF_BROKEN = 3, 1
"""Samples in which several passes have to be seen; of a run whose loss is soon not finite, fewer."""
SAME = 1e-2
"""Difference from one of a factor that is none."""

ACCUMULATION_UNDIVIDED = FindingKind(
    code="ACCUMULATION_UNDIVIDED",
    means="gradients of k passes are summed to a step: the effective learning rate is k times the one given",
    remedy="call `(loss / passes).backward()`, or divide the learning rate by the number of passes",
    severity=Severity.WARNING,
    area=Area.STEP,
    order=105,
    evidence=(
        "in {share:.0%} of the samples, several passes of one loss (a mean, on batches of unlike targets) "
        "add up to a step of SGD, and backward is called on the loss itself (within {same:.0%}, after loss "
        "scaling and clipping); a warning where `LR_TOO_HIGH` is one, or the loss not finite, and the first "
        "step, divided by the passes, is not too large (below {huge:.0%} of the weights); else info"
    ),
    thresholds={"share": PERSISTENT, "same": SAME, "huge": HUGE_STEP},
    source=EXACT,
    explains=("EXPLODING_GRADIENT", "LR_TOO_HIGH", "NON_FINITE_LOSS", *symptoms.OF_THE_GRADIENT, "UNDERFIT"),
    only_by_hand="the division is in the user's own loop",
)


@rule(ACCUMULATION_UNDIVIDED)
def accumulation_undivided(context: Context) -> Iterator[Finding]:
    """Passes whose gradients add up undivided. Two losses of one batch, adversarial passes and passes at
    other weights are told apart by the number of forward passes, the targets, and the gradients in between.
    """
    read = [s for s in context.history if s.tensors is not None and _is_finite(s)]
    flags, fewest = [_adds_up(s) for s in read], OF_BROKEN if context.trend.broken else FEWEST_READ
    if not persistent(flags, fewest) or not _is_linear(context.setup):
        return
    summed = [sample for sample, is_one in zip(read, flags, strict=True) if is_one]
    unlike = sum(have_unlike_targets(batches_of(sample)) for sample in summed)
    if unlike < max(1, UNLIKE * len(summed)) or is_game(context.history, context.setup):
        return
    passes = int(np.median([sample.backwards for sample in summed]))
    severity = None if _are_too_large(context, passes) else Severity.INFO
    evidence = {"backward passes to a step": passes, "times the learning rate given": passes}
    yield found(ACCUMULATION_UNDIVIDED, "optimiser", summed[0].step, evidence, severity=severity)


def _is_finite(sample: Sample) -> bool:
    """Whether the loss was still finite."""
    return sample.loss is not None and math.isfinite(float(sample.loss))


def _adds_up(sample: Sample) -> bool:
    """Whether a step adds up the gradients of several passes of one mean, undivided."""
    batches = batches_of(sample)
    calls = [call for calls in batches for call in calls]
    kinds = {(call.kind, call.reduction, call.input_shape[1:], call.target_shape[1:]) for call in calls}
    is_one_loss = len(kinds) == 1 and calls[0].reduction == "mean" and all(len(b) == 1 for b in batches)
    is_several = 1 < len(batches) == sample.backwards == sample.forwards and not sample.needs_gradient
    if not is_one_loss or not is_several or all(_is_of_one_target(call) for call in calls):
        return False
    is_there = sample.added_to is not None and float(sample.added_to) == 1
    return is_there and abs(_factor(sample) - 1) < SAME


def _is_of_one_target(call: LossCall) -> bool:
    """Whether several targets are all one number or class, as those of real or of fake rows are."""
    if call.is_rewarded or math.prod(call.target_shape) < 2:
        return call.is_rewarded
    if call.counts is not None:
        return int((call.counts > 0).sum()) < 2
    return call.target is not None and float(call.target[1]) <= SAME**2 * abs(float(call.target[0]))


def _factor(sample: Sample) -> float:
    """What the gradient of the first loss is multiplied with, before backward and after it."""
    value = sample.losses[0].value
    if sample.loss is None or value is None or sample.tensors is None or not float(value):
        return math.nan
    rows = sample.tensors.cpu().double()
    used, made = rows[:, TENSOR.index("gradient")], rows[:, TENSOR.index("before_clipping")]
    ratio = (used / made)[made > 0]
    after = float(ratio.nanmedian()) if len(ratio) else math.nan
    return float(sample.loss) / float(value) * after


def _is_linear(setup: TrainingSetup) -> bool:
    """Whether a step grows with the gradient: Adam and others divide by its size."""
    return all(isinstance(optimizer, torch.optim.SGD | torch.optim.ASGD) for optimizer in setup.optimizers)


def _are_too_large(context: Context, passes: int) -> bool:
    """Whether steps are too large, and those of a mean would not be."""
    matrices = context.setup.matrices()
    is_high = any(f.code == LR_TOO_HIGH.code and f.severity is not Severity.INFO for f in step_size(context))
    if not matrices or not (context.trend.is_degraded and (is_high or context.trend.broken)):
        return False
    update, weight = (context.history.tensors(column)[0, matrices] for column in ("update", "weight"))
    with np.errstate(all="ignore"):
        first = float(typical(update / np.where(weight > 0, weight, np.nan)))
    return first / passes < HUGE_STEP
