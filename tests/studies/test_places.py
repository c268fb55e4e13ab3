"""The line of the user's file that a fault of a study is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from levinthal.studies.places import line_of, placed

SOURCE = """study = Study(
    name="toy",
    version=1,
    claims=(
        Claim("C1", "it does", "nobody", null=0.5),
        Claim(
            id="C2",
            null=0.5,
            smallest_effect=0.1,
        ),
    ),
)
other = replace(study, version=0)
"""


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("study 'toy': name='toy': use", 2),
        ("study 'toy': version=0: it must be", 13),
        ("study 'toy': version=1: it must be", 3),
        ("study 'toy': claim C1 has null=0.5: give", 5),
        ("study 'toy': claim C1 has says='it does': give", 5),
        ("study 'toy': claim C2 has null=0.5: give", 8),
        ("study 'toy': claim C2 has smallest_effect=0.1 and null=0.5: it must", 9),
        ("study 'toy': claim C2 has no control", 6),
        ("study 'toy': two claims", 1),
    ],
)
def test_the_line_is_that_of_the_field_else_of_the_claim_else_of_the_study(fault: str, line: int) -> None:
    assert line_of(fault, SOURCE) == line


def test_a_source_that_cannot_be_read_has_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toy.py").write_text("def (")
    assert placed("study 5: name=5", Path("toy.py").resolve()) == "toy.py: study 5: name=5"
