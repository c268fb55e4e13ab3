"""Findings as text: what the evidence says is not rounded into something else."""

from __future__ import annotations

from levinthal.clinic.findings.finding import found
from levinthal.clinic.presentation.cards import in_numbers
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.rules.data import INPUT_SCALE
from levinthal.vocabulary import Estimate

EVIDENCE = {"correlation": 0.9998, "share": 1e-7, "batches": 12, "loss": 2.3456}


def test_evidence_has_three_digits_and_never_rounds_to_one() -> None:
    text = formatted([found(INPUT_SCALE, "input", 0, EVIDENCE)])
    assert "evidence: correlation 0.9998; share 1e-07; batches 12; loss 2.35" in text
    assert in_numbers(EVIDENCE["correlation"]) == "0.9998"


def test_an_estimate_below_one_does_not_read_one() -> None:
    assert str(Estimate.exact(0.9998)) == "0.9998 (exact)"
