"""What a command is about: the study, its preset, the seeds, the store and the data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.data import DataDir
from levinthal.errors import DataError, InputError, require_one_of
from levinthal.vocabulary import Preset, Study, Task

if TYPE_CHECKING:
    from levinthal.lab import Rows, Run, Store
    from levinthal.vocabulary import Dataset

STORE = Path("results/levinthal.sqlite")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a study that is meant, and where its numbers and its data are."""

    preset: Annotated[
        str | None, Parameter(help="Size of the study, as `study show` lists them; otherwise the first one.")
    ] = None
    seeds: Annotated[int | None, Parameter(help="Seeds a cell, in place of the preset's own number.")] = None
    store: Annotated[Path, Parameter(help="The file that keeps every finished run.")] = STORE
    data_dir: DataDir = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A study with the chosen preset, and its data where they are needed and here."""

    study: Study
    preset_name: str
    preset: Preset
    data: Dataset | None

    @property
    def planned(self) -> int:
        """How many runs the preset asks for."""
        return len({(_address(task), seed) for task in self.preset.tasks for seed in task.seeds})

    def finished(self, store: Store) -> list[Run]:
        """The runs of the preset that are done, oldest first."""
        wanted = {(_address(task), seed) for task in self.preset.tasks for seed in task.seeds}
        checksum = self.data.checksum if self.data else None
        return [
            run
            for run in store.runs(self.study.name, version=self.study.version)
            if run.status == "done"
            and (tuple(sorted(run.cell.items())), run.seed) in wanted
            and checksum in (None, run.data)
        ]

    def rows(self, store: Store) -> Rows:
        """The rows of the preset that the store holds."""
        checksum = self.data.checksum if self.data else "" if self.preset.data is None else None
        return store.rows(self.study.name, version=self.study.version, tasks=self.preset.tasks, data=checksum)


def selected(name: str, selection: Selection | None, *, need_data: bool) -> Selected:
    """Find what was named; raises a LevinthalError that names what is unknown or missing.

    Without `need_data`, data that are not on this machine are left out: a report needs only their checksum.
    """
    from levinthal.data import load
    from levinthal.studies import find

    wanted = selection or Selection()
    study = find(name)
    preset_name = _preset_name(study, wanted.preset)
    preset = study.presets[preset_name]
    if wanted.seeds is not None:
        preset = with_seeds(preset, wanted.seeds)
        study = replace(study, presets={**study.presets, preset_name: preset})
    try:
        data = load(preset.data, data_dir=wanted.data_dir) if preset.data else None
    except DataError:
        if need_data:
            raise
        data = None
    return Selected(study, preset_name, preset, data)


def _preset_name(study: Study, wanted: str | None) -> str:
    if not study.presets:
        raise InputError(f"{study.name} has no presets, so there is nothing to run: give it one")
    return (
        require_one_of("preset", wanted, study.presets) if wanted is not None else next(iter(study.presets))
    )


def with_seeds(preset: Preset, count: int) -> Preset:
    """The preset with `count` seeds in every cell: its first ones, or its own and the numbers after them.

    >>> preset = Preset("", None, (Task({"width": 20}, (0, 1)), Task({"width": 50}, (0, 1, 2))))
    >>> [task.seeds for task in with_seeds(preset, 3).tasks]
    [(0, 1), (2,), (0, 1, 2)]
    """
    if count < 1:
        raise InputError(f"--seeds is {count}: at least 1 seed a cell is needed")
    cells: dict[tuple[tuple[str, object], ...], list[Task]] = defaultdict(list)
    for task in preset.tasks:
        cells[_address(task)].append(task)
    return replace(preset, tasks=tuple(task for cell in cells.values() for task in _resized(cell, count)))


def _resized(tasks: list[Task], count: int) -> list[Task]:
    """The tasks of one cell, cut to `count` seeds or followed by one task with the seeds that lack."""
    own = list(dict.fromkeys(seed for task in tasks for seed in task.seeds))
    more = range(max(own, default=-1) + 1, max(own, default=-1) + 1 + max(count - len(own), 0))
    kept = set(own[:count])
    parts = [(task, tuple(seed for seed in task.seeds if seed in kept)) for task in tasks]
    parts.append((tasks[-1], tuple(more)))
    return [
        replace(task, seeds=seeds, cost=task.cost * len(seeds) / max(len(task.seeds), 1))
        for task, seeds in parts
        if seeds
    ]


def _address(task: Task) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(task.cell.items()))
