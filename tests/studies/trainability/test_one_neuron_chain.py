from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies import find
from levinthal.studies.trainability.one_neuron_chain import study
from levinthal.studies.trainability.one_neuron_chain.claims import is_the_books, most_by_seed
from levinthal.studies.trainability.one_neuron_chain.measure import (
    _scan,
    chain_gradient,
    chain_product,
    escape_width,
)
from levinthal.vocabulary import Estimate, Measurement, Outcome, Row, Trust, Verdict


def chain(weights: list[float], biases: list[float], start: float) -> tuple[list[float], list[float]]:
    """dC/db of one chain by central differences of its output, and the weighted inputs."""

    def run(shifted: list[float]) -> tuple[float, list[float]]:
        a, z = start, []
        for w, b in zip(weights, shifted, strict=True):
            z.append(w * a + b)
            a = 1 / (1 + math.exp(-z[-1]))
        return a, z

    def shift(layer: int, h: float) -> float:
        return run([b + h * (k == layer) for k, b in enumerate(biases)])[0]

    h = 1e-5
    return [(shift(k, h) - shift(k, -h)) / (2 * h) for k in range(len(weights))], run(biases)[1]


def double(values: list[float]) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return measured("standard")


def measured(preset: str) -> Rows:
    tasks = study.presets[preset].tasks
    found = (Row(task.cell, m) for task in tasks for m in study.measure(task, data=None, device="cpu"))
    return Rows.of(found)


def verdicts(rows: Rows) -> dict[str, Verdict]:
    return {claim.id: judge(claim, claim.evidence(rows)) for claim in study.claims}


def test_the_contrived_chain_grows_by_25_a_layer_exactly() -> None:
    start = 0.3
    biases = [-100 * start] + [-50.0] * 5
    z, gradient = chain_gradient(
        double([100.0] * 6), double(biases), torch.tensor([start], dtype=torch.float64)
    )
    assert z.abs().max() == 0
    assert (gradient[0, :-1] / gradient[0, 1:]).tolist() == [25.0] * 5
    assert gradient[0, 0] == 25**5 / 4 == 2441406.25


reals = st.floats(-3, 3)


@given(st.lists(st.tuples(reals, reals), min_size=1, max_size=6), st.floats(0, 1))
def test_autograd_and_the_product_are_the_slope_of_the_output(layers, start) -> None:
    weights, biases = [w for w, _ in layers], [b for _, b in layers]
    z, gradient = chain_gradient(double(weights), double(biases), torch.tensor([start], dtype=torch.float64))
    expected, inputs = chain(weights, biases, start)
    assert z[0].tolist() == pytest.approx(inputs, rel=1e-12, abs=1e-12)
    assert gradient[0].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-9)
    product = chain_product(double(weights), 1 / (4 * torch.cosh(z / 2) ** 2))
    assert product[0].tolist() == pytest.approx(gradient[0].tolist(), rel=1e-12, abs=0)


def test_the_window_by_root_finding() -> None:
    for w in (4.5, 6.8942, 9.0, -30.0):
        edge = optimize.brentq(lambda z, w=w: abs(w) / (4 * math.cosh(z / 2) ** 2) - 1, 0, 20, xtol=1e-14)
        assert escape_width(w) == pytest.approx(2 * edge / abs(w), rel=1e-10)


def test_the_widest_window_is_the_books() -> None:
    best = optimize.minimize_scalar(lambda w: -escape_width(w), bounds=(4, 20), options={"xatol": 1e-9})
    assert best.x == pytest.approx(6.8942, abs=5e-5)
    assert -best.fun == pytest.approx(0.44774, abs=5e-6)
    assert round(best.x, 1) == 6.9
    assert round(-best.fun, 2) == 0.45


def test_a_scan_that_ties_two_neighbours_finds_the_books_window() -> None:
    """Seed 209: widths of 6.8 and 6.9 within the spacing of the scan, their mean 6.85."""
    found = {one.name: one.estimate.value for one in _scan("window", 209)}
    assert found["widest_at"] == pytest.approx(6.85)
    assert is_the_books(found["widest"], found["widest_at"]) == 1
    tanh = {one.name: one.estimate.value for one in _scan("tanh window", 209)}
    assert is_the_books(tanh["widest"], tanh["widest_at"]) == 0


def test_every_claim_replicates_and_every_control_is_clean(rows: Rows) -> None:
    found = verdicts(rows)
    assert {name: verdict.outcome for name, verdict in found.items()} == dict.fromkeys(
        ("N1", "N3", "N4", "N4b"), Outcome.REPLICATES
    ) | dict.fromkeys(("N2", "N2b"), Outcome.REPORTED)
    assert all(verdict.control is not None for name, verdict in found.items() if name != "N2b")
    growth = found["N3"].effect
    assert growth is not None
    assert (growth.value, growth.trust) == (pytest.approx(math.log10(25), abs=1e-12), Trust.EXACT)
    assert (
        study.answer(found) == "It is a product: gaussian terms divide it by about 10 a layer; "
        "terms of 100 times 1/4 multiply it by 25."
    )


