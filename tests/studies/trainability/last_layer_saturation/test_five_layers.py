"""L3 on made-up networks: five layers that leave saturation at a learning rate that four do not choose."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from tests.simulated_saturation import CLAIMS

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Estimate, Measurement, Outcome, Row, Verdict

STEPS = (0, 10, 100, 1000, 3000, 5000, 8000)
FOUR = {0.3: 0.3, 1.0: 0.1, 3.0: 0.2, 10.0: 0.9}
"""Learning rate -> the error of four layers, which leave saturation at each but the last."""


FALLS = {4: 10, 5: 10}
"""Hidden layers -> the step at which the top one saturates."""
ESCAPE = {4: 3000, 5: 3000}
"""Hidden layers -> the step at which the top one leaves saturation."""
BACK = {4: 10**9, 5: 10**9}
"""Hidden layers -> the step at which it returns to saturation."""
LOWEST = {4: 0.0005, 5: 0.0005}
"""Hidden layers -> the spread of the top one in saturation."""
BRIEF = "Networks of five layers that are saturated at single readings alone"
"""How the note on them begins."""


def layer(hidden: int, saturates: bool, escapes: bool, step: int) -> tuple[float, float]:
    """Mean and spread of a top layer."""
    if step < FALLS[hidden] or not saturates:
        return 0.5, 0.08
    is_out = escapes and ESCAPE[hidden] <= step < BACK[hidden]
    return (0.12, 0.15) if is_out else (0.01, LOWEST[hidden])


def rows(five: dict[float, float], escapes: set[float], never: set[float]) -> Iterator[Row]:
    """Four layers, and five with an error at each rate, which escape at some and never saturate at others."""
    draw = np.random.default_rng(0)
    for hidden, errors in ((4, FOUR), (5, five)):
        cell = {"activation": "sigmoid", "start": "fan_in_uniform", "hidden": hidden, "labels": "true"}
        for seed in range(20 if hidden == 4 else 8):
            for rate, error in errors.items():
                words, out = f"rate={rate:g}", rate in ({0.3, 1.0, 3.0} if hidden == 4 else escapes)
                for step in STEPS:
                    both = layer(hidden, hidden == 4 or rate not in never, out, step)
                    for name, number in zip(("mean", "image_sd"), both, strict=True):
                        value = Estimate.exact(number + draw.normal(0, 1e-5))
                        yield Row(
                            cell | {"steps": 8000}, Measurement(name, value, seed, step, f"{hidden}", words)
                        )
                value = Estimate.exact(error + abs(draw.normal(0, 1e-4)))
                yield Row(cell | {"steps": 8000}, Measurement("error", value, seed, 8000, "", words))


def verdict(five: dict[float, float], escapes: set[float], never: set[float] | None = None) -> Verdict:
    return judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of(rows(five, escapes, never or set()))))


def at_three(error: float) -> dict[float, float]:
    return {0.3: 0.9, 1.0: 0.9, 3.0: error, 10.0: 0.9}


@pytest.mark.parametrize("error", [0.4, 0.5, 0.6, 0.7, 0.8])
def test_five_layers_that_escape_at_their_own_rate_do_not_stay(error: float) -> None:
    """Above 45 % they were read at the rate of four alone: 50, 60 and 70 % replicated."""
    found = verdict(at_three(error), escapes={3.0})
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value == pytest.approx(0, abs=0.01)
    assert (
        "8 of 8 networks of five layers end with an error of at most 85 %; the lowest error of each is at 3."
        in found.reasons
    )


def test_five_layers_that_escape_at_the_rate_of_four_do_not_stay() -> None:
    assert verdict(at_three(0.6), escapes={1.0}).outcome is Outcome.DOES_NOT_REPLICATE


def test_five_layers_at_chance_level_at_every_rate_stay() -> None:
    found = verdict(at_three(0.9), escapes=set())
    assert found.outcome is Outcome.REPLICATES
    assert not any("networks of five layers end" in reason for reason in found.reasons)


def test_the_lowest_of_errors_at_chance_level_says_nothing_where_the_layer_never_saturates() -> None:
    """It is on the grid's edge by chance, at a rate too small for the layer to fall."""
    assert verdict(at_three(0.9) | {0.3: 0.88}, set(), never={0.3}).outcome is Outcome.REPLICATES
    assert verdict(at_three(0.9) | {0.3: 0.88}, escapes={0.3}).outcome is Outcome.DOES_NOT_REPLICATE


