"""The sick problems of the fresh examination: faults put on its healthy ones.

A row is code, disguise, operator, the healthy twins, and how a Patient differs from an ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .fresh_healthy import FRESH
from .fresh_sick_collapse import COLLAPSES
from .fresh_sick_data import DATA, Row
from .fresh_sick_edge import EDGES
from .fresh_sick_held import HELD
from .fresh_sick_losses import LOSSES
from .fresh_sick_networks import NETWORKS
from .fresh_sick_steps import STEPS
from .ward import Patient


def _admitted(row: Row) -> Iterator[Patient]:
    code, disguise, operator, bases, words = row
    for twin in (problem for base in bases.split() for problem in FRESH if problem.name == base):
        named = replace(twin, name=f"{code}: {disguise} ({twin.name})", base=twin.name)
        yield Patient(operator(named), twin, code, **words)


ROWS: tuple[Row, ...] = (*DATA, *LOSSES, *NETWORKS, *STEPS, *HELD, *COLLAPSES, *EDGES)
FRESH_SICK: tuple[Patient, ...] = tuple(patient for row in ROWS for patient in _admitted(row))
