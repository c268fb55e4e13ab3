"""Overfitting: the model is far better on training rows than on validation rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.validation import Evaluation
from levinthal.clinic.rules.context import SIGNIFICANT_ERRORS, Context
from levinthal.clinic.rules.generalisation_gap import WIDE, Gap, evaluations_of, gap
from levinthal.vocabulary import Finding, Severity

FEWEST_EVALUATIONS = 4
"""Evaluations on validation below which overfitting is not judged."""
AFTER_BEST = 2
"""Evaluations after the best one that all have to be above it."""
RISEN = 0.1
"""Rise of the validation loss, as a share of its minimum."""
OF_THE_FALL = 0.05
"""The same, as a share of how far it had fallen."""
WORSE = 1.5
"""Times its minimum, above which a loss without right and wrong answers is a warning."""
WIDER = 0.2
"""Gap in accuracy that matters without a rise of the loss."""
WIDER_LOSS = 0.8
"""Gap that matters without a rise, as a share of the validation loss."""
POOR = 0.25
"""Share of the chance level above which such a loss is poor."""
NOTABLE = 0.1
"""The same, above which the gap is info."""

OVERFIT = FindingKind(
    code="OVERFIT",
    means="the model fits training rows far better than validation rows",
    remedy="stop at the least validation loss; more data, augmentation, weight decay or a smaller model",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=380,
    evidence=(
        "validation loss risen from its minimum by {risen:.0%}, beyond {errors} standard errors, while "
        "training loss falls; or accuracy {wide:.0%} ({wider:.0%} without a rise) lower, with its "
        "binomial interval"
    ),
    thresholds={"risen": RISEN, "errors": SIGNIFICANT_ERRORS, "wide": WIDE, "wider": WIDER},
    source="Prechelt, Early stopping (1998), for the rise",
)


@rule(OVERFIT)
def overfit(context: Context) -> Iterator[Finding]:
    """Validation loss has risen from its minimum while training loss fell, or is far above it. It is a
    warning where the gap is wide, or where a loss without right and wrong answers is half as large again.
    """
    evaluations = evaluations_of(context.history)
    if len(evaluations) < FEWEST_EVALUATIONS:
        return
    best, last = min(evaluations, key=lambda evaluation: evaluation.held_out.loss), evaluations[-1]
    diverged = _has_risen(evaluations, best) and _training_fell(context, best, last)
    apart = gap(last.held_out, last.training)
    far, wide = apart is not None and _is_far(context, apart), apart is not None and apart.is_wide
    counted = last.held_out.right is not None
    if not (
        diverged or far or (wide and counted) or (apart is not None and _is_far(context, apart, NOTABLE))
    ):
        return
    worse = not counted and last.held_out.loss > WORSE * best.held_out.loss
    severity = Severity.WARNING if far or (diverged and (wide or worse)) else Severity.INFO
    yield found(OVERFIT, "validation", best.step, _evidence(best, last, apart), severity=severity)


def _evidence(best: Evaluation, last: Evaluation, apart: Gap | None) -> dict[str, float]:
    """The losses, and the gap with the lower end of its interval where it is known."""
    losses = {"validation loss": last.held_out.loss, "its minimum": best.held_out.loss, "at step": best.step}
    if apart is None:
        return losses
    name = "accuracy lower by" if apart.in_accuracy else "share of it above the training loss"
    return losses | {name: apart.value, "by at least": apart.low}


def _has_risen(evaluations: Sequence[Evaluation], best: Evaluation) -> bool:
    """Whether validation loss has risen from its minimum: significantly, for several evaluations, by a share
    of its own size and of its fall before.
    """
    after = [evaluation.held_out.loss for evaluation in evaluations if evaluation.step > best.step]
    rises = evaluations[-1].held_out.losses - best.held_out.losses
    rise, error = float(rises.mean()), float(rises.std()) / math.sqrt(len(rises))
    fall = evaluations[0].held_out.loss - best.held_out.loss
    least = max(RISEN * abs(best.held_out.loss), OF_THE_FALL * fall)
    lasting = len(after) >= AFTER_BEST and min(after[-AFTER_BEST:]) > best.held_out.loss
    return lasting and rise > max(least, SIGNIFICANT_ERRORS * error)


def _training_fell(context: Context, best: Evaluation, last: Evaluation) -> bool:
    """Whether training loss fell between two evaluations; that of the batches where no rows are known."""
    if best.training is not None and last.training is not None:
        return last.training.loss < best.training.loss
    steps, losses = context.history.steps, context.history.task_losses
    then, now = losses[steps <= best.step][-3:], losses[-3:]
    return len(then) > 0 and bool(np.nanmean(now) < np.nanmean(then))


def _is_far(context: Context, apart: Gap, poor_from: float = POOR) -> bool:
    """Whether a gap is so wide that no rise of the validation loss is needed."""
    if apart.in_accuracy:
        return apart.low > WIDER
    poor = evaluations_of(context.history)[-1].held_out.loss > poor_from * context.trend.chance
    return apart.low > WIDER_LOSS and poor
