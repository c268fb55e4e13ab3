"""Estimates, verdicts and findings show themselves in a notebook."""

from __future__ import annotations

from levinthal.vocabulary import BADGES, Estimate, Finding, Interval, Outcome, Severity, Trust, Verdict


def test_every_word_has_its_mark() -> None:
    assert BADGES.keys() == {*map(str, Trust), *map(str, Outcome), *map(str, Severity)}
    assert len(set(BADGES.values())) == len(BADGES)


def test_an_estimate_shows_value_interval_trust_and_reasons() -> None:
    html = Estimate(4.42, "bits", Interval(4.31, 4.53), trust=Trust.ORDINAL, reasons=("a < b",))._repr_html_()
    assert "▮▮▯▯ ordinal" in html
    assert "4.42 bits [4.31, 4.53]" in html
    assert "a &lt; b" in html


def test_a_verdict_shows_claim_effect_and_control(verdicts: list[Verdict]) -> None:
    html = verdicts[5]._repr_html_()
    assert "✕ does not replicate" in html
    assert "C6: A ResNet&#x27;s information" in html
    assert "effect: -0.44 bits [-0.6, -0.29]" in html
    assert "control: " in html
    assert "8 seeds" in html


def test_a_finding_shows_cause_and_remedy() -> None:
    finding = Finding(
        "dead-units", Severity.CRITICAL, 0.9, "layer 3", 40, {"dead": 0.8}, remedy="lower the rate"
    )
    html = finding._repr_html_()
    assert "▲ critical" in html
    assert "dead-units in layer 3 since step 40 (confidence 90%)" in html
    assert "dead = 0.8" in html
    assert "remedy: lower the rate" in html
    assert "confirmation" not in html
