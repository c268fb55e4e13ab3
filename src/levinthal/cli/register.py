"""`levinthal study register`: the claims of a study in a file, before it is run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.narrowing import address
from levinthal.cli.selection import STORE, preset_named
from levinthal.cli.study import StudyName
from levinthal.cli.terminal import stdout
from levinthal.cli.written_files import file_option, store_option
from levinthal.errors import InputError
from levinthal.written_files import plain_name, require_apart, writable, write_whole
from levinthal.written_files.kinds import REGISTERED

if TYPE_CHECKING:
    from levinthal.cli.selection import Selected
    from levinthal.lab.storage.claims import Frozen
    from levinthal.vocabulary import Study

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
        Path | None,
        Parameter(help="The file to write; otherwise NAME-PRESET.registered.json.", converter=file_option),
    ] = None,
    store: Annotated[
        Path,
        Parameter(
            help="The file that stores finished runs: those of the preset are counted.",
            converter=store_option,
        ),
    ] = STORE,
) -> None:
    """Write the claims of a study to a file, to commit or send before the study is run.

    The file has each claim with its smallest effect size, its control and a hash of the code of its evidence,
    the tasks of the preset, versions, the time, the number of finished runs, and a hash over all of it.
    Nothing is measured. A file that registers other claims is not overwritten.
    """
    from levinthal.lab.execution.freezing import frozen_now
    from levinthal.lab.storage.registered import file_text
    from levinthal.report.formatting import counted
    from levinthal.studies import find

    study = find(name)
    chosen = preset_named(study, preset)
    default = Path(f"{study.name}-{plain_name('preset', chosen)}.registered.json")
    path = writable(output or default, REGISTERED)
    require_apart({"--store": store, "--output": path})
    time = datetime.now(UTC).isoformat(timespec="seconds")
    now = replace(frozen_now(study, chosen), time=time, finished=_finished(study, chosen, store))
    if registers(path, now):
        stdout().print(f"{path} registers these claims already; it stays as it is.", soft_wrap=True)
        return
    write_whole(path, file_text(now), REGISTERED)
    claims = counted(len(now.claims), "claim")
    stdout().print(f"{path}: {claims} registered (hash {now.hash[:12]}).", soft_wrap=True)
    stdout().print(_advice(now.finished, store), soft_wrap=True)


def _finished(study: Study, preset: str, path: Path) -> int | None:
    """How many runs of the preset's cells a store has, of any seed; None where there is no store."""
    from levinthal.lab import Store

    if not path.exists():
        return None
    cells = {address(task.cell) for task in study.presets[preset].tasks}
    with closing(Store(path, read_only=True)) as store:
        runs = store.runs(study.name, version=study.version)
    return len({run.id for run in runs if run.status == "done" and address(run.cell) in cells})


def _advice(finished: int | None, store: Path) -> str:
    from levinthal.report.formatting import counted

    if finished is None:
        return f"No store was looked at (there is none at {store}). Commit the file before you run the study."
    if not finished:
        return "Commit it or send it before you run the study."
    are = "is" if finished == 1 else "are"
    return f"{counted(finished, 'run')} of it {are} finished in {store}: the claims come after the first run."


def registers(path: Path, now: Frozen) -> bool:
    """Whether a file registers these claims already; raises InputError where it registers others."""
    from levinthal.lab.judging.changes import changes, dropped, plan_changes
    from levinthal.lab.storage.registered import from_file

    if not path.exists() or not path.stat().st_size:
        return False
    before = from_file(path)
    named = (before.study, before.version, before.preset) == (now.study, now.version, now.preset)
    if not named or changes(before, now) or dropped(before, now) or plan_changes(before, now):
        raise InputError(f"{path} registers other claims: name another file, or move it away")
    return True


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
