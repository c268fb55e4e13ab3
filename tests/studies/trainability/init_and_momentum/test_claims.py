"""Claims on made-up runs: each is seen where it was planted, and is not where it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.init_and_momentum import study
from levinthal.studies.trainability.init_and_momentum.design import ARMS, PLAIN, RATES
from levinthal.vocabulary import Cell, Estimate, Measurement, Outcome, Row, Verdict

CLAIMS = {claim.id: claim for claim in study.claims}
Errors = Callable[[Cell], float]
REPORTED = ("M3b", "M4")
MEAN_IMAGE = 5.0


def simulated(errors: Errors, *, best: float = 0.3, noise: float = 0.01) -> Rows:
    """Rows with this final error at the best rate, more at all others, but never above the mean image's."""
    return Rows.of(_rows(errors, best, noise))


def _rows(errors: Errors, best: float, noise: float) -> Iterator[Row]:
    draw = np.random.default_rng(0)
    for task in study.presets["quick"].tasks:
        for seed in range(8):  # as many as the preset has
            yield Row(task.cell, Measurement("mean_image_error", Estimate.exact(MEAN_IMAGE), seed))
            for rate in RATES:
                worse = 1 + abs(np.log10(rate / best))
                end = min(errors(task.cell) * worse, MEAN_IMAGE) * np.exp(noise * draw.standard_normal())
                for step, value in ((0, MEAN_IMAGE), (1500, end)):
                    yield Row(
                        task.cell,
                        Measurement("error", Estimate.exact(value), seed, step, "", f"rate={rate:g}"),
                    )


def at(row: Row) -> float:
    """The learning rate of a row; 0 for one without."""
    return float(row.measurement.condition.removeprefix("rate=") or 0)


def rewritten(change: Callable[[Cell, int, float], float | None]) -> Rows:
    """The paper's numbers, with other final errors of some runs: cell, seed and learning rate choose them."""
    rows = []
    for row in simulated(as_published, noise=0.001):
        one = row.measurement
        if one.step and (error := change(row.cell, one.seed, at(row))) is not None:
            row = replace(row, measurement=replace(one, estimate=Estimate.exact(error)))
        rows.append(row)
    return Rows.of(rows)


def verdict(name: str, errors: Errors, **more: Any) -> Verdict:
    return judge(CLAIMS[name], CLAIMS[name].evidence(simulated(errors, **more)))


def as_published(cell: Cell) -> float:
    if cell["init"] == "small":
        return MEAN_IMAGE
    scale = {0.25: 216.0, 0.5: 216.0, 1.0: 1.0, 2.0: 1.1, 4.0: 4.7}[float(cell["scale"])]
    late = {"none": 2.1, "classical": 0.77 if cell["momentum"] == 0.99 else 1.0}
    return scale * late.get(str(cell["rule"]), 0.73 if cell["momentum"] == 0.99 else 1.0)


def all_alike(cell: Cell) -> float:
    return 1.0


def test_the_papers_own_numbers_replicate_every_claim() -> None:
    found = {name: verdict(name, as_published, noise=0.003).outcome for name in CLAIMS}
    assert {found.pop(name) for name in REPORTED} == {Outcome.REPORTED}
    assert set(found.values()) == {Outcome.REPLICATES}


def test_where_nothing_matters_nothing_replicates() -> None:
    found = {verdict(name, all_alike, noise=0.003).outcome for name in CLAIMS if name not in REPORTED}
    assert found == {Outcome.DOES_NOT_REPLICATE}


def test_momentum_that_helps_a_bad_start_as_much_is_shown_beside_the_good_one() -> None:
    def errors(cell: Cell) -> float:
        return 2.0 if cell["rule"] == "none" else 1.0

    assert verdict("M1", errors).outcome is Outcome.REPLICATES
    rival = CLAIMS["M1"].evidence(simulated(errors)).rival
    assert all(np.allclose(list(seeds.values()), 1, atol=0.1) for seeds in rival.values())


def test_one_momentum_that_trains_a_bad_start_is_enough_against_the_claim() -> None:
    def errors(cell: Cell) -> float:
        return 2.0 if (cell["init"], cell["momentum"]) == ("small", 0.99) else as_published(cell)

    assert verdict("M2", errors).outcome is not Outcome.REPLICATES


@pytest.mark.parametrize("learn", [1, 2, 3])
@pytest.mark.parametrize("every_momentum", [True, False])
def test_few_networks_that_learn_at_a_rate_are_enough_against_any(learn: int, every_momentum: bool) -> None:
    """At two rates a few of eight leave the plateau: the medians are tied, and of another rate."""

    def lucky(cell: Cell, seed: int, rate: float) -> bool:
        first = 3 * (PLAIN, *ARMS).index((str(cell["rule"]), float(cell["momentum"])))
        among = {(first * every_momentum + i) % 8 for i in range(learn)}
        return cell["init"] == "small" and rate in (1, 3) and seed in among

    rows = rewritten(lambda cell, seed, rate: 0.3 * MEAN_IMAGE if lucky(cell, seed, rate) else None)
    found = judge(CLAIMS["M2"], CLAIMS["M2"].evidence(rows))
    least = {
        seed: float(runs.values().min()) / MEAN_IMAGE
        for (seed,), runs in rows.where(name="error", init="small").group_by("seed").items()
    }
    assert CLAIMS["M2"].evidence(rows).effects[""] == pytest.approx(least)
    assert found.outcome is not Outcome.REPLICATES


