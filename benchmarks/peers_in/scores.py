"""Rows of runs in, the numbers of the tables out. Standard library only."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from .mapping import covered, line_of
from .tools import DIED, WORST_FIRST, Said

HARMED = 0.9
"""As in the examination: a sick problem counts below this share of its healthy twin's score."""


@dataclass(frozen=True)
class Row:
    """One problem and seed with one tool; `code` is empty for a healthy one; `right` lists what counts."""

    name: str
    half: str
    seed: int
    code: str
    right: tuple[str, ...]
    silent: bool
    twin: str
    error: str = ""
    said: tuple[Said, ...] = ()
    leads: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    same: bool = True
    score: float = 0.0
    bare: float = 0.0
    cost: float = 0.0


def read(path: Path) -> list[Row]:
    """The last line of each problem and seed."""
    last = {(line["name"], line["seed"]): line for line in map(json.loads, path.read_text().splitlines())}
    return [Row(**line | {"said": tuple(Said(**s) for s in line.get("said", ()))}) for line in last.values()]


def forget_unfinished(path: Path) -> None:
    """Take out the problems that an interrupted run had begun, so that they are done again."""
    kept = [line for line in path.read_text().splitlines() if json.loads(line).get("error") != DIED]
    path.write_text("".join(f"{line}\n" for line in kept))


def counting(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Healthy rows, and the sick ones that do clearly worse than their twin, or need not."""
    scores = {(row.name, row.seed): row.score for row in rows if not row.code}
    sick = [r for r in rows if r.code]
    ill = [r for r in sick if r.silent or r.score < HARMED * scores[r.twin, r.seed]]
    return [r for r in rows if not r.code], ill


def causes(row: Row, package: str, least: str = "warning") -> frozenset[str]:
    """The causes that all that was said, at this severity or worse, is counted for."""
    loud = WORST_FIRST[: WORST_FIRST.index(least) + 1]
    return frozenset().union(*(line_of(package, s.code).right_for for s in row.said if s.severity in loud))


def named(row: Row, package: str, least: str = "warning") -> bool:
    """Whether the right cause is among them."""
    return bool(causes(row, package, least) & set(row.right))


def first(row: Row, package: str) -> bool:
    """Whether what a reader meets first is right."""
    return any(line_of(package, lead).right_for & set(row.right) for lead in row.leads)


def warnings(row: Row, package: str, advice: bool = False) -> list[Said]:
    """What was said as a warning or worse, without (or with) advice on hardware and style."""
    return [s for s in row.said if s.severity != "info" and (advice or line_of(package, s.code).verdict)]


def by_chance(sick: Sequence[Row], package: str) -> float:
    """The null of `named`: how often what was said of a run with ANOTHER cause would have been right."""
    heard = [causes(row, package) for row in sick]
    return mean(
        bool(said & set(row.right))
        for row in sick
        for said, other in zip(heard, sick, strict=True)
        if other.code not in row.right
    )


def checked(sick: Sequence[Row], package: str) -> list[Row]:
    """The runs with a fault that the package has a check for."""
    known = covered(package)
    return [row for row in sick if known is None or known & set(row.right)]


def mean(values: Iterable[float]) -> float:
    """nan of nothing."""
    numbers = [float(value) for value in values]
    return fmean(numbers) if numbers else float("nan")


def interval(rows: Sequence[Row], value: Callable[[Row], float], draws: int = 1000) -> tuple[float, float]:
    """95 % of the mean, by drawing problems, not runs: seeds of one problem are alike."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(float(value(row)))
    dice, known = random.Random(0), list(groups.values())
    means = sorted(
        mean(v for group in dice.choices(known, k=len(known)) for v in group) for _ in range(draws)
    )
    return means[draws // 40], means[-draws // 40]
