"""A mistake as people report it in public: a whole training program, wrong and repaired."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults.case import SPLITS
from benchmarks.faults.program import Observer, Trained


@dataclass(frozen=True)
class Report:
    """One mistake with its repaired twin; `run(observer, seed, repaired)` seeds everything and trains.

    The wrong program must stay below `Trained.learnt` and the repaired one must reach it, for the seeds 0, 1 and 2.

    Attributes:
        name: never changes; it decides the split.
        mistake: what is wrong in the program and what a user sees, in one or two sentences.
        repair: what the repaired twin does in its place, in one sentence.
        read_at: where this kind of mistake was read: the address of a thread, an issue or an answer.
        needs: packages beside torch, numpy and scikit-learn that must be installed.
        run: trains in the calling process.
    """

    name: str
    mistake: str
    repair: str
    read_at: str
    needs: tuple[str, ...]
    run: Callable[[Observer, int, bool], Trained]

    @property
    def split(self) -> str:
        """`development` or `held-out`, by a hash of the name."""
        return SPLITS[zlib.crc32(self.name.encode()) & 1]
