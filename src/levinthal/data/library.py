"""The data sets by name: what there is, where it is, how it gets here, and the arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levinthal.data.digits import ABOUT, load_digits
from levinthal.data.download import Progress, download
from levinthal.data.family import load_family
from levinthal.data.places import destination, locate, roots
from levinthal.data.sources import SOURCES
from levinthal.errors import DataError, InputError, require_one_of
from levinthal.vocabulary import Dataset

State = Literal["embedded", "here", "incomplete", "not here"]
EMBEDDED: dict[str, tuple[str, str, Callable[[], Dataset]]] = {"digits": (ABOUT, "scikit-learn", load_digits)}
"""Data sets that need no download: one line about each, the package that holds it, its loader."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of `levinthal data list`. `where`: the package, the folder, or the command that gets it."""

    name: str
    about: str
    state: State
    where: str


def names() -> list[str]:
    """The names that `load` knows.

    >>> {"digits", "mnist"} <= set(names())
    True
    """
    return list(catalogue())


def catalogue() -> dict[str, str]:
    """Each data set with one line about it."""
    embedded = {name: about for name, (about, _, _) in EMBEDDED.items()}
    return embedded | {name: source.about for name, source in SOURCES.items()}


def load(name: str, *, data_dir: Path | str | None = None) -> Dataset:
    """The data set `name`: inputs float32 (n, d) in [0, 1], labels int64 (n,), and its checksum.

    `digits` is embedded. The others are looked for in `data_dir`, then LEVINTHAL_DATA, then the user's
    cache. Raises InputError for an unknown name and DataError for data that is missing or damaged.

    >>> digits = load("digits")
    >>> digits.train_inputs.shape, digits.test_inputs.shape
    ((1197, 64), (600, 64))
    """
    if require_one_of("data set", name, names()) in EMBEDDED:
        return EMBEDDED[name][2]()
    source = SOURCES[name]
    found = locate(source, data_dir)
    if found is None:
        looked = ", ".join(str(root) for root in roots(data_dir))
        raise DataError(
            f"{name} is not here (looked in {looked}): get it with `levinthal data get {name}`, "
            "or point --data-dir or LEVINTHAL_DATA at it"
        )
    return load_family(source, found.paths)


def describe(*, data_dir: Path | str | None = None) -> list[Entry]:
    """Where each data set is now. Raises DataError if a folder is named that is not there."""
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
    """Download `name` into `data_dir` (else LEVINTHAL_DATA, else the user's cache); its folder.

    Files that are there and right are kept; a broken download is taken up where it stopped. With
    `base_url`, from there and not from the known mirrors. `on_progress(file, bytes_done, bytes_total)`
    is called as bytes arrive; the total is None where the server does not say.
    """
    if require_one_of("data set", name, names()) in EMBEDDED:
        raise InputError(
            f"{name} comes with {EMBEDDED[name][1]}: there is nothing to get, `load('{name}')` just works"
        )
    source = SOURCES[name]
    folder = destination(data_dir) / name
    mirrors = (base_url,) if base_url else source.mirrors
    for file in source.files():
        download(file, folder, mirrors=mirrors, on_progress=on_progress)
    return folder
