"""A run: one cell of a study with one seed on one data set, and the name it is known by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from levinthal.errors import InputError
from levinthal.vocabulary import Cell

SOURCE = "measure source"
"""The key of a run's environment that holds the hash of the code that measured it; older runs have none."""


class Status(StrEnum):
    """What became of a run."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the table of runs.

    Attributes:
        study: the name of the study.
        version: the study's version.
        cell: factor -> level.
        seed: the seed.
        data: the checksum of the data set; "" where the study has none.
        status: done or failed.
        error: the error of a failed run, in one line.
        environment: versions, machine, and the hash of the code that measured it.
        started: the time of its start, as ISO 8601.
        duration: seconds of the whole task, all its seeds together.
    """

    study: str
    version: int
    cell: Cell
    seed: int
    data: str = ""
    status: Status = Status.DONE
    error: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    duration: float = 0.0

    @property
    def source(self) -> str:
        """The hash of the code that measured it, or "" where that was not stored."""
        return str(self.environment.get(SOURCE, ""))

    @property
    def id(self) -> str:
        """Hash of study, version, cell, seed and data checksum: what makes a run the same run."""
        return run_id(self.study, self.version, self.cell, self.seed, self.data)


def run_id(study: str, version: int, cell: Mapping[str, Any], seed: int, data: str = "") -> str:
    """The id of a run. The order of the factors makes no difference, nor do 1 and 1.0; 1 and True do.

    Args:
        study: the name of the study.
        version: the study's version.
        cell: factors and their levels.
        seed: the seed of the run.
        data: the checksum of the data set; empty for a study without data.

    Returns:
        32 hexadecimal digits, the beginning of a SHA-256.

    Raises:
        InputError: a level is neither text, number nor truth value, or is not finite.

    >>> run_id("s", 1, {"width": 20, "rate": 1}, 0) == run_id("s", 1, {"rate": 1.0, "width": 20}, 0)
    True
    >>> run_id("s", 1, {"width": 20}, 0) == run_id("s", 2, {"width": 20}, 0)
    False
    """
    address = json.dumps([study, int(version), _canonical(cell), int(seed), data], sort_keys=True)
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def cell_name(study: str, version: int, cell: Mapping[str, Any], data: str = "") -> str:
    """A name of all seeds of a cell on one data set: the id of the run of seed 0.

    >>> cell_name("s", 1, {"width": 20}) == run_id("s", 1, {"width": 20}, 0)
    True
    """
    return run_id(study, version, cell, 0, data)


def cell_text(cell: Mapping[str, Any]) -> str:
    """A cell as JSON, factors sorted by name.

    >>> cell_text({"width": 20, "architecture": "mlp"})
    '{"architecture": "mlp", "width": 20}'

    Raises InputError where a factor is neither text, number nor truth value, or is not finite.
    """
    return json.dumps({key: _scalar(key, value) for key, value in sorted(cell.items())})


def _canonical(cell: Mapping[str, Any]) -> dict[str, Any]:
    scalars = {key: _scalar(key, value) for key, value in cell.items()}
    return {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in scalars.items()}


def _scalar(key: str, value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    finite = not isinstance(value, float) or abs(value) < float("inf")
    if isinstance(value, str | int | float) and finite:
        return value
    raise InputError(f"factor '{key}' is {value!r}: a cell holds text, finite numbers, True and False only")
