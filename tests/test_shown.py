"""Text of others as it may be shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.shown import LONGEST, one_line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[1;1Hhello", "hello"),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "31mred"),
        ("abc\rXY", "abc\nXY"),
        ("a\x08b\x7fc\x00d", "abcd"),
        ("gpj\u202etxt.exe", "gpjtxt.exe"),
        ("a\u2066b\u2069c\u200ed", "abcd"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041ged", "tagged"),
        ("lone \udc80", "lone \ufffd"),
        ("שלום, été, 層, 👩\u200d🔬", "שלום, été, 層, 👩\u200d🔬"),
    ],
)
def test_hidden_characters_go_and_letters_stay(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_what_is_left_can_be_shown_and_is_shown_the_same_again(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    assert not {c for c in shown if unicodedata.category(c) == "Cc"} - {"\n", "\t"}
    assert not {
        c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}
    }
    shown.encode()


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_a_long_line_shows_its_ends() -> None:
    line = one_line("begin" + 10_000 * "x" + "end")
    assert len(line) == LONGEST
    assert line.startswith("begin")
    assert line.endswith("end")


def test_an_error_of_ours_is_one_line_for_a_terminal() -> None:
    assert str(InputError("no factor \x1b[31m'wid\u202eth'\nat all")) == "no factor 'width' at all"
