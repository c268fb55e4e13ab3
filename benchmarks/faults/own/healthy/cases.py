"""The healthy cases of the own suite: the watch must report nothing on them, however unusual they are."""

from __future__ import annotations

from benchmarks.faults.case import TrainingCase
from benchmarks.faults.own.healthy.added_relatives import RELATIVES
from benchmarks.faults.own.healthy.classifiers import CLASSIFIERS
from benchmarks.faults.own.healthy.loops import UNUSUAL
from benchmarks.faults.own.healthy.mixed import CONVOLUTIONS, REGRESSIONS, SEQUENCES
from benchmarks.faults.own.healthy.validation import HELD_OUT

HEALTHY: tuple[TrainingCase, ...] = (
    *(*CLASSIFIERS, *UNUSUAL, *RELATIVES, *CONVOLUTIONS, *SEQUENCES, *REGRESSIONS),
    *HELD_OUT,
)
