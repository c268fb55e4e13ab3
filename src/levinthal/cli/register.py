"""`levinthal study register`: the claims of a study in a file, before it is run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.selection import preset_named
from levinthal.cli.study import StudyName
from levinthal.cli.terminal import stdout
from levinthal.errors import InputError

if TYPE_CHECKING:
    from levinthal.cli.selection import Selected
    from levinthal.lab.storage.claims import Frozen

Registered = Annotated[
    Path | None,
    Parameter(help="A file of `study register`: the page says which claims are not as registered there."),
]


def register(
    name: StudyName,
    /,
    *,
    preset: Annotated[
        str | None, Parameter(help="Size of the study, as `study show` lists them; otherwise the first one.")
    ] = None,
    output: Annotated[
        Path | None, Parameter(help="The file to write; otherwise NAME-PRESET.registered.json.")
    ] = None,
) -> None:
    """Write the claims of a study to a file, to commit or send before the study is run.

    The file has each claim with its smallest effect size, its control and a hash of the code of its evidence,
    the tasks of the preset, versions, the time, and a hash over all of it. Nothing is measured. A file that
    registers other claims is not overwritten.
    """
    from levinthal.lab.execution.freezing import frozen_now
    from levinthal.lab.storage.registered import file_text
    from levinthal.report.formatting import counted
    from levinthal.report.page import write_whole
    from levinthal.studies import find

    study = find(name)
    chosen = preset_named(study, preset)
    path = output or Path(f"{study.name}-{chosen}.registered.json")
    now = replace(frozen_now(study, chosen), time=datetime.now(UTC).isoformat(timespec="seconds"))
    if path.exists():
        _require_same(path, now)
        stdout().print(f"{path} registers these claims already; it stays as it is.", soft_wrap=True)
        return
    write_whole(path, file_text(now))
    claims = counted(len(now.claims), "claim")
    stdout().print(f"{path}: {claims} registered (hash {now.hash[:12]}).", soft_wrap=True)
    stdout().print("Commit it or send it before you run the study.", soft_wrap=True)


def _require_same(path: Path, now: Frozen) -> None:
    from levinthal.lab.judging.changes import changes, dropped, plan_changes
    from levinthal.lab.storage.registered import from_file

    if path.is_dir():
        raise InputError(f"{path} is a folder: name the file to write")
    before = from_file(path)
    named = (before.study, before.version, before.preset) == (now.study, now.version, now.preset)
    if not named or changes(before, now) or dropped(before, now) or plan_changes(before, now):
        raise InputError(f"{path} registers other claims: name another file with --output")


def registered_for(chosen: Selected, path: Path | None) -> Frozen | None:
    """The claims in a file of `study register`; raises InputError for a file of another study or preset."""
    from levinthal.lab.storage.registered import from_file

    if path is None:
        return None
    found = from_file(path)
    for what, theirs, ours in (
        ("study", found.study, chosen.study.name),
        ("version", found.version, chosen.study.version),
        ("preset", found.preset, chosen.preset_name),
    ):
        if theirs != ours:
            raise InputError(f"{path} registers {what} {theirs}; this is {what} {ours}: pass its own file")
    return found
