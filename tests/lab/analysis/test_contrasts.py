"""Evidence from made-up long tables: what was planted is read, what is missing is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.lab.analysis.contrasts import (
    Parts,
    compare,
    difference,
    each,
    evidence,
    log2_ratio,
    log10_ratio,
    mapped,
)
from levinthal.lab.analysis.readings import Effect, Reading, at_best_rate, value
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Claim, Estimate, Evidence, Measurement, Outcome, Row

RATES = (0.01, 0.1, 1.0, 10.0, 100.0)
SEEDS = range(8)
BEST: Mapping[str, float] = {"plain": 1.0, "fast": 0.1, "control": 1.0}


def table(
    gain: float = 2.0, best: Mapping[str, float] = BEST, depths: tuple[int, ...] = (2, 4), noise: float = 0.0
) -> list[Row]:
    """Losses of each rule: at its best rate 1, of the fast rule 2^-gain, and more at other rates."""
    return list(_table(gain, best, depths, np.random.default_rng(0), noise))


def _table(
    gain: float, best: Mapping[str, float], depths: tuple[int, ...], draw: np.random.Generator, noise: float
) -> Iterator[Row]:
    for rule in best:
        for depth in depths:
            for seed in SEEDS:
                for rate in RATES:
                    loss = 2.0 ** -(gain if rule == "fast" else 0) * (1 + abs(np.log10(rate / best[rule])))
                    for step, number in ((0, 9.0), (100, loss * np.exp(noise * draw.standard_normal()))):
                        yield row(rule, depth, number, seed, step, rate)


def row(rule: str, depth: int, number: float, seed: int, step: int, rate: float) -> Row:
    place = Measurement("loss", Estimate.exact(float(number)), seed, step, "", f"rate={rate:g}")
    return Row({"rule": rule, "depth": depth}, place)


def gain_of(rule: str, depth: int) -> Reading:
    plain, other = (at_best_rate("loss", rule=one, depth=depth) for one in ("plain", rule))
    return compare(plain, other, log2_ratio)


def by_depth(rule: str) -> Parts:
    return each("depth", make=lambda depth: gain_of(rule, depth), label="depth {}".format, rule="plain")


def found(rows: list[Row]) -> Evidence:
    return evidence(by_depth("fast"), control=by_depth("control"))(Rows.of(rows))


def verdict(evidence: Evidence) -> Outcome:
    claim = Claim("X", "It is faster.", "", "gain", "", 0.5, "another rule", lambda rows: evidence)
    return judge(claim, evidence).outcome


def test_a_planted_gain_is_read_exactly_part_by_part_and_seed_by_seed() -> None:
    read = found(table(gain=2.0))
    assert read.effects == {f"depth {n}": dict.fromkeys(SEEDS, 2.0) for n in (2, 4)}
    assert read.control == {f"depth {n}": dict.fromkeys(SEEDS, 0.0) for n in (2, 4)}
    assert not read.grid_edge
    assert "Best learning rates, depth 2: 1 and 0.1." in read.notes
    assert "Control, best learning rates, depth 4: 1 and 1." in read.notes


def test_a_planted_gain_replicates_and_none_does_not() -> None:
    assert verdict(found(table(gain=2.0, noise=0.02))) is Outcome.REPLICATES
    assert verdict(found(table(gain=0.0, noise=0.02))) is Outcome.DOES_NOT_REPLICATE


def test_an_arm_that_has_not_run_leaves_its_part_out() -> None:
    whole = table()
    read = found([one for one in whole if (one.cell["rule"], one.cell["depth"]) != ("fast", 4)])
    assert list(read.effects) == ["depth 2"]
    assert list(read.control) == ["depth 2", "depth 4"]
    assert found([one for one in whole if one.cell["rule"] != "control"]).control == {}
    assert found([]) == Evidence({})


def test_two_rates_are_no_grid_and_no_part() -> None:
    few = [one for one in table() if one.measurement.condition in ("rate=0.1", "rate=1")]
    assert found(few) == Evidence({})


def test_a_seed_that_one_arm_lacks_is_not_compared() -> None:
    lacking = [one for one in table() if (one.cell["rule"], one.measurement.seed) != ("fast", 3)]
    assert list(found(lacking).effects["depth 2"]) == [0, 1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize("rule", ["plain", "fast", "control"])
@pytest.mark.parametrize("edge", [RATES[0], RATES[-1]])
def test_an_edge_of_any_arm_decides_nothing_and_is_named(rule: str, edge: float) -> None:
    read = found(table(gain=8.0, best={**BEST, rule: edge}))
    assert read.grid_edge
    assert verdict(read) is Outcome.INCONCLUSIVE
    assert any(note.endswith("on the edge of the grid).") for note in read.notes)


def test_a_control_of_one_reading_stands_for_all_parts() -> None:
    read = evidence(by_depth("fast"), control=gain_of("control", 2))(Rows.of(table()))
    assert list(read.effects) == ["depth 2", "depth 4"]
    assert read.control == {"": dict.fromkeys(SEEDS, 0.0)}
    assert verdict(read) is Outcome.REPLICATES


def test_a_rival_is_read_beside_and_its_edge_decides_nothing() -> None:
    rows = Rows.of(table(best={**BEST, "control": RATES[0]}))
    read = evidence(by_depth("fast"), rival=by_depth("control"))(rows)
    assert read.rival.keys() == read.effects.keys()
    assert not read.control
    assert not read.grid_edge
    assert any(note.startswith("Rival, best") and "edge of the grid" in note for note in read.notes)


def test_notes_of_effects_and_of_the_claim_are_joined_once() -> None:
    noted = Effect({0: 1.0}, note="Left out: none.")
    read = evidence(
        {"a": lambda rows: noted, "b": lambda rows: noted}, notes=lambda rows: [f"{len(rows)} rows."]
    )(Rows.of([]))
    assert read.notes == ("Left out: none.", "0 rows.")


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ((0.1,), "Best learning rate: 0.1 (on the edge of the grid)."),
        ((0.01, 0.1), "Best learning rates: 0.01 and 0.1 (at least one of them on the edge of the grid)."),
    ],
)
def test_of_several_rates_not_all_are_said_to_be_on_the_edge(rates: tuple[float, ...], words: str) -> None:
    one = Effect({0: 5.0}, rates, at_edge=True)
    assert evidence(lambda rows: one)(Rows.of([])).notes == (words,)


def test_the_difference_is_the_first_less_the_second() -> None:
    one, other = Effect({0: 5.0}, (5.0,), at_edge=True), Effect({0: 3.0}, (3.0,))
    read = compare(lambda rows: one, lambda rows: other)(Rows.of([]))
    assert (read.by_seed, read.rates, read.at_edge) == ({0: 2.0}, (5.0, 3.0), True)
    assert difference(5, 3) == 2


def test_a_condition_that_is_left_out_keeps_its_note_and_not_its_edge() -> None:
    left_out = Effect({}, (1.0,), at_edge=True, note="Left out: neither arm converges.")
    read = evidence({"a": lambda rows: Effect({0: 1.0}), "b": lambda rows: left_out})(Rows.of([]))
    assert read == Evidence({"a": {0: 1.0}}, {}, False, ("Left out: neither arm converges.",))


def test_a_mapped_reading_keeps_its_rates_and_its_edge() -> None:
    found = Effect({0: 1.0, 1: 3.0}, (0.1,), at_edge=True, note="Why.")
    assert mapped(lambda rows: found, lambda number: 2 * number)(Rows.of([])) == Effect(
        {0: 2.0, 1: 6.0}, (0.1,), at_edge=True, note="Why."
    )


def test_ratios_are_logarithms_and_nothing_over_nothing_is_endless() -> None:
    assert (log2_ratio(2, 8), log10_ratio(1000, 10)) == (-2, 2)
    assert log10_ratio(1.0, 0.0) == np.inf


@pytest.mark.parametrize(("arm", "endless"), [("one", np.inf), ("other", -np.inf)])
def test_a_seed_that_diverged_in_either_arm_failed(arm: str, endless: float) -> None:
    rows = Rows.of(
        Row({}, Measurement(name, Estimate.exact(np.inf if (name, seed) == (arm, 3) else number), seed))
        for name, number in (("one", 4.0), ("other", 1.0))
        for seed in SEEDS
    )
    found = compare(value("one"), value("other"), log2_ratio)(rows).by_seed
    assert found == {seed: endless if seed == 3 else 2.0 for seed in SEEDS}
    claim = Claim(
        id="X1",
        says="One is larger.",
        source="ours",
        effect="one over the other",
        unit="log2 ratio",
        smallest_effect=1.0,
        control="",
        why_no_control="a test",
        evidence=evidence(compare(value("one"), value("other"), log2_ratio)),
    )
    assert any("1 of 8" in reason for reason in judge(claim, claim.evidence(rows)).reasons)


def in_units(**units: str) -> Rows:
    return Rows.of(
        Row({}, Measurement(name, Estimate.exact(1.0, unit), seed))
        for name, unit in units.items()
        for seed in SEEDS
    )


def test_conditions_in_two_units_have_no_mean_and_a_ratio_has_a_unit_of_its_own() -> None:
    parts = {name: value(name) for name in ("one", "other")}
    with pytest.raises(InputError, match="'one' is in bits and 'other' in points: make one claim of each"):
        evidence(parts)(in_units(one="bits", other="points"))
    assert evidence(parts)(in_units(one="bits", other="bits")).effects.keys() == {"one", "other"}
    assert evidence(parts)(in_units(one="bits", other="")).effects.keys() == {"one", "other"}
    ratio = compare(value("one"), value("other"), log2_ratio)
    assert ratio(in_units(one="bits", other="bits")).unit == "log2 ratio"
    with pytest.raises(InputError, match="bits compared with points"):
        ratio(in_units(one="bits", other="points"))
