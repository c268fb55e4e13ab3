"""The folders that may hold data on this machine, in the order of the search.

First the given folder (`--data-dir`), then LEVINTHAL_DATA, then the user's cache. In each of them the data
set's own folder comes first (`mnist/`, or torchvision's `MNIST/raw/`), then the folder itself.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levinthal.data.sources import SOURCES, Source, SourceFile
from levinthal.errors import DataError, InputError

VARIABLE = "LEVINTHAL_DATA"
MISSING = "which does not exist"


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that holds a data set, and the path of each of its files."""

    folder: Path
    paths: Mapping[SourceFile, Path]


def user_cache() -> Path:
    """This user's cache folder of levinthal, by the convention of the platform."""
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "levinthal" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "levinthal"
    named = os.environ.get("XDG_CACHE_HOME", "")
    # XDG specification: a path that is not absolute is ignored.
    return (Path(named) if Path(named).is_absolute() else home / ".cache") / "levinthal"


def roots(data_dir: Path | str | None) -> list[Path]:
    """The folders to search, in order. A named folder that is none is a DataError."""
    given = []
    for label, named in _named(data_dir):
        folder = _expanded(label, named)
        _refuse(label, folder, _fault(folder))
        given.append(folder)
    return [*given, user_cache()]


def destination(data_dir: Path | str | None) -> Path:
    """The folder under which a download is stored: the first of `roots`, whether it exists or not."""
    return next((_expanded(label, named) for label, named in _named(data_dir)), user_cache())


def usable_destination(data_dir: Path | str | None) -> Path:
    """The same, which must be a folder or one that can be made.

    Raises:
        DataError: something else has its name.
    """
    folder = destination(data_dir)
    label = next((label for label, _ in _named(data_dir)), "the cache of data sets")
    fault = _fault(folder)
    _refuse(label, folder, "" if fault == MISSING else fault)
    return folder


def _named(data_dir: Path | str | None) -> list[tuple[str, Path | str]]:
    """The folders that were named, each with the words for it."""
    named = [("the data folder", data_dir), (VARIABLE, os.environ.get(VARIABLE))]
    return [(label, value) for label, value in named if value]


def _expanded(label: str, folder: Path | str) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise InputError(f"{label} is a path or a text; got a {type(folder).__name__}")
    path = Path(os.path.expanduser(folder))
    if path.parts[:1] and path.parts[0].startswith("~"):
        _refuse(label, path, f"which begins with {path.parts[0]}, and there is no such user")
    if "\0" in str(path):
        raise InputError(f"{label} is {str(path)!a}: no path holds the character 0")
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        odd = str(path)[error.start]
        raise InputError(f"{label} is {str(path)!a}: no path holds the character {odd!a}") from error
    return path


def _fault(folder: Path) -> str:
    """Why it is no folder; empty where it is one."""
    try:
        mode = os.stat(folder).st_mode
    except FileNotFoundError:
        return "which is a link to nothing" if os.path.islink(folder) else MISSING
    except OSError as error:
        return f"which cannot be used ({error.strerror or error})"
    if stat.S_ISDIR(mode):
        return ""
    return f"which is a {'file' if stat.S_ISREG(mode) else 'pipe or a device'}, not a folder"


def _refuse(label: str, folder: Path, fault: str) -> None:
    if fault:
        raise DataError(
            f"{label} points to {folder}, {fault}: create it, or name the folder that holds the data"
        )


def locate(source: Source, data_dir: Path | str | None) -> Found | None:
    """The first folder that holds all four files of `source`, or None if no folder holds any of them.

    Raises:
        DataError: a folder holds some of the files, and no folder holds all.
    """
    incomplete = None
    for folder in candidates(source, data_dir):
        paths = present(source, folder)
        if len(paths) == len(source.files()):
            return Found(folder, paths)
        if paths and incomplete is None:
            incomplete = Found(folder, paths)
    if incomplete is not None:
        raise DataError(_what_lacks(source, incomplete))
    return None


def _what_lacks(source: Source, found: Found) -> str:
    missing = [file.name for file in source.files() if file not in found.paths]
    return (
        f"{source.name} in {found.folder} is incomplete: {len(found.paths)} of {len(source.files())} files, "
        f"{', '.join(missing)} missing: get them with `levinthal data get {source.name}`"
    )


def candidates(source: Source, data_dir: Path | str | None) -> list[Path]:
    """Every folder that may hold `source`, the likeliest first."""
    folders = []
    for root in roots(data_dir):
        folders += [root / name for name in source.folders]
        if _may_be_its_own_folder(root, source):
            folders.append(root)
    return folders


def _may_be_its_own_folder(root: Path, source: Source) -> bool:
    # All data sets of the family have the same file names. Files directly in `root` count as `source`'s
    # only if neither the folder's name nor a sibling folder suggests another data set.
    others = {other.name for other in SOURCES.values()} - {source.name}
    names = [name for other in SOURCES.values() for name in other.folders]
    return root.name not in others and not any(os.path.isdir(root / name) for name in names)


def present(source: Source, folder: Path) -> dict[SourceFile, Path]:
    """The files of `source` in `folder`, plain before gzip, under either of the usual names."""
    found = {}
    for file in source.files():
        spellings = (file.name, file.name.replace("-idx", ".idx"))
        paths = [folder / f"{spelling}{suffix}" for suffix in ("", ".gz") for spelling in spellings]
        path = next((path for path in paths if os.path.isfile(path)), None)
        if path is not None:
            found[file] = path
    return found
