"""The faulty cases of the own suite: each is a healthy case with one injected fault, so the cause is known.

A variant of a fault is applied to several healthy cases, of both splits. A `silent` fault is wrong without having
to show in the score. Every other faulty case must score clearly below its healthy baseline; a run that does not
is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.faults.case import FaultyCase
from benchmarks.faults.inject import Row
from benchmarks.faults.own.faulty.held_out import FAULTY_HELD_OUT
from benchmarks.faults.own.faulty.pipeline import PIPELINES
from benchmarks.faults.own.faulty.training import TRAININGS
from benchmarks.faults.own.healthy.cases import HEALTHY


def _cases_of(row: Row) -> Iterator[FaultyCase]:
    code, variant, operator, bases, fields = row
    known = {case.name: case for case in HEALTHY}
    for base in bases.split():
        baseline = known[base]
        named = replace(baseline, name=f"{code}: {variant} ({base})", base=base)
        yield FaultyCase(operator(named), baseline, code, **fields)


ROWS = (*PIPELINES, *TRAININGS, *FAULTY_HELD_OUT)
FAULTY: tuple[FaultyCase, ...] = tuple(case for row in ROWS for case in _cases_of(row))
