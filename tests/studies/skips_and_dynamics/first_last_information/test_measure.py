"""What is measured: small cells, really trained on the embedded digits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from levinthal.data import load
from levinthal.errors import InputError
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES, factors
from levinthal.vocabulary import Dataset, Row, Scalar, Task

SMALL = {"width": 6, "depth": 6, "batch": "64", "samples": 1100, "steps": 12, "images": 100}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def measured(digits: Dataset, seeds: tuple[int, ...] = (0, 1), **changes: Scalar) -> Rows:
    task = Task(factors(**{**SMALL, **changes}), seeds)
    return Rows.of(Row(task.cell, found) for found in study.measure(task, data=digits))


@pytest.fixture(scope="module")
def everything(digits: Dataset) -> Rows:
    cells = ({"architecture": name, "read": "everything"} for name in ARCHITECTURES)
    found: Iterable[Row] = (row for cell in cells for row in measured(digits, **cell))
    return Rows.of(found)


def test_inside_one_seed_the_four_start_from_identical_information_before_the_sum(everything: Rows) -> None:
    start = everything.where(name="mutual_information", estimator="ksg", step=0, readout="before", seed=0)
    for (mode,), one in start.where(architecture=("mlp", "shortcut")).group_by("batchnorm").items():
        assert len(set(one.values().tolist())) == 1, mode
    after = everything.where(name="mutual_information", estimator="ksg", step=0, readout="after", seed=0)
    values = after.where(batchnorm="batch").by("architecture")
    assert values["shortcut",] > values["mlp",]


def test_every_number_has_an_address_of_its_own(everything: Rows) -> None:
    keys = [
        (tuple(sorted(row.cell.items())), m.seed, m.step, m.layer, m.name, m.condition)
        for row in everything
        for m in [row.measurement]
    ]
    assert len(set(keys)) == len(keys)
    words = {word.partition("=")[0] for key in keys for word in key[-1].split()}
    assert not words & set(SMALL), "a word of a condition would shadow a factor"


def test_every_claim_finds_its_rows(everything: Rows) -> None:
    for name in ("C9m", "C11bm", "C12m"):
        claim = next(claim for claim in study.claims if claim.id == name)
        assert claim.evidence(everything).effects, name


def test_layers_and_paths_are_read(everything: Rows) -> None:
    assert everything.where(name="linear_probe_accuracy").distinct("layer") == [
        f"hidden{i}" for i in range(1, 7)
    ]
    cuts = everything.where(name="ablated_error")
    assert cuts.distinct("architecture") == ["shortcut", "shortcut-residual"]
    assert cuts.distinct("without") == ["deep", "shallow"]


def test_frozen_weights_keep_every_number_that_does_not_hang_on_the_running_statistics(
    digits: Dataset,
) -> None:
    frozen = measured(digits, rate=0.0, read="readings")
    information = frozen.where(name="mutual_information", seed=0, readout="before")
    assert len(set(information.where(batchnorm="batch").values().tolist())) == 1
    assert len(set(information.where(batchnorm="running").values().tolist())) > 5


def test_one_seed_alone_is_the_same_run_as_in_company(digits: Dataset) -> None:
    both, alone = measured(digits), measured(digits, seeds=(1,))
    key = {"name": "test_error", "batchnorm": "recalibrated", "seed": 1}
    assert both.where(**key).values().tolist() == pytest.approx(
        alone.where(**key).values().tolist(), abs=0.02
    )


def test_shuffled_labels_teach_nothing(digits: Dataset) -> None:
    shuffled = measured(digits, labels="shuffled", read="errors", steps=40)
    assert min(shuffled.where(name="test_error", step=40).values()) > 0.75


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 0}, "width=0"),
        ({"depth": 1}, "depth=1"),
        ({"samples": 5000}, "samples=5000 but digits has 1197"),
        ({"images": 3}, "images=3 but there are 600"),
        ({"architecture": "shortcutt"}, "did you mean 'shortcut'"),
        ({"labels": "none"}, "unknown labels 'none'"),
        ({"read": "errrors"}, "did you mean 'errors'"),
    ],
)
def test_an_absurd_cell_is_told_in_one_line(digits: Dataset, change: dict[str, Scalar], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        measured(digits, **change)
    assert "\n" not in str(caught.value)
