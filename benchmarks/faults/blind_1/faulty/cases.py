"""The faulty cases of the first blind suite: faults injected into its healthy cases.

A row is code, variant, operator, the healthy baselines, and how a FaultyCase differs from an ordinary one.
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
from benchmarks.faults.blind_1.healthy.cases import HEALTHY
from benchmarks.faults.case import FaultyCase


def _cases_of(row: Row) -> Iterator[FaultyCase]:
    code, variant, operator, bases, fields = row
    for baseline in (case for base in bases.split() for case in HEALTHY if case.name == base):
        named = replace(baseline, name=f"{code}: {variant} ({baseline.name})", base=baseline.name)
        yield FaultyCase(operator(named), baseline, code, **fields)


ROWS: tuple[Row, ...] = (*DATA, *LOSSES, *NETWORKS, *STEPS, *HELD, *COLLAPSES, *EDGES)
FAULTY: tuple[FaultyCase, ...] = tuple(case for row in ROWS for case in _cases_of(row))
