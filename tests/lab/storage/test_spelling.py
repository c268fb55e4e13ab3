"""A misspelt name is told from another one."""

from __future__ import annotations

import pytest

from levinthal.lab.storage.spelling import meant


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("eror", ["loss", "error"], "error"),
        ("test_error", ["test error"], "test error"),
        ("Test Error", ["test error"], "test error"),
        ("tset error", ["test error", "train error"], "test error"),
        ("depth 3, palin", ["depth 3, plain", "depth 3, fast"], "depth 3, plain"),
    ],
)
def test_another_spelling_is_answered_with_the_known_one(name: str, known: list[str], answer: str) -> None:
    assert meant(name, known) == answer


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("train error", ["test error"]),
        ("loss 10", ["loss 20"]),
        ("hidden3", ["hidden30"]),
        ("error", ["test error"]),
        ("depth 3, plain", ["depth 5, plain"]),
        ("up", ["down"]),
        ("", ["error"]),
    ],
)
def test_other_words_and_other_numbers_are_another_name(name: str, known: list[str]) -> None:
    assert meant(name, known) == ""
