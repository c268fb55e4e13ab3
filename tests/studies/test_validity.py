from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from levinthal.errors import StudyError
from levinthal.studies import all_studies
from levinthal.studies.validity import require_valid

STUDY = all_studies()["one-neuron-chain"]
FIRST = STUDY.claims[0]


def test_every_study_of_the_package_is_valid() -> None:
    assert all(require_valid(study) is study for study in all_studies().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1"}, "version='1': it must be a whole number"),
        ({"version": 0}, "version=0: it must be a whole number, 1 or more"),
        ({"claims": (FIRST, FIRST)}, f"two claims have the id {FIRST.id}"),
        ({"claims": (replace(FIRST, smallest_effect=-1.0),)}, "smallest_effect=-1: it must be above 0"),
        ({"claims": (replace(FIRST, smallest_effect=math.nan),)}, "smallest_effect=nan: it must be above 0"),
    ],
)
def test_a_contradiction_is_one_line_that_names_study_and_way_out(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudyError, match="study 'one-neuron-chain': ") as caught:
        require_valid(replace(STUDY, **change))
    assert message in str(caught.value)
