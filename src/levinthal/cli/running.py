"""`levinthal study run | report`: measure what is missing, judge, and draw."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from levinthal.cli.publish import beside, publish, save_figures, save_markdown
from levinthal.cli.register import Registered, registered_for
from levinthal.cli.selection import STORE, Selected, Selection, selected
from levinthal.cli.study import StudyName
from levinthal.cli.sweeping import Listener, print_summary
from levinthal.cli.terminal import progress, stdout
from levinthal.cli.whole_numbers import bounded, whole_number
from levinthal.cli.written_files import file_option, folder_option
from levinthal.errors import StoreError
from levinthal.written_files import make_folder, plain_name, require_apart, writable
from levinthal.written_files.kinds import MARKDOWN, PAGE, REGISTERED, RESULT

if TYPE_CHECKING:
    from levinthal.lab import Executor, Store

MOST_WORKERS = 64
"""The most worker processes on a machine of up to 8 cores; on larger ones 8 for each core."""
LONGEST_PAGE = 200
"""The most bytes in the name of a page; file systems allow 255, and files beside it have longer endings."""

Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Parameter(help="The device that trains the networks. `auto` takes a GPU if there is one."),
]
Workers = Annotated[
    int | None,
    Parameter(
        help="Number of processes. Without it: one for each core, or one on a GPU.", converter=whole_number
    ),
]
Again = Annotated[
    bool,
    Parameter(
        help="Measure again the runs that were made before the code of `measure` changed.", negative=()
    ),
]
Page = Annotated[
    Path | None,
    Parameter(
        help="The HTML file to write. Without it: results/NAME-PRESET.html; version, --set, --seeds and "
        "--first-seed are added to the name.",
        converter=file_option,
    ),
]


def run(
    name: StudyName,
    /,
    *,
    selection: Selection | None = None,
    workers: Workers = None,
    device: Device = "auto",
    again: Again = False,
    registered: Registered = None,
    output: Page = None,
) -> int:
    """Measure the runs of a study that the store does not have, judge every claim, and write the report.

    A finished run is never computed again: after Ctrl-C the same command continues where it stopped.
    The exit code is 1 if a task failed. The others are stored; the next call tries the failed ones again.
    It is 1 too if the evidence of a claim, a figure or the answer failed: the page has the rest.
    """
    from levinthal.lab import Store
    from levinthal.lab.execution.sweep import sweep

    chosen = selected(name, selection, need_data=True)
    where = resolved_device(device)
    pieces = chosen.planned if chosen.study.seed_by_seed else len(chosen.preset.tasks)
    executor = _executor(workers, where, pieces)
    page = writable(output or default_page(chosen), PAGE)
    require_apart({**_stored(selection), "--output": page})
    claims = registered_for(chosen, registered)
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
                defined=chosen.defined,
                on_event=listen,
            )
        print_summary(summary, store.path)
        if not summary.interrupted:
            words = command(name, chosen, selection, registered)
            published = publish(chosen, store, page, command=words, registered=claims)
            return published.exit_code() or summary.exit_code
    return summary.exit_code


def report(
    name: StudyName,
    /,
    *,
    selection: Selection | None = None,
    registered: Registered = None,
    output: Page = None,
    svg: Annotated[
        Path | None,
        Parameter(help="A folder for the figures as SVG files. It needs chromium.", converter=folder_option),
    ] = None,
    csv: Annotated[
        Path | None,
        Parameter(
            help="A file for the rows, as CSV; packed where its name ends in `.gz`.", converter=file_option
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        Parameter(
            help="A file for the verdicts, as Markdown, with the figures of --svg; JSON beside it.",
            converter=file_option,
        ),
    ] = None,
) -> int:
    """Write the report from the runs that the store has, also of an unfinished study. It measures nothing.

    The store counts how often a claim was judged on different data.
    """
    chosen = selected(name, selection, need_data=False)
    page = writable(output or default_page(chosen), PAGE)
    claims = registered_for(chosen, registered)
    require_apart({**_stored(selection), "--output": page, "--csv": csv, "--svg": svg, **beside(markdown)})
    _require_writable(csv, markdown, svg)
    with closing(_store_to_judge((selection or Selection()).store)) as store:
        words = command(name, chosen, selection, registered)
        published = publish(chosen, store, page, command=words, registered=claims)
    if csv:
        published.rows.to_csv(csv)
        stdout().print(f"rows: {csv}", soft_wrap=True)
    figures = save_figures(chosen.study, published.rows, svg) if svg else []
    if markdown:
        save_markdown(chosen, published, figures, markdown)
    return published.exit_code()


def _stored(selection: Selection | None) -> dict[str, Path]:
    """The files of a store by what they are called: its log stands beside it while it is open."""
    path = (selection or Selection()).store
    return {"--store": path, **{f"the {end} of --store": Path(f"{path}-{end}") for end in ("wal", "shm")}}


def _require_writable(csv: Path | None, markdown: Path | None, svg: Path | None) -> None:
    """Refuse what cannot be written, before the page is made."""
    from levinthal.lab.storage.csv_files import kind_of

    if csv:
        writable(csv, kind_of(csv))
    for path, kind in zip(beside(markdown).values(), (MARKDOWN, RESULT, REGISTERED), strict=False):
        writable(path, kind)
    if svg:
        make_folder(svg)


def _store_to_judge(path: Path) -> Store:
    """A store that counts analyses; one that may not be written is read as it is."""
    from levinthal.lab import Store

    Store(path, read_only=True).close()  # a store that is not there, or not one, is refused here
    try:
        return Store(path)
    except StoreError:
        return Store(path, read_only=True)


def default_page(chosen: Selected) -> Path:
    """Where the report goes without --output: a page of its own for each version and each choice of runs."""
    version = f"v{chosen.study.version}" if chosen.study.version > 1 else ""
    options = re.sub(r"[^\w.,+-]+", "-", "-".join(chosen.options).replace("--", ""))
    study, preset = plain_name("study", chosen.study.name), plain_name("preset", chosen.preset_name)
    return Path("results") / f"{_shortened('-'.join(filter(None, (study, preset, version, options))))}.html"


def _shortened(name: str) -> str:
    """A name that a file can have: of a long one the end is replaced by its hash."""
    held = name.encode()
    if len(held) <= LONGEST_PAGE:
        return name
    return f"{held[: LONGEST_PAGE - 13].decode(errors='ignore')}-{sha256(held).hexdigest()[:12]}"


def command(name: str, chosen: Selected, selection: Selection | None, registered: Path | None = None) -> str:
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
    if registered is not None:
        words += ["--registered", str(registered)]
    return shlex.join(words)


def resolved_device(device: str) -> str:
    """The device to use; raises InputError for cuda where there is none. For the CPU torch is not asked."""
    if device == "cpu":
        return device
    from levinthal.training import choose_device

    return choose_device(device).type


def _executor(workers: int | None, device: str, tasks: int) -> Executor:
    from levinthal.lab import Inline, Processes

    most = max(MOST_WORKERS, 8 * _cores())
    wanted = _cores() if workers is None else bounded("--workers", workers, 1, most)
    count = min(wanted, max(tasks, 1)) if workers is None else wanted
    if workers is None and device == "cuda":
        count = 1
    return Inline() if count == 1 else Processes(count)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
