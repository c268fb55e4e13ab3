"""What a verdict means, and what keeps a claim open: each said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from levinthal.vocabulary import Outcome, Verdict

MEANINGS: Mapping[str, str] = {
    Outcome.REPLICATES: "the whole interval lies beyond the smallest effect size, and the control shows no "
    "such effect",
    Outcome.PARTIALLY: "surely beyond the null value, but not surely by the smallest effect size, or only in "
    "some conditions, or with too few seeds to replicate",
    Outcome.WEAKER: "surely beyond the null value, and surely below the smallest effect size",
    Outcome.DOES_NOT_REPLICATE: "on the other side of the null value, or an interval that excludes the "
    "smallest effect size",
    Outcome.INCONCLUSIVE: "open: too few seeds, too wide an interval, or a control that decides nothing",
    Outcome.REPORTED: "a number that is shown and not judged",
}
"""The word of a verdict -> its meaning in short; docs/verdicts.md has the rules."""


def meanings(words: Iterable[str]) -> dict[str, str]:
    """The meaning of each word that occurs, in the order of the outcomes.

    >>> list(meanings(["inconclusive", "partially", "not judged yet", "partially"]))
    ['partially', 'inconclusive']
    """
    found = set(words)
    return {str(word): text for word, text in MEANINGS.items() if word in found}


def settles(verdict: Verdict) -> str:
    """How many seeds would settle an open claim, or why more seeds cannot; a phrase without a full stop."""
    plan = verdict.plan.removesuffix(".")
    return plan[:1].lower() + plan[1:]


def reasons(verdict: Verdict) -> tuple[str, ...]:
    """The reasons of a verdict and of its trust, each once."""
    trust = verdict.effect.reasons if verdict.effect else ()
    return tuple(dict.fromkeys((*verdict.reasons, *trust)))


def ruling(verdict: Verdict) -> str:
    """The first reason of a claim that is open or holds partially; empty for other claims."""
    if verdict.outcome not in (Outcome.INCONCLUSIVE, Outcome.PARTIALLY):
        return ""
    return next(iter(verdict.reasons), "")
