"""Sick problems, each made from a healthy one by an operator: the right cause is known.

A disguise is applied to several healthy problems, of both halves. What is `silent` is wrong without having
to show in the score; all else must do clearly worse than its healthy twin, and is dropped where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.faults.case import FaultyCase
from benchmarks.faults.inject import Row
from benchmarks.faults.own.faulty.held_out import SICK_HELD_OUT
from benchmarks.faults.own.faulty.pipeline import PIPELINES
from benchmarks.faults.own.faulty.training import TRAININGS
from benchmarks.faults.own.healthy.mixed import ZOO


def _admitted(row: Row) -> Iterator[FaultyCase]:
    code, disguise, operator, bases, words = row
    known = {problem.name: problem for problem in ZOO}
    for base in bases.split():
        twin = known[base]
        named = replace(twin, name=f"{code}: {disguise} ({base})", base=base)
        yield FaultyCase(operator(named), twin, code, **words)


ROWS = (*PIPELINES, *TRAININGS, *SICK_HELD_OUT)
WARD: tuple[FaultyCase, ...] = tuple(patient for row in ROWS for patient in _admitted(row))
