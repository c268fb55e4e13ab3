"""What the peers say stands for causes of ours that exist, and is scored as the tables say.

The peers themselves are not needed: `benchmarks/peers.py` runs them, in an environment of its own.
"""

from __future__ import annotations

import pytest
from benchmarks.peers_in.mapping import TABLES, Line, covered, line_of
from benchmarks.peers_in.scores import Row, by_chance, checked, counting, first, interval, named, warnings
from benchmarks.peers_in.tables import _quietness
from benchmarks.peers_in.tools import TOOLS, Said

from levinthal.clinic.rules.catalogue import CATALOGUE

AUDIT = "torch-audit"


def row(
    code: str = "", *said: Said, name: str = "sick", leads: tuple[str, ...] = (), score: float = 0.0
) -> Row:
    right = (code,) if code else ()
    return Row(name, "test", 0, code, right, False, "well", said=said, leads=leads, score=score)


@pytest.mark.parametrize("package", TABLES)
def test_every_line_stands_for_causes_of_ours(package: str) -> None:
    assert {code for line in TABLES[package].values() for code in line.right_for} <= set(CATALOGUE)


@pytest.mark.parametrize("package", TABLES)
def test_no_cause_is_both_checked_and_credited_by_one_line(package: str) -> None:
    assert not [said for said, line in TABLES[package].items() if set(line.checks) & set(line.credited)]


def test_every_peer_has_a_table_and_levinthal_is_counted_strictly() -> None:
    assert {tool.package for tool in TOOLS} == {*TABLES, "levinthal"}
    assert line_of("levinthal", "DEAD_RELU") == Line(("DEAD_RELU",))
    assert covered("levinthal") is None


def test_a_word_that_is_not_in_the_table_stands_for_nothing_and_is_still_a_warning() -> None:
    heard = row("DEAD_RELU", Said("TA999", "warning"))
    assert not named(heard, AUDIT)
    assert len(warnings(heard, AUDIT)) == 1


def test_named_aloud_or_in_passing() -> None:
    heard = row("DEAD_RELU", Said("TA103", "info"), Said("TA301", "critical"), leads=("TA301",))
    assert not named(heard, AUDIT)
    assert named(heard, AUDIT, "info")
    assert not first(heard, AUDIT)
    assert first(row("INPUT_SCALE", leads=("TA301",)), AUDIT)


def test_advice_is_no_warning_unless_asked_for() -> None:
    heard = row("", Said("TA200", "warning", 6), Said("TA301", "critical"))
    assert [s.code for s in warnings(heard, AUDIT)] == ["TA301"]
    assert len(warnings(heard, AUDIT, advice=True)) == 2


def test_only_a_run_that_does_clearly_worse_than_its_twin_counts() -> None:
    well = row(name="well", score=1.0)
    worse, as_good = row("DEAD_RELU", score=0.89), row("DEAD_RELU", score=0.91)
    assert counting([well, worse, as_good]) == ([well], [worse])


def test_a_tool_that_always_says_the_same_is_right_by_chance_as_often_as_that_is_the_cause() -> None:
    always = Said("TA105", "warning")
    sick = [row("DEAD_RELU", always), row("INPUT_SCALE", always), row("INPUT_SCALE", always)]
    assert by_chance(sick, AUDIT) == pytest.approx(2 / 4)  # of 4 pairs of unlike causes, 2 ask for it


def test_what_a_peer_has_no_check_for_is_set_apart() -> None:
    sick = [row("INPUT_SCALE"), row("STUCK_BATCH")]
    assert [r.code for r in checked(sick, AUDIT)] == ["INPUT_SCALE"]
    assert checked(sick, "levinthal") == sick


def test_the_interval_draws_problems_not_runs() -> None:
    runs = [row(name=name, score=score) for name, score in (("a", 0.0), ("b", 1.0)) for _ in range(50)]
    assert interval(runs, lambda r: r.score) == (0.0, 1.0)


def test_quietness_of_a_table_row() -> None:
    tool = next(tool for tool in TOOLS if tool.package == AUDIT)
    rows = [row(name="well", score=1.0), row("INPUT_SCALE", Said("TA301", "critical", 2))]
    assert _quietness(tool, rows)[1:3] == ("1.0", "2.0")
