from __future__ import annotations

import base64
import csv
import dataclasses
import gzip
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import fake_study
import pytest

from levinthal.lab.storage.rows import Rows
from levinthal.report import page as page_module
from levinthal.report import write_report
from levinthal.vocabulary import Claim, Estimate, Interval, Study, Trust, Verdict

VOID = {"meta", "link", "col", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Tags that do not close, texts by heading level, and every address the page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append((self.open[-1], data.strip().replace("\u00a0", " ")))


def stripped(text: str) -> str:
    """The page without its scripts and styles."""
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", text, flags=re.DOTALL)


@pytest.fixture(scope="session")
def bare(study: Study) -> Study:
    """The fake study without its figures: quick to write."""
    return dataclasses.replace(study, figures=lambda rows: ())


def made(tmp_path: Path, study: Study, rows: Rows, verdicts: list[Verdict], **more: str) -> str:
    path = write_report(study, "standard", rows, verdicts, fake_study.PROVENANCE, tmp_path / "r.html", **more)
    return stripped(path.read_text("utf-8"))


def test_the_page_is_well_formed_and_in_order(page: Path) -> None:
    outline = Outline(page.read_text("utf-8"))
    assert outline.wrong == []
    assert outline.open == []
    assert outline.headings[0] == ("h1", "Faster, yes: 3.3 times at 10 % error. Because of information, no.")
    assert [text for tag, text in outline.headings if tag == "h2"] == [
        "The verdicts", "The figures", "How far to believe it", "Provenance",
    ]  # fmt: skip
    assert sum(tag == "h3" for tag, _ in outline.headings) == 9


def test_nothing_on_the_page_is_fetched(page: Path) -> None:
    outline = Outline(page.read_text("utf-8"))
    assert all(address.startswith(("data:", "#")) for address in outline.addresses)
    assert "default-src 'none'" in page.read_text("utf-8")


def test_plotly_is_inlined_once_with_its_licence(page: Path) -> None:
    text = page.read_text("utf-8")
    (packed,) = re.findall(r'id="plotly">([^<]+)<', text)
    assert b"plotly.js (basic - minified) v" in gzip.decompress(base64.b64decode(packed))
    assert text.count("Copyright (c) 2016-2024 Plotly Technologies Inc.") == 1


def test_a_page_without_figures_does_without_plotly(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict]
) -> None:
    path = write_report(bare, "standard", rows, verdicts, {}, tmp_path / "r.html")
    assert "Plotly Technologies" not in path.read_text("utf-8")
    assert path.stat().st_size < 150_000


def test_every_claim_is_on_the_page_with_its_numbers(page: Path) -> None:
    text = stripped(page.read_text("utf-8"))
    for wanted in ("0.82", "[0.71, 0.93] bits", "does not replicate", "44 seeds would settle it",
                   "a number, not judged", "width 50, depth 5", "levinthal study run first-last-information",
                   "sha256:9c1f0b6e"):  # fmt: skip
        assert wanted in text
    assert text.count('class="row"') == 13


def test_the_page_says_why_a_verdict_and_a_figure_give_two_numbers(page: Path) -> None:
    assert "the mean over seeds and conditions" in stripped(page.read_text("utf-8"))


def test_the_page_says_why_a_size_and_what_a_term_means(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict]
) -> None:
    explained = [
        dataclasses.replace(v, claim=dataclasses.replace(v.claim, why_smallest="a tenth of <ours>"))
        for v in verdicts
    ]
    named = dataclasses.replace(bare, claims=tuple(v.claim for v in explained), terms={"CKA": "a similarity"})
    text = made(tmp_path, named, rows, explained)
    assert "0.2 bits: a tenth of &lt;ours&gt;" in text
    assert "<dt>CKA</dt><dd>a similarity</dd>" in text
    assert "<dt>CKA</dt>" not in made(tmp_path, bare, rows, verdicts)


def test_rows_travel_inside_as_csv(page: Path, rows: Rows) -> None:
    held = re.search(r'id="rows">([^<]+)<', page.read_text("utf-8"))
    assert held is not None
    table = list(csv.reader(io.StringIO(gzip.decompress(base64.b64decode(held[1])).decode())))
    assert len(table) == len(rows) + 1
    assert "value" in table[0]


