"""Padding that counts in the loss."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding, Severity

MOSTLY, MANY = 0.5, 0.2
"""Share of the targets that are padding, for a warning; the same, for info."""

PADDING_IN_LOSS = FindingKind(
    code="PADDING_IN_LOSS",
    means="the padding behind the target sequences counts in the loss",
    remedy="`cross_entropy(..., ignore_index=padding)`, or the targets -100 there",
    severity=Severity.WARNING,
    area=Area.LOSS_FUNCTION,
    order=62,
    evidence=(
        "one class fills the ends of target sequences of unlike length, comes nowhere else, is not ignored "
        "by the cross-entropy, and is {mostly:.0%} of the targets; info from {many:.0%} on"
    ),
    thresholds={"mostly": MOSTLY, "many": MANY},
    source=EXACT,
    explains=("CLASS_IMBALANCE", *symptoms.NO_LEARNING),
    only_by_hand="the padding is in the user's own batches",
)


@rule(PADDING_IN_LOSS)
def padding_in_loss(context: Context) -> Iterator[Finding]:
    """Targets of which a large part is padding."""
    seen = context.history.behaviour
    calls = [c for c in context.history.calls() if c.kind in ("cross_entropy", "nll_loss")]
    if seen is None or seen.padding is None or not calls:
        return
    value, share = seen.padding
    is_free = any(call.weight is not None and float(call.weight[value]) == 0 for call in calls)
    is_free |= any(call.ignored == value or call.is_partial for call in calls)
    if value < 0 or share < MANY or is_free:
        return
    severity = None if share >= MOSTLY else Severity.INFO
    evidence = {"share of the targets": share, "class": value}
    yield found(PADDING_IN_LOSS, "loss", seen.step, evidence, severity=severity)
