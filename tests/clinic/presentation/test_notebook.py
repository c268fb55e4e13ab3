from __future__ import annotations

import math

from tests.clinic.histories import finding, history, setup

from levinthal.clinic.answer.decision import answer_of_checkup, answer_of_run
from levinthal.clinic.presentation.notebook import checkup_html, run_html
from levinthal.clinic.recording.history import History
from levinthal.vocabulary import Estimate, Finding

FALLING = [2.0 * 0.9**k for k in range(20)]


def html_of(findings: list[Finding], seen: History, trouble: str = "") -> str:
    unseen = (f"the watch ended early: {trouble}",) if trouble else ()
    answer = answer_of_run(findings, seen, setup(), trouble=trouble, unseen=unseen)
    return run_html(answer, findings, seen, setup())


def test_a_run_shows_answer_loss_and_signs() -> None:
    html = html_of([], history(FALLING))
    assert "Healthy: the loss fell to 0.319, 23 % of the chance level." in html
    assert html.count("<svg") == 1
    assert "What was checked" in html
    assert "<script" not in html


def test_a_cause_shows_its_remedy_and_text_is_not_markup() -> None:
    html = html_of([finding("MISSING_ZERO_GRAD", "<b>", 0, {"norm": 2.5})], history(FALLING))
    assert "▲ <b>critical</b>" in html
    assert "<code>optimizer.zero_grad()</code>" in html
    assert "&lt;b&gt;" in html
    assert "norm <b>2.50</b>" in html


def test_nothing_seen_is_shown_too() -> None:
    assert "Nothing was seen: no training step" in html_of([], History())
    assert "<svg" not in html_of([], history([math.nan, 2.0, math.inf]))


def test_a_watch_that_ended_early_says_so_first() -> None:
    html = html_of([], history(FALLING), trouble="a < b")
    assert html.index("The watch ended early: a &lt; b.") < html.index("Not judged: the watch ended early.")
    assert "Healthy" not in html


def test_a_checkup_shows_its_numbers_with_their_trust() -> None:
    numbers = {"first loss": Estimate.exact(2.3)}
    html = checkup_html(answer_of_checkup([], numbers), [], numbers)
    assert "No fault was found before training." in html
    assert "▮▮▮▮ exact" in html
