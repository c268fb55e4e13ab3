"""Labels that are shifted by more than one place."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.token_targets import AHEAD
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.pipeline import PERSISTENT, persistent
from levinthal.vocabulary import Finding, Severity

NEARLY_ALL, ENOUGH = 0.95, 20
"""Share of the places whose target is one certain token; places that have to tell the tokens apart."""

COMPLETE = 0.5
"""Share of the rows with a target at their last place: a model that shifts has none there."""

LABELS_SHIFTED_TWICE = FindingKind(
    code="LABELS_SHIFTED_TWICE",
    means="the labels are shifted once too often: the target is the token after the next one",
    remedy=(
        "shift once: `model(input_ids, labels=input_ids)` where the model shifts the labels itself, as the "
        "causal language models of Transformers do; right if the token after the next is what you want"
    ),
    severity=Severity.WARNING,
    area=Area.LOSS_FUNCTION,
    order=55,
    evidence=(
        "in {share:.0%} of the detailed samples, {nearly:.0%} of the targets are the input token after the "
        "next one, of {enough} places or more where it differs from the next token; and no loss has the next "
        "token for its target; info where {complete:.0%} of the rows have a target at their last place, as "
        "where the loop itself predicts the token after the next"
    ),
    thresholds={"share": PERSISTENT, "nearly": NEARLY_ALL, "enough": ENOUGH, "complete": COMPLETE},
    source=EXACT,
    explains=("UNDERFIT",),
    only_by_hand="the targets are made in the user's own data",
)


@rule(LABELS_SHIFTED_TWICE)
def labels_shifted_twice(context: Context) -> Iterator[Finding]:
    """A language model that nobody trains to predict the next token."""
    known = [(sample.step, _shares(sample)) for sample in context.history if sample.ahead]
    flags = [bool(shares) and skipped(shares) for _, shares in known]
    if persistent(flags):
        step, shares = next(each for each, flag in zip(known, flags, strict=True) if flag)
        evidence = {"share of targets 2 places later": max(each["skipped"] for each in shares)}
        is_cut = any(each["complete"] > COMPLETE for each in shares if each["skipped"] >= NEARLY_ALL)
        severity = Severity.INFO if is_cut else None  # the loop cut two tokens off the inputs
        yield found(LABELS_SHIFTED_TWICE, "targets", step, evidence, severity=severity)


def _shares(sample: Sample) -> list[dict[str, float]]:
    """The numbers of AHEAD for every pair of an input and a loss that has enough places."""
    named = [dict(zip(AHEAD, numbers.tolist(), strict=True)) for numbers in sample.ahead]
    return [each for each in named if each["places"] >= ENOUGH]


def skipped(shares: list[dict[str, float]]) -> bool:
    """Whether the token after the next is the target of a loss, and the next one of none.

    >>> after, following = {"skipped": 1.0, "next": 0.1}, {"skipped": 0.1, "next": 1.0}
    >>> skipped([after]), skipped([following, after]), skipped([])
    (True, False, False)
    """
    is_after = any(each["skipped"] >= NEARLY_ALL for each in shares)
    return is_after and all(each["next"] < NEARLY_ALL for each in shares)
