"""Each trap of docs/write-a-study.md is answered as the page says: it is refused, or the verdict names it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from levinthal.cli import main
from levinthal.cli.new_study import skeleton
from levinthal.errors import StudyError
from levinthal.studies.validity import require_valid

PAGE = (Path(__file__).parents[2] / "docs" / "write-a-study.md").read_text()
PROSE = r"^\*\*([^*\n]+)\.\*\*(?:(?!^\*\*|^```).)*"
TRAPS = re.findall(PROSE + r"```python\n(.*?)```\n\n```text\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)
IMPORTS = """
from dataclasses import replace
from levinthal.lab.analysis import at_best_rate, log10_ratio
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Basis, Evidence
L1 = study.claims[0]
"""


def run(snippet: str) -> dict[str, Any]:
    """The names of the first file of the page, and those that the snippet makes of them."""
    found: dict[str, Any] = {"__name__": "shown"}
    for text in (skeleton("keep-length", "computed"), IMPORTS, snippet):
        exec(compile(text, "write-a-study.md", "exec", dont_inherit=True), found)
    return found


@pytest.mark.parametrize(("name", "snippet", "answer"), TRAPS, ids=[name for name, *_ in TRAPS])
def test_a_trap_is_answered_as_the_page_says(
    name: str, snippet: str, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(snippet)
    if "verdict" in found:
        assert answer in found["verdict"].effect.reasons
    elif name == "A size set after the results":
        shown = require_valid(replace(found["study"], claims=(found["claim"],)))
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr("levinthal.studies.find", lambda name: shown)
        assert main(["study", "show", "keep_length.py"]) == 0
        assert answer in capsys.readouterr().out
    else:
        with pytest.raises(StudyError) as caught:
            require_valid(replace(found["study"], claims=(found["claim"],)))
        assert str(caught.value) == f"study 'keep-length': {answer}"


def test_every_trap_of_the_page_is_here() -> None:
    assert len(TRAPS) == PAGE.count("```text\n") == 11
