"""Every error that a user can meet, and its message of one line.

    LevinthalError              anything we raise on purpose: one line, exit code 2
    ├── InputError              arrays, factors or options that disagree (also a ValueError)
    │   └── UnknownFactorError  a factor, level, measurement or condition that nothing has
    ├── DataError               a data set that is missing, truncated, corrupted or of another program
    ├── StoreError              a store that cannot be read, written, or is not ours
    └── StudyError              a study that is unknown, or whose own code failed

A message names the two things that disagree and the way out:
"k=5 neighbours need at least 6 rows; got 4: lower k or pass more samples".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from levinthal.shown import one_line, plain

LONGEST_NAME = 100
"""Letters of a misspelt name that are compared and shown."""
LONGEST_MESSAGE = 300
"""Letters of an exception's message that are shown."""


class LevinthalError(Exception):
    """Base of every error raised on purpose; its text is one line that a terminal may show."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class InputError(LevinthalError, ValueError):
    """Arguments that disagree with each other or with what is possible."""


class UnknownFactorError(InputError):
    """A factor, a level, a measurement or a condition that nothing has: most often a misspelt one."""


class DataError(LevinthalError):
    """A data set that is missing, truncated, corrupted, or not what its name says."""


class StoreError(LevinthalError):
    """A store that cannot be read or written, or that is not ours to write."""


class StudyError(LevinthalError):
    """A study that is unknown, or whose own code failed."""


def said_by(error: BaseException) -> str:
    """Kind and message of an exception that a user's code raised, as one line for a terminal.

    Args:
        error: the exception.

    Returns:
        "ValueError: no way", without control characters and not longer than a few lines. An error of ours
        says its message only; one that ends a program says how to go on.

    >>> said_by(ValueError("no way\\nat all"))
    'ValueError: no way'
    >>> said_by(SystemExit(0))
    'SystemExit (exit code 0): leave out sys.exit, exit and quit'
    """
    kind = type(error).__name__
    if isinstance(error, SystemExit):
        return f"{kind} ({_exit_code(error)}): leave out sys.exit, exit and quit"
    try:
        text = next(iter(plain(str(error)).strip().splitlines()), "") or "no message"
    except Exception:  # a message is made by the user's code too
        text = "its message cannot be read"
    text = one_line(text, LONGEST_MESSAGE)
    return text if isinstance(error, LevinthalError) else f"{kind}: {text}"


def _exit_code(error: SystemExit) -> str:
    code = error.code
    is_text = not (code is None or isinstance(code, int))
    return one_line(str(code), LONGEST_MESSAGE) if is_text else f"exit code {code or 0}"


def require_one_of(kind: str, name: str, allowed: Iterable[str]) -> str:
    """Check that a name is one of those allowed.

    Args:
        kind: what the name names, for the message: "preset".
        name: the name that was given.
        allowed: the names that exist.

    Returns:
        `name`.

    Raises:
        InputError: it is not allowed, or no text; the message has the nearest name and all others.

    >>> require_one_of("preset", "quick", ["quick", "standard"])
    'quick'
    >>> require_one_of("preset", "quik", ["quick", "standard"])
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: unknown preset 'quik': did you mean 'quick'? (quick, standard)
    """
    names = list(allowed)
    if not isinstance(name, str):
        raise InputError(f"the {kind} is of type {type(name).__name__}: pass one of ({', '.join(names)})")
    if name in names:
        return name
    near = difflib.get_close_matches(name[:LONGEST_NAME], names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else "known: "
    raise InputError(f"unknown {kind} '{one_line(name, LONGEST_NAME)}': {hint}({', '.join(names)})")
