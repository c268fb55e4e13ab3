"""What a command is about: the study, its preset, the seeds, the store and the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.data import DataDir
from levinthal.errors import DataError, InputError, require_one_of
from levinthal.vocabulary import Cell, Preset, Study, Task

if TYPE_CHECKING:
    from levinthal.lab import Rows, Run, Store
    from levinthal.vocabulary import Dataset

STORE = Path("results/levinthal.sqlite")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a study that is meant, and where its numbers and its data are."""

    preset: Annotated[
        str | None,
        Parameter(help="The size of the study, as `study show` lists them. Without it: the first one."),
    ] = None
    seeds: Annotated[
        int | None, Parameter(help="Number of seeds for each cell, instead of the preset's own number.")
    ] = None
    first_seed: Annotated[
        int,
        Parameter(
            help="The seeds N, N + 1, ... in place of 0, 1, ...: fresh seeds for a claim whose size was "
            "chosen after results."
        ),
    ] = 0
    set: Annotated[
        tuple[str, ...],
        Parameter(
            help="Only these levels of a factor: `width=64`, or `width=64,256`. Repeat it for more factors.",
            negative=(),
        ),
    ] = ()
    store: Annotated[Path, Parameter(help="The file that stores every finished run.")] = STORE
    data_dir: DataDir = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A study with the chosen preset, and its data where they are needed and here.

    `options` are the words of the command line that made the preset another one than the study's own;
    `cells` are those of all presets of the study; `defined` is the study as its file defines it; `first_seed`
    was added to every seed.
    """

    study: Study
    preset_name: str
    preset: Preset
    data: Dataset | None
    options: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    defined: Study | None = None
    first_seed: int = 0

    @property
    def planned(self) -> int:
        """How many runs the preset asks for."""
        return len(_runs(self.preset))

    @property
    def part(self) -> str:
        """Which share of the preset was chosen by --set and --seeds; empty for the whole preset.

        A preset with fresh seeds is whole where it has as many as its own.
        """
        own = self.defined.presets[self.preset_name] if self.defined else self.preset
        shift = self.first_seed if self.defined else 0
        whole, chosen = _runs(with_first_seed(own, shift)), _runs(self.preset)
        left_out = whole - chosen
        if not left_out:
            return ""
        there = len(whole) - len(left_out)
        return f"{there} of the preset's {len(whole)} runs, by {' '.join(self.options)}"

    def finished(self, store: Store) -> list[Run]:
        """The newest finished run of each cell and seed of the preset, oldest first."""
        wanted = _runs(self.preset)
        checksum = self.data.checksum if self.data else None
        found = [
            run
            for run in store.runs(self.study.name, version=self.study.version)
            if run.status == "done"
            and (tuple(sorted(run.cell.items())), run.seed) in wanted
            and checksum in (None, run.data)
        ]
        return list({run.id: run for run in found}.values())

    def rows(self, store: Store) -> Rows:
        """The rows of the preset that the store holds; they refuse a misspelt key, level or measurement."""
        from levinthal.lab.execution.source import measure_words

        checksum = self.data.checksum if self.data else "" if self.preset.data is None else None
        return store.rows(
            self.study.name,
            version=self.study.version,
            tasks=self.preset.tasks,
            data=checksum,
            levels=self.cells,
            written=measure_words(self.study.measure),
        )


def selected(name: str, selection: Selection | None, *, need_data: bool) -> Selected:
    """Find what was named; raises a LevinthalError that names what is unknown or missing.

    Without `need_data`, data that are not on this machine are left out: a report needs only their checksum.
    """
    from levinthal.data import load
    from levinthal.studies import find

    wanted = selection or Selection()
    study = find(name)
    preset_name = preset_named(study, wanted.preset)
    preset = study.presets[preset_name]
    defined, own, cells = (
        study,
        preset,
        tuple(task.cell for one in study.presets.values() for task in one.tasks),
    )
    for assignment in wanted.set:
        preset = with_levels(preset, assignment, cells)
    if wanted.seeds is not None:
        preset = with_seeds(preset, wanted.seeds)
    preset = with_first_seed(preset, wanted.first_seed)
    if preset != own:
        study = replace(study, presets={**study.presets, preset_name: preset})
    try:
        data = load(preset.data, data_dir=wanted.data_dir) if preset.data else None
    except DataError:
        if need_data:
            raise
        data = None
    options = _options(wanted) if preset != own else ()
    return Selected(study, preset_name, preset, data, options, cells, defined, wanted.first_seed)


def _options(wanted: Selection) -> tuple[str, ...]:
    """The words that narrow a preset or change its seeds, in a fixed order."""
    levels = [word for assignment in wanted.set for word in ("--set", assignment)]
    seeds = () if wanted.seeds is None else ("--seeds", str(wanted.seeds))
    first = ("--first-seed", str(wanted.first_seed)) if wanted.first_seed else ()
    return (*levels, *seeds, *first)


def with_levels(preset: Preset, assignment: str, cells: Iterable[Cell] = ()) -> Preset:
    """The preset's tasks whose cell has one of the levels of `factor=level,level`.

    >>> preset = Preset("", None, (Task({"width": 20}, (0,)), Task({"width": 50}, (0,))))
    >>> [task.cell for task in with_levels(preset, "width=50").tasks]
    [{'width': 50}]

    Raises:
        InputError: a factor or level that the preset does not have, naming the nearest; or no task is left.
    """
    factor, equals, text = assignment.partition("=")
    if not equals or not text:
        raise InputError(f"--set is '{assignment}': write it as factor=level, or factor=level,level")
    require_one_of("factor", factor, sorted({key for cell in (*cells, *_cells(preset)) for key in cell}))
    levels = {str(cell[factor]) for cell in _cells(preset) if factor in cell}
    wanted = {require_one_of(factor, level, sorted(levels)) for level in _listed(text, levels)}
    tasks = tuple(task for task in preset.tasks if str(task.cell.get(factor)) in wanted)
    if not tasks:
        raise InputError(f"--set {assignment} leaves no task of the preset: give another level")
    return replace(preset, tasks=tasks)


def _listed(text: str, levels: Collection[str]) -> Iterator[str]:
    """The levels in `level,level`; a level may itself have commas, and the longest that fits is taken."""
    words = text.split(",")
    while words:
        ends = range(len(words), 0, -1)
        end = next((end for end in ends if ",".join(words[:end]) in levels), 1)
        yield ",".join(words[:end])
        del words[:end]


def _cells(preset: Preset) -> list[Cell]:
    return [task.cell for task in preset.tasks]


def preset_named(study: Study, wanted: str | None) -> str:
    """The name of a preset; the first where none is wanted. Raises InputError for an unknown one."""
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


def with_first_seed(preset: Preset, first: int) -> Preset:
    """The preset with `first` added to every seed; each task keeps its own number of seeds.

    >>> preset = Preset("", None, (Task({"width": 20}, (0, 1)), Task({"width": 50}, (0, 1, 2))))
    >>> [task.seeds for task in with_first_seed(preset, 8).tasks]
    [(8, 9), (8, 9, 10)]
    """
    if first < 0:
        raise InputError(f"--first-seed is {first}: seeds are 0 or more")
    shifted = (replace(task, seeds=tuple(seed + first for seed in task.seeds)) for task in preset.tasks)
    return replace(preset, tasks=tuple(shifted))


def _resized(tasks: list[Task], count: int) -> list[Task]:
    """The tasks of one cell, cut to `count` seeds or followed by one task with the seeds that lack."""
    own = list(dict.fromkeys(seed for task in tasks for seed in task.seeds))
    more = range(max(own, default=-1) + 1, max(own, default=-1) + 1 + max(count - len(own), 0))
    chosen = set(own[:count])
    parts = [(task, tuple(seed for seed in task.seeds if seed in chosen)) for task in tasks]
    parts.append((tasks[-1], tuple(more)))
    return [
        replace(task, seeds=seeds, cost=task.cost * len(seeds) / max(len(task.seeds), 1))
        for task, seeds in parts
        if seeds
    ]


def _runs(preset: Preset) -> set[tuple[tuple[tuple[str, object], ...], int]]:
    return {(_address(task), seed) for task in preset.tasks for seed in task.seeds}


def _address(task: Task) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(task.cell.items()))
