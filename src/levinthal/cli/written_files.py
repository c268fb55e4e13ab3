"""Options that name a file or a folder that is written: what may be said, before the command begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cyclopts import Token

from levinthal.errors import StoreError
from levinthal.written_files import named_file, named_path, store_path


def file_option(kind: type, tokens: Sequence[Token]) -> Path:
    """The path of an option that names a file, for `Parameter(converter=...)`.

    Args:
        kind: the type of the option.
        tokens: the words that were given; the last one counts.

    Returns:
        The path.

    Raises:
        StoreError: it is empty, ends in a slash, is an address... (not an InputError, to which as a
            ValueError the parser would add its own words).
    """
    del kind
    return named_file(tokens[-1].value, StoreError)


def store_option(kind: type, tokens: Sequence[Token]) -> Path:
    """The path of a store, for `Parameter(converter=...)`.

    Args:
        kind: the type of the option.
        tokens: the words that were given; the last one counts.

    Returns:
        The path.

    Raises:
        StoreError: no store can be there: a device, a folder, `:memory:`...
    """
    del kind
    return store_path(tokens[-1].value)


def folder_option(kind: type, tokens: Sequence[Token]) -> Path:
    """The path of an option that names a folder, for `Parameter(converter=...)`.

    Args:
        kind: the type of the option.
        tokens: the words that were given; the last one counts.

    Returns:
        The path.

    Raises:
        StoreError: it is empty, an address, the home of nobody, or has control characters.
    """
    del kind
    return named_path(tokens[-1].value, StoreError)
