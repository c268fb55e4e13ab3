"""The messages of the peers are counted for causes that exist, and are scored as the tables say.

The peers themselves are not needed: `benchmarks/peers.py` runs them, in an environment of its own.
"""

from __future__ import annotations

import pytest
from benchmarks.peers_in.mapping import TABLES, Line, covered, line_of
from benchmarks.peers_in.scores import Row, chance_level, checked, counting, first, interval, named, warnings
from benchmarks.peers_in.tables import _false_alarms
from benchmarks.peers_in.tools import TOOLS, Message

from levinthal.clinic.rules.catalogue import CATALOGUE

AUDIT = "torch-audit"


def row(
    code: str = "", *messages: Message, name: str = "faulty", leads: tuple[str, ...] = (), score: float = 0.0
) -> Row:
    right = (code,) if code else ()
    return Row(
        name, "held-out", 0, code, right, False, "healthy", messages=messages, leads=leads, score=score
    )


@pytest.mark.parametrize("package", TABLES)
def test_every_message_is_counted_for_causes_of_the_catalogue(package: str) -> None:
    assert {code for line in TABLES[package].values() for code in line.right_for} <= set(CATALOGUE)


@pytest.mark.parametrize("package", TABLES)
def test_no_cause_is_both_checked_and_credited_by_one_line(package: str) -> None:
    assert not [text for text, line in TABLES[package].items() if set(line.checks) & set(line.credited)]


def test_every_peer_has_a_table_and_levinthal_is_counted_strictly() -> None:
    assert {tool.package for tool in TOOLS} == {*TABLES, "levinthal"}
    assert line_of("levinthal", "DEAD_RELU") == Line(("DEAD_RELU",))
    assert covered("levinthal") is None


def test_a_message_that_is_not_in_the_table_has_no_cause_and_is_still_a_warning() -> None:
    reported = row("DEAD_RELU", Message("TA999", "warning"))
    assert not named(reported, AUDIT)
    assert len(warnings(reported, AUDIT)) == 1


def test_the_cause_as_a_warning_and_as_info() -> None:
    reported = row("DEAD_RELU", Message("TA103", "info"), Message("TA301", "critical"), leads=("TA301",))
    assert not named(reported, AUDIT)
    assert named(reported, AUDIT, "info")
    assert not first(reported, AUDIT)
    assert first(row("INPUT_SCALE", leads=("TA301",)), AUDIT)


def test_advice_is_no_warning_unless_asked_for() -> None:
    reported = row("", Message("TA200", "warning", 6), Message("TA301", "critical"))
    assert [m.code for m in warnings(reported, AUDIT)] == ["TA301"]
    assert len(warnings(reported, AUDIT, advice=True)) == 2


def test_only_a_run_clearly_worse_than_its_baseline_counts() -> None:
    healthy = row(name="healthy", score=1.0)
    worse, as_good = row("DEAD_RELU", score=0.89), row("DEAD_RELU", score=0.91)
    assert counting([healthy, worse, as_good]) == ([healthy], [worse])


def test_a_tool_with_one_message_is_right_at_chance_level_as_often_as_that_is_the_cause() -> None:
    always = Message("TA105", "warning")
    faulty = [row("DEAD_RELU", always), row("INPUT_SCALE", always), row("INPUT_SCALE", always)]
    assert chance_level(faulty, AUDIT) == pytest.approx(2 / 4)  # of 4 pairs of different causes, 2 match


def test_faults_that_a_peer_has_no_check_for_are_counted_separately() -> None:
    faulty = [row("INPUT_SCALE"), row("STUCK_BATCH")]
    assert [r.code for r in checked(faulty, AUDIT)] == ["INPUT_SCALE"]
    assert checked(faulty, "levinthal") == faulty


def test_the_interval_resamples_cases_not_runs() -> None:
    runs = [row(name=name, score=score) for name, score in (("a", 0.0), ("b", 1.0)) for _ in range(50)]
    assert interval(runs, lambda r: r.score) == (0.0, 1.0)


def test_false_alarms_of_a_table_row() -> None:
    tool = next(tool for tool in TOOLS if tool.package == AUDIT)
    rows = [row(name="healthy", score=1.0), row("INPUT_SCALE", Message("TA301", "critical", 2))]
    assert _false_alarms(tool, rows)[1:3] == ("1.0", "2.0")
