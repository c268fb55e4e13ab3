from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from levinthal.report.terminal import verdict_table
from levinthal.vocabulary import Study, Verdict

PATH = Path("/a/long/folder") / ("deep" * 30) / "page.html"


def shown(study: Study, verdicts: list[Verdict], *, path: Path | None = PATH, **console: object) -> str:
    options: dict[str, object] = {"width": 100, "height": 60, "force_terminal": True, "no_color": True}
    file = io.StringIO()
    Console(file=file, **{**options, **console}).print(verdict_table(study, verdicts, path))  # type: ignore[arg-type]
    return file.getvalue()


def plain(study: Study, verdicts: list[Verdict], **console: object) -> list[str]:
    return shown(study, verdicts, force_terminal=False, **console).splitlines()


def test_thirteen_claims_fit_a_small_screen(study: Study, verdicts: list[Verdict]) -> None:
    lines = shown(study, verdicts, height=24, path=Path("page.html")).splitlines()
    assert len(lines) <= 22


@pytest.mark.parametrize("width", [200, 100, 94, 80, 40])
def test_no_line_is_wider_than_the_screen_or_100_columns(
    study: Study, verdicts: list[Verdict], width: int
) -> None:
    lines = plain(study, verdicts, width=width, path=None)
    assert max(map(len, lines)) <= min(width, 100)


def test_order_is_answer_verdicts_path(study: Study, verdicts: list[Verdict]) -> None:
    text = "\n".join(plain(study, verdicts))
    places = [
        text.index(part) for part in ("Do shortcuts", "Faster, yes", "C1 ", "C13", "13 claims:", "Report:")
    ]
    assert places == sorted(places)
    assert "● replicates" in text
    assert "✕ does not replicate" in text
    assert "▽ weaker than claimed" in text
    assert "[0.71, 0.93] bits" in text


def test_in_a_pipe_claims_are_whole(study: Study, verdicts: list[Verdict]) -> None:
    text = " ".join(" ".join(plain(study, verdicts, width=80)).split())
    assert all(verdict.claim.says in text for verdict in verdicts)
    assert "\x1b" not in text


def test_one_claim_is_singular(study: Study, verdicts: list[Verdict]) -> None:
    alone = dataclasses.replace(study, claims=study.claims[:1])
    lines = plain(alone, verdicts[:1], path=None)
    assert "1 claim: replicates (1)." in lines
    assert "At most 0.025 of 1 verdict is expected to be false by chance." in " ".join(lines)


def test_the_whole_path_is_shown(study: Study, verdicts: list[Verdict]) -> None:
    assert plain(study, verdicts, path=Path("/short/page.html"))[-1] == "Report: /short/page.html"
    assert str(PATH) in "".join(plain(study, verdicts, width=60))


def test_colour_is_left_out_on_request(
    study: Study, verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[32m" in shown(study, verdicts, no_color=None, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown(study, verdicts, no_color=None, color_system="standard")


def test_a_terminal_without_unicode_gets_letters_it_has(study: Study, verdicts: list[Verdict]) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as file:
        Console(file=file, width=100).print(verdict_table(study, verdicts))
        text = raw.getvalue().decode("ascii")
    assert "* replicates" in text
    assert "x does not replicate" in text
    assert "v weaker than claimed" in text


def test_nothing_judged_yet(study: Study) -> None:
    text = "\n".join(plain(study, [], path=None))
    assert "No answer yet" in text
    assert text.count("not judged yet") == 14
    assert "Report" not in text


@pytest.mark.parametrize("width", [100, 60])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x0b"])
def test_a_text_makes_no_line_of_its_own(study: Study, verdicts: list[Verdict], width: int, end: str) -> None:
    broken = dataclasses.replace(
        study,
        question=f"Is it{end}replicates?",
        terms={"gap": f"a{end}replicates"},
        answer=lambda verdicts: f"Yes.{end}replicates",
        claims=tuple(dataclasses.replace(one, says=f"It holds{end}replicates") for one in study.claims),
    )
    whole = dataclasses.replace(
        broken,
        question="Is it replicates?",
        terms={"gap": "a replicates"},
        answer=lambda verdicts: "Yes. replicates",
        claims=tuple(dataclasses.replace(one, says="It holds replicates") for one in study.claims),
    )
    by_id = {one.id: one for one in broken.claims}
    others = {one.id: one for one in whole.claims}
    said = [dataclasses.replace(one, claim=by_id[one.claim.id]) for one in verdicts]
    same = [dataclasses.replace(one, claim=others[one.claim.id]) for one in verdicts]
    assert plain(broken, said, width=width) == plain(whole, same, width=width)
