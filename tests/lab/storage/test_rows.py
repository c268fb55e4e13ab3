from __future__ import annotations

import csv
import importlib.util
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError, UnknownFactorError
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.table import NUMBERS, TEXTS, table
from levinthal.vocabulary import Estimate, Interval, Measurement, Row, Trust

_spec = importlib.util.spec_from_file_location("oracles_rows", Path(__file__).parent / "oracles_rows.py")
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


def row(value: float = 0.0, *, seed: int = 0, step: int = 0, name: str = "error", **cell: Any) -> Row:
    return Row(cell, Measurement(name, Estimate.exact(value, "bits"), seed, step))


@st.composite
def many(draw: st.DrawFn) -> list[Row]:
    rows = st.builds(
        lambda cell, name, value, seed, step, layer, condition: Row(
            cell, Measurement(name, Estimate.exact(value), seed, step, layer, condition)
        ),
        st.fixed_dictionaries({"width": st.sampled_from([20, 50])}, optional={"arm": st.sampled_from("ab")}),
        st.sampled_from(["error", "loss"]),
        st.floats(allow_nan=False),
        st.integers(0, 3),
        st.integers(-1, 3),
        st.sampled_from(["", "first"]),
        st.sampled_from(["", "mode=running"]),
    )
    return draw(st.lists(rows, max_size=30))


def test_rows_come_back_as_they_went_in() -> None:
    estimate = Estimate(
        float("nan"),
        "bits",
        Interval(-np.inf, 2.0, 0.9, "bootstrap"),
        trust=Trust.ORDINAL,
        reasons=("why",),
        details={"n": 3},
    )
    one = Row({"width": 20}, Measurement("mi", estimate, 3, 250, "last", "read=before"))
    [back] = Rows.of([one])
    assert repr(back) == repr(one)


@given(many(), st.sampled_from([20, {50}, (20, 50), lambda w: w > 20]), st.integers(0, 3))
def test_where_is_its_slow_twin(rows: list[Row], width: Any, seed: int) -> None:
    found = Rows.of(rows, factors=["width", "arm"]).where(width=width, name="error", arm=("a", None))
    assert list(found.where(seed=seed)) == reference.where(
        rows, width=width, name="error", arm=("a", None), seed=seed
    )


@given(many(), st.lists(st.sampled_from(["width", "arm", "seed", "step", "layer", "name"]), unique=True))
def test_groups_are_their_slow_twin(rows: list[Row], keys: list[str]) -> None:
    found = Rows.of(rows, factors=["width", "arm"]).group_by(*keys)
    assert {key: list(part) for key, part in found.items()} == reference.group_by(rows, *keys)


@given(many())
def test_sorting_keeps_ties_in_order(rows: list[Row]) -> None:
    found = list(Rows.of(rows).sorted_by("step", "seed"))
    assert found == sorted(rows, key=lambda r: (r.measurement.step, r.measurement.seed))


def test_groups_are_sorted_with_none_first_and_numbers_before_text() -> None:
    rows = Rows.of([row(arm="b"), row(arm=3), row(), row(arm="a"), row(arm=1)])
    assert list(rows.group_by("arm")) == [(None,), (1,), (3,), ("a",), ("b",)]
    assert rows.distinct("arm") == [None, 1, 3, "a", "b"]


def test_narrowing_leaves_the_rows_as_they_were() -> None:
    rows = Rows.of([row(1.0, width=20), row(2.0, width=50)])
    narrow = rows.where(width=50)
    assert narrow.values().tolist() == [2.0]
    assert narrow.where(width=20).values().tolist() == []
    assert rows.values().tolist() == [1.0, 2.0]


def test_a_word_of_the_condition_is_a_factor_and_speaks_before_the_cell() -> None:
    def read(condition: str) -> Row:
        return Row({"mode": "cell"}, Measurement("mi", Estimate.exact(1.0), condition=condition))

    rows = Rows.of([read("mode=batch k=3"), read("mode=running k=5"), read("")])
    assert rows.values("mode").tolist() == ["batch", "running", "cell"]
    assert rows.values("k").tolist() == [3, 5, None]
    assert len(rows.where(mode="batch", k=3)) == 1


def test_an_unknown_factor_is_offered_the_nearest_one() -> None:
    with pytest.raises(InputError, match="unknown factor 'widht': did you mean 'width'"):
        Rows.of([row(width=20)]).where(widht=20)


def test_a_factor_of_tasks_not_yet_run_may_be_asked_for() -> None:
    rows = Rows.of([row(width=20)], factors=["initial"])
    with pytest.raises(InputError, match="unknown factor"):
        Rows.of([row(width=20)]).where(initial="orthogonal")
    assert len(rows.where(initial="orthogonal")) == 0


def test_empty_rows_answer_every_question() -> None:
    rows = Rows.of([])
    assert len(rows.where(name="error", width=3)) == 0
    assert rows.by_seed(width=3) == {}
    assert rows.distinct("width") == []
    assert rows.group_by("width", "seed") == {}
    assert rows.values().shape == rows.values("step").shape == (0,)
    assert list(rows.sorted_by("step")) == []


def test_a_quantity_not_measured_yet_has_no_conditions() -> None:
    rows = Rows.of([row(width=20)])
    assert len(rows.where(steps=5000, name="not yet")) == 0
    assert rows.by("steps", name="not yet", k=3) == {}
    nothing = rows.where(width=50)
    assert len(nothing.where(steps=5000)) == 0
    assert nothing.distinct("steps") == []
    with pytest.raises(UnknownFactorError, match="unknown factor 'steps'"):
        rows.where(steps=5000, name=lambda name: True)


