"""What changed from one run to another: findings by code and place, the loss, the layers.

Each side is one run, so a change may be of the seed. A layer counts as changed only where its quartiles
within the two runs lie apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.clinic.answer.states import State
from levinthal.clinic.changes.record import Record, numbers
from levinthal.clinic.export import plain
from levinthal.vocabulary import Severity

SCHEMA = "levinthal.changes/1"
RANKS = {State.HEALTHY: 0, State.NOT_JUDGED: 1, State.NO_CAUSE: 2, State.CAUSE: 3}
"""The states of an answer, the best first."""
RATIO = 2.0
"""A layer has changed if a median is this many times as large or as small, or more."""
FEWEST = 4
"""Samples of each run that quartiles need."""
COLUMNS = ("gradient", "weight", "relative step")
Row = dict[str, Any]
"""A finding as JSON."""


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A statistic of a parameter that differs between the runs.

    Attributes:
        parameter: The name of the parameter.
        statistic: The norm of its gradient or of itself, or the norm of a step relative to its own.
        before: The median over the second half of the samples, in the earlier run.
        now: The same in the later run.
    """

    parameter: str
    statistic: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times as large it is now; infinite where it was 0."""
        return self.now / self.before if self.before else np.inf


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from an earlier run to a later one.

    Attributes:
        now: The later run.
        before: The earlier run.
        new: Findings of the later run alone.
        gone: Findings of the earlier run alone.
        kept: Pairs (earlier, later) of one code, also where it has moved to another place.
        layers: Statistics of parameters that differ, the largest ratio first.
    """

    now: Record
    before: Record
    new: tuple[Row, ...]
    gone: tuple[Row, ...]
    kept: tuple[tuple[Row, Row], ...]
    layers: tuple[LayerChange, ...]

    @property
    def new_causes(self) -> list[Row]:
        """Causes of the later run that were none in the earlier one."""
        raised = [now for before, now in self.kept if is_cause(now) and not is_cause(before)]
        return [*filter(is_cause, self.new), *raised]

    @property
    def is_worse(self) -> bool:
        """Whether the later run has a new cause, or an answer of a worse state."""
        return bool(self.new_causes) or _rank(self.now) > _rank(self.before)

    @property
    def exit_code(self) -> int:
        """That of the later run, or 0 where it is no worse than the earlier one."""
        return self.now.exit_code if self.is_worse else 0

    @property
    def parameters(self) -> tuple[list[str], list[str]]:
        """The names of the parameters that only the later run has, and only the earlier one."""
        now, before = self.now.parameters, self.before.parameters
        return [name for name in now if name not in before], [name for name in before if name not in now]

    def to_json(self) -> dict[str, Any]:
        """The changes as plain JSON.

        Returns:
            A dictionary with the keys that docs/ci.md lists.
        """
        new, gone = self.parameters
        kept = [{"before": before, "now": now} for before, now in self.kept]
        return {
            "schema": SCHEMA,
            "is_worse": self.is_worse,
            "now": _side(self.now),
            "before": _side(self.before),
            "findings": {"new": list(self.new), "gone": list(self.gone), "kept": kept},
            "layers": [{**plain(change), "ratio": plain(float(change.ratio))} for change in self.layers],
            "parameters": {"new": new, "gone": gone},
        }


def changes_between(now: Record, before: Record) -> Changes:
    """Compare two runs.

    Args:
        now: The later run.
        before: The earlier run.

    Returns:
        What changed.
    """
    pairs = [*_same(before.findings, now.findings)]
    new = [row for row in now.findings if all(row is not later for _, later in pairs)]
    gone = [row for row in before.findings if all(row is not earlier for earlier, _ in pairs)]
    layers = sorted(_layers(now, before), key=lambda change: -abs(np.log(max(change.ratio, 1e-300))))
    return Changes(now, before, tuple(new), tuple(gone), tuple(pairs), tuple(layers))


def is_cause(row: Row) -> bool:
    """Whether a finding is a warning or critical, and follows from no other.

    >>> is_cause({"severity": "warning", "follows": None}), is_cause({"severity": "info", "follows": None})
    (True, False)
    """
    return not row["follows"] and row["severity"] != Severity.INFO


def _same(before: Sequence[Row], now: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Pairs of one code: those of one place first, then the others in their order."""
    left = list(before)
    exact = [(row, _taken(left, row["code"], row["where"])) for row in now]
    for later, earlier in exact:
        earlier = earlier or _taken(left, later["code"])
        if earlier is not None:
            yield earlier, later


def _taken(left: list[Row], code: str, where: str | None = None) -> Row | None:
    """Take the first finding of a code, and of a place if one is given, from a list."""
    fits = (row for row in left if row["code"] == code and where in (None, row["where"]))
    found = next(fits, None)
    if found is not None:
        left[:] = [row for row in left if row is not found]
    return found


def _rank(record: Record) -> int:
    return RANKS[State(record.state)]


def _side(record: Record) -> dict[str, Any]:
    return {"name": record.name, **dict(record.data["answer"]), "numbers": plain(record.numbers)}


def _layers(now: Record, before: Record) -> Iterator[LayerChange]:
    """The statistics that differ, of the parameters that both runs have."""
    for name in (name for name in now.parameters if name in before.parameters):
        for column in COLUMNS:
            earlier, later = (_quartiles(run.parameters[name], column) for run in (before, now))
            if earlier is None or later is None:
                continue
            change = LayerChange(name, column, float(earlier[1]), float(later[1]))
            is_apart = earlier[2] < later[0] or later[2] < earlier[0]
            if is_apart and not 1 / RATIO < change.ratio < RATIO:
                yield change


def _quartiles(columns: dict[str, list[float | None]], column: str) -> np.ndarray | None:
    """(3,) the quartiles of a column over the second half of the samples; None with too few."""
    if column == "relative step":
        weight, update = numbers(columns["weight"]), numbers(columns["update"])
        values = np.divide(update, weight, out=np.full_like(update, np.nan), where=weight > 0)
    else:
        values = numbers(columns[column])
    later = values[len(values) // 2 :]
    later = later[np.isfinite(later)]
    return np.quantile(later, [0.25, 0.5, 0.75]) if len(later) >= FEWEST else None
