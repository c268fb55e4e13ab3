"""What was checked: nothing that was not seen counts for a healthy network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from tests.clinic.histories import finding, history, setup

from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.presentation.signs import (
    CLEAR,
    FOUND,
    INFO,
    NOT_JUDGED,
    SIGNS,
    Sign,
    read_signs,
)
from levinthal.clinic.recording.behaviour import Behaviour
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.processes import Processes
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Severity

FALLING = [2.0 * 0.9**k for k in range(20)]


def sign(name: str, found: Sequence[Sign]) -> Sign:
    return next(sign for sign in found if sign.name == name)


def test_every_finding_belongs_to_one_sign() -> None:
    codes = [code for held in SIGNS.values() for code in held]
    assert len(codes) == len(set(codes))
    assert set(codes) >= set(CATALOGUE)


def test_a_run_that_learns_reads_well() -> None:
    read = read_signs(history(FALLING), setup(), [])
    clear = ["Loss", "Data", "Loss function", "Model", "Optimiser", "Step", "Gradient", "Activations"]
    assert [sign.name for sign in read if sign.label == CLEAR] == clear
    assert [sign.label for sign in read[len(clear) :]] == [NOT_JUDGED, NOT_JUDGED]
    assert sign("Gradient", read).reading.endswith("of the first of 2 matrices is 10 % of that of the last")
    assert sign("Step", read).reading == "a step changes a matrix by 1 % of its norm; learning rate 0.1"
    assert (
        sign("Data", read).reading
        == "inputs with mean 0.500 and standard deviation 1.00, all finite; 4.00 of 4 classes per batch"
    )
    assert "at most 25 %" in sign("Activations", read).reading


def test_a_finding_shows_in_its_sign_with_its_code_alone() -> None:
    read = read_signs(history(FALLING), setup(), [finding("LR_TOO_HIGH", "optimiser", 0, {})])
    assert (sign("Step", read).label, sign("Step", read).codes) == (FOUND, ("LR_TOO_HIGH",))
    noted = read_signs(history(FALLING), setup(), [finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)])
    assert sign("Activations", noted).label == INFO


def test_what_was_not_checked_is_not_listed_as_checked() -> None:
    of_tokens, seen = {"FUTURE_SEEN", "ORDER_IGNORED", "PADDING_READ"}, history(FALLING)
    compared = {"ROWS_MIXED", "INPUT_IGNORED", "NARROW_LAYER", *of_tokens}
    assert not {*compared, "RANDOM_EVALUATION"} & set(sign("Model", read_signs(seen, setup(), [])).codes)
    for behaviour, missing in (
        (Behaviour(sees_future=False, is_orderless=False, reads_padding=0.0), set[str]()),
        (Behaviour(), of_tokens),
        (Behaviour(is_random=True), compared),
    ):
        seen.behaviour = behaviour
        assert set(SIGNS["Model"]) - set(sign("Model", read_signs(seen, setup(), [])).codes) == missing


def test_nothing_seen_is_not_judged() -> None:
    assert {sign.label for sign in read_signs(History(), None, [])} == {NOT_JUDGED}
    few = read_signs(history([2.0, 1.9]), setup(), [])
    assert [sign(name, few).label for name in ("Loss", "Step", "Activations")] == [NOT_JUDGED] * 3


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([2.0] * 12, "the loss has plateaued: 2.00 at first, 2.00 at the end; chance level 1.39"),
        ([1.0 + k for k in range(12)], "the loss rises from 1.00 to 11.5; chance level 1.39"),
        ([2.0, 900.0, *FALLING], "the loss falls from 2.00 to 0.319, with a peak of 900; chance level 1.39"),
        ([9.0, 5.0, *[1.4] * 20], "the loss falls from 9.00 to 1.40, not below chance level (1.39)"),
        ([2.0, 1.0], "the loss is 2.00 at first and 1.00 at the end; chance level 1.39"),
        ([math.nan, math.inf], "the loss was never finite"),
        ([], "no loss was seen"),
    ],
)
def test_the_course_of_the_loss_in_words(losses: list[float], said: str) -> None:
    assert loss_in_words(history(losses)) == said


def test_processes_are_listed_where_several_watch() -> None:
    seen = history(FALLING)
    alone = sign("Data", read_signs(seen, setup(), []))
    seen.processes = Processes(1, 8, 0, True, True)
    several = sign("Data", read_signs(seen, setup(), []))
    assert "SAME_BATCHES" not in alone.codes
    assert "SAME_BATCHES" in several.codes