def test_an_own_rate_at_which_five_layers_learn_and_never_saturate_leaves_it_open() -> None:
    found = verdict(at_three(0.5), escapes=set(), never={3.0})
    assert found.outcome is Outcome.INCONCLUSIVE
    assert (
        verdict({0.3: 0.5, 1.0: 0.9, 3.0: 0.9, 10.0: 0.9}, set()).outcome is Outcome.INCONCLUSIVE
    )  # an edge
    assert verdict(at_three(0.5), escapes={3.0}, never={1.0}).outcome is Outcome.DOES_NOT_REPLICATE


def test_a_run_that_was_stopped_within_a_rate_is_judged() -> None:
    """At their own rate five layers have three seeds of eight."""
    seen = [
        row
        for row in rows(at_three(0.4), escapes={3.0}, never=set())
        if row.cell["hidden"] == 4 or row.measurement.condition != "rate=3" or row.measurement.seed < 3
    ]
    found = judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of(seen)))
    assert found.outcome is not Outcome.REPLICATES


@pytest.mark.parametrize("minority", [1, 3])
def test_a_minority_of_five_layers_that_learns_and_escapes_is_seen(minority: int) -> None:
    """The median error is at chance level at every rate: another rate was read, and the claim replicated."""
    learn, fail = rows(at_three(0.2), escapes={3.0}, never=set()), rows(at_three(0.9), set(), set())
    seen = [row for row in learn if row.cell["hidden"] == 4 or row.measurement.seed < minority]
    seen += [row for row in fail if row.cell["hidden"] == 5 and row.measurement.seed >= minority]
    found = judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of(seen)))
    assert found.outcome is not Outcome.REPLICATES
    said = (
        f"{minority} of 8 networks of five layers end with an error of at most 85 %; "
        "the lowest error of each is at 3."
    )
    assert said in found.reasons


def test_an_escape_at_the_last_reading_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings are a factor of 1.4 or more apart: the last but one knows nothing of the last third."""
    monkeypatch.setattr(sys.modules[__name__], "ESCAPE", {4: 3000, 5: 8000})
    found = verdict(at_three(0.2), escapes={3.0})
    assert found.outcome is Outcome.DOES_NOT_REPLICATE


def test_a_layer_that_keeps_its_spread_is_not_saturated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mean is low, its spread never: it leaves nothing."""
    monkeypatch.setattr(sys.modules[__name__], "LOWEST", {4: 0.0005, 5: 0.08})
    assert verdict(at_three(0.2), escapes={3.0}).outcome is Outcome.INCONCLUSIVE
    monkeypatch.setattr(sys.modules[__name__], "LOWEST", {4: 0.08, 5: 0.0005})
    assert verdict(at_three(0.9), escapes=set()).outcome is Outcome.INCONCLUSIVE


def test_no_seed_counts_for_more_than_no_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    found = verdict(at_three(0.9), escapes=set())
    assert found.effect.value <= 1


