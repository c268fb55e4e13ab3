"""How many words of a page are expected to be false by chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from levinthal.vocabulary import Outcome, Verdict

FALSE_REPLICATES = 0.025
"""How often, at most, *replicates* where the truth is exactly the smallest size: a tail of the interval."""
FALSE_DENIALS = 0.025
"""How often *weaker than claimed* or *does not replicate* there (benchmarks/results/verdicts.md)."""
SKEWED = 0.10
"""How often a denial there where effects are lognormal (sigma 1): the largest rate of a continuous law."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How many of the words of a page chance alone makes false, at most, and what that assumes."""

    claims: int
    number: float
    sentence: str


def expected_false(verdicts: Iterable[Verdict]) -> Expected:
    """An upper bound for the number of false words among the judged claims of a page.

    A word is most often false where the true effect is near the smallest effect size. Just below that size
    *replicates* is false, and chance gives it in `FALSE_REPLICATES` of the studies. Just above it *weaker
    than claimed* and *does not replicate* are false, and chance gives them in `FALSE_DENIALS`. A true effect
    lies on one side only. So the larger of the two rates, times the number of claims, is the bound. It is a
    mean, so it holds whether or not the claims share seeds. It assumes that
    measurement and control are right, that no claim was changed after its run, and that no rare kind of seed
    went unseen.

    Claims that are only reported, have no effect yet, or in which nothing is random are not counted.

    Args:
        verdicts: of the claims of one page.

    Returns:
        The claims that count, the bound, and one sentence for the page (empty if no claim counts).

    >>> from levinthal.vocabulary import Claim, Estimate, Evidence
    >>> claim = Claim("X", "rises", "a book", "rise", "bits", 0.1, "", lambda rows: Evidence({}))
    >>> page = [Verdict(claim, Outcome.PARTIALLY, Estimate.exact(0.2, "bits"), 8)] * 12
    >>> expected_false(page).number == 12 * max(FALSE_REPLICATES, FALSE_DENIALS)
    True
    >>> expected_false([]).sentence
    ''
    """
    claims = sum(_counts(verdict) for verdict in verdicts)
    rate = max(FALSE_REPLICATES, FALSE_DENIALS)
    return Expected(claims, claims * rate, _sentence(claims, rate) if claims else "")


def _counts(verdict: Verdict) -> bool:
    is_judged = verdict.effect is not None and verdict.outcome is not Outcome.REPORTED
    return is_judged and not verdict.claim.deterministic


def _sentence(claims: int, rate: float) -> str:
    verdicts = "1 verdict is" if claims == 1 else f"{claims} verdicts are"
    return (
        f"At most {claims * rate:.2g} of {verdicts} expected to be false by chance. The bound assumes that "
        "claims were fixed before their runs, that every true effect lies exactly at the smallest effect "
        "size, and that effects scatter normally over seeds; for strongly skewed effects it is "
        f"{claims * SKEWED:.2g}."
    )
