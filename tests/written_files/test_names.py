"""What a path may be that is given, and a name that becomes the name of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from levinthal.errors import InputError
from levinthal.written_files import named_file, named_path, plain_name

CLIMBING = ("../../x", "a/b", "/x", "a\\b", "C:x", "a\0b", "a\nb", "a\x1b[31m", "a\u202eb", "a*b", "x\ud800")
SPECIAL = (".hidden", "..", ".", "-x", "~x", " x", "x ", "x.", "CON", "nul.txt", "com1", "Lpt9.a.b")


@pytest.mark.parametrize("name", ["quick", "toy-coins", "a b", "v1.2", "Größe", "漢字", "x" * 100])
def test_a_plain_name_is_given_back(name: str) -> None:
    assert plain_name("preset", name) == name


@pytest.mark.parametrize("name", [*CLIMBING, *SPECIAL, "", " ", "x" * 101, "é" * 51, 7, None, ("a",)])
def test_another_name_is_one_line_with_what_it_names(name: object) -> None:
    with pytest.raises(InputError, match=r"^preset ") as caught:
        plain_name("preset", name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("x/", "x/ is a folder: name the file"),
        ("x/.", "is a folder"),
        ("..", "is a folder"),
        ("a\nb", "'a\\nb' has characters that cannot be shown"),
        ("a\0b", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
        ("https://example.org/x", "is an address"),
        ("~nobody-such/x", "there is no user ~nobody-such: write ./~nobody-such/x"),
    ],
)
def test_a_text_that_names_no_file_is_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        named_file(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_home_is_resolved_and_other_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert named_file("~/x") == Path("/home/me/x")
    for text in ("x.html", "-x", ".x", "a b/é 漢", "./~x", "x~", "...", "C"):
        assert named_file(text) == Path(text)


def test_a_folder_may_end_in_a_slash() -> None:
    assert named_path("a/b/") == Path("a/b")
