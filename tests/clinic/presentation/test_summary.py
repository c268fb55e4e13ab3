"""The parts of a presentation: what was checked is said where no cause was found, and nowhere else."""

from __future__ import annotations

import dataclasses

from tests.clinic.histories import finding, history, setup

from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.presentation.signs import SIGNS, read_signs
from levinthal.clinic.presentation.summary import causes, paragraph, symptoms
from levinthal.clinic.rules.behaviour import not_checked
from levinthal.clinic.rules.processes import OF_PROCESSES
from levinthal.vocabulary import Finding, Severity

FALLING = [2.0 * 0.9**k for k in range(20)]
SYMPTOM = dataclasses.replace(finding("UNDERFIT", "loss", 0, {}), follows="DOUBLE_SOFTMAX")


def said(losses: list[float], findings: list[Finding]) -> str:
    seen = history(losses)
    return paragraph(answer_of_run(findings, seen, setup()), findings, read_signs(seen, setup(), findings))


def test_a_healthy_run_says_what_was_checked_and_which_infos_there_are() -> None:
    noted = finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)
    text = said(FALLING, [])
    made = {sign: set(codes) - not_checked(None) - OF_PROCESSES for sign, codes in SIGNS.items()}
    checked = sum(len(codes) for sign, codes in made.items() if sign not in ("Labels", "Validation"))
    assert f"8 of 10 areas show no fault ({checked} kinds of finding checked)." in text
    assert text.endswith("Not judged: labels and validation.")
    assert said(FALLING, [noted]).endswith("Info: DEAD_RELU.")


def test_a_cause_is_not_followed_by_what_was_checked() -> None:
    text = said([2.0] * 20, [finding("DOUBLE_SOFTMAX", "loss", 0, {}), SYMPTOM])
    assert "checked" not in text
    assert text.startswith("The loss has plateaued")


def test_causes_have_their_symptoms() -> None:
    cause = finding("DOUBLE_SOFTMAX", "loss", 0, {})
    noted = finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)
    assert causes([cause, SYMPTOM, noted]) == [cause]
    assert symptoms(cause, [cause, SYMPTOM, noted]) == [SYMPTOM]
