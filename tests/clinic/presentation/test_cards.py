from __future__ import annotations

import dataclasses

import pytest
from tests.clinic.histories import finding

from levinthal.clinic.findings.confidence import confidence
from levinthal.clinic.presentation.cards import card, in_numbers, tried_remedies
from levinthal.vocabulary import Estimate, Interval, Severity, Trust


@dataclasses.dataclass(frozen=True)
class Tried:
    code: str
    name: str
    line: str
    outcome: str
    gain: Estimate


def tried(outcome: str, low: float, value: float, high: float) -> Tried:
    gain = Estimate(value, "accuracy", Interval(low, high), trust=Trust.EXACT)
    return Tried("LR_TOO_HIGH", "a tenth of the rate", "lr=0.01", outcome, gain)


def test_evidence_is_numbers_with_names_and_sentences_apart() -> None:
    one = card(finding("LR_TOO_HIGH", "optimiser", 40, {"step / weight": 0.51234, "because": "it is " * 9}))
    assert one.evidence == (("step / weight", "0.512"),)
    assert one.notes == (("because", "it is " * 9),)
    sure = f"{confidence('LR_TOO_HIGH', Severity.CRITICAL):.0%}".replace("%", "\u202f%")
    assert one.place == f"optimiser · since step 40 · confidence {sure}"
    assert one.means.startswith("A step changes the weights")


def test_a_remedy_is_a_sentence_and_code() -> None:
    one = card(finding("MISSING_ZERO_GRAD", "optimiser", 0, {}))
    assert [text for text, code in one.remedy if code] == [
        "optimizer.zero_grad()",
        "optimizer.step()",
    ]
    assert "from the start" in one.place


def test_what_a_cause_explains_is_folded_into_it() -> None:
    one = card(finding("LR_TOO_HIGH", "optimiser", 0, {}), [finding("DEAD_RELU", "1", 5, {"share": 0.9})])
    assert [(other.code, other.evidence) for other in one.explains] == [("DEAD_RELU", (("share", "0.900"),))]


@pytest.mark.parametrize(("value", "said"), [(True, "True"), (12345, "12,345"), (float("nan"), "nan")])
def test_evidence_of_any_kind_is_a_text(value: object, said: str) -> None:
    assert in_numbers(value) == said


def test_proofs_share_one_axis_that_holds_zero() -> None:
    good, bad = tried_remedies(
        [tried("confirmed here", 0.2, 0.3, 0.4), tried("made it worse", -0.6, -0.5, -0.4)]
    )
    assert good.zero == bad.zero
    assert 0 < bad.low < bad.dot < bad.high < bad.zero < good.low < good.dot < good.high < 1
    assert (good.mark, good.value, good.interval) == ("replicates", "+0.30", "[0.20, 0.40] accuracy")
    assert (bad.mark, bad.value) == ("does-not-replicate", "−0.50")


def test_what_helped_most_comes_first() -> None:
    arms = [
        tried("not pursued", 0.8, 0.9, 1.0),
        tried("confirmed here", 0.1, 0.2, 0.3),
        tried("made it worse", -0.3, -0.2, -0.1),
        tried("confirmed here", 0.4, 0.5, 0.6),
        Tried("UNDERFIT", "more", "steps", "no effect here", Estimate.exact(float("nan"))),
    ]
    order = [(arm.label, arm.value) for arm in tried_remedies(arms)]
    confirmed, rest = order[:2], [word for word, _ in order[2:]]
    assert confirmed == [("confirmed here", "+0.50"), ("confirmed here", "+0.20")]
    assert rest == ["no effect here", "made it worse", "not pursued"]


def test_a_proof_without_an_interval_or_a_number_has_a_place() -> None:
    unknown = Tried("UNDERFIT", "more", "steps", "no effect here", Estimate.exact(float("nan")))
    (nothing,) = tried_remedies([unknown])
    assert nothing.low == nothing.dot == nothing.high == nothing.zero == 0.5
    assert tried_remedies([]) == []
