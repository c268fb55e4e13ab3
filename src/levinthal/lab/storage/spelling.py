"""Is a text that nothing has a misspelt one of those that something has?

Texts of different words are two things ("train error", "test error"), and so are those of different numbers
("loss 10", "loss 20"): either may be the name of what has not been measured yet.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

CLOSE = 0.7
"""Two words are spellings of one word if this share of their letters is the same, in the same order."""


def words_of(text: str) -> list[str]:
    """The words of a text without digits, in small letters.

    >>> words_of("Hidden_layer3: gain-2")
    ['hidden', 'layer', 'gain']
    """
    return re.findall(r"[^\W\d_]+", text.casefold())


def meant(name: str, known: Iterable[str]) -> str:
    """The text that a misspelt one stands for.

    Args:
        name: a text that is not known.
        known: those that are.

    Returns:
        The nearest one that differs in the spelling of one word, in capitals, or in what stands between its
        words; "" where there is none.

    >>> meant("eror", ["loss", "error"]), meant("testError", ["test error"])
    ('error', 'test error')
    >>> meant("train error", ["test error"]), meant("loss 10", ["loss 20"])
    ('', '')
    """
    similar = [text for text in known if _is_spelling(name, text)]
    return next(iter(difflib.get_close_matches(name, similar, n=1, cutoff=0.0)), "")


def _is_spelling(one: str, other: str) -> bool:
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    mine, theirs = words_of(one), words_of(other)
    if "".join(mine) == "".join(theirs):
        return True
    apart = [pair for pair in zip(mine, theirs, strict=False) if pair[0] != pair[1]]
    return len(mine) == len(theirs) and len(apart) == 1 and _likeness(*apart[0]) >= CLOSE


def _likeness(one: str, other: str) -> float:
    """The share of letters that are the same; all of them for letters in another order."""
    if sorted(one) == sorted(other):
        return 1.0
    return difflib.SequenceMatcher(None, one, other).ratio()
