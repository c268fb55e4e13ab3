"""Rows of runs in, the numbers of the tables out. Standard library only."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from .mapping import covered, line_of
from .tools import DIED, WORST_FIRST, Message

DEGRADED = 0.9
"""As in the evaluation: a faulty case counts below this share of its healthy baseline's score."""


@dataclass(frozen=True)
class Row:
    """One case and seed with one tool; `code` is empty for a healthy one; `right` has the correct causes."""

    name: str
    split: str
    seed: int
    code: str
    right: tuple[str, ...]
    silent: bool
    baseline: str
    error: str = ""
    messages: tuple[Message, ...] = ()
    leads: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    same: bool = True
    score: float = 0.0
    bare: float = 0.0
    cost: float = 0.0


def read(path: Path) -> list[Row]:
    """The last line of each case and seed."""
    last = {(line["name"], line["seed"]): line for line in map(json.loads, path.read_text().splitlines())}
    return [
        Row(**line | {"messages": tuple(Message(**m) for m in line.get("messages", ()))})
        for line in last.values()
    ]


def drop_unfinished(path: Path) -> None:
    """Remove the cases that an interrupted run had begun, so that they are run again."""
    finished = [line for line in path.read_text().splitlines() if json.loads(line).get("error") != DIED]
    path.write_text("".join(f"{line}\n" for line in finished))


def counting(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Healthy rows, and the faulty ones that count: clearly worse than their baseline, or `silent`."""
    scores = {(row.name, row.seed): row.score for row in rows if not row.code}
    faulty = [r for r in rows if r.code]
    counted = [r for r in faulty if r.silent or r.score < DEGRADED * scores[r.baseline, r.seed]]
    return [r for r in rows if not r.code], counted


def causes(row: Row, package: str, least: str = "warning") -> frozenset[str]:
    """The causes that all messages of this severity or worse are counted for."""
    severe = WORST_FIRST[: WORST_FIRST.index(least) + 1]
    return frozenset().union(
        *(line_of(package, m.code).right_for for m in row.messages if m.severity in severe)
    )


def named(row: Row, package: str, least: str = "warning") -> bool:
    """Whether the right cause is among them."""
    return bool(causes(row, package, least) & set(row.right))


def first(row: Row, package: str) -> bool:
    """Whether a message that ranks first is right."""
    return any(line_of(package, lead).right_for & set(row.right) for lead in row.leads)


def warnings(row: Row, package: str, advice: bool = False) -> list[Message]:
    """The messages that are a warning or worse, without (or with) advice on hardware and style."""
    return [m for m in row.messages if m.severity != "info" and (advice or line_of(package, m.code).verdict)]


def chance_level(faulty: Sequence[Row], package: str) -> float:
    """The null of `named`: how often the messages on a run with ANOTHER cause would have been right."""
    named_causes = [causes(row, package) for row in faulty]
    return mean(
        bool(found & set(row.right))
        for row in faulty
        for found, other in zip(named_causes, faulty, strict=True)
        if other.code not in row.right
    )


def checked(faulty: Sequence[Row], package: str) -> list[Row]:
    """The runs with a fault that the package has a check for."""
    known = covered(package)
    return [row for row in faulty if known is None or known & set(row.right)]


def mean(values: Iterable[float]) -> float:
    """nan of nothing."""
    numbers = [float(value) for value in values]
    return fmean(numbers) if numbers else float("nan")


def interval(rows: Sequence[Row], value: Callable[[Row], float], draws: int = 1000) -> tuple[float, float]:
    """95 % interval of the mean, by resampling cases, not runs: seeds of one case are not independent."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(float(value(row)))
    generator, known = random.Random(0), list(groups.values())
    means = sorted(
        mean(v for group in generator.choices(known, k=len(known)) for v in group) for _ in range(draws)
    )
    return means[draws // 40], means[-draws // 40]
