"""The named cause of a network at chance level is critical; elsewhere severities stay."""

from __future__ import annotations

import pytest
from tests.clinic.histories import finding, history

from levinthal.clinic.answer.severity import as_severe_as_the_run, as_the_answer_says
from levinthal.clinic.answer.states import Answer, Ground, Reason, State
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


CHANCE = (Ground("chance level", 1.0),)


@pytest.mark.parametrize(
    ("state", "reason", "grounds", "severity"),
    [
        (State.HEALTHY, Reason.BELOW_CHANCE, CHANCE, "info"),
        (State.NOT_JUDGED, Reason.HARDLY_PREDICTABLE, CHANCE, "info"),
        (State.NOT_JUDGED, Reason.NO_REFERENCE, CHANCE, "info"),
        (State.NOT_JUDGED, Reason.NO_REFERENCE, (), "warning"),
        (State.NO_CAUSE, Reason.AT_CHANCE, CHANCE, "warning"),
    ],
)
def test_no_loss_that_is_not_judged_is_called_too_high(
    state: State, reason: Reason, grounds: tuple[Ground, ...], severity: str
) -> None:
    found = [finding(code, "loss", 0, {}, severity=Severity.WARNING) for code in ("UNDERFIT", "OVERFIT")]
    given = as_the_answer_says(found, Answer(state, reason, "", "", grounds))
    assert [str(one.severity) for one in given] == [severity, "warning"]
