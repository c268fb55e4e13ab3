"""Sick problems, each made from a healthy one by an operator: the right cause is known.

A disguise is applied to several healthy problems, of both halves. What is `silent` is wrong without having
to show in the score; all else must do clearly worse than its healthy twin, and is dropped where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .operators import Row
from .problem import Problem
from .sick_held_out import SICK_HELD_OUT
from .sick_pipelines import PIPELINES
from .sick_trainings import TRAININGS
from .zoo import ZOO


@dataclass(frozen=True)
class Patient:
    """A sick problem, its healthy twin, and the cause; `also` are causes as right as the first."""

    problem: Problem
    twin: Problem
    code: str
    also: tuple[str, ...] = ()
    silent: bool = False

    @property
    def half(self) -> str:
        """The half of its healthy twin."""
        return self.twin.half


def _admitted(row: Row) -> Iterator[Patient]:
    code, disguise, operator, bases, words = row
    known = {problem.name: problem for problem in ZOO}
    for base in bases.split():
        twin = known[base]
        named = replace(twin, name=f"{code}: {disguise} ({base})", base=base)
        yield Patient(operator(named), twin, code, **words)


ROWS = (*PIPELINES, *TRAININGS, *SICK_HELD_OUT)
WARD: tuple[Patient, ...] = tuple(patient for row in ROWS for patient in _admitted(row))
