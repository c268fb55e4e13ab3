"""Readings that contradict each other, their null or their presets are refused when the study is loaded."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from levinthal.lab.analysis import (
    Effect,
    Reading,
    at_best_rate,
    compare,
    described,
    difference,
    each,
    evidence,
    log2_ratio,
    log10_ratio,
    mean_over,
    of_curve,
    value,
)
from levinthal.lab.analysis.curves import last, trend
from levinthal.lab.analysis.rates import rates_word
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.validity_of_parts import Plan, faults_of_parts
from levinthal.vocabulary import Cell, Claim, Evidence, Outcome, Preset, Study, Task

CELLS: tuple[Cell, ...] = tuple(
    {"arm": arm, "batch": batch, "depth": depth}
    for arm in ("plain", "fast")
    for batch in ("64", "full")
    for depth in (2, 4)
)
SHARE = value("solved", within=(0, 1))


def study(*presets: tuple[Cell, ...], seeds: int = 8, **more: Any) -> Study:
    tasks = {
        f"size {i}": Preset("", None, tuple(Task(cell, tuple(range(seeds))) for cell in cells))
        for i, cells in enumerate(presets)
    }
    return Study("s", "c", "?", "nobody", 1, tasks, lambda *_: (), (), lambda _: (), lambda _: "", **more)


def said(
    effects: Any, *presets: tuple[Cell, ...], protocol: tuple[str, ...] = (), seeds: int = 8, **change: Any
) -> list[str]:
    """The faults, each once."""
    claim = Claim(
        "T1", "It works.", "nobody", "gain", "", 0.5, "another", evidence(effects, lambda _: Effect({}))
    )
    plan = Plan.of(study(*(presets or (CELLS,)), seeds=seeds))
    found = faults_of_parts(replace(claim, **change), protocol, plan)
    return list(dict.fromkeys(found))


def gain(how: Any = log2_ratio, **where: Any) -> Reading:
    return compare(value("loss", arm="plain", **where), value("loss", arm="fast", **where), how)


def test_parts_in_two_units_or_another_than_the_claim_are_refused() -> None:
    mixed = {"halved": gain(), "in decades": gain(log10_ratio)}
    assert said(mixed) == [
        "is in log2 ratio in 'halved' and in log10 ratio in 'in decades': make one claim of each"
    ]
    assert said(gain(), unit="log10 ratio") == [
        "has unit='log10 ratio' and is in log2 ratio in its only part: name the unit that it is in"
    ]
    assert said(gain(), unit="log2 ratio") == []


def test_a_difference_without_unit_beside_a_ratio_is_refused() -> None:
    line = (
        "is in log2 ratio in 'ratio' and a difference of readings without unit in 'difference': "
        "make one claim of each, or name the unit with described(..., unit='...')"
    )
    ratio, plain = gain(batch="64"), gain(difference, batch="64")
    assert said({"ratio": ratio, "difference": plain}) == [line]
    averaged = mean_over("depth", of=gain(difference), batch="64")
    assert said({"difference": averaged, "ratio": ratio}) == [line]
    assert said({"ratio": ratio, "difference": described(plain, unit="log2 ratio")}) == []
    assert said({"ratio": ratio, "raw": value("loss")}) == [], "a measurement may be a ratio itself"
    assert said({"one": plain, "other": gain(difference, batch="full")}) == []


def test_parts_that_read_two_measurements_are_refused() -> None:
    mixed = {"similar": value("cka"), "accurate": value("accuracy")}
    assert said(mixed) == ["reads cka in 'similar' and accuracy in 'accurate': make one claim of each"]


def test_parts_of_two_protocols_are_refused_where_the_study_names_them() -> None:
    mixed = {batch: gain(batch=batch) for batch in ("64", "full")}
    assert said(mixed) == []
    assert said(mixed, protocol=("batch",)) == [
        "has batch 64 in '64' and full in 'full': make one claim of each"
    ]
    assert said(mixed, protocol=("depth",)) == []


def test_parts_of_each_level_are_those_of_one_preset() -> None:
    parts = each("batch", make=lambda batch: gain(batch=batch), label="batch {}".format, name="loss")
    small, large = CELLS[:2], CELLS[2:4]
    assert said(parts, protocol=("batch",)) == [
        "has batch 64 in 'batch 64' and full in 'batch full': make one claim of each"
    ]
    assert said(parts, small, large, protocol=("batch",)) == []


def test_a_mean_over_a_protocol_is_refused_unless_it_is_one() -> None:
    mean = mean_over("batch", "depth", of=of_curve(last), name="loss")
    assert said(mean, protocol=("batch",)) == [
        "averages over batch (64, full) in its only part: make one claim of each"
    ]
    assert said(mean, CELLS[:2], CELLS[2:4], protocol=("batch",)) == []
    assert said(mean_over("batch", of=of_curve(last), name="loss", batch="64"), protocol=("batch",)) == []


def test_a_part_that_cannot_lie_beyond_the_null_is_refused() -> None:
    parts = {f"depth {n}": compare(value("loss", depth=2), value("loss", depth=n)) for n in (2, 4)}
    assert said(parts) == [
        "has null=0 and 'depth 2' is 0 at most: leave it out, it can never lie beyond the null"
    ]
    start = described(lambda _: Effect({}), within=(-math.inf, 0))
    assert len(said({"head start": compare(start, of_curve(last, name="bits"), min)})) == 1
    assert said(of_curve(trend, name="bits"), smallest_effect=1.5) == [
        "has smallest_effect=1.5 and its only part is 1 at most: choose a smaller size"
    ]


def test_a_share_needs_a_null_unless_it_is_an_event_or_only_reported() -> None:
    assert said(SHARE) == [
        "has null=0 and its only part is 0 at least: set null to the value at chance level, or noise alone "
        "lies beyond it"
    ]
    assert said(SHARE, null=0.25) == said(SHARE, binary=True) == said(SHARE, smallest_effect=None) == []


def test_a_size_that_no_preset_has_the_seeds_to_replicate_is_refused() -> None:
    near = described(value("share"), within=(-math.inf, 1))
    assert said(near, smallest_effect=0.9) == [
        "has smallest_effect=0.9 and its only part is 1 at most, which cannot replicate with 8 seeds: give a "
        "preset 36 seeds, or choose a smaller size"
    ]
    assert said(near, smallest_effect=0.9, seeds=36) == said(near, smallest_effect=0.6) == []
    assert said(near, smallest_effect=0.9, deterministic=True) == []
    assert said(near, smallest_effect=0.9, binary=True) == said(near, smallest_effect=None) == []
    assert said(value("share"), smallest_effect=0.9) == [], "its largest value is not known"
    assert said(near, smallest_effect=1.0)[0].endswith("with 8 seeds: choose a smaller size")


@pytest.mark.parametrize("seeds", [35, 36])
def test_the_seeds_that_are_asked_for_are_those_of_the_judge(seeds: int) -> None:
    claim = Claim("T1", "It works.", "nobody", "gain", "", 0.9, "", evidence(value("share")))
    outcome = judge(claim, Evidence({"": dict.fromkeys(range(seeds), 1.0)})).outcome
    assert outcome is (Outcome.REPLICATES if seeds == 36 else Outcome.PARTIALLY)


@pytest.mark.parametrize("words", ["rate", "rates"])
def test_a_grid_has_three_rates_in_some_preset(words: str) -> None:
    def cells(*rates: float) -> tuple[Cell, ...]:
        if words == "rates":
            return ({"arm": "plain", "rates": rates_word(rates)}, {"arm": "none"})
        return ({"arm": "none"}, *({"arm": "plain", "rate": rate} for rate in rates))

    best = at_best_rate("error", arm="plain")
    assert said(best, cells(0.1, 1)) == [
        "compares best learning rates, and no preset has more than 2 for name=error, arm=plain: a grid has "
        "3 or more"
    ]
    assert said(best, cells(0.1, 1), cells(0.1, 1, 10)) == []
    assert said(best) == [], "rates that are words of a condition are not known yet"


def test_of_a_function_of_ones_own_nothing_is_refused() -> None:
    own = {"a": lambda rows: Effect({0: 1.0}), "b": SHARE.read}
    assert said(own, protocol=("batch",)) == said(lambda rows: own, protocol=("batch",)) == []
    found = lambda rows: {batch: gain(batch=batch) for batch in rows.distinct("batch")}  # noqa: E731
    assert len(said(found, protocol=("batch",))) == 1, "what a function finds in the cells is known"
    claim = Claim("T1", "It works.", "nobody", "gain", "", 0.5, "another", lambda rows: None)  # type: ignore
    assert list(faults_of_parts(claim, (), Plan.of(study(CELLS)))) == []


def test_a_control_of_a_condition_without_an_effect_is_refused() -> None:
    effects = {"two": gain(depth=2), "four": gain(depth=4)}
    for arm in ("control", "rival"):
        wrong = evidence(effects, **{"control": gain(), arm: {"two": gain(), "fuor": gain()}})
        assert said(effects, evidence=wrong) == [
            f"has a {arm} of an unknown condition 'fuor': did you mean 'four'? (two, four)"
        ]
    right = evidence(effects, control={"": gain(depth=2), "two": gain()})
    assert said(effects, evidence=right) == []


def test_seeds_of_a_cell_in_several_tasks_are_counted_together() -> None:
    tasks = (Task({"width": 1}, (0, 1, 2, 3)), Task({"width": 1}, (4, 5, 6, 7)))
    assert Plan.of(replace(study(), presets={"cut": Preset("", None, tasks)})).seeds == 8
