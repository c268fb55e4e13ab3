"""`data list` and `data get`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from levinthal import data
from levinthal.cli.data import seconds_left

Call = Callable[..., object]


def test_list_says_where_each_data_set_is(call: Call, here: Path) -> None:
    said = call("data", "list", "--data-dir", str(here))
    assert said.code == 0
    states = {line.split()[0]: line for line in said.out.splitlines() if line.split()[0] in data.names()}
    assert "embedded" in states["digits"]
    assert "not here" in states["mnist"]


def test_list_gives_whole_paths_on_a_narrow_screen(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/" + "long-name-" * 9
    (entry, *_) = data.describe()
    monkeypatch.setattr(data, "describe", lambda data_dir=None: [dataclasses.replace(entry, where=path)])
    assert f"digits: {path}" in call("data", "list").out.splitlines()


def test_get_shows_each_file_on_its_way_and_where_it_all_is(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(
        name: str, *, data_dir: Path, base_url: str | None, on_progress: Callable[[str, int, int], None]
    ) -> Path:
        assert base_url == "https://mirror.example"
        for file in ("images.gz", "labels.gz"):
            for done in (0, 1_000_000, 2_000_000):
                on_progress(file, done, 2_000_000)
        return data_dir / name

    monkeypatch.setattr(data, "get", fetched)
    said = call("data", "get", "mnist", "--data-dir", "data", "--base-url", "https://mirror.example")
    assert (said.code, said.out) == (0, "mnist is in data/mnist\n")
    progress = [line.partition(", ")[2] for line in said.err.splitlines()]
    assert [line.split(", ")[:2] for line in progress] == [
        [file, size] for file in ("images.gz", "labels.gz") for size in ("0.0 MB", "1.0 MB", "2.0 MB")
    ]
    assert progress[1].endswith(" s left")


def test_the_time_left_is_not_guessed_from_nothing() -> None:
    assert seconds_left(0, 100, 3.0) is None
    assert seconds_left(10, -10, 3.0) is None
    assert seconds_left(10, 0, 3.0) == 0