def test_large_tables_lie_beside_the_page(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "EMBEDDED_BYTES", 100)
    text = made(tmp_path, bare, rows, verdicts)
    assert 'href="r.csv.gz"' in text
    assert 'id="rows"' not in text
    assert gzip.decompress((tmp_path / "r.csv.gz").read_bytes()).count(b"\n") == len(rows) + 1


def test_the_same_report_is_the_same_file(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict]
) -> None:
    one, two = (
        write_report(
            bare, "standard", rows, verdicts, {"Seeds": 8}, tmp_path / f"{i}" / "r.html"
        ).read_bytes()
        for i in range(2)
    )
    assert one == two


def test_an_empty_study_says_so(tmp_path: Path, bare: Study) -> None:
    text = made(tmp_path, bare, Rows.of([]), [])
    assert "Empty: no rows yet." in text
    assert "No answer yet: no claim has been judged." in text
    assert text.count("not judged yet") == 14
    assert "0 rows" in text


def test_an_unfinished_study_says_so(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict]
) -> None:
    text = made(tmp_path, bare, rows, verdicts[:2], progress="12 of 40 tasks done")
    assert "Not finished: 12 of 40 tasks done." in text
    assert "Empty" not in text


def test_a_study_without_claims_and_figures_is_a_page(tmp_path: Path, bare: Study, rows: Rows) -> None:
    text = made(tmp_path, dataclasses.replace(bare, claims=()), rows, [])
    assert "The study makes no claims." in text
    assert "The study draws no figures." in text


def test_figures_that_fail_are_a_line_on_the_page(tmp_path: Path, study: Study, rows: Rows) -> None:
    def figures(rows: object) -> object:
        raise KeyError("width")

    text = made(tmp_path, dataclasses.replace(study, figures=figures), rows, [])
    assert "the study&#39;s figures failed: KeyError: &#39;width&#39;" in text


def test_what_a_study_says_is_text_not_markup(tmp_path: Path, bare: Study, rows: Rows) -> None:
    claim = dataclasses.replace(bare.claims[0], says="<img src=x onerror=alert(1)>")
    text = made(tmp_path, dataclasses.replace(bare, question="a < b & <b>c</b>", claims=(claim,)), rows, [])
    assert "<img" not in text
    assert "a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;" in text


def test_characters_that_reorder_text_do_not_reach_the_page(tmp_path: Path, bare: Study, rows: Rows) -> None:
    study = dataclasses.replace(bare, question="Is it \u202egpj\u202c \x1b[31mred\x1b[0m?")
    assert "Is it gpj red?" in made(tmp_path, study, rows, [])


def test_a_missing_claim_field_breaks_nothing(tmp_path: Path, bare: Study, rows: Rows) -> None:
    plain = Claim("Z", "says", "source", "effect", "", None, "", lambda rows: None)  # type: ignore[arg-type,return-value]
    assert "none" in made(tmp_path, dataclasses.replace(bare, claims=(plain,)), rows, [])


def test_an_unknown_preset_is_named_and_drawn(tmp_path: Path, bare: Study, rows: Rows) -> None:
    path = write_report(bare, "huge", rows, [], {}, tmp_path / "r.html")
    assert "preset huge" in path.read_text("utf-8")


def test_a_rival_and_failed_seeds_stand_in_the_row(
    tmp_path: Path, bare: Study, rows: Rows, verdicts: list[Verdict]
) -> None:
    beside = Estimate(0.5, "bits", Interval(0.4, 0.6), trust=Trust.CALIBRATED)
    failed = Estimate(0.375, "of seeds", Interval(0.0852, 0.7551), trust=Trust.CALIBRATED)
    both = dataclasses.replace(verdicts[0], rival=beside, failed=failed)
    page = made(tmp_path, bare, rows, [both, *verdicts[1:]])
    assert page.count("rival: <") == page.count("failed: <") == 1
    assert "[8.5 %, 76 %] of seeds" in page
