"""The named cause of a network at chance level is critical; elsewhere severities stay."""

from __future__ import annotations

import pytest
from tests.clinic.histories import finding, history

from levinthal.clinic.answer.severity import as_severe_as_the_run
from levinthal.vocabulary import Severity

FALLING = [2.0 * 0.9**k for k in range(20)]


@pytest.mark.parametrize(
    ("code", "losses", "severity"),
    [
        ("LR_TOO_LOW", [1.39] * 20, Severity.CRITICAL),
        ("LR_TOO_LOW", FALLING, Severity.WARNING),
        ("LR_TOO_LOW", [1.39] * 6, Severity.WARNING),
        ("UNDERFIT", [1.39] * 20, Severity.WARNING),
        ("OVERFIT", [1.39] * 20, Severity.WARNING),
    ],
)
def test_the_first_cause_is_as_severe_as_the_run(code: str, losses: list[float], severity: Severity) -> None:
    first = finding(code, "optimiser", 0, {}, severity=Severity.WARNING)
    second = finding("DEAD_RELU", "1", 0, {}, severity=Severity.WARNING)
    given = as_severe_as_the_run([first, second], history(losses))
    assert [one.severity for one in given] == [severity, Severity.WARNING]
    assert given[1] is second
