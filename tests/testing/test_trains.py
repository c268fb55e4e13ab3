"""`assert_trains`: what passes, what fails, and what the message says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from tests.clinic.histories import finding
from torch import nn
from torch.nn import functional

from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.examination import Examination
from levinthal.errors import InputError
from levinthal.testing import assert_trains
from levinthal.testing.trains import ORDER, Outcome, judged_by, outcome_of
from levinthal.vocabulary import Problem, Severity

draw = torch.Generator().manual_seed(0)
LABELS = torch.arange(200) % 4
INPUTS = 2 * torch.randn(4, 8, generator=draw)[LABELS] + torch.randn(200, 8, generator=draw)


def problem(rate: float = 0.3, top: Callable[[], nn.Module] = nn.Identity, steps: int = 40) -> Problem:
    return Problem(
        model=lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), top()),
        loss=functional.cross_entropy,
        train=(INPUTS[:150], LABELS[:150]),
        validation=(INPUTS[150:], LABELS[150:]),
        optimizer=lambda model: torch.optim.SGD(model.parameters(), rate),
        steps=steps,
    )


SOFTMAX = problem(top=partial(nn.Softmax, 1))


def message(given: Problem, **words: object) -> str:
    with pytest.raises(AssertionError) as raised:
        assert_trains(given, **words)  # type: ignore[arg-type]
    return str(raised.value)


def test_a_healthy_training_passes_and_comes_back() -> None:
    examination = assert_trains(problem())
    assert examination.is_healthy
    assert examination.score > 0.8


def test_a_fault_fails_with_its_cause_evidence_and_remedy() -> None:
    said = message(SOFTMAX)
    assert said.startswith("the training has a fault: DOUBLE_SOFTMAX in loss (critical)")
    assert "\n  evidence: " in said
    assert "\n  remedy: remove the softmax" in said
    assert "allow=('DOUBLE_SOFTMAX',)" in said
    assert len(said.splitlines()) <= 16


def test_an_allowed_fault_still_has_to_train() -> None:
    said = message(problem(60.0), allow=("LR_TOO_HIGH",))
    assert not said.startswith("the training has a fault: LR_TOO_HIGH")
    kept = outcome_of(problem(60.0), allow=("LR_TOO_HIGH",)).findings
    assert not {"LR_TOO_HIGH"} & {code for f in kept for code in (f.code, f.follows)}


def test_a_run_that_is_unfinished_passes_if_that_is_allowed() -> None:
    short = problem(0.003, steps=60)
    assert "require_judged=False" in message(short)
    assert not assert_trains(short, require_judged=False).is_healthy


@cache
def examined() -> Examination:
    return outcome_of(problem(steps=5)).examination


def outcome(state: State, reason: Reason, require_judged: bool) -> Outcome:
    return Outcome(examined(), (), (), Answer(state, reason, "Said."), require_judged)


@pytest.mark.parametrize(
    ("state", "reason", "strict", "lax"),
    [
        (State.HEALTHY, Reason.BELOW_CHANCE, True, True),
        (State.NO_CAUSE, Reason.UNFINISHED, False, True),
        (State.NO_CAUSE, Reason.AT_CHANCE, False, False),
        (State.NO_CAUSE, Reason.NOT_FINITE, False, False),
        (State.NOT_JUDGED, Reason.FEW_SAMPLES, False, True),
        (State.NOT_JUDGED, Reason.GAME, False, True),
        (State.NOT_JUDGED, Reason.NOTHING_SEEN, False, False),
        (State.NOT_JUDGED, Reason.NOTHING_MOVED, False, False),
        (State.NOT_JUDGED, Reason.ENDED_EARLY, False, False),
    ],
)
def test_which_answers_pass(state: State, reason: Reason, strict: bool, lax: bool) -> None:
    assert outcome(state, reason, True).passes is strict
    assert outcome(state, reason, False).passes is lax
    if not strict:
        assert ("require_judged=False" in str(outcome(state, reason, True))) is lax


def test_what_is_not_known_is_said() -> None:
    said = str(outcome(State.NOT_JUDGED, Reason.FEW_SAMPLES, True))
    assert said.startswith("it is not known whether the problem trains\n\nSaid.")


@pytest.mark.parametrize(
    ("severity", "codes"),
    [("critical", ["NAN"]), ("warning", ["NAN", "DEAD"]), ("info", ["NAN", "DEAD", "NOTE"])],
)
def test_the_mildest_severity_that_fails(severity: str, codes: list[str]) -> None:
    named = {"NAN": "NON_FINITE_LOSS", "DEAD": "DEAD_RELU", "NOTE": "CLASS_IMBALANCE"}
    found = [
        finding(code, "0", 0, {}, severity=each) for code, each in zip(named.values(), Severity, strict=True)
    ]
    symptom = replace(finding("UNDERFIT", "loss", 0, {}, severity=Severity.WARNING), follows="DEAD_RELU")
    known = replace(examined(), findings=(*found, symptom))
    judged = judged_by(known, set(), ORDER.index(severity), True)
    assert [f.code for f in judged.failing] == [named[code] for code in codes]
    assert ("UNDERFIT" in str(judged)) is ("DEAD" in codes)


def test_a_training_that_takes_too_long_says_how_far_it_came() -> None:
    said = message(problem(), seconds=0.001)
    assert "1 of 40 steps took longer than seconds=0.001" in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"allow": ("DOUBLE_SOFTMAXX",)}, "did you mean 'DOUBLE_SOFTMAX'"),
        ({"allow": "DOUBLE_SOFTMAX"}, "give a tuple of codes"),
        ({"severity": "error"}, "unknown severity 'error'"),
        ({"seconds": 0}, "seconds=0"),
        ({"steps": 0}, "steps=0"),
    ],
)
def test_misuse_is_one_line(words: dict[str, object], line: str) -> None:
    with pytest.raises(InputError, match=line) as raised:
        assert_trains(problem(), **words)  # type: ignore[arg-type]
    assert len(str(raised.value).splitlines()) == 1
