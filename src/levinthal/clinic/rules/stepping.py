"""Losses without a backward pass, and backward passes after which no optimiser ever steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.chance_level import chance_level
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import LEARNT
from levinthal.vocabulary import Finding, Severity

FEWEST_PASSES = 20
"""Backward passes without a step from which on no gradient accumulation explains them; losses likewise."""

NEVER_STEPPED = FindingKind(
    code="NEVER_STEPPED",
    means="the optimiser never steps: no weight changes",
    remedy=(
        "call `optimizer.step()` after `loss.backward()`, and watch the optimiser that the loop steps; a "
        "`GradScaler` skips every step whose gradients are not finite"
    ),
    severity=Severity.CRITICAL,
    area=Area.OPTIMISER,
    order=15,
    evidence=(
        "{passes} or more backward passes, or as many losses in training mode without any, no step of a "
        "watched optimiser, and no change of the last weights; info where the loss is below {learnt:.0%} of "
        "the chance level all the same"
    ),
    thresholds={"passes": FEWEST_PASSES, "learnt": LEARNT},
    source=EXACT,
    only_by_hand="the loop is the user's own",
)


@rule(NEVER_STEPPED)
def never_stepped(context: Context) -> Iterator[Finding]:
    """Gradients that nothing uses, or losses that nothing differentiates."""
    passes, losses = context.history.passes_without_step, context.history.losses_without_backward
    severity = Severity.INFO if _is_trained(context.history.without_step) else None
    if passes >= FEWEST_PASSES:
        evidence = {"backward passes": passes, "steps": 0}
        yield found(NEVER_STEPPED, "optimiser", 0, evidence, severity=severity)
    elif losses >= FEWEST_PASSES:
        evidence = {"losses, 64 at most": losses, "backward passes": 0, "steps": 0}
        yield found(NEVER_STEPPED, "optimiser", 0, evidence, severity=severity, remedy=BACKWARD)


def _is_trained(calls: Sequence[LossCall]) -> bool:
    """Whether the loss is well below chance level without a step: the network was trained before, and is
    profiled, or its gradients are measured.
    """
    known = [call.mean for call in calls if not math.isnan(call.mean)]
    chance = chance_level([Sample(0, losses=list(calls))], lambda: torch.zeros(0))
    return bool(known) and sum(known) / len(known) < LEARNT * chance


BACKWARD = (
    "call `loss.backward()` and `optimizer.step()`; in Lightning with `automatic_optimization = False`, "
    "`self.manual_backward(loss)` and the step are yours"
)
