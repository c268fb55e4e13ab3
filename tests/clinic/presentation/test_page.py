"""The clinic's page: whole or not at all, in order, and what a real browser makes of it."""

from __future__ import annotations

import dataclasses
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.histories import finding, history, setup
from tests.clinic.presentation.test_cards import tried
from torch import nn
from torch.nn import functional

from levinthal.clinic import Checkup, check, watch
from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.recording.history import History
from levinthal.errors import InputError, StoreError
from levinthal.report.browser import settled_page
from levinthal.vocabulary import Finding, Severity

FALLING = [2.0 * 0.9**k for k in range(20)]


class Words(HTMLParser):
    """What stands on a page outside of scripts and styles, its headings, and the addresses it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.heads: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self._within not in ("script", "style"):
            self.words += data
        if self._within == "h2" and data.strip():
            self.heads.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""


def made(tmp_path: Path, findings: tuple[Finding, ...] = (), trouble: str = "", **more: Any) -> Words:
    checkup, seen = more.get("checkup"), more.get("history", History())
    missed = {"trouble": trouble, "unseen": (f"the watch ended early: {trouble}",) if trouble else ()}
    answer = checkup.answer if checkup else answer_of_run(findings, seen, more.get("setup"), **missed)
    path = write_page(tmp_path / "run.html", title="Net", answer=answer, findings=findings, **more)
    return Words(path.read_text("utf-8"))


def test_a_healthy_run_reads_healthy_with_the_reason(tmp_path: Path) -> None:
    page = made(tmp_path, history=history(FALLING), setup=setup())
    assert "Does Net train?" in page.words
    assert "Healthy: the loss fell to 0.319, 23 % of the chance level." in page.words
    assert page.heads == ["What was checked", "The figures", "Provenance"]
    assert "20 samples, from step 0 to step 190" in page.words


def test_a_power_of_ten_in_the_headline_does_not_break_at_its_hyphen(tmp_path: Path) -> None:
    page = made(tmp_path, history=history([2.0 * 0.4**k for k in range(20)]), setup=setup())
    assert re.search(r"Healthy: the loss fell to \S+, \de\u2212\d of the chance level", page.words)


def test_the_cause_comes_first_with_evidence_remedy_and_what_it_explains(tmp_path: Path) -> None:
    cause = finding("MISSING_ZERO_GRAD", "optimiser", 30, {"norm of the gradient left over": 2.5})
    symptom = dataclasses.replace(finding("UNDERFIT", "loss", 90, {}), follows="MISSING_ZERO_GRAD")
    noted = finding("DEAD_RELU", "1", 0, {}, severity=Severity.INFO)
    confirmed = dataclasses.replace(cause, confirmation="+0.3 over 5 seeds")
    page = made(tmp_path, (confirmed, symptom, noted), history=history([2.0] * 20), setup=setup())
    assert page.heads == ["The cause", "What was checked", "Info", "The figures", "Provenance"]
    for wanted in ("2.50", "norm of the gradient left over", "since step 30", "Explains 1 symptom: UNDERFIT",
                   "optimizer.zero_grad()", "+0.3 over 5 seeds", "found: MISSING_ZERO_GRAD"):  # fmt: skip
        assert wanted in page.words, wanted


def test_treatments_have_a_table_and_none_has_none(tmp_path: Path) -> None:
    trials = (tried("confirmed here", 0.2, 0.3, 0.4), tried("no effect here", -0.1, 0.0, 0.1))
    page = made(tmp_path, history=history(FALLING), setup=setup(), trials=trials)
    assert "What was tried" in page.heads
    assert "confirmed here" in page.words
    assert "+0.30" in page.words
    assert "[0.20, 0.40] accuracy" in page.words


def test_a_checkup_has_its_numbers_and_no_course(tmp_path: Path) -> None:
    page = made(tmp_path, checkup=check(mlp(), functional.cross_entropy, (X[:64], Y[:64])))
    assert page.heads == ["Measured before training", "The figures", "Provenance"]
    assert "Can Net be trained?" in page.words
    assert "No fault was found before training." in page.words


@pytest.mark.parametrize("losses", [[], [2.0], [math.nan] * 12, [2.0, math.inf, math.nan] * 4])
def test_a_page_is_made_of_whatever_there_is(tmp_path: Path, losses: list[float]) -> None:
    assert made(tmp_path, history=history(losses)).heads[-1] == "Provenance"


def test_nothing_at_all_is_a_page(tmp_path: Path) -> None:
    page = made(tmp_path, history=History(), trouble="a < b")
    assert "There are no numbers to draw." in page.words
    assert "The watch ended early: a < b" in page.words
    assert made(tmp_path, checkup=Checkup((), {}, ())).heads == ["The figures", "Provenance"]


def test_what_is_named_is_text_not_markup(tmp_path: Path) -> None:
    faulty = finding("DEAD_RELU", "<img src=x>", 0, {"<i>": "<b>"})
    seen = history(FALLING)
    answer = answer_of_run((faulty,), seen)
    write_page(tmp_path / "x.html", title="<script>", answer=answer, findings=(faulty,), history=seen)
    text = (tmp_path / "x.html").read_text("utf-8")
    assert "<img src=x>" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;" in text


def test_nothing_on_the_page_is_fetched(tmp_path: Path) -> None:
    page = made(tmp_path, history=history(FALLING), setup=setup())
    assert all(address.startswith(("data:", "#")) for address in page.addresses)


def test_a_bad_path_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"is a folder, and a page is a file: give '.*run\.html'") as caught:
        write_page(tmp_path, title="Net", answer=Checkup((), {}, ()).answer, findings=())
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"the path of a page is 5: give 'run\.html', say"):
        write_page(5, title="Net", answer=Checkup((), {}, ()).answer, findings=())  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"cannot write .*page\.html"):
        write_page(
            tmp_path / "file" / "page.html", title="Net", answer=Checkup((), {}, ()).answer, findings=()
        )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_watch_and_checkup_write_their_pages(tmp_path: Path) -> None:
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=2) as w:
        for _ in range(8):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[:16]), Y[:16]).backward()
            optimizer.step()
    words = Words(w.report(tmp_path / "run.html").read_text("utf-8")).words
    assert "one step in 2" in words
    assert "Does Linear train?" in words
    assert "4 steps sampled; the trend of a loss needs 10." in w._repr_html_()
    checkup = check(model, functional.cross_entropy, (X[:16], Y[:16]))
    assert checkup.report(str(tmp_path / "check.html")).exists()
    assert all(path.stat().st_size < 700_000 for path in tmp_path.glob("*.html"))
    assert "first loss" in checkup._repr_html_()


@pytest.mark.browser
def test_every_figure_is_drawn_and_nothing_is_requested(tmp_path: Path, chromium: str) -> None:
    theme, size = "dark", (600, 900)
    seen = history([*FALLING, math.nan], depth=15)
    faulty = (finding("NON_FINITE_LOSS", "loss", 200, {}),)
    checkup = check(mlp(nn.Tanh), functional.cross_entropy, (X[:64], Y[:64]))
    path = tmp_path / "run.html"
    answer = answer_of_run(faulty, seen, setup(15))
    write_page(
        path, title="Net", answer=answer, findings=faulty, history=seen, setup=setup(15), checkup=checkup
    )
    html = settled_page(path, chromium, query=f"?theme={theme}", size=size)
    root = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', re.findall(r"<html[^>]*>", html)[0]))
    assert (root["errors"], root["blocked"], root["resources"], root["painted"]) == ("", "0", "0", theme)
    plots = {
        values["figure"]: values
        for tag in re.findall(r"<div[^>]*data-figure=[^>]*>", html)
        for values in [dict(re.findall(r'data-([a-z-]+)="([^"]*)"', tag))]
    }
    assert list(plots) == ["loss", "matrices", "layers", "sizes", "gains", "activations"]
    for name, plot in plots.items():
        assert int(plot["drawn"]) == int(plot["expected"]) > 0, name
        assert int(plot["width"]) <= size[0]
