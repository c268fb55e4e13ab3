"""How wrong can a model be: the sentence, the certificate that is chosen, clusters, and what is refused."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

import levinthal
from levinthal.bounds import error_bound, samples_needed
from levinthal.certificates import betting, clopper_pearson, mixture
from levinthal.errors import InputError

RNG = np.random.default_rng(0)
LOSSES = RNG.beta(1, 10, 500)


def test_the_sentence_of_a_billion_models() -> None:
    found = levinthal.error_bound(errors=250, samples=10_000, models_tried=10**9)
    assert found.sentence == (
        "true error at most 3.653 % with 95 % confidence, even after choosing among a billion models; "
        "the bound of Kawaguchi et al. gives 9.546 %"
    )
    assert found.limit == clopper_pearson(250, 10_000, 0.05 / 10**9)
    assert str(found).startswith("True error at most 3.653 %")
    assert "Clopper-Pearson                      3.653 %      +1.15 pt" in str(found)
    assert found.to_json()["certificates"]["Clopper-Pearson"] == found.limit
    assert str(found.estimate.trust) == "calibrated"
    assert found.estimate.interval is not None
    assert found.estimate.interval.high == found.limit


@pytest.mark.parametrize(
    "given",
    [
        {"errors": 3, "samples": 20},
        {"losses": [1, 1, 1] + [0] * 17},
        {"losses": torch.tensor([True] * 3 + [False] * 17)},
        {"predictions": [1] * 3 + [0] * 17, "labels": [0] * 19 + [1], "expected": 4},
        {"predictions": ["a"] * 10, "labels": ["a"] * 8 + ["b"] * 2, "expected": 2, "rows": 10},
        {
            "predictions": np.array([0.0, 1.0, 2.0]),
            "labels": torch.tensor([0, 1, 1]),
            "expected": 1,
            "rows": 3,
        },
    ],
)
def test_counts_are_counted_in_every_way(given: dict[str, Any]) -> None:
    errors, rows = given.pop("expected", 3), given.pop("rows", 20)
    assert error_bound(**given).limit == clopper_pearson(errors, rows)


def test_the_certificate_is_chosen_by_the_kind_of_data() -> None:
    names = [found.certificates[0].name for found in (error_bound(LOSSES), error_bound(LOSSES > 0.1))]
    assert names == ["betting", "Clopper-Pearson"]
    assert error_bound(LOSSES).what == "mean loss"


def test_the_order_of_a_file_is_not_believed() -> None:
    ordered = np.sort(RNG.beta(0.5, 0.5, 400))
    assert betting(ordered) < ordered.mean() - 0.05  # what a sorted file would say
    assert error_bound(ordered).limit > ordered.mean()
    with pytest.raises(InputError, match="the 400 losses are sorted, and anytime= reads them in the order"):
        error_bound(ordered, anytime=True)


def test_bits_and_models_share_delta() -> None:
    assert error_bound(errors=2, samples=100, bits_seen=3).limit == clopper_pearson(2, 100, 0.05 / 8)
    assert error_bound(errors=2, samples=100, bits_seen=1.5, models_tried=4).models_tried == 12


def test_anytime_limits_are_wider_and_say_so() -> None:
    found = error_bound(errors=20, samples=400, anytime=True)
    assert found.limit == mixture(20, 400) > error_bound(errors=20, samples=400).limit
    assert "at all numbers of rows" in str(found)
    assert len(found.certificates) == 1  # the others do not hold at any time
    assert error_bound(LOSSES, anytime=True).limit == betting(LOSSES, anytime=True)


def test_clusters_count_as_one() -> None:
    clusters = [f"image {i // 4}" for i in range(400)]
    values = np.repeat(RNG.random(100) < 0.2, 4).astype(float)
    found = error_bound(values, clusters=clusters)
    assert (found.samples, found.unit) == (100, "clusters")
    assert found.limit == clopper_pearson(int(values.sum() / 4), 100)
    assert found.sentence.startswith("true error, averaged within each cluster, at most")
    assert any("400 rows, at most 4 in one cluster" in note for note in found.notes)


def test_clustered_rows_taken_for_independent_ones_would_not_be_covered() -> None:
    """Copies of rows: by row the limit fails far too often, by cluster it holds."""
    rng, rate, copies, times = np.random.default_rng(4), 0.2, 10, 300
    missed = {"rows": 0, "clusters": 0}
    for _ in range(times):
        values = np.repeat(rng.random(40) < rate, copies).astype(float)
        missed["rows"] += error_bound(values).limit < rate
        missed["clusters"] += error_bound(values, clusters=np.arange(400) // copies).limit < rate
    assert missed["rows"] > 0.2 * times
    assert missed["clusters"] <= 0.05 * times + 2 * math.sqrt(times * 0.05 * 0.95)


def test_choosing_on_the_rows_is_warned_of() -> None:
    assert "count them" in str(error_bound(errors=1, samples=10))
    assert "count them" not in str(error_bound(errors=1, samples=10, models_tried=2))


def test_what_says_nothing_says_so() -> None:
    found = error_bound(errors=3, samples=3)
    assert found.sentence.startswith("3 rows do not bound the true error")


def test_the_page_is_whole_and_names_the_answer(tmp_path: Path) -> None:
    found = error_bound(LOSSES)
    page = found.report(tmp_path / "deep" / "bound.html", title="<b>mine</b>").read_text()
    assert found.sentence.partition(";")[0][1:].split(" with")[0].replace(" %", "") in page.replace(
        "\u00a0%", ""
    )
    assert "&lt;b&gt;mine&lt;/b&gt;" in page
    assert page.count('class="whiskers"') == len(found.certificates)
    with pytest.raises(InputError, match="is a folder"):
        found.report(tmp_path)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "nothing is given: pass losses, or errors and samples, or predictions and labels"),
        ({"losses": [0], "errors": 1, "samples": 2}, "losses beside errors and samples were given"),
        ({"errors": 1}, "errors was given without samples"),
        ({"samples": 1}, "samples was given without errors"),
        ({"errors": 3, "samples": 2}, "errors=3 are more than samples=2"),
        ({"errors": True, "samples": 2}, "errors=True"),
        ({"errors": 1, "samples": 2, "clusters": [1, 2]}, "clusters were given beside errors and samples"),
        ({"errors": 1, "samples": 2, "delta": 1}, "delta=1"),
        ({"errors": 1, "samples": 2, "models_tried": 0}, "models_tried=0"),
        ({"errors": 1, "samples": 2, "bits_seen": -1}, "bits_seen=-1"),
        ({"errors": 1, "samples": 2, "anytime": "yes"}, "anytime='yes' is neither True nor False"),
        ({"losses": [0, 1], "weights": [1, 2]}, "weights make rows that are no draws"),
        ({"predictions": [1]}, "predictions were given without labels"),
        ({"predictions": [1, 2], "labels": [1]}, "2 predictions and 1 labels"),
        ({"predictions": [[0.1, 0.9]], "labels": [1]}, r"predictions have shape \(1, 2\): .*argmax"),
        ({"predictions": [0.5, 1], "labels": [0, 1]}, r"predictions\[0\] is 0.5, which is no class"),
        ({"predictions": ["1", "2"], "labels": [1, 2]}, "text on one side and numbers on the other"),
        ({"predictions": [1, 1], "labels": [1, 1]}, "all 2 labels are 1: a certificate of one class"),
        (
            {"predictions": [1, None], "labels": [1, 2]},
            r"predictions\[1\] is empty: write a word such as none",
        ),
        ({"predictions": ["", "a"], "labels": ["a", "b"]}, r"predictions\[0\] is empty"),
        ({"predictions": [1e300, 1], "labels": [0, 1]}, r"predictions\[0\] is 1e\+300, which is no class"),
        ({"predictions": np.array([1j, 2]), "labels": [1, 2]}, "predictions have dtype complex128"),
        ({"losses": [0, 1], "clusters": ["a", None]}, r"clusters\[1\] is empty"),
        ({"losses": [0, 1], "clusters": [1, 2], "anytime": True}, "anytime= and clusters=: the mean of a cl"),
        ({"errors": 1, "samples": 2, "delta": 0.9}, "delta=0.9"),
        (
            {"errors": 1, "samples": 2, "models_tried": 10**100, "bits_seen": 300},
            r"delta=0.05 for 2.04e\+190 models leaves .* for each, less than 1e-150",
        ),
        ({"predictions": ["B is it", "a"], "labels": ["b", "c"]}, r"no predicted class .*'B is it', say"),
        ({"losses": [0.5, -0.1]}, r"losses\[1\] is -0.1: a loss lies in \[0, 1\], as 0 for right"),
        ({"losses": [0.5, math.nan]}, r"losses\[1\] is nan: give 1 where the model failed"),
        ({"predictions": [], "labels": []}, "predictions have shape"),
        ({"losses": [0.5, 2.0]}, r"losses\[1\] is 2.0: a loss lies in \[0, 1\]"),
        ({"losses": [0, 1], "clusters": [1]}, "2 rows and 1 clusters: name the cluster of each row"),
        (
            {"losses": [0, 1], "clusters": [1, math.nan]},
            r"clusters\[1\] is empty: name the cluster",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(given: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line) as raised:
        error_bound(**given)
    assert "\n" not in str(raised.value)


@given(st.integers(0, 50), st.integers(10**4, 10**12), st.integers(1, 10**30))
@settings(max_examples=100, deadline=None)
def test_what_is_printed_is_never_below_the_limit(errors: int, samples: int, tried: int) -> None:
    found = error_bound(errors=errors, samples=samples, models_tried=tried)
    for text in (found.sentence, str(found), found.to_json()["answer"]):
        (printed,) = re.findall(r"at most (\S+) %", text)
        assert Decimal(printed) / 100 >= Decimal(found.limit)
        assert Decimal(printed) / 100 <= Decimal(found.limit) * Decimal("1.002")


def test_rare_errors_have_a_limit_above_nothing() -> None:
    """The exact chance that the printed limit is below the truth, at rates that two decimals would hide."""
    for n, rate in ((10**6, 0.0101), (10**6, 4e-6)):
        counts = np.arange(binom.ppf(1e-12, n, rate), binom.ppf(1 - 1e-9, n, rate) + 1).astype(int)
        printed = [
            re.findall(r"at most (\S+) %", error_bound(errors=k, samples=n).sentence)[0] for k in counts
        ]
        missed = binom.pmf(counts, n, rate)[np.array([float(text) / 100 for text in printed]) < rate].sum()
        assert missed <= 0.05


def test_losses_say_that_they_have_to_be_bounded() -> None:
    assert "no loss can lie outside of [0, 1]" in str(error_bound(LOSSES))
    assert "outside of" not in str(error_bound(errors=1, samples=9))


def test_small_deltas_and_single_rows_are_worded() -> None:
    assert "with a confidence of 1 - 1e-12" in error_bound(errors=1, samples=10, delta=1e-12).sentence
    assert "10 rows do not bound" in error_bound(errors=0, samples=10, bits_seen=300).sentence
    assert "of 1 row." in str(error_bound([0.5]))
    assert error_bound(errors=0, samples=10, delta=1e-150).limit < 1


def test_classes_are_one_name_each() -> None:
    def wrong(predictions: Any, labels: Any) -> int:
        found = error_bound(predictions=predictions, labels=labels)
        return round(found.mean * found.samples)

    assert wrong(np.array([b"a", b"b", b"c"]), np.array(["a", "c", "c"])) == 1
    assert wrong(np.array([1, 0, 2], dtype=object), [1, 0, 1]) == 1
    assert wrong(np.array([1.0, 0, 2], dtype=object), [1, 0, 1]) == 1
    assert wrong([True, False, True], [1, 0, 0]) == 1
    assert wrong([" cat", "rat "], ["cat", "dog"]) == 1


@pytest.mark.parametrize("error", [0.0, 0.025, 0.3, 0.5, 0.7, 0.97, 1.0])
@pytest.mark.parametrize("within", [0.02, 0.1])
@pytest.mark.parametrize("both", [False, True])
def test_so_many_rows_are_enough_and_hardly_more(error: float, within: float, both: bool) -> None:
    rows = samples_needed(within, error=error, both_sides=both)
    delta = 0.025 if both else 0.05

    def excess(n: int) -> float:
        errors = math.floor(n * error)
        return clopper_pearson(errors, n, delta) - errors / n

    assert excess(rows) <= within + 2 / rows
    if both:
        errors = round(rows * error)
        interval = binomtest(errors, rows).proportion_ci(0.95, method="exact")
        slack = 2 / rows  # of whole counts
        assert errors / rows - interval.low <= within + slack
        assert interval.high - errors / rows <= within + slack
        return
    fewer = math.ceil(0.8 * rows) - 5
    assert fewer < 1 or excess(fewer) > within


def test_rows_that_no_one_has_are_refused() -> None:
    assert samples_needed(0.6) == 1
    with pytest.raises(InputError, match="needs more than"):
        samples_needed(1e-9)
    with pytest.raises(InputError, match="within=0"):
        samples_needed(0)
    assert samples_needed(0.4999) >= 1
    assert samples_needed(0.96, error=0) == 1
    assert samples_needed(0.05, error=0.97, both_sides=True) == samples_needed(
        0.05, error=0.03, both_sides=True
    )
    with pytest.raises(InputError, match="leaves 5e-152 for each, less than 1e-150"):
        samples_needed(0.01, models_tried=10**150)