def lost(factor: Callable[[int], float]) -> Verdict:
    """N2 on made-up chains whose gradient falls by a factor that depends on their length."""
    rows = Rows.of(
        Row({"case": case, "length": length}, Measurement("growth", Estimate.exact(-size), seed))
        for length in (3, 6, 12, 24, 48)
        for seed in range(12)
        for case, size in (
            ("gaussian", math.log10(factor(length)) / (length - 1) + 0.001 * seed),
            ("balanced", 0.001 * (seed % 3 - 1)),
        )
    )
    claim = next(claim for claim in study.claims if claim.id == "N2")
    return judge(claim, claim.evidence(rows))


def test_a_loss_that_is_the_same_at_every_length_is_not_exponential() -> None:
    exponential, the_same = (lost(law).effect for law in (lambda length: 10.0 ** (length - 1), lambda _: 1e6))
    assert exponential is not None
    assert the_same is not None
    assert exponential.value > 0.99
    assert the_same.value < 0.15


def test_a_loss_that_follows_from_the_law_of_the_weights_is_no_evidence() -> None:
    """The mean of log10 |w| of gaussian weights and s' <= 1/4 make a factor of 7.5 a layer."""
    draw = np.random.default_rng(0).standard_normal((12, 10_000))
    certain = -np.log10(np.abs(draw)).mean() + math.log10(4)
    assert certain == pytest.approx(0.88, abs=0.005)
    assert lost(lambda length: 10 ** (certain * (length - 1))).outcome is Outcome.REPORTED


def test_a_seed_that_has_not_run_at_every_length_is_left_out() -> None:
    sizes = ((0, 3, -0.9), (0, 6, -0.7), (1, 3, -0.8))
    made = (Row({"length": n}, Measurement("growth", Estimate.exact(size), seed)) for seed, n, size in sizes)
    assert most_by_seed(Rows.of(made)) == {0: -0.7}


def test_gaussian_weights_lose_what_their_law_says(rows: Rows) -> None:
    # E ln|w| = -(gamma + ln 2) / 2 for w ~ N(0, 1), and s'(z) <= 1/4
    least = (np.euler_gamma + math.log(2)) / 2 / math.log(10) + math.log10(4)
    lost = -rows.where(name="growth", case="gaussian", length=48).values()
    assert np.all(lost > least)
    assert np.all(lost < least + 0.25)


def test_the_share_of_small_terms_is_that_of_their_law(rows: Rows) -> None:
    # |w s'(wa + b)| < 1/4 with w, b ~ N(0, 1), and a uniform for the first input: here by plain sampling
    draw = np.random.default_rng(0)
    w, b, z = draw.standard_normal((3, 200_000))
    a = 1 / (1 + np.exp(-z))
    share = np.mean(np.abs(w) / (4 * np.cosh((w * a + b) / 2) ** 2) < 0.25)
    found = rows.where(name="small_terms", case="gaussian").values().mean()
    assert found == pytest.approx(share, abs=0.02)
    assert rows.where(name="small_terms", case="balanced").values().max() == 0


@pytest.mark.parametrize(
    ("width", "weight", "is_it"), [(0.4478, 6.87, 1.0), (0.4477, 6.8, 0.0), (0.46, 6.9, 0.0)]
)
def test_the_books_numbers_are_told_to_its_digits(width: float, weight: float, is_it: float) -> None:
    assert is_the_books(width, weight) == is_it


def test_the_quick_preset_decides_as_much() -> None:
    found = verdicts(measured("quick"))
    assert all(found[name].outcome is Outcome.REPLICATES for name in ("N1", "N3", "N4", "N4b"))


def test_the_arms_of_a_seed_are_the_same_at_every_call(rows: Rows) -> None:
    assert measured("standard").values().tolist() == rows.values().tolist()


def test_figures_show_what_was_measured(rows: Rows) -> None:
    gradients, window = study.figures(rows)
    traces = {series.group: series for series in gradients.panels[0].series}
    assert set(traces) == {"gaussian", "balanced", "contrived"}
    assert traces["balanced"].y == (0.25,) * 48
    assert traces["contrived"].y[0] == pytest.approx(25**47 / 4, rel=1e-4)
    assert traces["gaussian"].x == tuple(range(1, 49))
    assert all(
        low <= y <= high for s in traces.values() for low, y, high in zip(s.low, s.y, s.high, strict=True)
    )
    assert max(window.panels[0].series[0].y) == pytest.approx(0.4477, abs=1e-4)
    assert "0.4477" in window.caption


def test_an_empty_study_says_so() -> None:
    rows = Rows.of([], factors=("case", "length"))
    assert list(study.figures(rows)) == []
    found = verdicts(rows)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.INCONCLUSIVE}
    assert study.answer(found) == "Not settled here: see N1, N2, N2b, N3, N4, N4b."


def test_the_registry_finds_it() -> None:
    assert find("one-neuron-chain") is study
