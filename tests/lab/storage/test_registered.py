from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.lab.storage.claims import Frozen, hash_of
from levinthal.lab.storage.registered import file_text, from_file

CLAIMS = {"T1": {"says": "It falls – “surely”.", "smallest_effect": 0.1, "null": None, "binary": False}}
FROZEN = Frozen(
    "toy", 1, "quick", {"runs": 2, "factors": {"width": "20"}}, CLAIMS, "2026-11-29T12:00:00+00:00", 0
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_text(file_text(FROZEN), encoding="utf-8")
    assert from_file(path) == FROZEN
    assert file_text(from_file(path)) == file_text(FROZEN)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_a_file_with_another_letter_is_refused_or_says_the_same(tmp_path: Path, data: st.DataObject) -> None:
    text = file_text(FROZEN)
    at = data.draw(st.integers(0, len(text) - 2))
    letter = data.draw(st.characters(codec="utf-8"))
    path = tmp_path / "claims.json"
    path.write_text(text[:at] + letter + text[at + 1 :], encoding="utf-8", newline="")
    try:
        found: Frozen | None = from_file(path)
    except InputError:
        found = None
    assert found in (None, FROZEN)  # white space may differ


def test_a_file_that_lacks_a_part_is_refused_although_its_hash_is_right(tmp_path: Path) -> None:
    content = json.loads(file_text(FROZEN))
    del content["hash"], content["plan"]
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(content | {"hash": hash_of(content)}))
    with pytest.raises(InputError, match="lacks 'plan'"):
        from_file(path)
