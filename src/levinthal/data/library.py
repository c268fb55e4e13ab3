"""The data sets by name: which exist, where they are, how to download them, and their arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levinthal.data.digits import ABOUT, load_digits
from levinthal.data.download import Progress, download
from levinthal.data.family import load_family
from levinthal.data.mirrors import checked_address
from levinthal.data.places import locate, roots, usable_destination
from levinthal.data.sources import SOURCES
from levinthal.errors import DataError, InputError, require_one_of
from levinthal.vocabulary import Dataset

State = Literal["embedded", "here", "incomplete", "not here"]
EMBEDDED: dict[str, tuple[str, str, Callable[[], Dataset]]] = {"digits": (ABOUT, "scikit-learn", load_digits)}
"""Data sets that need no download: one line about each, the package that holds it, its loader."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of `levinthal data list`.

    Attributes:
        name: the name that `load` takes.
        about: number of images, their size, number of classes and authors.
        state: "embedded" (part of a package), "here" (on this machine), "incomplete" (some files are missing)
            or "not here".
        where: the package, the folder, or the command that downloads it.
    """

    name: str
    about: str
    state: State
    where: str


def names() -> list[str]:
    """The names that `load` takes.

    Returns:
        The names, the embedded data set first.

    >>> {"digits", "mnist"} <= set(names())
    True
    """
    return list(catalogue())


def catalogue() -> dict[str, str]:
    """Each data set with one line about it.

    Returns:
        Name -> number of images, their size, number of classes and authors.

    >>> catalogue()["mnist"]
    '70,000 handwritten digits, 28 x 28, 10 classes (LeCun, Cortes, Burges)'
    """
    embedded = {name: about for name, (about, _, _) in EMBEDDED.items()}
    return embedded | {name: source.about for name, source in SOURCES.items()}


def load(name: str, *, data_dir: Path | str | None = None) -> Dataset:
    """Load a data set by name, and check it.

    `digits` is embedded. The others are searched in `data_dir`, then LEVINTHAL_DATA, then the user's cache.

    Args:
        name: one of `names()`.
        data_dir: a folder to search first.

    Returns:
        A Dataset: inputs float32 (n, d) in [0, 1], labels int64 (n,), each for training and test, and a
        checksum (SHA-256 of the uncompressed bytes).

    Raises:
        InputError: the name is unknown.
        DataError: the data are missing or damaged.

    >>> digits = load("digits")
    >>> digits.train_inputs.shape, digits.test_inputs.shape
    ((1197, 64), (600, 64))
    """
    if _known(name) in EMBEDDED:
        return EMBEDDED[name][2]()
    source = SOURCES[name]
    found = locate(source, data_dir)
    if found is None:
        looked = ", ".join(str(root) for root in roots(data_dir))
        raise DataError(
            f"{name} is not on this machine (searched {looked}): get it with `levinthal data get {name}`, "
            "or point --data-dir or LEVINTHAL_DATA at it"
        )
    return load_family(source, found.paths)


def _known(name: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"a data set is named by a text; got a {type(name).__name__}: {', '.join(names())}")
    return require_one_of("data set", name, names())


def describe(*, data_dir: Path | str | None = None) -> list[Entry]:
    """Report which data sets are on this machine, and where.

    Args:
        data_dir: a folder to search first.

    Returns:
        One Entry for each data set, in the order of `names()`.

    Raises:
        DataError: `data_dir` or LEVINTHAL_DATA names a folder that does not exist.

    >>> describe()[0].state
    'embedded'
    """
    roots(data_dir)
    return [_entry(name, about, data_dir) for name, about in catalogue().items()]


def _entry(name: str, about: str, data_dir: Path | str | None) -> Entry:
    if name in EMBEDDED:
        return Entry(name, about, "embedded", EMBEDDED[name][1])
    command = f"levinthal data get {name}"
    try:
        found = locate(SOURCES[name], data_dir)
    except DataError:
        return Entry(name, about, "incomplete", command)
    return Entry(name, about, "here", str(found.folder)) if found else Entry(name, about, "not here", command)


def get(
    name: str,
    *,
    data_dir: Path | str | None = None,
    base_url: str | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """Download a data set, check it against its published checksums, and store it.

    Files that are present and right are not downloaded again. An interrupted download resumes.

    Args:
        name: one of `names()`, except the embedded "digits".
        data_dir: the folder to store it under; else LEVINTHAL_DATA, else the user's cache.
        base_url: the https address of a server to download from, in the place of the known mirrors; http
            on this machine alone.
        on_progress: called as `on_progress(file, bytes_done, bytes_total)` when bytes arrive. The total is
            None if the server does not give it.

    Returns:
        The folder that holds the files.

    Raises:
        InputError: the name is unknown, the data set is embedded, or `base_url` is no https address.
        DataError: no mirror serves the published content, the disk refuses, or a file of that name with
            another content exists.

    >>> get("digits")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: digits is part of scikit-learn: use load('digits'), no download is needed
    """
    if _known(name) in EMBEDDED:
        raise InputError(f"{name} is part of {EMBEDDED[name][1]}: use load('{name}'), no download is needed")
    source = SOURCES[name]
    mirrors = source.mirrors if base_url is None else (checked_address(base_url),)
    folder = usable_destination(data_dir) / name
    for file in source.files():
        download(file, folder, mirrors=mirrors, on_progress=on_progress)
    return folder
