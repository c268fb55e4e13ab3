"""A preset made another one by options: some levels of a factor, another number of seeds, fresh seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from levinthal.cli.whole_numbers import bounded
from levinthal.errors import InputError, require_one_of
from levinthal.vocabulary import Cell, Preset, Task
from levinthal.vocabulary.studies import LARGEST_SEED

MOST_SEEDS = 100_000
"""The most seeds that one cell may have on the command line."""

Address = tuple[tuple[str, object], ...]
"""The factors of a cell with their levels, by name."""


def address(cell: Cell) -> Address:
    """The address of a cell: equal for equal cells, whatever the order of their factors.

    >>> address({"width": 20, "depth": 2})
    (('depth', 2), ('width', 20))
    """
    return tuple(sorted(cell.items()))


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


def with_seeds(preset: Preset, count: int) -> Preset:
    """The preset with `count` seeds in every cell: its first ones, or its own and the numbers after them.

    >>> preset = Preset("", None, (Task({"width": 20}, (0, 1)), Task({"width": 50}, (0, 1, 2))))
    >>> [task.seeds for task in with_seeds(preset, 3).tasks]
    [(0, 1), (2,), (0, 1, 2)]
    """
    bounded("--seeds", count, 1, MOST_SEEDS)
    cells: dict[Address, list[Task]] = defaultdict(list)
    for task in preset.tasks:
        cells[address(task.cell)].append(task)
    return replace(preset, tasks=tuple(task for cell in cells.values() for task in _resized(cell, count)))


def with_first_seed(preset: Preset, first: int) -> Preset:
    """The preset with `first` added to every seed; each task keeps its own number of seeds.

    >>> preset = Preset("", None, (Task({"width": 20}, (0, 1)), Task({"width": 50}, (0, 1, 2))))
    >>> [task.seeds for task in with_first_seed(preset, 8).tasks]
    [(8, 9), (8, 9, 10)]
    """
    own = max((seed for task in preset.tasks for seed in task.seeds), default=0)
    why = f"the preset's largest seed is {own}, and no seed may be above {LARGEST_SEED}"
    bounded("--first-seed", first, 0, LARGEST_SEED - own, why)
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
