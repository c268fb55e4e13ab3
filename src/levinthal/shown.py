"""Text as it may be shown: names, messages and arguments of others, without what changes a terminal.

A layer, a study or an exception can be called anything. Control characters move the cursor or change the
title of the window, and bidirectional ones change the order of the letters around them.
"""

from __future__ import annotations

import json
import re
import warnings

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control, bidirectional and invisible characters; joiners stay, which scripts and emoji are written with."""
_HIDDEN_IN_JSON = re.compile(f"{_HIDDEN.pattern[:-1]}\u2028\u2029\ud800-\udfff]")
_SEQUENCE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)|[ -/]*[0-~])"
)
"""An escape sequence of a terminal: colours, cursor, title, links."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("[ \t]*(?:\r\n|[\r\n\u2028\u2029\x85\x0b\x0c])[ \t]*")

LONGEST = 2_000
"""A line of an error is cut in its middle beyond so many characters."""


def plain(text: str) -> str:
    r"""Text without escape sequences, control characters and bidirectional characters; line ends stay.

    Args:
        text: any text.

    Returns:
        The text; a lone surrogate, which no file can hold, has become U+FFFD.

    >>> plain("\x1b[31mred\x1b[0m \x1b]0;title\x07name\x08\u202e.py")
    'red name.py'
    >>> plain("two\nlines\tand \ud800") == "two\nlines\tand \ufffd"
    True
    """
    if text.isascii() and text.isprintable():
        return text
    text = re.sub("\r\n?|\x85|\u2028|\u2029", "\n", _SEQUENCE.sub("", text))
    return _SURROGATE.sub("\ufffd", _HIDDEN.sub("", text))


def escaped_in_json(text: str) -> str:
    r"""JSON whose texts hold no hidden character and no half of a pair as it stands; the values are the same.

    Args:
        text: JSON.

    Returns:
        The JSON, with escapes in their place.

    >>> escaped_in_json('"gpj\u202etxt"')
    '"gpj\\u202etxt"'
    """
    return _HIDDEN_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def hidden_in(text: str) -> str:
    r"""The first character that a name in one line cannot have: an end of a line or a tab as well.

    Args:
        text: any text.

    Returns:
        The character, or nothing.

    >>> hidden_in("a name"), hidden_in("a\tname")
    ('', '\t')
    """
    found = re.search("[\t\n\r\u2028\u2029]", text) or _HIDDEN.search(text) or _SURROGATE.search(text)
    return found[0] if found else ""


def one_line(text: str, longest: int = LONGEST) -> str:
    r"""Text as one line, as `plain` has it; a longer one is cut in its middle.

    Args:
        text: any text.
        longest: the most characters that are shown.

    Returns:
        The line.

    >>> one_line("size mismatch:\n  got 3")
    'size mismatch: got 3'
    >>> one_line("a" * 50, longest=20)
    'aaaaaaa ... aaaaaaaa'
    """
    line = plain(_LINE_ENDS.sub(" ", text)).strip()
    if len(line) <= longest:
        return line
    kept = longest - 5
    return f"{line[: kept // 2]} ... {line[-(kept - kept // 2) :]}"


def warning_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    r"""A Python warning as one line that may be shown, in the form of `warnings.formatwarning`.

    Args:
        message: what is said.
        category: the kind of warning.
        filename: the file that warns.
        lineno: its line.
        line: the text of that line; it is left out.

    Returns:
        The line, with its end.

    >>> warning_line("two\n\x1b[31mlines", UserWarning, "train.py", 7)
    'train.py:7: UserWarning: two lines\n'
    """
    del line
    return f"{one_line(filename)}:{lineno}: {category.__name__}: {one_line(str(message))}\n"


def show_warnings_in_one_line() -> None:
    """Let Python show each warning as `warning_line` has it, in this process."""
    warnings.formatwarning = warning_line
