"""What a command is about: the study, its preset, the seeds, the store and the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from levinthal.cli.data import DataDir
from levinthal.cli.narrowing import Address, address, with_first_seed, with_levels, with_seeds
from levinthal.cli.whole_numbers import whole_number
from levinthal.cli.written_files import store_option
from levinthal.errors import DataError, InputError, require_one_of
from levinthal.vocabulary import Cell, Preset, Study

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
        int | None,
        Parameter(
            help="Number of seeds for each cell, instead of the preset's own number.", converter=whole_number
        ),
    ] = None
    first_seed: Annotated[
        int,
        Parameter(
            help="The seeds N, N + 1, ... in place of 0, 1, ...: fresh seeds for a claim whose size was "
            "chosen after results.",
            converter=whole_number,
        ),
    ] = 0
    set: Annotated[
        tuple[str, ...],
        Parameter(
            help="Only these levels of a factor: `width=64`, or `width=64,256`. Repeat it for more factors.",
            negative=(),
        ),
    ] = ()
    store: Annotated[
        Path, Parameter(help="The file that stores every finished run.", converter=store_option)
    ] = STORE
    data_dir: DataDir = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A study with the chosen preset, and its data where they are needed and here.

    `options` are the words of the command line that made the preset another one than the study's own;
    `cells` are those of all presets of the study; `defined` is the study as its file defines it; `first_seed`
    was added to every seed; `data_dir` is where data sets are looked for.
    """

    study: Study
    preset_name: str
    preset: Preset
    data: Dataset | None
    options: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    defined: Study | None = None
    first_seed: int = 0
    data_dir: Path | None = None

    @property
    def checksum(self) -> str | None:
        """That of the data; empty where the preset has none, None where they are not on this machine."""
        return self.data.checksum if self.data else "" if self.preset.data is None else None

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
        found = [
            run
            for run in store.runs(self.study.name, version=self.study.version)
            if run.status == "done"
            and (address(run.cell), run.seed) in wanted
            and self.checksum in (None, run.data)
        ]
        return list({run.id: run for run in found}.values())

    def rows(self, store: Store) -> Rows:
        """The rows of the preset that the store holds; they refuse a misspelt key, level or measurement."""
        from levinthal.lab.execution.source import measure_words

        return store.rows(
            self.study.name,
            version=self.study.version,
            tasks=self.preset.tasks,
            data=self.checksum,
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
    return Selected(
        study, preset_name, preset, data, options, cells, defined, wanted.first_seed, wanted.data_dir
    )


def _options(wanted: Selection) -> tuple[str, ...]:
    """The words that narrow a preset or change its seeds, in a fixed order."""
    levels = [word for assignment in wanted.set for word in ("--set", assignment)]
    seeds = () if wanted.seeds is None else ("--seeds", str(wanted.seeds))
    first = ("--first-seed", str(wanted.first_seed)) if wanted.first_seed else ()
    return (*levels, *seeds, *first)


def preset_named(study: Study, wanted: str | None) -> str:
    """The name of a preset; the first where none is wanted. Raises InputError for an unknown one."""
    if not study.presets:
        raise InputError(f"{study.name} has no presets, so there is nothing to run: give it one")
    return (
        require_one_of("preset", wanted, study.presets) if wanted is not None else next(iter(study.presets))
    )


def _runs(preset: Preset) -> set[tuple[Address, int]]:
    return {(address(task.cell), seed) for task in preset.tasks for seed in task.seeds}
