"""The sick problems of the fresh examination: faults put on its healthy ones.

A row is code, disguise, operator, the healthy twins, and how a FaultyCase differs from an ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.faults.blind_1.faulty.collapse import COLLAPSES
from benchmarks.faults.blind_1.faulty.data import DATA, Row
from benchmarks.faults.blind_1.faulty.held_out import HELD
from benchmarks.faults.blind_1.faulty.losses import LOSSES
from benchmarks.faults.blind_1.faulty.near_threshold import EDGES
from benchmarks.faults.blind_1.faulty.networks import NETWORKS
from benchmarks.faults.blind_1.faulty.optimisation import STEPS
from benchmarks.faults.blind_1.healthy.cases import FRESH
from benchmarks.faults.case import FaultyCase


def _admitted(row: Row) -> Iterator[FaultyCase]:
    code, disguise, operator, bases, words = row
    for twin in (problem for base in bases.split() for problem in FRESH if problem.name == base):
        named = replace(twin, name=f"{code}: {disguise} ({twin.name})", base=twin.name)
        yield FaultyCase(operator(named), twin, code, **words)


ROWS: tuple[Row, ...] = (*DATA, *LOSSES, *NETWORKS, *STEPS, *HELD, *COLLAPSES, *EDGES)
FRESH_SICK: tuple[FaultyCase, ...] = tuple(patient for row in ROWS for patient in _admitted(row))
