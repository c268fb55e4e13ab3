"""`levinthal store check | export | merge`: the file of finished runs, looked at, handed on, put together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.terminal import notice, stdout
from levinthal.cli.written_files import folder_option, store_option
from levinthal.errors import InputError
from levinthal.written_files import make_folder, new_file

if TYPE_CHECKING:
    from levinthal.lab.storage.merging import Merged

FORMS = (".csv", ".jsonl", "")
StoreFile = Annotated[Path, Parameter(help="The file of a store.", converter=store_option)]


def check(
    file: StoreFile,
    /,
    *,
    add_checksums: Annotated[
        bool,
        Parameter(
            help="Give each run of an older version a checksum. What it holds now is taken as right.",
            negative=(),
        ),
    ] = False,
) -> int:
    """Look for damage in a store: SQLite's own check, the checksum of every run, missing measurements.

    Each fault is a line, and the exit code is then 1. A store that is read is not changed.
    """
    from levinthal.lab import Store
    from levinthal.report.formatting import counted

    console = stdout()
    Store(file, read_only=True).close()  # one that is not there is refused, not made
    with closing(Store(file, read_only=not add_checksums)) as store:
        if add_checksums:
            console.print(f"{counted(store.add_checksums(), 'checksum')} added")
        found = store.checked()
    for line in (*found.faults, *found.notes):
        console.print(line, soft_wrap=True)
    if found.faults:
        _say(
            "",
            f"{file} has {counted(len(found.faults), 'fault')}: `levinthal store merge NEW {file}` copies "
            "what is sound, and `study run NAME --again` measures damaged runs again",
        )
        return 1
    held = f"{counted(found.runs, 'run')}, {counted(found.measurements, 'measurement')}"
    without = f"; {counted(found.unsealed, 'run')} without a checksum" if found.unsealed else ""
    console.print(f"{file} is sound: {held}{without}", soft_wrap=True)
    return 0


def export(
    file: StoreFile,
    to: Annotated[
        Path,
        Parameter(
            help="A new file that ends in .csv or .jsonl, or a new folder (a name without an ending).",
            converter=folder_option,
        ),
    ],
    /,
) -> int:
    """Write all that a store holds for other programs, whole or not at all. Nothing is overwritten.

    `.csv` has a line for each measurement, `.jsonl` one for each run, a folder a table for each kind of row.
    Damaged runs are left out and named, and the exit code is then 1.
    """
    from levinthal.lab import Store

    if to.suffix not in FORMS:
        raise InputError(f"cannot write {to}: name a file that ends in .csv or .jsonl, or a folder")
    if os.path.lexists(to):
        raise InputError(f"{to} exists already: name another file, or delete it")
    with closing(Store(file, read_only=True)) as store:
        found = store.texts(to.suffix)
        damage = store.damage
    if to.suffix:
        make_folder(to.parent)
        new_file(to, found[""])
    else:
        _write_folder(to, found)
    stdout().print(f"{file} is written to {to}", soft_wrap=True)
    return _say("", damage) if damage else 0


def _write_folder(to: Path, files: Mapping[str, str]) -> None:
    """A folder with its files, or none."""
    make_folder(to.parent)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as half:
        made = Path(half) / to.name
        made.mkdir()
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8")
        made.rename(to)


def merge(
    into: Annotated[
        Path, Parameter(help="The store that grows; it is made where there is none.", converter=store_option)
    ],
    /,
    *others: Annotated[
        Path, Parameter(help="The stores whose finished runs are added; they stay as they are.")
    ],
) -> int:
    """Add the finished runs of other stores, with the claims that were frozen for them, and the analyses.

    A run that both have is added once. Where its numbers differ, the first store keeps its own, the run is
    named, and the exit code is 1. Claims count as frozen before the first run only if no run that was merged
    is older than they are.
    """
    from levinthal.lab import Store
    from levinthal.report.formatting import counted

    if not others:
        raise InputError("nothing to merge: name the stores to add after the one that grows")
    for other in others:
        if os.path.exists(into) and os.path.exists(other) and os.path.samefile(into, other):
            raise InputError(f"{other} and {into} are the same file: name another store")
        Store(other, read_only=True).close()  # each is refused before anything is written
    code = 0
    with closing(Store(into)) as store:
        for path in others:
            with closing(Store(path, read_only=True)) as other_store:
                merged = store.merge(other_store)
            line = f"{path}: {counted(merged.added, 'run')} added, {merged.same} were there already"
            stdout().print(line, soft_wrap=True)
            code = max(code, _complaints(path, into, merged))
    return code


def _complaints(path: Path, into: Path, merged: Merged) -> int:
    for line in merged.conflicts:
        _say(path, f"{line}: the numbers of {into} stay")
    for damage in merged.damaged:
        _say(path, f"{damage}, and left out")
    return int(bool(merged.conflicts or merged.damaged))


def _say(where: str | Path, line: str) -> int:
    """A line that is no end; the exit code for it."""
    notice(f"{where}: {line}" if where else line)
    return 1
