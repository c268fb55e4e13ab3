"""A term of the loss that outweighs the first, and answers where the first is one of several."""

from __future__ import annotations

import numpy as np
from tests.clinic.histories import history, setup

from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.answer.states import Reason
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.diagnosis import diagnose
from levinthal.clinic.rules.loss_terms import share_of_other_terms

CHANCE = 1.386


def with_terms(first: np.ndarray, others: np.ndarray) -> History:
    """A history whose first loss and other terms are these."""
    seen = history([float(x) for x in first])
    for sample, more in zip(seen, others, strict=True):
        assert sample.loss is not None
        sample.loss = sample.loss + float(more)
    return seen


def codes(seen: History) -> list[str]:
    return [f.code for f in diagnose(setup(), seen) if f.severity != "info" and not f.follows]


def test_a_term_that_falls_while_nothing_is_learnt_outweighs_the_first() -> None:
    flat, falls = np.full(30, CHANCE), np.geomspace(20.0, 0.1, 30)
    assert codes(with_terms(flat, falls)) == ["TERM_OUTWEIGHS"]
    assert "TERM_OUTWEIGHS" not in codes(with_terms(flat, 0.01 * falls))
    assert "TERM_OUTWEIGHS" not in codes(with_terms(np.geomspace(CHANCE, 0.1, 30), falls))
    assert "TERM_OUTWEIGHS" not in codes(with_terms(flat, np.full(30, 20.0)))


def test_a_low_first_term_beside_large_others_is_not_healthy() -> None:
    first = np.geomspace(CHANCE, 0.2, 30)
    small, large = with_terms(first, 0.1 * first), with_terms(first, np.full(30, 0.3))
    assert answer_of_run([], small, setup()).is_healthy
    said = answer_of_run([], large, setup())
    assert said.reason is Reason.ONE_TERM
    assert "56 %" in said.headline
    assert 0.5 < share_of_other_terms(large) < 0.61


def test_a_factor_of_a_loss_scaler_is_no_other_term() -> None:
    """The scale of `torch.amp.GradScaler` doubles and halves: the loss was 99.998 % other terms."""
    first = np.geomspace(CHANCE, 0.2, 30)
    for factor in (np.full(30, 0.25), np.full(30, 3.0), 2.0 ** np.repeat((16, 17, 15), 10)):
        seen = with_terms(first, (factor - 1) * first)
        assert share_of_other_terms(seen) == 0
        assert answer_of_run([], seen, setup()).reason is not Reason.ONE_TERM
