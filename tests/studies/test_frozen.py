"""The evidence of every claim on the stored rows of the quick presets is, to the bit, what it was.

`frozen/NAME.json.xz` holds the rows of one run of a study, `frozen/evidence.json` what its claims
made of them.
A claim whose rule is changed on purpose changes its entry here, and the change stands in CHANGELOG.md.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from levinthal.lab import Rows
from levinthal.studies import all_studies
from levinthal.vocabulary import Claim, Estimate, Measurement, Row

FROZEN = Path(__file__).parent / "frozen"
EXPECTED = json.loads((FROZEN / "evidence.json").read_text())
STUDIES = {name: study for name, study in all_studies().items() if name in EXPECTED}
CLAIMS = [(name, claim) for name, study in STUDIES.items() for claim in study.claims]


@cache
def stored(name: str) -> Rows:
    """The rows of a study, which refuse a level that no preset has, as those of a store do."""
    cells = [task.cell for preset in STUDIES[name].presets.values() for task in preset.tasks]
    held = json.loads(lzma.decompress((FROZEN / f"{name}.json.xz").read_bytes()))
    columns = {key: [held["levels"][key][code] for code in codes] for key, codes in held["codes"].items()}
    keys = ("name", "unit", "seed", "step", "layer", "condition")
    addresses = zip(*(columns[key] for key in keys), strict=True)
    rows = (
        Row(held["cells"][cell], Measurement(measured, Estimate.exact(value, unit), *place))
        for cell, value, (measured, unit, *place) in zip(held["cell"], held["value"], addresses, strict=True)
    )
    return Rows.of(rows, levels=cells)


@pytest.mark.parametrize("name", STUDIES)
def test_figures_ask_for_levels_that_a_preset_has(name: str) -> None:
    assert all(figure.panels for figure in STUDIES[name].figures(stored(name)))


def plain(parts: Any) -> dict[str, dict[str, float]]:
    return {part: {str(seed): float(v) for seed, v in effect.items()} for part, effect in parts.items()}


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=lambda it: getattr(it, "id", it))
def test_evidence_is_what_it_was(name: str, claim: Claim) -> None:
    found, wanted = claim.evidence(stored(name)), EXPECTED[name][claim.id]
    _equal(plain(found.effects), wanted["effects"])
    _equal(plain(found.control), wanted["control"])
    assert found.grid_edge == wanted["grid_edge"]


def _equal(found: dict[str, dict[str, float]], wanted: dict[str, dict[str, float]]) -> None:
    """Equal up to the last digits, in which processors differ (logarithms, sums of vectors)."""
    assert found.keys() == wanted.keys()
    for part, effect in found.items():
        assert effect == pytest.approx(wanted[part], rel=1e-12, abs=1e-15, nan_ok=True), part


def test_every_frozen_study_and_claim_is_still_there() -> None:
    assert {name: {claim.id for claim in study.claims} for name, study in STUDIES.items()} == {
        name: set(claims) for name, claims in EXPECTED.items()
    }