def test_any_momentum_asks_for_all_of_them() -> None:
    for missing in (PLAIN, *ARMS):
        rows = Rows.of(
            row
            for row in simulated(as_published)
            if (row.cell["rule"], row.cell["momentum"]) != missing or row.cell["init"] == "sparse"
        )
        evidence = CLAIMS["M2"].evidence(rows)
        assert not evidence.effects.get("")
        assert evidence.control[""]
        assert judge(CLAIMS["M2"], evidence).outcome is Outcome.INCONCLUSIVE


def test_a_seed_that_lacks_a_rate_is_not_read_at_any_rate() -> None:
    rows = [row for row in simulated(as_published) if not (row.measurement.seed == 5 and at(row) == 10)]
    assert sorted(CLAIMS["M2"].evidence(Rows.of(rows)).effects[""]) == [0, 1, 2, 3, 4, 6, 7]


def test_a_run_that_diverges_is_not_the_one_that_learns_and_a_seed_without_another_failed() -> None:
    def diverged(cell: Cell, seed: int, rate: float) -> float | None:
        return np.inf if rate > 1 or seed == 2 else None

    found = dict(CLAIMS["M2"].evidence(rewritten(diverged)).effects[""])
    assert found.pop(2) == np.inf
    assert list(found.values()) == pytest.approx([1.0] * 7, abs=0.1)


def test_draws_that_differ_as_much_as_scales_say_nothing_of_scale() -> None:
    found = verdict("M3", lambda cell: as_published({**cell, "rule": "nesterov"}), noise=2.0)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.control is not None
    assert found.control.value > 1  # in size: it does not cancel over seeds


def test_one_scale_that_costs_nothing_is_enough_against_the_sentence() -> None:
    costs = {0.25: 1.2, 0.5: 1.02, 1.0: 1.0, 2.0: 1.0, 4.0: 12.0}
    found = verdict("M3", lambda cell: 0.1 * costs[float(cell["scale"])])
    assert found.outcome in (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)
    assert found.effect is not None
    assert found.effect.value < 0.1
    assert "0.26 at x 0.25, 0.04 at x 0.5, 3.59 at x 4" in " ".join(found.reasons)


def test_a_task_that_nothing_learns_does_not_blame_the_start() -> None:
    assert verdict("M2", lambda cell: MEAN_IMAGE).outcome is Outcome.INCONCLUSIVE


def test_nesterov_that_is_better_at_any_momentum_is_shown_beside_the_high_one() -> None:
    found = verdict("M4", lambda cell: 0.8 if cell["rule"] == "nesterov" else 1.0)
    assert found.control is None
    assert found.rival is not None
    assert found.rival.value > 0.2


def test_a_best_rate_between_two_of_the_grid_is_no_gain_of_nesterov_s() -> None:
    """Both rules reach the same error, classical momentum at .173: no size of the paper's can be judged."""
    draw = np.random.default_rng(0)
    rows = []
    for task in study.presets["quick"].tasks:
        best = 0.173 if task.cell["rule"] == "classical" else 0.3
        for seed, rate in ((seed, rate) for seed in range(8) for rate in RATES):
            end = 2 ** (2 * np.log10(rate / best) ** 2) * np.exp(0.005 * draw.standard_normal())
            at = (seed, 1500, "", f"rate={rate:g}")
            rows.append(Row(task.cell, Measurement("error", Estimate.exact(end), *at)))
    found = judge(CLAIMS["M4"], CLAIMS["M4"].evidence(Rows.of(rows)))
    assert found.outcome is Outcome.REPORTED
    assert found.effect is not None
    assert 0.08 < found.effect.value < 0.15
    assert "a finer grid could move it by 0.2" in CLAIMS["M4"].why_no_control


def test_a_best_rate_on_the_edge_decides_nothing() -> None:
    for name in ("M1", "M3"):
        assert verdict(name, as_published, best=RATES[0]).outcome is Outcome.INCONCLUSIVE


def test_figures_and_answer_say_what_the_rows_hold() -> None:
    rows = simulated(as_published, noise=1e-4)
    rates, training, scale = study.figures(rows)
    assert [panel.title for panel in rates.panels] == ["sparse initialisation", "weights N(0, .01²)"]
    assert [len(panel.series) for panel in training.panels] == [6, 6]
    assert rates.title.endswith(
        "no momentum 2.1, classical .9 1, Nesterov .9 1, classical .99 0.77, Nesterov .99 0.73"
    )
    assert training.title == "From small weights no arm's median gets below 100 % of the mean image's error"
    assert scale.title == "The best scale of the sparse initialisation is 1"
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    said = study.answer(found)
    assert said.startswith("After the updates run here, both: a good initialisation")
    assert "a bad one with 100 % of the mean image's error at its best momentum and learning rate" in said
    other = simulated(all_alike)
    said = study.answer({claim.id: judge(claim, claim.evidence(other)) for claim in study.claims})
    assert said.startswith("After the updates run here: a good initialisation")


def test_a_half_finished_study_is_drawn_as_far_as_it_goes() -> None:
    whole = list(simulated(as_published))
    cells = [task.cell for task in study.presets["quick"].tasks]
    for count in (1, 4, 7, 12):
        rows = Rows.of([row for row in whole if row.cell in cells[-count:]])
        assert all(figure.panels for figure in study.figures(rows))
        found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
        assert study.answer(found)


def test_no_runs_are_no_verdict() -> None:
    rows = Rows.of([], factors=("rule",))
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
    assert list(study.figures(rows)) == []
    assert study.answer(found) == "Not measured yet."
