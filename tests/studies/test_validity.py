"""A study that contradicts itself is one line; what concerns readings is in `test_validity_of_parts`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from levinthal.errors import StudyError
from levinthal.lab.analysis import evidence, value
from levinthal.studies import all_studies
from levinthal.studies.validity import require_valid
from levinthal.vocabulary import Basis, Preset, Task

STUDY = all_studies()["one-neuron-chain"]
FIRST = STUDY.claims[0]
READ = value("agreement", case="gaussian")


def refused(**change: Any) -> str:
    study = replace(STUDY, **change)
    with pytest.raises(StudyError, match=f"study '{study.name}': ") as caught:
        require_valid(study)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"study '{study.name}': ")


def test_every_study_of_the_package_is_valid() -> None:
    assert all(require_valid(study) is study for study in all_studies().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1"}, "version='1': it must be a whole number"),
        ({"name": "Toy Study"}, "name='Toy Study': use small letters, digits and hyphens"),
        ({"name": ""}, "name='': use small letters"),
        ({"measure": None}, "measure=None: give a function measure(task, data=..., device=...)"),
        ({"claims": (replace(FIRST, id=""),)}, "a claim has no id: give each a short one, such as id='C1'"),
        ({"version": 0}, "version=0: it must be a whole number, 1 or more"),
        ({"claims": (FIRST, FIRST)}, f"two claims have the id {FIRST.id}"),
        *(
            (
                {"presets": {"odd": Preset("", None, (Task({}, (0, seed)),))}},  # type: ignore[arg-type]
                f"preset odd has the seed {seed!r}: give whole numbers from 0 to 2147483647",
            )
            for seed in (-1, 1.5, True, 2**31, "one")
        ),
        (
            {"protocol": ("bach",)},
            "protocol names 'bach', which no task has: name factors of its cells (case",
        ),
    ],
)
def test_a_contradiction_is_one_line_that_names_study_and_way_out(
    change: dict[str, Any], message: str
) -> None:
    assert message in refused(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smallest_effect": -1.0}, "has smallest_effect=-1 and null=0: it must lie above the null"),
        ({"smallest_effect": math.nan}, "has smallest_effect=nan and null=0"),
        ({"smallest_effect": 0.5, "null": 0.5}, "has smallest_effect=0.5 and null=0.5: it must lie above"),
        ({"null": math.inf}, "has null=inf: give a finite number"),
        ({"smallest_effect": "big"}, "has smallest_effect='big': give a number, or None to report it only"),
        ({"null": None}, "has null=None: give a number, 0 for a difference"),
        ({"basis": "bogus"}, "has basis='bogus': give one of Basis.SOURCE, Basis.CHOSEN"),
        ({"says": ""}, "has no sentence: say in says=... what is tested"),
        ({"source": ""}, "has no source: name the work and the place in it"),
        ({"basis": Basis.SOURCE, "quote": ""}, "has basis=Basis.SOURCE and no quote: quote the sentence"),
        ({"binary": True, "smallest_effect": 1.5}, "is binary, with null=0 and smallest_effect=1.5"),
        ({"binary": True, "smallest_effect": 0.5, "null": -0.5}, "is binary, with null=-0.5"),
        ({"control": ""}, "has no control: name an arm without the cause, or say in why_no_control why"),
        ({"why_no_control": "none"}, "has both control and why_no_control: keep one of them"),
        ({"evidence": evidence(READ)}, "and evidence without one: pass control=... to evidence() too"),
        ({"rival": "width"}, "has rival='width' and evidence without one: pass rival=... to evidence() too"),
        (
            {"evidence": evidence(READ, READ, rival=READ)},
            "has evidence with a rival and no words for it: say rival='...' in the Claim too",
        ),
        (
            {"control": "", "why_no_control": "none", "rival": "width", "evidence": evidence(READ, READ)},
            "passes its rival as control=: pass it as rival=, a rival changes no verdict",
        ),
    ],
)
def test_a_claim_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    said = refused(claims=(replace(FIRST, **change),))
    assert said.startswith(f"claim {FIRST.id} ")
    assert message in said


@pytest.mark.parametrize(
    "change",
    [
        {"control": "", "why_no_control": "an identity has none", "evidence": lambda rows: None},
        {"smallest_effect": None, "control": "", "evidence": evidence(READ)},
        {"basis": Basis.SOURCE, "quote": "The gradient is a product."},
        {"binary": True, "null": 0.0, "smallest_effect": 1.0},
        {"null": -2.0, "smallest_effect": -1.0},
        {"evidence": lambda rows: None},
        {"rival": "width", "evidence": evidence(READ, READ, rival=READ)},
    ],
)
def test_a_claim_that_says_what_it_is_passes(change: dict[str, Any]) -> None:
    claim = replace(FIRST, **change)
    assert require_valid(replace(STUDY, claims=(claim,))).claims == (claim,)
