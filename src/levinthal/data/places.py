"""Where data may lie on this machine, in the order in which it is looked for.

The folder given (`--data-dir`), then LEVINTHAL_DATA, then the user's cache; in each of them first the
data set's own folder (`mnist/`, or torchvision's `MNIST/raw/`), then the folder itself.
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
    """A folder that holds a data set: for each of its files, where it lies."""

    folder: Path
    paths: Mapping[SourceFile, Path]


def user_cache() -> Path:
    """This user's cache folder of levinthal, by the custom of the platform."""
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "levinthal" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "levinthal"
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a path that is not absolute is to be ignored.
    return (Path(named) if Path(named).is_absolute() else home / ".cache") / "levinthal"


def roots(data_dir: Path | str | None) -> list[Path]:
    """The folders to look in, first one first. One that is named and not there is a DataError."""
    named = [("the data folder", data_dir), (VARIABLE, os.environ.get(VARIABLE))]
    given = [_existing(label, _expanded(value)) for label, value in named if value]
    return [*given, user_cache()]


def destination(data_dir: Path | str | None) -> Path:
    """The folder under which a download is put: the first of `roots`, there or not."""
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
    """The first folder that holds all four files of `source`, or None when no file of it is anywhere.

    Raises DataError for a folder that holds only some of them, when no other holds all.
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
        f"without {', '.join(missing)}: get them with `levinthal data get {source.name}`"
    )


def candidates(source: Source, data_dir: Path | str | None) -> list[Path]:
    """Every folder in which `source` may lie, the likeliest first."""
    folders = []
    for root in roots(data_dir):
        folders += [root / name for name in source.folders]
        if _may_be_its_own_folder(root, source):
            folders.append(root)
    return folders


def _may_be_its_own_folder(root: Path, source: Source) -> bool:
    # The family shares its file names: files lying loose are taken for `source` only where no sign
    # (the folder's name, a sibling folder of the family) says that they may be another's.
    others = {other.name for other in SOURCES.values()} - {source.name}
    names = [name for other in SOURCES.values() for name in other.folders]
    return root.name not in others and not any(os.path.isdir(root / name) for name in names)


def present(source: Source, folder: Path) -> dict[SourceFile, Path]:
    """The files of `source` in `folder`, plain before gzip, each in either of its usual spellings."""
    found = {}
    for file in source.files():
        spellings = (file.name, file.name.replace("-idx", ".idx"))
        paths = [folder / f"{spelling}{suffix}" for suffix in ("", ".gz") for spelling in spellings]
        path = next((path for path in paths if os.path.isfile(path)), None)
        if path is not None:
            found[file] = path
    return found