def test_five_layers_that_escape_and_return_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last reading alone knows nothing of it."""
    monkeypatch.setattr(sys.modules[__name__], "BACK", {4: 10**9, 5: 8000})
    found = verdict({0.3: 0.9, 1.0: 0.9, 3.0: 0.9, 10.0: 0.9}, escapes={1.0, 3.0})
    assert found.outcome is Outcome.DOES_NOT_REPLICATE


def test_an_escape_that_ends_at_chance_level_is_seen() -> None:
    """The lowest error was at another rate, and the claim replicated. On digits half end so."""
    found = verdict({0.3: 0.89, 1.0: 0.9, 3.0: 0.9, 10.0: 0.9}, escapes={3.0})
    assert found.outcome is Outcome.DOES_NOT_REPLICATE


def test_an_escape_at_one_rate_counts_beside_another_that_learns_without_saturating() -> None:
    assert verdict(at_three(0.5), escapes={1.0}, never={3.0}).outcome is Outcome.DOES_NOT_REPLICATE


@pytest.mark.parametrize(("escaped", "outcome"), [(10, Outcome.INCONCLUSIVE), (11, Outcome.REPLICATES)])
def test_most_networks_of_four_layers_have_to_leave_saturation(escaped: int, outcome: Outcome) -> None:
    five = [row for row in rows(at_three(0.9), set(), set()) if row.cell["hidden"] == 5]
    four = [
        row
        for is_out in (True, False)
        for row in rows_of_four(is_out)
        if (row.measurement.seed < escaped) is is_out
    ]
    assert judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of([*five, *four]))).outcome is outcome


def test_a_layer_that_saturates_late_and_escapes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a small rate it saturates after 1,500 updates: it counted as one that never does."""
    monkeypatch.setattr(sys.modules[__name__], "FALLS", {4: 10, 5: 3000})
    monkeypatch.setattr(sys.modules[__name__], "ESCAPE", {4: 3000, 5: 8000})
    assert verdict(at_three(0.9), escapes={1.0}).outcome is Outcome.DOES_NOT_REPLICATE


def test_rates_that_have_not_run_leave_it_open() -> None:
    """Every page of an unfinished study said that five layers stay, at the rates that had run."""
    seen = [
        row
        for row in rows(at_three(0.9), set(), set())
        if row.cell["hidden"] == 4 or row.measurement.condition in ("rate=0.3", "rate=1")
    ]
    found = judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of(seen)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "Five layers have not run at the learning rates 3, 10 yet." in found.reasons


def rows_of_four(escapes: bool) -> Iterator[Row]:
    """The four layers of `rows`, or four that never leave saturation."""
    steps = {4: 3000, 5: 3000} if escapes else {4: 10**9, 5: 3000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "ESCAPE", steps)
        yield from (row for row in rows(at_three(0.9), set(), set()) if row.cell["hidden"] == 4)


def test_escapes_at_rates_that_four_layers_have_not_run_at_count() -> None:
    """Five layers run first: their escapes at the other rates were left out, and the claim replicated."""
    seen = [
        row
        for row in rows(at_three(0.9) | {30.0: 0.9}, escapes={30.0}, never=set())
        if row.cell["hidden"] == 5 or row.measurement.condition != "rate=10"
    ]
    found = judge(CLAIMS["L3"], CLAIMS["L3"].evidence(Rows.of(seen)))
    assert found.effect.value == pytest.approx(0, abs=0.01)
    assert found.outcome is Outcome.DOES_NOT_REPLICATE


def test_the_rates_at_which_five_layers_learn_are_named() -> None:
    """The edge was theirs, and the page named the rate of four as one on the edge."""
    found = verdict({0.3: 0.9, 1.0: 0.9, 3.0: 0.9, 10.0: 0.4}, escapes={10.0})
    [rates] = [reason for reason in found.reasons if reason.startswith("Best learning rates")]
    assert "1 and 10 (at least one of them on the edge of the grid)" in rates


def test_a_saturation_of_one_reading_that_ends_at_chance_level_leaves_it_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From update 1,000 to before 3,000: it counted as a layer that never saturates, and said nothing."""
    monkeypatch.setattr(sys.modules[__name__], "FALLS", {4: 10, 5: 1000})
    found = verdict(at_three(0.9), escapes={3.0})
    assert found.outcome is Outcome.INCONCLUSIVE
    [note] = [reason for reason in found.reasons if reason.startswith(BRIEF)]
    assert "(by 0.02 or more): 8 at 3. Each leaves its seed open" in note


def test_the_note_on_escapes_says_by_how_much() -> None:
    """More than .01: the page said .02, which is the size of the four layers' rise."""
    found = verdict(at_three(0.4), escapes={3.0})
    counts = "0 of 8 at 0.3, 0 of 8 at 1, 8 of 8 at 3, 0 of 8 at 10"
    leave = "leave saturation (by more than 0.01)"
    assert f"Of the saturated networks of five layers these {leave}: {counts}." in found.reasons
    assert not any(reason.startswith(BRIEF) for reason in found.reasons)
