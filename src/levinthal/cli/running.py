"""`levinthal study run | report`: measure what is missing, judge, and draw."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from levinthal.cli.publish import publish, save_figures, save_markdown
from levinthal.cli.selection import STORE, Selected, Selection, selected
from levinthal.cli.study import StudyName
from levinthal.cli.terminal import Advance, clock, progress, stdout
from levinthal.errors import InputError

if TYPE_CHECKING:
    from levinthal.lab import Event, Executor, Summary

Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Parameter(help="Where networks are trained; auto takes a GPU if there is one."),
]
Workers = Annotated[int | None, Parameter(help="Processes; otherwise one a core, or one on a GPU.")]
Again = Annotated[
    bool,
    Parameter(help="Also measure the runs that were made before the code of `measure` changed.", negative=()),
]
Page = Annotated[
    Path | None,
    Parameter(
        help="The page to write; otherwise results/NAME-PRESET.html, with version, --set and --seeds "
        "in its name."
    ),
]
SHOWN_ERRORS = 5


def run(
    name: StudyName,
    /,
    *,
    selection: Selection | None = None,
    workers: Workers = None,
    device: Device = "auto",
    again: Again = False,
    output: Page = None,
) -> int:
    """Measure what the store lacks of a study, judge every claim, and write the report.

    A finished run is never computed again: after Ctrl-C the same command goes on where it stopped.
    Ends with 1 if some task failed (the others are stored, and failed ones are tried again next time).
    """
    from levinthal.lab import Store
    from levinthal.lab.execution.sweep import sweep

    chosen = selected(name, selection, need_data=True)
    where = resolved_device(device)
    pieces = chosen.planned if chosen.study.seed_by_seed else len(chosen.preset.tasks)
    executor = _executor(workers, where, pieces)
    page = writable(output or default_page(chosen))
    with closing(Store((selection or Selection()).store)) as store:
        with progress(chosen.study.name) as advance:
            listen = Listener(advance, executor.workers)
            summary = sweep(
                chosen.study,
                chosen.preset_name,
                store,
                executor=executor,
                device=where,
                data=chosen.data,
                again=again,
                on_event=listen,
            )
        print_summary(summary, store.path)
        if not summary.interrupted:
            publish(chosen, store, page, command=command(name, chosen, selection)).raise_faults()
    return summary.exit_code


def report(
    name: StudyName,
    /,
    *,
    selection: Selection | None = None,
    output: Page = None,
    svg: Annotated[Path | None, Parameter(help="Folder for the figures as SVG; needs chromium.")] = None,
    csv: Annotated[Path | None, Parameter(help="File for the rows as CSV.")] = None,
    markdown: Annotated[
        Path | None,
        Parameter(help="File for the verdicts as Markdown, with --svg's figures; as JSON beside it."),
    ] = None,
) -> int:
    """Judge and draw what the store holds of a study, finished or not. Nothing is measured."""
    from levinthal.lab import Store

    chosen = selected(name, selection, need_data=False)
    page = writable(output or default_page(chosen))
    for path in (csv, markdown):
        if path:
            _make_folder(path)
    with closing(Store((selection or Selection()).store, read_only=True)) as store:
        published = publish(chosen, store, page, command=command(name, chosen, selection))
    if csv:
        published.rows.to_csv(csv)
        stdout().print(f"rows: {csv}", soft_wrap=True)
    figures = save_figures(chosen.study, published.rows, svg) if svg else []
    if markdown:
        save_markdown(chosen, published, figures, markdown)
    published.raise_faults()
    return 0


def default_page(chosen: Selected) -> Path:
    """Where the report goes without --output: a page of its own for each version, --set and --seeds."""
    version = f"v{chosen.study.version}" if chosen.study.version > 1 else ""
    options = re.sub(r"[^\w.,+-]+", "-", "-".join(chosen.options).replace("--", ""))
    name = "-".join(filter(None, (chosen.study.name, chosen.preset_name, version, options)))
    return Path("results") / f"{name}.html"


def command(name: str, chosen: Selected, selection: Selection | None) -> str:
    """The command that makes the same page again: the study as it was named, and every option that counts.

    >>> command("my study.py", Selected(None, "quick", None, None, ("--seeds", "3")), None)
    "levinthal study run 'my study.py' --preset quick --seeds 3"
    """
    wanted = selection or Selection()
    words = ["levinthal", "study", "run", name, "--preset", chosen.preset_name, *chosen.options]
    if wanted.store != STORE:
        words += ["--store", str(wanted.store)]
    if wanted.data_dir is not None:
        words += ["--data-dir", str(wanted.data_dir)]
    return shlex.join(words)


def resolved_device(device: str) -> str:
    """The device to use; raises InputError for cuda where there is none. For the CPU torch is not asked."""
    if device == "cpu":
        return device
    from levinthal.training import choose_device

    return choose_device(device).type


def _executor(workers: int | None, device: str, tasks: int) -> Executor:
    from levinthal.lab import Inline, Processes

    count = min(_cores(), max(tasks, 1)) if workers is None else workers
    if workers is None and device == "cuda":
        count = 1
    return Inline() if count == 1 else Processes(count)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def writable(path: Path) -> Path:
    """Make the file's folder and return the path; raises InputError before hours are spent, not after.

    Permissions are not enough: a read-only disk and `/proc` refuse root too. So a file is made and removed.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path} is a device or a pipe: name the file to write")
    _make_folder(path)
    try:
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): name another file") from error
    return path


def _make_folder(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path.parent} ({error.strerror}): name another") from error


class Listener:
    """Turns the events of a sweep into the progress bar."""

    def __init__(self, advance: Advance, workers: int) -> None:
        self.advance, self.workers = advance, workers
        self.tasks = self.ended = 0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        from levinthal.lab import Failed, Finished, Planned, time_left

        if isinstance(event, Planned):
            self.tasks = event.tasks
            if event.tasks:
                self.advance(0, event.total_cost, f"0 of {event.tasks} tasks")
        elif isinstance(event, Finished | Failed):
            self.ended += 1
            left = time_left(event.done_cost, event.total_cost, event.busy, self.workers)
            note = f"{self.ended} of {self.tasks} tasks"
            note += f", {clock(left)} left" if left else ""
            self.advance(event.done_cost, event.total_cost, note)


def print_summary(summary: Summary, store: Path) -> None:
    """How the sweep went, in a line, and a line for each error."""
    for error in summary.errors[:SHOWN_ERRORS]:
        print(f"levinthal: failed: {error}", file=sys.stderr)
    if len(summary.errors) > SHOWN_ERRORS:
        print(f"levinthal: and {len(summary.errors) - SHOWN_ERRORS} more tasks failed", file=sys.stderr)
    if summary.interrupted:
        print("levinthal: interrupted; what is finished is stored, the same command goes on", file=sys.stderr)
    counts = f"{summary.done} runs measured in {clock(summary.seconds)}, {summary.skipped} were there"
    failed = f", {summary.failed} failed" if summary.failed else ""
    stdout().print(f"{counts}{failed} (store: {store})\n", soft_wrap=True, markup=False)
