"""A claim, its effects, its control and its rival have one unit: before the run and after it."""

from __future__ import annotations

import pytest
from tests.studies.test_validity_of_parts import gain, said

from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.lab.analysis import compare, described, difference, evidence, log2_ratio, log10_ratio, value
from levinthal.studies.validity_of_units import require_measured_units
from levinthal.vocabulary import Claim, Estimate, Measurement, Row

METRES = described(gain(difference), unit="m")
KILOMETRES = described(gain(difference), unit="km")


@pytest.mark.parametrize("arm", ["control", "rival"])
def test_an_arm_in_another_unit_than_the_effect_is_refused(arm: str) -> None:
    def beside(effect: object, other: object, unit: str = "") -> list[str]:
        return said(effect, unit=unit, evidence=evidence(effect, **{arm: other}))  # type: ignore[arg-type]

    assert beside(METRES, gain(log2_ratio)) == [
        f"is in m and its {arm} is in log2 ratio: read the {arm} in the unit of the effect"
    ]
    assert beside(METRES, {"far": KILOMETRES}) == [
        f"is in m and its {arm} in 'far' is in km: read the {arm} in the unit of the effect"
    ]
    assert beside(gain(difference), gain(log10_ratio), "m")[0].startswith(
        f"is in m and its {arm} is in log10"
    )
    assert beside(gain(), gain(difference)) == [
        f"is in log2 ratio and its {arm} is a difference of readings without unit: compare both in the same "
        "way, or name the unit with described(..., unit='...')"
    ]
    assert beside(gain(difference), gain())[0].startswith("is a difference of readings without unit and its ")
    assert beside(METRES, METRES, "m") == beside(gain(), gain(), "log2 ratio") == []
    assert beside(gain(difference), gain(difference)) == beside(gain(), lambda rows: None) == []


def test_arms_in_two_units_are_refused_where_they_are_compared() -> None:
    with pytest.raises(InputError, match="m compared with km: compare numbers of one unit"):
        compare(described(value("near"), unit="m"), described(value("far"), unit="km"))


ROWS = Rows.of(
    Row({"arm": arm}, Measurement("way", Estimate.exact(1.0 + seed, unit), seed))
    for arm, unit in (("walk", "m"), ("ride", "km"), ("run", "m"))
    for seed in range(2)
)


def claim(unit: str, effect: str, control: str) -> Claim:
    found = evidence(value("way", arm=effect), control=value("way", arm=control))
    return Claim("T1", "It is far.", "nobody", "way", unit, 0.5, "another", found)


def test_the_unit_of_a_claim_is_that_of_its_measurements() -> None:
    with pytest.raises(InputError, match="claim has unit='km' and its effect is measured in m: give both"):
        require_measured_units(claim("km", "walk", "run"), ROWS)
    with pytest.raises(InputError, match="the claim has unit='m' and its control is measured in km"):
        require_measured_units(claim("m", "walk", "ride"), ROWS)
    with pytest.raises(InputError, match="the effect is measured in m and its control is measured in km"):
        require_measured_units(claim("", "walk", "ride"), ROWS)
    require_measured_units(claim("m", "walk", "run"), ROWS)
    require_measured_units(claim("", "walk", "run"), ROWS)
    require_measured_units(claim("km", "walk", "run"), Rows.of([]))
