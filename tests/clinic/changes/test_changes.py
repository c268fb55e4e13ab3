"""Two runs side by side, on records whose difference is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from levinthal.clinic.changes.changes import RATIO, changes_between
from levinthal.clinic.changes.record import Record, read_record, record_of
from levinthal.clinic.export import SCHEMA
from levinthal.errors import InputError

CODES = {"healthy": 0, "cause found": 1, "no cause found": 3, "not judged": 4}


def row(code: str, where: str = "0", severity: str = "warning", follows: str | None = None) -> dict[str, Any]:
    return {"code": code, "where": where, "severity": severity, "follows": follows}


def data(*findings: dict[str, Any], state: str = "", gradient: float = 1.0, **more: Any) -> dict[str, Any]:
    state = state or ("cause found" if findings else "healthy")
    wobble = [gradient * (1 + 0.01 * (i % 3)) for i in range(20)]
    columns = {"gradient": wobble, "weight": [2.0] * 20, "update": [0.02] * 20}
    history = {"losses": [2.0, None, 0.5], "chance_loss": 2.3, "parameters": {"0.weight": columns}}
    answer = {"state": state, "headline": "Said.", "exit_code": CODES[state]}
    return {"schema": SCHEMA, "answer": answer, "findings": list(findings), "history": history, **more}


def record(*findings: dict[str, Any], **more: Any) -> Record:
    return record_of(data(*findings, **more), "a run")


def test_two_equal_runs_have_no_changes() -> None:
    changes = changes_between(record(row("DEAD_RELU")), record(row("DEAD_RELU")))
    assert (changes.new, changes.gone, changes.layers) == ((), (), ())
    assert len(changes.kept) == 1
    assert (changes.is_worse, changes.exit_code) == (False, 0)


def test_findings_are_new_gone_or_kept_by_code_and_layer() -> None:
    now = record(row("A", "1"), row("B", "0"), row("C", "9"))
    before = record(row("A", "1"), row("C", "7"), row("D", "0"))
    changes = changes_between(now, before)
    assert [each["code"] for each in changes.new] == ["B"]
    assert [each["code"] for each in changes.gone] == ["D"]
    assert [(a["where"], b["where"]) for a, b in changes.kept] == [("1", "1"), ("7", "9")]
    assert (changes.is_worse, changes.exit_code) == (True, 1)


def test_a_second_place_of_a_code_is_new() -> None:
    changes = changes_between(record(row("A", "1"), row("A", "2")), record(row("A", "2")))
    assert [each["where"] for each in changes.new] == ["1"]
    assert changes.is_worse


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        (row("A"), row("A", severity="info"), True),
        (row("A", severity="info"), row("A"), False),
        (row("A"), row("A", follows="B"), True),
        (row("A", follows="B"), row("A"), False),
        (row("A", severity="critical"), row("A"), False),
    ],
)
def test_a_kept_finding_that_becomes_a_cause_is_worse(
    now: dict[str, Any], before: dict[str, Any], worse: bool
) -> None:
    state = {"state": "cause found"}
    assert changes_between(record(now, **state), record(before, **state)).is_worse is worse


@pytest.mark.parametrize("state", CODES)
def test_an_answer_of_a_worse_state_is_worse(state: str) -> None:
    order = ["healthy", "not judged", "no cause found", "cause found"]
    for other in order:
        changes = changes_between(record(state=state), record(state=other))
        assert changes.is_worse is (order.index(state) > order.index(other))
        assert changes.exit_code == (CODES[state] if changes.is_worse else 0)


@pytest.mark.parametrize(("gradient", "count"), [(RATIO * 1.1, 1), (RATIO * 0.9, 0), (0.4, 1), (1.0, 0)])
def test_a_layer_has_changed_from_a_factor_of_two_on(gradient: float, count: int) -> None:
    layers = changes_between(record(gradient=gradient), record()).layers
    assert [change.statistic for change in layers] == ["gradient"] * count
    for change in layers:
        assert change.ratio == pytest.approx(gradient, rel=0.03)


def test_a_layer_whose_quartiles_overlap_has_not_changed() -> None:
    noisy = data()
    noisy["history"]["parameters"]["0.weight"]["gradient"] = [0.4, 9.0, 9.0, 0.9] * 5
    assert changes_between(record_of(noisy, "a run"), record()).layers == ()


def test_parameters_of_one_side_and_numbers_are_told_as_plain_json() -> None:
    wide = data(score={"name": "accuracy", "value": 0.9})
    wide["history"]["parameters"]["1.weight"] = wide["history"]["parameters"]["0.weight"]
    told = changes_between(record_of(wide, "wide"), record()).to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["parameters"] == {"new": ["1.weight"], "gone": []}
    numbers = {"first loss": 2.0, "last loss": 0.5, "loss at chance level": 2.3}
    assert told["before"]["numbers"] == numbers
    assert told["now"]["numbers"] == {**numbers, "accuracy": 0.9}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1, 2", "is no JSON"),
        ("[1, 2]", "no report of levinthal"),
        ('{"schema": "levinthal.trainings/1"}', "levinthal.trainings/1, and levinthal.findings/3 is needed"),
        (json.dumps({"schema": SCHEMA}), "has no 'answer'"),
    ],
)
def test_a_file_that_is_no_report_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InputError, match=line) as raised:
        read_record(path)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"findings": 5},
        {"findings": [{}]},
        {"answer": {"state": "healthy", "headline": "Said.", "exit_code": 10**400}},
        {"answer": {"state": "healthy", "headline": "", "exit_code": 0}},
        {"history": {"losses": [10**400], "parameters": {}}},
        {"history": {"losses": ["x"], "parameters": {}}},
        {"history": {"losses": [1.0], "parameters": {"0.weight": 5}}},
        {"score": 5},
        {"score": {"name": "accuracy", "value": float("inf")}},
    ],
)
def test_a_damaged_report_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^a run is damaged: write it anew"):
        record_of({**data(), **change}, "a run")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": NaN}', '{"schema": -Infinity}'])
def test_what_no_json_holds_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match="is no JSON"):
        read_record(tmp_path / "report.json")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report at"):
        read_record(tmp_path / "none.json")
