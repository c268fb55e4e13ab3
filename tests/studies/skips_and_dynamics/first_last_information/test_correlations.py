"""The claims that are correlations (C8, C11): what time, or the slope, explains is no effect."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from tests.studies.skips_and_dynamics.first_last_information.test_claims import CLAIMS, in_every_mode, verdict

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information.claims.initialisations import jackknife
from levinthal.studies.skips_and_dynamics.first_last_information.claims.within import (
    beyond_time,
    of_another_seed,
    of_own_run,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import FAMILIES, INITIAL_ARMS
from levinthal.training import log_spaced
from levinthal.vocabulary import Cell, Estimate, Evidence, Measurement, Outcome, Row, Verdict


@pytest.mark.parametrize("sign", [1, -1])
def test_initial_information_and_speed_over_initialisations(sign: int) -> None:
    def lead(cell: Cell) -> float:
        kind = FAMILIES.index(str(cell["init"])) if cell["init"] in FAMILIES else 1
        return kind + float(cell["slope"]) / 10

    found = verdict(
        "C11m",
        information=in_every_mode(lambda cell, share: 1 + lead(cell) / 2),
        error=lambda cell, share: 0.9 * 0.5 ** (share * (4 + sign * lead(cell))),
    )
    assert sign * found.effect.value > 0.9
    assert found.outcome is Outcome.REPORTED
    assert found.seeds == len(INITIAL_ARMS)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_information_and_speed_that_the_slope_drives_alone_are_no_replication(noise: float) -> None:
    found = verdict(
        "C11m",
        information=in_every_mode(lambda cell, share: 3 - float(cell["slope"])),
        error=lambda cell, share: 0.9 * 0.5 ** (share * (7 - float(cell["slope"]))),
        noise=noise,
    )
    assert abs(found.effect.value) < 0.5


def test_the_order_of_three_kinds_alone_is_a_large_correlation_too_often_to_be_judged() -> None:
    """Kinds that shift information and speed independently of each other."""
    draw, slope = np.random.default_rng(0), np.tile(np.linspace(0.15, 2.5, 8), 3)
    large = 0
    for _ in range(100):
        x, y = (-slope + np.repeat(3 * draw.normal(size=3), 8) for _ in range(2))
        large += np.mean(jackknife(x, y, slope)) > 0.5
    assert large > 15


def test_slopes_that_drive_both_sides_are_no_correlation() -> None:
    """Over 60 draws the plain rank correlation lies beyond 0.5 in nearly all, the partial one in few."""
    draw, slope = np.random.default_rng(0), np.tile(np.linspace(0.15, 2.5, 8), 3)
    nothing = np.zeros(24)
    plain, partial = 0, 0
    for _ in range(60):
        x, y = (-slope + 0.5 * draw.normal(size=24) for _ in range(2))
        plain += np.mean(jackknife(x, y, nothing)) > 0.5
        partial += np.mean(jackknife(x, y, slope)) > 0.5
    assert plain > 40
    assert partial <= 2


def test_unrelated_information_over_initialisations_is_not_beyond_zero() -> None:
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(40):
        values = jackknife(*draw.normal(size=(3, 25)))
        spread = np.std(values, ddof=1) / 5
        covered += abs(np.mean(values)) < 2.2 * spread
    assert covered >= 34


def test_time_alone_explains_what_goes_with_speed() -> None:
    """Information that falls with time correlates with a falling speed; so does time itself."""
    found = verdict("C8", information=in_every_mode(lambda cell, share: 3 - share))
    assert found.outcome not in (Outcome.REPLICATES, Outcome.PARTIALLY)
    steps = np.arange(8.0)
    assert math.isnan(beyond_time(steps, steps**2, steps))


def bump(share: float) -> float:
    return math.exp(-(((share - 0.6) / 0.15) ** 2))


def test_a_bump_in_time_of_both_sides_is_no_replication() -> None:
    """Information peaks while the error falls fastest, in every seed alike: time alone explains both."""

    def fall(cell: Cell, share: float) -> float:
        return 0.9 * 0.05 ** (0.5 * (1 + math.erf((share - 0.6) / 0.15)))

    planted = {"error": fall, "information": in_every_mode(lambda cell, share: 3 + bump(share))}
    found = verdict("C8", **planted)
    assert found.effect.value > 0.5
    assert found.control.value > 0.5
    assert found.outcome is Outcome.INCONCLUSIVE


def test_networks_that_fig_5a_does_not_show_deny_nothing() -> None:
    """Residual networks share a bump in time, which leaves it open; the others fall before."""

    def fall(cell: Cell, share: float) -> float:
        shift = 0.6 if cell["architecture"] == "residual" else 0.0
        return 0.9 * 0.05 ** (0.5 * (1 + math.erf((share - shift) / 0.15)))

    found = verdict("C8", error=fall, information=in_every_mode(lambda cell, share: 3 + bump(share)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert list(found.parts) == ["residual"]
    assert any(reason.startswith("Not in Fig. 5a") and "mlp" in reason for reason in found.reasons)


def runs(
    number: int, course: Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> Rows:
    """Rows of runs with a course each: log errors and bits, from a generator and the steps on a log axis."""
    steps = log_spaced(240, 15)
    found = []
    for seed in range(number):
        log_errors, bits = course(np.random.default_rng(seed), np.log1p(steps) / np.log1p(240))
        for step, log_error, bit in zip(steps, log_errors, bits, strict=True):
            for name, value, words in (
                ("test_error", math.exp(log_error), "batchnorm=recalibrated"),
                ("mutual_information", bit, "batchnorm=batch readout=after estimator=ksg"),
            ):
                found.append(Row({}, Measurement(name, Estimate.exact(value), seed, step, "", words)))
    return Rows.of(found)


def of_runs(rows: Rows) -> Verdict:
    own, other = (of(rows).by_seed for of in (of_own_run, of_another_seed))
    return judge(CLAIMS["C8"], Evidence({"residual": own}, {"residual": other}))


@pytest.mark.parametrize("sign", [1, -1])
def test_information_that_follows_the_error_of_its_own_step_does_not_follow_speed(sign: int) -> None:
    """The error wobbles about its trend: where it is high it falls next, and speed was read from there."""

    def wobbling(draw: np.random.Generator, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wobble = draw.normal(size=len(share))
        bits = 3 + 0.2 * sign * wobble + 0.05 * draw.normal(size=len(share))
        return -0.1 - 3.2 * share + 0.1 * wobble, bits

    found = of_runs(runs(24, wobbling))
    assert abs(found.effect.value) < 0.15
    assert found.outcome is Outcome.DOES_NOT_REPLICATE


@pytest.mark.parametrize("tied", [True, False])
def test_information_that_follows_the_speed_of_its_own_seed_alone(tied: bool) -> None:
    """Fast and slow stretches at random steps: those of another seed do not go with one's own speed."""

    def stretches(draw: np.random.Generator, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        speeds, others = (np.convolve(draw.random(len(share) + 2), np.ones(3) / 3, "valid") for _ in "ab")
        log_errors = -6 * np.cumsum([0.0, *((speeds[:-1] + speeds[1:]) / 2 * np.diff(share))])
        return log_errors, (speeds if tied else others) + 0.01 * draw.normal(size=len(share))

    found = of_runs(runs(24, stretches))
    assert found.outcome is (Outcome.REPLICATES if tied else Outcome.DOES_NOT_REPLICATE)
    assert abs(found.control.value) < 0.3


def test_information_that_time_explains_wholly_has_no_number() -> None:
    """It falls at every step: 8 zeros of such runs denied the sentence."""
    found = of_runs(
        runs(8, lambda draw, share: (-3 * share + 0.02 * draw.normal(size=len(share)), 4 - 2 * share))
    )
    assert found.effect is None
    assert found.outcome is Outcome.INCONCLUSIVE


def test_information_that_follows_speed_at_every_step_is_seen() -> None:
    """Error falls in bursts; information is high exactly then."""
    bursts = np.array([0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0], dtype=float)
    assert beyond_time(bursts + 5, bursts, np.arange(12.0)) == pytest.approx(1)
