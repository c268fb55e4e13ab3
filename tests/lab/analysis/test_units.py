"""Every unit of a logarithm that a claim has is a term of its study, whose meaning is right."""

from __future__ import annotations

import pytest

from levinthal.lab.analysis.contrasts import log2_ratio, log10_ratio
from levinthal.lab.analysis.units import DIGITS, LOG2_RATIO, LOG10_RATIO
from levinthal.studies import all_studies

KNOWN = LOG2_RATIO | LOG10_RATIO | DIGITS
STUDIES = all_studies()


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_defines_the_units_of_its_claims(name: str) -> None:
    units = {unit for unit in KNOWN for claim in STUDIES[name].claims if claim.unit.startswith(unit)}
    assert units == KNOWN.keys() & STUDIES[name].terms.keys()


def test_the_meanings_are_those_of_the_functions() -> None:
    assert (log2_ratio(2, 1), log2_ratio(4, 1), log2_ratio(1, 2)) == (1, 2, -1)
    assert (log10_ratio(10, 1), log10_ratio(1, 10)) == (1, -1)
