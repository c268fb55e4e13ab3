"""What must hold of every verdict: no unit, no origin and no direction of an effect changes its word."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Claim, Evidence, Outcome

CLAIM = Claim("X", "it rises", "a book", "rise", "bits", 1.0, "shuffled labels", lambda rows: Evidence({}))
RANK = {Outcome.DOES_NOT_REPLICATE: 0, Outcome.WEAKER: 1, Outcome.PARTIALLY: 2, Outcome.REPLICATES: 3}
Sides = tuple[list[list[float]], list[float], list[float]]

# Quarters and eighths are exact in binary, and so is every sum of them.
values = st.integers(-24, 48).map(lambda eighths: eighths / 8)
arms = st.integers(5, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(values, min_size=n, max_size=n), min_size=1, max_size=3),
        st.lists(values, min_size=n, max_size=n),
        st.lists(values, min_size=n, max_size=n),
    )
)
some = settings(max_examples=60, deadline=None)


def word(sides: Sides, *, add: float = 0.0, times: float = 1.0, lift: float = 0.0) -> Outcome:
    """The word where effects, control, null and size are moved by `add`, and the effects alone by `lift`."""
    effects, control, rival = sides
    moved = [dict(enumerate(times * value + add + lift for value in part)) for part in effects]
    beside = [{"": dict(enumerate(times * value + add for value in arm))} for arm in (control, rival)]
    claim = dataclasses.replace(CLAIM, null=add, smallest_effect=times + add)
    found = Evidence({f"part {i}": part for i, part in enumerate(moved)}, beside[0], rival=beside[1])
    return judge(claim, found).outcome


@some
@given(arms, st.integers(-8, 8))
def test_a_constant_added_to_effect_null_and_size_changes_no_word(sides: Sides, add: int) -> None:
    assert word(sides, add=add) is word(sides)


@some
@given(arms, st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_another_unit_changes_no_word(sides: Sides, times: float) -> None:
    assert word(sides, times=times) is word(sides)


@some
@given(arms, values)
def test_a_rival_changes_no_word(sides: Sides, other: float) -> None:
    effects, control, rival = sides
    assert word((effects, control, [other] * len(rival))) is word(sides)


@some
@given(arms, st.sampled_from([0.125, 0.5, 1.0, 4.0]))
def test_a_larger_effect_never_gets_a_lesser_word(sides: Sides, lift: float) -> None:
    before, after = word(sides), word(sides, lift=lift)
    if before in RANK and after in RANK:
        assert RANK[after] >= RANK[before]
    # An open question may close, and a denial may open; what held stays held.
    assert not (before in (Outcome.REPLICATES, Outcome.PARTIALLY) and after is Outcome.INCONCLUSIVE)


@some
@given(arms)
def test_what_holds_does_not_hold_the_other_way_round(sides: Sides) -> None:
    effects, control, rival = sides
    turned = ([[-value for value in part] for part in effects], control, rival)
    if word(sides) is Outcome.REPLICATES:
        assert word(turned) is Outcome.DOES_NOT_REPLICATE


@some
@given(arms, st.integers(2, 5))
def test_a_later_analysis_never_gets_a_stronger_word(sides: Sides, analyses: int) -> None:
    effects, control, _ = sides
    found = Evidence({"": dict(enumerate(effects[0]))}, {"": dict(enumerate(control))})
    first, later = judge(CLAIM, found), judge(CLAIM, found, analyses=analyses)
    if later.outcome is Outcome.REPLICATES:
        assert first.outcome is Outcome.REPLICATES
    if first.outcome is Outcome.INCONCLUSIVE:
        assert later.outcome is Outcome.INCONCLUSIVE
