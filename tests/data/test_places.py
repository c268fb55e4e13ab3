from __future__ import annotations

import os
from pathlib import Path

import pytest

from levinthal.data.places import (
    candidates,
    destination,
    locate,
    present,
    roots,
    usable_destination,
    user_cache,
)
from levinthal.data.sources import FASHION_MNIST, KMNIST, MNIST
from levinthal.errors import DataError, InputError


def put(folder: Path, *, suffix: str = ".gz", spelling: str = "-idx", only: int = 4) -> Path:
    """Four (or fewer) empty files with the family's names."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in MNIST.files()[:only]:
        (folder / (file.name.replace("-idx", spelling) + suffix)).touch()
    return folder


def test_the_order_is_given_then_variable_then_cache(tmp_path, elsewhere, monkeypatch) -> None:
    monkeypatch.setenv("LEVINTHAL_DATA", str(tmp_path / "b"))
    cache, variable, given = (put(root / "mnist") for root in (elsewhere, tmp_path / "b", tmp_path / "a"))
    assert locate(MNIST, tmp_path / "a").folder == given
    assert locate(MNIST, None).folder == variable
    monkeypatch.delenv("LEVINTHAL_DATA")
    assert locate(MNIST, None).folder == cache
    assert locate(FASHION_MNIST, tmp_path / "a") is None


def test_what_the_given_folder_lacks_is_taken_from_the_next(tmp_path, elsewhere) -> None:
    (tmp_path / "a").mkdir()
    put(elsewhere / "mnist")
    assert locate(MNIST, tmp_path / "a").folder == elsewhere / "mnist"


def test_an_incomplete_folder_yields_to_a_complete_one(tmp_path, elsewhere) -> None:
    put(tmp_path / "a" / "mnist", only=3)
    with pytest.raises(DataError, match=r"3 of 4 files, t10k-labels-idx1-ubyte missing: get them with"):
        locate(MNIST, tmp_path / "a")
    put(elsewhere / "mnist", only=1)
    with pytest.raises(DataError, match="3 of 4 files"):
        locate(MNIST, tmp_path / "a")
    put(elsewhere / "mnist")
    assert locate(MNIST, tmp_path / "a").folder == elsewhere / "mnist"


@pytest.mark.parametrize("folder", ["mnist", "MNIST/raw", "."])
def test_own_folder_torchvisions_folder_and_loose_files_are_found(tmp_path, folder) -> None:
    put(tmp_path / "here" / folder)
    assert locate(MNIST, tmp_path / "here").folder == tmp_path / "here" / folder


def test_loose_files_are_not_taken_where_they_may_be_anothers(tmp_path) -> None:
    loose = put(tmp_path / "mnist")
    assert locate(MNIST, loose).folder == loose
    assert locate(FASHION_MNIST, loose) is None
    put(tmp_path / "mixed")
    (tmp_path / "mixed" / "kmnist").mkdir()
    assert locate(MNIST, tmp_path / "mixed") is None
    assert tmp_path / "mixed" not in candidates(KMNIST, tmp_path / "mixed")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("spelling", ["-idx", ".idx"])
def test_every_spelling_is_found(tmp_path, suffix, spelling) -> None:
    put(tmp_path / "mnist", suffix=suffix, spelling=spelling)
    assert len(locate(MNIST, tmp_path).paths) == 4


def test_plain_files_come_before_gzip(tmp_path) -> None:
    put(tmp_path)
    put(tmp_path, suffix="")
    assert {path.suffix for path in present(MNIST, tmp_path).values()} == {""}


def test_a_named_folder_that_is_not_there_is_one_line(tmp_path, monkeypatch) -> None:
    with pytest.raises(
        DataError, match=r"^the data folder points to .*gone, which does not exist: create it"
    ):
        roots(tmp_path / "gone")
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEVINTHAL_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"^LEVINTHAL_DATA points to .*file, which is a file, not a folder"):
        locate(MNIST, None)


def test_an_empty_variable_is_no_variable(monkeypatch, elsewhere) -> None:
    monkeypatch.setenv("LEVINTHAL_DATA", "")
    assert roots(None) == [elsewhere]


def test_the_home_sign_is_understood(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sets").mkdir()
    assert roots("~/sets")[0] == tmp_path / "sets" == destination("~/sets")


def test_a_download_goes_to_the_first_place_even_before_it_is_there(tmp_path, elsewhere, monkeypatch) -> None:
    assert destination(None) == elsewhere
    monkeypatch.setenv("LEVINTHAL_DATA", str(tmp_path / "gone"))
    assert destination(None) == tmp_path / "gone"
    assert destination(tmp_path / "given") == tmp_path / "given"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/levinthal"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/levinthal"),
        ("linux", {}, "/home/ada/.cache/levinthal"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "/home/ada/Library/Caches/levinthal"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/levinthal/Cache"),
        ("win32", {}, "/home/ada/AppData/Local/levinthal/Cache"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(monkeypatch, platform, variables, expected) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert user_cache() == Path(expected)


def odd_folders(folder: Path) -> dict[str, Path]:
    """Something else under the name of a folder, by the words for it."""
    (folder / "file").touch()
    (folder / "link").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    named = {
        "a file, not": "file",
        "a link to nothing": "link",
        "cannot be used": "loop",
        "a pipe or": "pipe",
    }
    return {words: folder / name for words, name in named.items()}


@pytest.mark.parametrize("look", [roots, usable_destination])
def test_what_is_no_folder_is_named(tmp_path, look) -> None:
    for words, path in odd_folders(tmp_path).items():
        with pytest.raises(DataError, match=f"the data folder points to .*{path.name}, which .*{words}"):
            look(path)
    with pytest.raises(DataError, match=r"cannot be used \(File name too long\)"):
        look(tmp_path / ("a" * 300))


def test_a_folder_to_be_made_is_usable(tmp_path, elsewhere) -> None:
    assert usable_destination(tmp_path / "new" / "one") == tmp_path / "new" / "one"
    assert usable_destination(None) == elsewhere


def test_the_home_of_nobody_is_no_folder() -> None:
    with pytest.raises(DataError, match="begins with ~no-such-user, and there is no such user"):
        destination("~no-such-user/data")


@pytest.mark.parametrize("folder", [5, b"sets", "a\0b", "a\ud800"])
def test_a_folder_is_a_path(folder) -> None:
    with pytest.raises(InputError, match="the data folder is"):
        roots(folder)
