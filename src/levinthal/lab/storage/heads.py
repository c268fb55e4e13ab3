"""The rows of the table of runs, as far as they are as they were stored, and which of them count."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from levinthal.errors import InputError
from levinthal.lab.storage import integrity
from levinthal.lab.storage.integrity import Damage
from levinthal.lab.storage.runs import SOURCE, Run, Status, run_id
from levinthal.vocabulary import Task


@dataclass(frozen=True, slots=True)
class Head:
    """A row of the table of runs, as it is stored; `body` is the checksum of its measurements."""

    number: int
    id: str
    study: str
    version: int
    cell: str
    seed: int
    data: str
    status: str
    error: str
    environment: str
    started: str
    duration: float
    rows: int
    body: str | None

    @property
    def name(self) -> str:
        """The id without the number of the attempt."""
        return self.id.partition("/")[0]

    @property
    def source(self) -> str:
        """The hash of the code that measured it."""
        return source_of(self.environment)

    def run(self) -> Run:
        """The run as others know it."""
        named = (self.study, self.version, json.loads(self.cell), self.seed, self.data, Status(self.status))
        return Run(*named, self.error, json.loads(self.environment), self.started, self.duration)

    def damage(self) -> Damage:
        """That its measurements are not as they were stored."""
        row = tuple(getattr(self, name) for name in integrity.TABLES["runs"])
        return Damage("runs", self.number, row, "its measurements are not as they were stored")


def source_of(environment: str) -> str:
    """The hash in the text of a run's environment; "" where there is none."""
    try:
        return str(json.loads(environment).get(SOURCE, ""))
    except (ValueError, AttributeError):
        return ""


class Heads(NamedTuple):
    """Runs whose rows are as they were stored, oldest first; the others by their names."""

    heads: list[Head]
    damaged: dict[str, Damage]
    lost: list[Damage]

    def of(self, study: str, version: int | None = None, data: str | None = None) -> list[Head]:
        """The finished runs of a study."""
        return [
            head
            for head in self.heads
            if head.status == Status.DONE and head.study == study
            if version in (None, head.version) and data in (None, head.data)
        ]

    def newest(self, study: str, version: int, data: str | None = None) -> dict[str, Head]:
        """The newest finished run of each name. One whose newest is damaged is left out."""
        found = {head.name: head for head in self.of(study, version, data)}
        return {name: head for name, head in found.items() if not self._is_older(name, head)}

    def _is_older(self, name: str, head: Head) -> bool:
        return name in self.damaged and head.number < self.damaged[name].number

    def faults(self) -> Iterator[Damage]:
        """What is damaged, less what was measured again since."""
        newest = {head.name: head.number for head in self.heads if head.status == Status.DONE}
        again = {id(damage) for name, damage in self.damaged.items() if newest.get(name, 0) > damage.number}
        return (damage for damage in self.lost if id(damage) not in again)


def heads(connection: sqlite3.Connection) -> Heads:
    """Read the table of runs."""
    rows, lost = integrity.read(connection, "runs")
    damaged = {_name(damage): damage for damage in lost if damage.row}
    return Heads([Head(*row) for row in rows], damaged, lost)


def _name(damage: Damage) -> str:
    """The name of a damaged run: the one it has, unless that is what was damaged."""
    held = dict(zip(integrity.TABLES["runs"], damage.row, strict=True))
    own, slash, attempt = str(held["id"]).partition("/")
    with suppress(ValueError, TypeError, AttributeError, InputError, OverflowError):
        cell = json.loads(held["cell"])
        meant = run_id(held["study"], held["version"], cell, held["seed"], held["data"])
        if integrity.head_sum(tuple((held | {"id": f"{meant}{slash}{attempt}"}).values())) == damage.head:
            return meant
    return own


def chosen(
    found: Iterable[Head], study: str, version: int, data: str, tasks: Sequence[Task] | None
) -> list[Head]:
    """Runs in the order in which they are read: all of them, or those of the tasks."""
    if tasks is None:
        return sorted(found, key=lambda head: (head.cell, head.seed))
    ids = (run_id(study, version, task.cell, seed, data) for task in tasks for seed in task.seeds)
    place = {name: i for i, name in enumerate(ids)}
    return sorted((head for head in found if head.name in place), key=lambda head: place[head.name])
