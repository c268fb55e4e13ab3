"""The conditions of a claim before anything has run: those that are named, and those of planned cells."""

from __future__ import annotations

import numpy as np
import pytest

from levinthal.errors import InputError
from levinthal.lab.analysis import Effect, describe, each, value
from levinthal.lab.analysis.parts import parts_of, planned
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Estimate, Measurement, Row

CELLS = planned([{"depth": 2, "arm": "plain"}, {"depth": 4, "arm": "plain"}, {"depth": 8, "arm": "fast"}, {}])
READ = value("loss")


def label(*levels: object) -> str:
    return " ".join(map(str, levels))


def test_one_reading_is_the_whole_and_named_ones_keep_their_names() -> None:
    assert list(parts_of(READ, CELLS)) == [""]
    assert list(parts_of({"a": READ, "b": READ}, CELLS)) == ["a", "b"]


def test_levels_are_those_of_the_cells_that_are_asked_for() -> None:
    parts = each("depth", make=lambda depth: value("loss", depth=depth), label=label, arm="plain", step=3)
    found = parts_of(parts, CELLS)
    assert list(found) == ["2", "4"]
    assert describe(found["4"]).where["depth"] == 4


def test_a_level_without_a_reading_is_left_out() -> None:
    parts = each("depth", make=lambda depth: {2: READ}[depth], label=label)
    assert list(parts_of(parts, CELLS)) == ["2"]


def test_a_function_is_asked_what_it_finds_in_planned_cells() -> None:
    parts = parts_of(lambda rows: {f"{n}": READ for n in rows.distinct("depth") if n}, CELLS)
    assert list(parts) == ["2", "4", "8"]
    assert parts_of(lambda rows: {"": rows.nothing}, CELLS) == {}
    assert list(parts_of(lambda rows: {str(np.mean([])): READ}, CELLS)) == ["nan"], "and warns of nothing"


def test_nothing_is_known_of_what_is_measured_within_a_run_or_of_a_reading_of_ones_own() -> None:
    assert parts_of(each("layer", "depth", make=lambda *_: READ, label=label), CELLS) == {}
    assert parts_of(lambda rows: Effect({0: 1.0}), CELLS) == {}
    assert parts_of(None, CELLS) == {}


def test_two_levels_with_one_label_are_refused() -> None:
    rows = Rows.of(Row({"rate": r}, Measurement("loss", Estimate.exact(r))) for r in (0.01, 0.04))
    parts = each("rate", make=lambda rate: value("loss", rate=rate), label="rate {:.1f}".format)
    with pytest.raises(InputError, match=r"two conditions are called 'rate 0\.0'"):
        parts(rows)
