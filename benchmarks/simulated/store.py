"""The counts of every cell in one file, named by what was measured: a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.simulated import judged, noises, studies
from benchmarks.simulated.cells import Cell
from benchmarks.simulated.judged import CHUNK, Counts, counted

from levinthal.lab.judging import verdicts

WORDS_ONLY = ("__init__.py", "reasons.py", "trends.py", "expected.py", "blocks.py", "changes.py")
"""Files beside the judge that decide nothing."""


def fingerprint() -> str:
    """Of the judge's source and of the simulation's: counts of two judges are never mixed."""
    folder = Path(verdicts.__file__).parent
    sources = [path for path in sorted(folder.glob("*.py")) if path.name not in WORDS_ONLY]
    sources += [Path(str(module.__file__)) for module in (noises, studies, judged)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]


class Store:
    """Counts by cell, on disk after every cell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.counts = {key: Counter(counts) for key, counts in known.get("cells", {}).items()}

    def of(self, cell: Cell) -> Counts:
        """The counts of a cell; empty where it has not run."""
        return self.counts.get(cell.key, Counter())

    def add(self, cell: Cell, counts: Counts) -> None:
        """Add counts and write the file, whole or not at all."""
        total = Counter(self.of(cell))
        total.update(counts)
        self.counts[cell.key] = total
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:
            file.write(packed(self.counts))
        os.replace(file.name, self.path)


def packed(cells: dict[str, Counts]) -> str:
    """The file: one line a cell."""
    lines = [f"{json.dumps(key)}: {json.dumps(dict(sorted(c.items())))}" for key, c in sorted(cells.items())]
    body = ",\n".join(lines)
    head = f'"seed": {judged.ROOT_SEED}, "chunk": {CHUNK}, "cells"'
    return f"{{{head}: {{\n{body}\n}}}}\n"


def missing(cell: Cell, counts: Counts, draws: int) -> list[tuple[Cell, int, int]]:
    """The chunks that a cell lacks to have its draws."""
    wanted = max(round(draws * cell.weight / CHUNK), 1)
    return [(cell, CHUNK, chunk) for chunk in range(counts["studies"] // CHUNK, wanted)]


def one(task: tuple[Cell, int, int]) -> Counts:
    """The counts of one chunk."""
    return counted(*task)


def measure(
    cells: Iterable[Cell], store: Store, draws: int, workers: int, say: Callable[[str], object]
) -> None:
    """Give every cell the draws it lacks."""
    tasks = {cell: missing(cell, store.of(cell), draws) for cell in cells}
    lacking = {cell: chunks for cell, chunks in tasks.items() if chunks}
    say(f"{len(tasks) - len(lacking)} of {len(tasks)} cells are measured already")
    with ProcessPoolExecutor(workers) if workers > 1 else _Here() as pool:
        for number, (cell, chunks) in enumerate(lacking.items(), 1):
            counts = Counts()
            for more in pool.map(one, chunks):
                counts.update(more)
            store.add(cell, counts)
            say(f"{number}/{len(lacking)} {cell.key}")


class _Here:
    """The pool of one process: this one."""

    map = staticmethod(map)

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_: object) -> None:
        return None
