"""`study list` and `study show`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from levinthal import studies
from levinthal.errors import StudyError
from levinthal.vocabulary import Basis

Call = Callable[..., object]


def test_show_gives_question_claims_and_presets(call: Call) -> None:
    said = call("study", "show", "small_study.py")
    assert said.code == 0
    for word in ("Does a bent coin fall on heads?", "nobody [2026]", "T1", "heads above a half: 0.1 share",
                 "T1     chosen before the first run  chosen by us: one toss in ten",
        "T2     none: no number",
                 "T1     a fair coin", "share  heads among all tosses"):  # fmt: skip
        assert word in said.out
    quick = next(line for line in said.out.splitlines() if line.startswith("quick"))
    assert quick.split() == ["quick", "none", "2", "12", "two", "coins"]


def test_show_quotes_the_source_and_names_the_rival(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = studies.find("small_study.py")
    claim = replace(toy.claims[0], null=0.05, quote="Bent coins fall.", rival="a magnet", basis=Basis.SEEN)
    monkeypatch.setattr(studies, "find", lambda name: replace(toy, claims=(claim,)))
    said = call("study", "show", "small_study.py").out
    for word in ("T1     “Bent coins fall.” (nobody)", "T1     a magnet", "0.05",
                 "T1     chosen after the results were seen"):  # fmt: skip
        assert word in said


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("small_study", "small_study.py"),
        ("small-study", "small_study.py"),
        ("small_study:study", "small_study.py:study"),
    ],
)
def test_show_suggests_the_file_of_this_folder(call: Call, name: str, meant: str) -> None:
    said = call("study", "show", name)
    assert said.code == 2
    assert said.err == f"levinthal: unknown study '{name}': for the file in this folder, write `{meant}`\n"
    assert call("study", "show", meant).code == 0


def test_list_names_every_study_and_what_is_broken(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = studies.find("small_study.py")
    shelf = studies.Catalogue({toy.name: toy}, (StudyError("bad.py:3: ValueError: no"),))
    monkeypatch.setattr(studies, "catalogue", lambda: shelf)
    said = call("study", "list")
    assert said.code == 1
    assert "toy-coins" in said.out
    assert said.err == "levinthal: bad.py:3: ValueError: no\n"


def test_list_of_the_shipped_studies(call: Call) -> None:
    said = call("study", "list")
    assert (said.code, said.err) == (0, "")
    for name in studies.all_studies():
        assert name in said.out
