"""docs/findings.md is what catalogue, evidence and counted alarms make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy import stats

from levinthal.clinic.presentation.reference import page, upper_end
from levinthal.clinic.rules.catalogue import CATALOGUE

ROOT = Path(__file__).parents[3]


def test_every_finding_has_its_evidence_and_its_source() -> None:
    assert all(kind.evidence_text and kind.source for kind in CATALOGUE.values())


def test_the_page_is_what_the_catalogue_says() -> None:
    counts = json.loads((ROOT / "benchmarks" / "results" / "false_alarms.json").read_text())
    assert (ROOT / "docs" / "findings.md").read_text() == page(counts), "run `python3 dev.py docs`"
    assert set(counts["warned"]) <= set(counts["codes"]) <= set(CATALOGUE)
    assert counts["runs"] >= 3 * 60


@pytest.mark.parametrize(("count", "runs"), [(0, 10), (3, 200), (199, 200)])
def test_the_upper_end_leaves_2_and_a_half_percent_above_it(count: int, runs: int) -> None:
    assert stats.binom.cdf(count, runs, upper_end(count, runs)) == pytest.approx(0.025)
