from __future__ import annotations

import math

from tests.clinic.histories import finding, history, setup

from levinthal.clinic.presentation.notebook import checkup_html, run_html
from levinthal.clinic.recording.history import History
from levinthal.vocabulary import Estimate

FALLING = [2.0 * 0.9**k for k in range(20)]


def test_a_run_shows_answer_loss_and_signs() -> None:
    html = run_html([], history(FALLING), setup())
    assert "Healthy: the loss fell to 23 % of the chance level." in html
    assert html.count("<svg") == 1
    assert "What was checked" in html
    assert "<script" not in html


def test_a_cause_shows_its_remedy_and_text_is_not_markup() -> None:
    html = run_html([finding("MISSING_ZERO_GRAD", "<b>", 0, {"norm": 2.5})], history(FALLING), setup())
    assert "▲ <b>critical</b>" in html
    assert "<code>optimizer.zero_grad()</code>" in html
    assert "&lt;b&gt;" in html
    assert "norm <b>2.50</b>" in html


def test_nothing_seen_is_shown_too() -> None:
    assert "No training step was seen." in run_html([], History())
    assert "<svg" not in run_html([], history([math.nan, 2.0, math.inf]), setup())


def test_a_checkup_shows_its_numbers_with_their_trust() -> None:
    html = checkup_html([], {"first loss": Estimate.exact(2.3)})
    assert "Healthy before training" in html
    assert "▮▮▮▮ exact" in html
