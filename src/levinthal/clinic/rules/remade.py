"""An optimiser that is made anew again and again: its momentum and its moments start at zero each time."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.successors import Remade
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

FEWEST = 3
"""Times that an optimiser has to be made anew."""
UNEQUAL = 1.5
"""Longest over shortest life of these optimisers, up to which they are made at a regular distance."""
CHANGED = 0.5
"""Share of them that may find other weights than the last step had left: above it weights are reset too, as
by folds of a cross-validation."""
SHORT = 100
"""Steps of an optimiser, below which its state hardly helps: the moments of Adam need about 1,000."""

OPTIMIZER_REMADE = FindingKind(
    code="OPTIMIZER_REMADE",
    means="the optimiser is made anew again and again: its momentum and moments start at zero each time",
    remedy="make the optimiser once, before the loop; change a learning rate by a scheduler",
    severity=Severity.WARNING,
    area=Area.OPTIMISER,
    order=37,
    evidence=(
        "{fewest} or more optimisers with a state, over the same parameters, each in place of the last one, "
        "after numbers of steps that differ by a factor of {unequal} at most; not where more than "
        "{changed:.0%} of them find other weights than the last step had left. Info of a network that has "
        "learnt or was hardly seen, and from {short} steps on where training is not degraded"
    ),
    thresholds={"fewest": FEWEST, "unequal": UNEQUAL, "changed": CHANGED, "short": SHORT},
    source=EXACT,
    explains=symptoms.OF_THE_STEP,
    only_by_hand="the optimiser is made in the user's own loop",
)


@rule(OPTIMIZER_REMADE)
def remade_optimizer(context: Context) -> Iterator[Finding]:
    """Optimisers over the same parameters that step one after the other, and never again."""
    remade, trend = context.history.remade, context.trend
    spans = regular_spans(remade)
    if remade.take_turns or not remade.keeps_state or remade.of_changed_weights > CHANGED * remade.made:
        return
    if len(spans) >= FEWEST:
        is_poor = trend.known and not trend.has_learnt
        is_harmless = not is_poor or (min(spans) >= SHORT and not trend.is_degraded)
        evidence = {
            "made anew after steps": remade.before or remade.lives[0],
            "optimisers in its place": remade.made,
            "steps of each": max(spans),
            "later steps": sum(remade.lives),
        }
        severity = Severity.INFO if is_harmless else None
        yield found(OPTIMIZER_REMADE, "optimiser", remade.before, evidence, severity=severity)


def regular_spans(remade: Remade) -> list[int]:
    """The steps of each optimiser that was left, where they are about equal; the first one's only if they are
    so too.

    >>> regular_spans(Remade(before=20, lives=[20, 20, 7])), regular_spans(Remade(lives=[3, 40, 2]))
    ([20, 20, 20], [])
    """
    spans = remade.lives[:-1]
    if not spans or max(spans) > UNEQUAL * min(spans):
        return []
    is_regular = min(spans) <= UNEQUAL * remade.before <= UNEQUAL**2 * max(spans)
    return [remade.before, *spans] if is_regular else spans
