from __future__ import annotations

import os
from pathlib import Path

import pytest

from levinthal.data import part
from levinthal.data.part import held
from levinthal.errors import DataError


def test_a_part_is_held_by_one_and_a_stuck_holder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "PATIENCE", 0.1)
    told: list[int] = []
    path = tmp_path / "x.part"
    with held(path, told.append) as first:
        assert first is not None
        with first.appending(0) as write:
            write(b"abc")
        again = held(path, told.append)
        with pytest.raises(DataError, match=r"held by another process, .*: end that process, or wait"):
            again.__enter__()
    assert told == [3]
    assert path.read_bytes() == b"abc"


def test_a_part_that_was_taken_away_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.part"
    monkeypatch.setattr(part, "_wait_for_lock", lambda *_: path.rename(tmp_path / "x"))
    with held(path, print) as taken:
        assert taken is None
    assert (tmp_path / "x").exists()


def test_an_empty_part_does_not_stay(tmp_path: Path) -> None:
    with held(tmp_path / "x.part", print):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_second_names_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with held(tmp_path / "x.part", print) as one:
        assert one is not None
        with one.appending(0) as write:
            write(b"abc")
        one.become(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"abc"
    with held(tmp_path / "x.part", print) as one:
        assert one is not None
        with pytest.raises(DataError, match="cannot use"):
            one.become(tmp_path / "x")
