"""The bound on false words counts the claims that chance can make false, and says what it assumes."""

from __future__ import annotations

import dataclasses

import pytest

from levinthal.lab.judging.expected import FALSE_DENIALS, FALSE_REPLICATES, SKEWED, expected_false
from levinthal.vocabulary import Claim, Estimate, Evidence, Outcome, Verdict

CLAIM = Claim("X", "rises", "a book", "rise", "bits", 0.1, "", lambda _: Evidence({}))
EFFECT = Estimate.exact(0.2, "bits")
RATE = max(FALSE_REPLICATES, FALSE_DENIALS)


def judged(outcome: Outcome = Outcome.REPLICATES, claim: Claim = CLAIM) -> Verdict:
    return Verdict(claim, outcome, EFFECT, 8)


def test_the_bound_is_the_larger_rate_times_the_claims() -> None:
    found = expected_false([judged()] * 12)
    assert found.claims == 12
    assert found.number == pytest.approx(12 * RATE)


@pytest.mark.parametrize(
    "uncounted",
    [
        judged(Outcome.REPORTED),
        judged(claim=dataclasses.replace(CLAIM, deterministic=True)),
        Verdict(CLAIM, Outcome.INCONCLUSIVE, None, 0),
    ],
    ids=["reported", "deterministic", "without an effect"],
)
def test_a_claim_that_chance_cannot_make_false_is_not_counted(uncounted: Verdict) -> None:
    assert expected_false([uncounted]).number == 0
    assert expected_false([uncounted, judged()]) == expected_false([judged()])


def test_the_sentence_states_number_and_assumptions() -> None:
    sentence = expected_false([judged()] * 8).sentence
    assert sentence.startswith(f"At most {8 * RATE:.2g} of 8 verdicts are expected to be false by chance.")
    assert "exactly at the smallest effect size" in sentence
    assert sentence.endswith(f"{8 * SKEWED:.2g}.")
    assert "1 verdict is" in expected_false([judged()]).sentence
