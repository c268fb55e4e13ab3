from __future__ import annotations

import dataclasses

import pytest
from tests.clinic.histories import finding, history, setup

from levinthal.clinic.presentation.signs import SIGNS, read_signs
from levinthal.clinic.presentation.summary import (
    FAULTY,
    HEALTHY,
    UNKNOWN,
    Answer,
    answer_of_checkup,
    answer_of_run,
)
from levinthal.vocabulary import Estimate, Finding, Severity

FALLING = [2.0 * 0.9**k for k in range(20)]


def answer(losses: list[float], findings: list[Finding] | None = None) -> Answer:
    seen = history(losses)
    return answer_of_run(findings or [], seen, read_signs(seen, setup(), findings or []))


def test_a_healthy_run_shows_why() -> None:
    said = answer(FALLING)
    assert (said.label, said.headline) == (
        HEALTHY,
        "Healthy: the loss fell to 23 % of the chance level.",
    )
    checked = sum(len(codes) for sign, codes in SIGNS.items() if sign not in ("Labels", "Validation"))
    assert said.because.startswith(f"8 of 10 areas show no fault ({checked} kinds of finding checked).")
    assert said.because.endswith("Not judged: labels and validation.")


def test_infos_and_symptoms_do_not_make_a_run_faulty() -> None:
    noted = finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)
    said = answer(FALLING, [noted])
    assert said.label == HEALTHY
    assert said.because.endswith("Info: DEAD_RELU.")


def test_the_cause_is_the_headline_and_other_causes_are_named() -> None:
    causes = [finding("DOUBLE_SOFTMAX", "loss", 0, {}), finding("STUCK_BATCH", "input", 0, {})]
    symptom = dataclasses.replace(finding("UNDERFIT", "loss", 0, {}), follows="DOUBLE_SOFTMAX")
    said = answer([2.0] * 20, [*causes, symptom])
    assert said.label == FAULTY
    assert said.headline.startswith("The cross-entropy is given probabilities")
    assert said.because.startswith("Another cause: STUCK_BATCH. The loss has plateaued")


@pytest.mark.parametrize(
    ("losses", "head"),
    [
        ([], "No training step was seen."),
        ([2.0, 1.0], "No cause was found, but few steps were seen."),
        ([2.0] * 20, "No cause was found, but the loss does not improve."),
        ([float("nan")] * 20, "No cause was found."),
    ],
)
def test_what_is_not_known_to_learn_is_not_called_healthy(losses: list[float], head: str) -> None:
    assert (answer(losses).label, answer(losses).headline) == (UNKNOWN, head)


def test_a_checkup_is_answered_before_training() -> None:
    good = answer_of_checkup([], {"first loss / ln K": Estimate.exact(1.02)})
    assert good.label == HEALTHY
    assert good.because.endswith("The first loss is 102 % of the chance level ln K.")
    bad = answer_of_checkup([finding("GRAPH_BROKEN", "0.weight", 0, {})], {})
    assert (bad.label, bad.because) == (FAULTY, "")
