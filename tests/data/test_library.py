from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

from levinthal import data
from levinthal.errors import DataError, InputError

PAGE = Path(__file__).parent.parent.parent / "docs" / "data.md"


def test_names_and_lines() -> None:
    assert {"digits", "mnist", "fashion-mnist", "kmnist"} <= set(data.names())
    assert all("classes" in line and "\n" not in line for line in data.catalogue().values())


@pytest.mark.parametrize("call", [data.load, data.get])
def test_a_misspelt_name_is_answered_with_the_nearest(call) -> None:
    with pytest.raises(InputError, match="unknown data set 'minst': did you mean 'mnist'"):
        call("minst")


@pytest.mark.parametrize("name", [None, 5, ["mnist"]])
def test_a_name_is_a_text(name) -> None:
    with pytest.raises(InputError, match=r"a data set is named by a text; got a .*: digits, mnist"):
        data.load(name)


def test_digits_need_no_folder(monkeypatch) -> None:
    monkeypatch.setenv("LEVINTHAL_DATA", "/nowhere")
    assert data.load("digits").name == "digits"


def test_what_is_not_here_says_where_it_looked_and_how_to_get_it(tmp_path, elsewhere) -> None:
    with pytest.raises(DataError, match=r"^mnist is not on this .*`levinthal data get mnist`") as caught:
        data.load("mnist", data_dir=tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert str(elsewhere) in str(caught.value)


def test_describe_says_what_is_where(small, tmp_path) -> None:
    small.write(tmp_path / "mnist")
    (tmp_path / "kmnist").mkdir()
    (tmp_path / "kmnist" / "train-images-idx3-ubyte").touch()
    entries = {entry.name: (entry.state, entry.where) for entry in data.describe(data_dir=tmp_path)}
    expected = {
        "digits": ("embedded", "scikit-learn"),
        "mnist": ("here", str(tmp_path / "mnist")),
        "fashion-mnist": ("not here", "levinthal data get fashion-mnist"),
        "kmnist": ("incomplete", "levinthal data get kmnist"),
    }
    assert {name: entries[name] for name in expected} == expected


def test_describe_refuses_a_folder_that_is_not_there(monkeypatch) -> None:
    monkeypatch.setenv("LEVINTHAL_DATA", "/nowhere/at/all")
    with pytest.raises(DataError, match="LEVINTHAL_DATA points to /nowhere/at/all, which does not exist"):
        data.describe()


def test_got_into_the_cache_it_is_loaded_from_there(small, server, elsewhere) -> None:
    server.files = small.served
    assert data.get("mnist", base_url=server.url) == elsewhere / "mnist"
    loaded = data.load("mnist")
    assert np.array_equal(loaded.test_labels, small.arrays["test_labels"])
    assert sorted(path.name for path in (elsewhere / "mnist").iterdir()) == sorted(
        name.removeprefix("/") for name in small.served
    )


def test_got_twice_it_is_asked_for_once(small, server, tmp_path) -> None:
    server.files = small.served
    for _ in range(2):
        data.get("mnist", data_dir=tmp_path, base_url=f"{server.url}/")
    assert len(server.asked) == 4


def test_digits_cannot_be_got() -> None:
    with pytest.raises(InputError, match="no download is needed"):
        data.get("digits")


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "127.0.0.1:80", "http://example.org", "", 5])
def test_only_web_addresses_are_taken(tmp_path, address) -> None:
    with pytest.raises(InputError, match=r"the base URL .*: give the https:// address"):
        data.get("mnist", data_dir=tmp_path, base_url=address)


def test_the_page_on_data_is_true() -> None:
    failures, examples = doctest.testfile(str(PAGE), module_relative=False)
    assert failures == 0
    assert examples >= 4
    missing = [name for name in data.names() if f"\n| `{name}` | " not in PAGE.read_text()]
    assert missing == [], f"add a row for {missing} to the first table of docs/data.md"


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_asked(
    tmp_path, server, monkeypatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEVINTHAL_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"LEVINTHAL_DATA points to .*file, which is a file, not a folder"):
        data.get("mnist", base_url=server.url)
    assert server.asked == []
