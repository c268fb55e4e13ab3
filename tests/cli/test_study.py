"""`study list` and `study show`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from levinthal import studies
from levinthal.errors import StudyError

Call = Callable[..., object]


def test_show_gives_question_claims_and_presets(call: Call) -> None:
    said = call("study", "show", "small_study.py")
    assert said.code == 0
    for word in ("Does a bent coin fall on heads?", "nobody [2026]", "T1", "heads above a half: 0.1 share",
                 "T1     chosen by us: one toss in ten", "share  heads among all tosses"):  # fmt: skip
        assert word in said.out
    quick = next(line for line in said.out.splitlines() if line.startswith("quick"))
    assert quick.split() == ["quick", "none", "2", "12", "two", "coins"]


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
