"""The words of a page over disjoint blocks of seeds, of its own preset or of another one in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from levinthal.cli.selection import Selected
from levinthal.errors import DataError
from levinthal.vocabulary import Claim, Outcome, Verdict

if TYPE_CHECKING:
    from levinthal.lab import Rows, Store


def with_blocks(verdicts: Sequence[Verdict], chosen: Selected, store: Store) -> list[Verdict]:
    """The verdicts with the word of each over blocks of seeds, where a preset in the store has enough."""
    from levinthal.lab.judging.blocks import FEWEST_BLOCKS, seed_blocks

    for preset, rows in _candidates(chosen, store):
        if len(seed_blocks(rows.distinct("seed"))) >= FEWEST_BLOCKS:
            return [
                replace(one, blocks=blocks, blocks_from=preset if blocks else "")
                for one in verdicts
                for blocks in [_blocks(one.claim, rows)]
            ]
    return list(verdicts)


def _candidates(chosen: Selected, store: Store) -> Iterator[tuple[str, Rows]]:
    """The rows of the page's own preset, then those of the others with every seed that was run."""
    yield "", chosen.rows(store)
    runs = store.runs(chosen.study.name, version=chosen.study.version)
    seeds = tuple(sorted({run.seed for run in runs if run.status == "done"}))
    for name, preset in chosen.study.presets.items():
        if name != chosen.preset_name:
            tasks = tuple(replace(task, seeds=seeds) for task in preset.tasks)
            data = _data(preset.data, chosen.data_dir)
            if data is not None:
                yield (
                    name,
                    store.rows(
                        chosen.study.name,
                        version=chosen.study.version,
                        tasks=tasks,
                        data=data,
                        levels=chosen.cells,
                    ),
                )


def _data(name: str | None, folder: Path | None) -> str | None:
    """The checksum of a data set; empty where a preset has none, None where it is not on this machine."""
    from levinthal.data import load

    try:
        return load(name, data_dir=folder).checksum if name else ""
    except DataError:
        return None


def _blocks(claim: Claim, rows: Rows) -> tuple[Outcome, ...]:
    """The words over the blocks; none where the evidence cannot be computed, which the verdict says."""
    from levinthal.lab.execution.own_code import own_code
    from levinthal.lab.judging.blocks import block_outcomes

    try:
        with own_code():
            return block_outcomes(claim, rows)
    except Exception:  # a study's own code: its failure stands in the verdict's reasons
        return ()
