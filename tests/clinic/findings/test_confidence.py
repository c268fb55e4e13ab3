from __future__ import annotations

from tests.clinic.histories import finding

from levinthal.clinic.findings.confidence import INFO, WARNING, _examined, confidence, counts, is_examined
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Severity


def test_what_was_counted_are_findings_of_the_catalogue() -> None:
    tables = _examined()
    assert set(tables) == {WARNING, INFO}
    for table in tables.values():
        assert set(table) <= set(CATALOGUE)
        assert all(0 <= right <= said for right, said in table.values())


def test_every_finding_was_a_correct_warning_at_least_once() -> None:
    examined = [code for code in CATALOGUE if is_examined(code)]
    assert len(examined) >= 39
    never = [code for code in examined if counts(code, Severity.WARNING)[0] == 0]
    assert never == ["STUCK_BATCH"]  # in the examination it is a remark: nobody knows how many rows there are


def test_a_finding_is_as_sure_as_it_was_right() -> None:
    for severity in Severity:
        right, said = counts("DEAD_RELU", severity)
        assert said > 0
        assert confidence("DEAD_RELU", severity) == (right + 1) / (said + 2)
        assert finding("DEAD_RELU", "", 0, {}, severity=severity).confidence == (right + 1) / (said + 2)
    assert confidence("DEAD_RELU", Severity.CRITICAL) == confidence("DEAD_RELU", Severity.WARNING)


def test_a_kind_newer_than_the_examination_is_not_examined_and_as_likely_right_as_wrong() -> None:
    assert not is_examined("TOY_FINDING")
    assert counts("TOY_FINDING", Severity.WARNING) == (0, 0)
    assert confidence("TOY_FINDING", Severity.WARNING) is None
