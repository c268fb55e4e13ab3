"""A narrow layer is the cause of a run that ends worse than a reference learner, where nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.answer.standing import Standing
from levinthal.clinic.answer.states import Reason, State
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.diagnosis import ranked
from levinthal.clinic.rules.narrow import NARROW_LAYER
from levinthal.vocabulary import Finding

BADLY = (Reason.WORSE_THAN_REFERENCE, Reason.AT_CHANCE)
"""Why a run did badly that has come to its end."""
FAR = 3.0
"""Steps that a loss needs to the reference, at its pace, over those made, from which on it stays above."""
SLOWED = 0.6
"""Fall of such a loss in the second half of the run, over that in the first, at most."""


def with_narrow_layer(
    findings: Sequence[Finding], history: History, setup: TrainingSetup | None = None
) -> list[Finding]:
    """The findings; a narrow layer is a warning where it explains the run, and none of one that learns.

    Args:
        findings: Causes before their symptoms.
        history: The sampled steps.
        setup: The model and its optimisers.

    Returns:
        The findings, causes before their symptoms.
    """
    narrow = next((finding for finding in findings if finding.code == NARROW_LAYER.code), None)
    if narrow is None:
        return list(findings)
    others = [finding for finding in findings if finding is not narrow]
    answer = answer_of_run(others, history, setup)
    if answer.reason is Reason.FAILED:
        return list(findings)
    standing = Standing(history)
    stays = answer.reason in BADLY or (answer.reason is Reason.UNFINISHED and _hardly_falls(standing))
    if answer.state is State.HEALTHY or (standing.trend.has_learnt and not stays):
        return others
    if not stays or standing.reference is None:
        return list(findings)
    evidence = {"loss at the end": standing.end, standing.reference.name: standing.reference.loss}
    cause = replace(narrow, severity=NARROW_LAYER.severity, evidence={**narrow.evidence, **evidence})
    return ranked([*others, cause])


def _hardly_falls(standing: Standing) -> bool:
    """Whether a loss that still falls has slowed down, far from the reference."""
    losses = standing.losses[np.isfinite(standing.losses)]
    tenth = max(len(losses) // 10, 1)
    middle = len(losses) // 2
    first, half, last = (float(losses[a : a + tenth].mean()) for a in (0, middle, len(losses) - tenth))
    return standing.steps_left() >= FAR * standing.history.steps[-1] and half - last <= SLOWED * (
        first - half
    )
