"""The folders that may hold data on this machine, in the order of the search.

First the given folder (`--data-dir`), then LEVINTHAL_DATA, then the user's cache. In each of them the data
set's own folder comes first (`mnist/`, or torchvision's `MNIST/raw/`), then the folder itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levinthal.data.sources import SOURCES, Source, SourceFile
from levinthal.errors import DataError

VARIABLE = "LEVINTHAL_DATA"


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
    """The folders to search, in order. A named folder that does not exist is a DataError."""
    named = [("the data folder", data_dir), (VARIABLE, os.environ.get(VARIABLE))]
    given = [_existing(label, _expanded(value)) for label, value in named if value]
    return [*given, user_cache()]


def destination(data_dir: Path | str | None) -> Path:
    """The folder under which a download is stored: the first of `roots`, whether it exists or not."""
    named = data_dir or os.environ.get(VARIABLE)
    return _expanded(named) if named else user_cache()


def _expanded(folder: Path | str) -> Path:
    return Path(os.path.expanduser(folder))


def _existing(label: str, folder: Path) -> Path:
    if os.path.isdir(folder):
        return folder
    what = "is a file, not a folder" if os.path.isfile(folder) else "does not exist"
    raise DataError(
        f"{label} points to {folder}, which {what}: create it, or name the folder that holds the data"
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
