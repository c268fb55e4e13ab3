from __future__ import annotations

from levinthal.clinic.findings.catalogue import CATALOGUE
from levinthal.clinic.findings.confidence import LOUD, REMARK, _examined, confidence, counted
from levinthal.clinic.findings.finding import found
from levinthal.vocabulary import Severity


def test_what_was_counted_are_findings_of_the_catalogue() -> None:
    tables = _examined()
    assert set(tables) == {LOUD, REMARK}
    for table in tables.values():
        assert set(table) <= set(CATALOGUE)
        assert all(0 <= right <= said for right, said in table.values())


def test_every_finding_has_been_said_aloud_and_been_right_at_least_once() -> None:
    never = [code for code in CATALOGUE if counted(code, Severity.WARNING)[0] == 0]
    assert never == ["STUCK_BATCH"]  # in the examination it is a remark: nobody knows how many rows there are


def test_a_finding_is_as_sure_as_it_was_right() -> None:
    for severity in Severity:
        right, said = counted("DEAD_RELU", severity)
        assert said > 0
        assert confidence("DEAD_RELU", severity) == (right + 1) / (said + 2)
        assert found("DEAD_RELU", "", 0, {}, severity=severity).confidence == (right + 1) / (said + 2)
    assert confidence("DEAD_RELU", Severity.CRITICAL) == confidence("DEAD_RELU", Severity.WARNING)
