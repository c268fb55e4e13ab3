"""Names of files: what a path of the user may be, and what a name must be to become that of a file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from levinthal.errors import InputError, LevinthalError
from levinthal.shown import hidden_in

LONGEST_NAME = 100
"""The most bytes of the name of a study, a preset or a figure; a file name has several of them."""
_NOT_PLAIN = re.compile(r'[/\\:*?"<>|]')
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
"""Names of devices on Windows, with any ending."""


def shown(path: str | Path) -> str:
    """A path for a message: as it is, or its end where it is long.

    Args:
        path: the path.

    Returns:
        At most 120 characters.
    """
    text = os.fspath(path)
    return text if len(text) <= 120 else f"...{text[-100:]}"


def named_file(text: str | Path, error: type[LevinthalError] = InputError) -> Path:
    """The path of a file that a text names, with `~` resolved. A text may end in a slash, a Path cannot.

    Args:
        text: the path as it was given.
        error: the class of the errors.

    Returns:
        The path; nothing is looked up but the home of a user.

    Raises:
        LevinthalError: as `error`: the text is empty, an address or a folder, has control characters, or
            names the home of nobody.
    """
    if isinstance(text, str) and re.search(r"(^|[/\\])\.{1,2}$|[/\\]$", text):
        raise error(f"{shown(text)} is a folder: name the file to write")
    return named_path(text, error)


def named_path(text: str | Path, error: type[LevinthalError] = InputError) -> Path:
    """The path of a file or a folder that a text names, with `~` resolved.

    Args:
        text: the path as it was given.
        error: the class of the errors.

    Returns:
        The path; nothing is looked up but the home of a user.

    Raises:
        LevinthalError: as `error`: the text is empty, an address, has control characters, or names the home
            of nobody.
    """
    given = os.fspath(text)
    if not given.strip():
        raise error(f"the path {given!r} is empty: name a place to write to")
    if hidden_in(given):
        raise error(f"the path {shown(given)!r} has characters that cannot be shown: give one without them")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://?", given):
        raise error(f"{shown(given)} is an address: name a place on this machine")
    path = Path(os.path.expanduser(given))
    if given.startswith("~") and str(path).startswith("~"):
        raise error(f"there is no user {path.parts[0]}: write ./{shown(given)} for a file of that name")
    return path


def plain_name(kind: str, text: object) -> str:
    """Check a name that becomes the name of a file: of a study, a preset or a figure.

    Args:
        kind: what it names, for the message: "preset".
        text: the name.

    Returns:
        The name.

    Raises:
        InputError: it is no text, is empty or too long, climbs out of the folder, is hidden, or is the name
            of a device.

    >>> plain_name("preset", "quick")
    'quick'
    >>> plain_name("figure", "../x")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: figure '../x' has '/', which no file name may have: use letters, digits and -
    """
    way_out = "use letters, digits and -"
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{kind} {text!r} is no name for a file: {way_out}")
    if (size := len(text.encode(errors="replace"))) > LONGEST_NAME:
        raise InputError(f"{kind} {text[:20]!r}... has {size} bytes: give it at most {LONGEST_NAME}")
    if found := hidden_in(text) or "".join(_NOT_PLAIN.findall(text)[:1]):
        raise InputError(f"{kind} {text!r} has {found!r}, which no file name may have: {way_out}")
    if text[0] in ".-~ " or text[-1] in ". " or text.partition(".")[0].strip().upper() in _RESERVED:
        raise InputError(f"{kind} {text!r} is a special name for files: {way_out}")
    return text