def test_by_seed_refuses_to_choose() -> None:
    rows = Rows.of([row(1.0, step=1, width=20), row(2.0, step=8, width=50), row(3.0, seed=1, step=1)])
    with pytest.raises(InputError, match="one row wanted for seed=0; got 2 that differ in step and width"):
        rows.by_seed()
    assert rows.by_seed(step=1) == {0: 1.0, 1: 3.0}


def test_by_gives_the_value_at_each_address() -> None:
    rows = Rows.of([row(float(s * 10 + t), seed=s, step=t) for s in (0, 1) for t in (1, 2)])
    assert rows.by("step", "seed", name="error") == {(1, 0): 1, (2, 0): 2, (1, 1): 11, (2, 1): 12}


def test_columns_of_numbers_are_numbers() -> None:
    rows = Rows.of([row(1.0, step=4, width=20), row(2.0, step=8, width=20.5)])
    assert rows.values("step").dtype == np.int64
    assert rows.values("width").dtype == np.float64
    assert np.isnan(rows.values("low")).all()


def test_csv_holds_every_digit_and_every_factor(tmp_path: Path) -> None:
    value = 0.1 + 0.2
    rows = Rows.of([row(value, seed=1, step=2, width=20), row(float("nan"), arm="a,b")])
    rows.to_csv(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert float(first["value"]) == value
    assert (first["width"], first["arm"], first["seed"], first["step"]) == ("20", "", "1", "2")
    assert (second["arm"], second["value"]) == ("a,b", "nan")
    text = io.StringIO()
    rows.to_csv(text)
    assert text.getvalue() == (tmp_path / "rows.csv").read_text(encoding="utf-8")


def test_a_long_table_is_searched_in_less_than_20_ms() -> None:
    n = 300_000
    columns: dict[str, list[Any]] = {key: [0.0] * n for key in NUMBERS} | {key: [""] * n for key in TEXTS}
    columns["name"] = [f"quantity {i % 7}" for i in range(n)]
    columns["step"] = [i // 7 % 72 for i in range(n)]
    columns["seed"] = [i % 10 for i in range(n)]
    cells = [{"width": width, "depth": depth} for width in range(5) for depth in range(20)]
    rows = Rows(table(cells, [i % 100 for i in range(n)], columns, {}))

    def once() -> float:
        before = time.process_time()
        found = rows.where(name="quantity 3", width=2, step=lambda step: step < 40)
        taken = time.process_time() - before
        assert 0 < len(found) < n
        return taken

    assert min(once() for _ in range(5)) < 0.020


def test_what_has_not_begun_has_no_conditions_to_narrow_by() -> None:
    held = Rows.of([row(1.0, width=20), row(2.0, width=50), row(3.0, name="loss", width=50)])
    assert len(held.where(name="accuracy", rate=0.1)) == 0
    assert len(held.where(name="accuracy", rate=0.1)) == 0
    assert held.where(name="error", width=50).values().tolist() == [2.0]
    with pytest.raises(InputError, match="depth"):
        held.where(name="error", depth=5)


def test_a_level_that_no_preset_and_no_row_has_is_refused() -> None:
    cells = [{"activation": "relu", "width": 20}, {"activation": "tanh", "width": 50}]
    rows = Rows.of([row(1.0, activation="gelu", width=20)], levels=cells)
    assert len(rows.where(activation="gelu")) == 1
    assert len(rows.where(activation="tanh", width=50)) == 0
    assert len(rows.where(width={20, 99}, activation=("relu", "gelu"))) == 1
    for chosen in (rows, Rows.of([], levels=cells), rows.where(name="absent")):
        with pytest.raises(UnknownFactorError, match="unknown activation 'rleu': did you mean 'relu'"):
            chosen.where(activation="rleu")
        with pytest.raises(UnknownFactorError, match="unknown activation 'rleu'"):
            chosen.where(activation={"relu", "rleu"})
        with pytest.raises(UnknownFactorError, match=r"unknown width '64': known: \(20, 50\)"):
            chosen.where(width=64)
        with pytest.raises(UnknownFactorError, match="unknown width '20': its levels are 20, 50, of another"):
            chosen.where(width="20")
    assert len(Rows.of([], factors=["activation"]).where(activation="rleu")) == 0


def test_a_misspelt_measurement_or_word_of_a_condition_is_refused_where_the_words_of_measure_are_known() -> (
    None
):
    one = Row({"width": 20}, Measurement("error", Estimate.exact(1.0), condition="draw=second"))
    rows = Rows.of([one], written={"error", "errors", "steps"})
    for chosen in (rows, rows.where(width=20), rows.where(name="errors")):
        with pytest.raises(UnknownFactorError, match="unknown measurement 'eror': did you mean 'error'"):
            chosen.where(name="eror")
        with pytest.raises(UnknownFactorError, match="unknown draw 'secnd': did you mean 'second'"):
            chosen.where(name="error", draw="secnd")


@pytest.mark.parametrize("name", ["errors", "steps", "error 2"])
def test_a_measurement_that_may_come_is_no_error(name: str) -> None:
    rows = Rows.of([row(1.0, width=20)], written={"error", "errors", "steps"})
    assert len(rows.where(name=name, draw="first", width=20)) == 0
    assert (
        len(Rows.of([row(1.0)]).where(name="eror")) == len(Rows.of([], written={"x"}).where(name="eror")) == 0
    )
