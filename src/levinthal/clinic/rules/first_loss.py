"""The first loss: how far above the chance level a network begins."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.activations import is_saturated_at_first
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import NEAR_CHANCE
from levinthal.clinic.rules.targets import loss_of_zeros
from levinthal.vocabulary import Finding, Severity

FAR_ABOVE = 3.0
"""Times the chance level above which the first loss is too large."""
WIDE_INPUT = 20.0
"""|mean| and standard deviation of the inputs below which they are of ordinary size."""

FIRST_LOSS_TOO_LARGE = FindingKind(
    code="FIRST_LOSS_TOO_LARGE",
    means="the first loss is far above the chance level: the outputs are too large before training",
    remedy="scale the weights of the last layer down, or initialise it with zeros",
    severity=Severity.WARNING,
    area=Area.LOSS,
    order=260,
    evidence=(
        "the first loss above {times} times the chance level (and that of ln K, and of zeros), inputs of "
        "ordinary size, no layer saturated; a warning if training ends above {end} of the chance level"
    ),
    thresholds={"times": FAR_ABOVE, "end": NEAR_CHANCE},
    source="cross-entropy at chance level is the entropy of the targets",
    explains=("LR_TOO_HIGH", "NON_FINITE_LOSS", "DEAD_RELU", "LR_TOO_LOW", "OVER_CLIPPING", "UNDERFIT"),
)


@rule(FIRST_LOSS_TOO_LARGE)
def first_loss(context: Context) -> Iterator[Finding]:
    """The first loss is far above the chance level, although the inputs are of ordinary size and no hidden
    layer is saturated (a saturated layer means that all weights are large).
    """
    losses, trend = context.history.task_losses, context.trend
    spread, mean = context.history.batch("std"), np.abs(context.history.batch("mean"))
    ordinary = not len(spread) or (spread[0] < WIDE_INPUT and mean[0] < WIDE_INPUT)
    levels = trend.chance, _uniform_chance_level(context.history), loss_of_zeros(context.history)
    least = FAR_ABOVE * max(levels)  # nan where the chance level is unknown, so it comes first
    is_above = least > 0 and len(losses) > 0 and losses[0] > least  # 0 of targets that are all the same
    if is_above and ordinary and not is_saturated_at_first(context):
        poor = trend.known and trend.end > NEAR_CHANCE * trend.chance
        severity = None if trend.is_degraded or poor else Severity.INFO
        evidence = {"first loss": float(losses[0]), "chance level": trend.chance}
        yield found(FIRST_LOSS_TOO_LARGE, "loss", 0, evidence, severity=severity)


def _uniform_chance_level(history: History) -> float:
    """The cross-entropy of equal probabilities, ln K; 0 where there are no classes."""
    shapes = [call.input_shape for call in history.calls() if call.counts is not None]
    return math.log(shapes[0][1]) if shapes and len(shapes[0]) > 1 else math.log(2) * _is_binary(history)


def _is_binary(history: History) -> bool:
    """Whether every loss is a binary cross-entropy."""
    kinds = {call.kind for call in history.calls()}
    return bool(kinds) and all(kind.startswith("binary") for kind in kinds)
