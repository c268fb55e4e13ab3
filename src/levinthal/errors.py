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

LONGEST = 100
"""Letters of a misspelt name that are compared and shown."""


class LevinthalError(Exception):
    """Base of every error raised on purpose; its text is one line."""


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
    near = difflib.get_close_matches(name[:LONGEST], names, n=1, cutoff=0.5)
    name = "".join(c if c.isprintable() else "?" for c in name[:LONGEST])
    hint = f"did you mean '{near[0]}'? " if near else "known: "
    raise InputError(f"unknown {kind} '{name}': {hint}({', '.join(names)})")
