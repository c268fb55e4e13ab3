"""Every case under watch: is the right cause reported, first, early, and is a healthy case left without warnings?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from benchmarks.faults.case import FaultyCase, TrainingCase, trained
from benchmarks.faults.registry import Cases

from levinthal.clinic import Watch
from levinthal.clinic.answer.states import State
from levinthal.vocabulary import Finding, Severity

EARLY = 50
"""Steps after which the cause is looked for the first time."""
DEGRADED = 0.9
"""A faulty case scores below this share of its healthy baseline's score, or its run is not counted."""


@dataclass(frozen=True)
class Answer:
    """The report of one case with one seed; `code` is empty for a healthy one."""

    name: str
    code: str
    seed: int
    score: float
    baseline: float
    first: bool
    present: bool
    early: bool
    warned: bool
    reported: tuple[tuple[str, str], ...]
    """Code and severity of the findings that follow from no other, the most important first. `warned`: the first
    is right, and a warning or worse."""
    trouble: str = ""
    state: str = ""
    """The state of the watch's answer."""

    @property
    def alarms(self) -> int:
        """How many of them are a warning or worse."""
        return sum(severity != "info" for _, severity in self.reported)


@cache
def healthy_score(problem: TrainingCase, seed: int) -> float:
    """The score of the healthy baseline."""
    return trained(problem, seed)[1]


def evaluate(case: FaultyCase, seed: int) -> Answer | None:
    """The answer for a faulty case, or None where it should score below its baseline and does not."""
    right = (case.code, *case.also)
    early: list[bool] = []

    def observe(step: int, watch: Watch) -> None:
        if step == EARLY:
            early.append(_leads(watch.findings(), right))

    name = case.problem.name
    try:
        baseline = healthy_score(case.baseline, seed)
        watched, score = trained(case.problem, seed, observe)
        found = watched.findings()
    except Exception as error:  # a watch must not raise: that is an answer too, and a wrong one
        return _raised(name, case.code, seed, error)
    if not case.silent and score >= DEGRADED * baseline:
        return None
    first, present = _leads(found, right), any(f.code in right for f in found)
    warned = first and found[0].severity is not Severity.INFO
    judged = (first, present, early[0] if early else first, warned)
    said = (_roots(found), _trouble(watched), str(watched.answer().state))
    return Answer(name, case.code, seed, score, baseline, *judged, *said)


def evaluate_healthy(problem: TrainingCase, seed: int) -> Answer:
    """The answer for a healthy case."""
    try:
        watched, score = trained(problem, seed)
        said = (_roots(watched.findings()), _trouble(watched), str(watched.answer().state))
    except Exception as error:
        return _raised(problem.name, "", seed, error)
    return Answer(problem.name, "", seed, score, score, *(False,) * 4, *said)


def _trouble(watched: Watch) -> str:
    return "; ".join(filter(None, (watched.trouble, *watched.failed_rules)))


def _raised(name: str, code: str, seed: int, error: Exception) -> Answer:
    reported = (type(error).__name__, str(Severity.CRITICAL))
    return Answer(name, code, seed, 0.0, 0.0, *(False,) * 4, (reported,), f"raised {error}")


def _leads(found: Sequence[Finding], right: Sequence[str]) -> bool:
    return bool(found) and found[0].code in right


def _roots(found: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    return tuple((f.code, str(f.severity)) for f in found if f.follows is None)


def answers(cases: Cases, seeds: Iterable[int], only: str = "") -> Iterator[Answer]:
    """Every answer, seed by seed, the healthy cases first; `only` is a part of the names."""
    healthy, faulty = cases
    for seed in seeds:
        for problem in healthy:
            if only in problem.name:
                yield evaluate_healthy(problem, seed)
        for case in faulty:
            if only in case.problem.name:
                answer = evaluate(case, seed)
                if answer is not None:
                    yield answer


@dataclass(frozen=True)
class Target:
    """A measured value, the value it must reach, and whether that is a minimum or a maximum."""

    quantity: str
    value: float
    target: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target


def targets(found: Sequence[Answer]) -> list[Target]:
    """The targets of the clinic, as measured."""
    faulty, healthy = [a for a in found if a.code], [a for a in found if not a.code]
    critical = _mean(any(s == str(Severity.CRITICAL) for _, s in a.reported) for a in healthy)
    return [
        Target("right cause first", _mean(a.first for a in faulty), 0.8, True),
        Target("right cause present", _mean(a.present for a in faulty), 0.9, True),
        Target("findings per faulty run", _mean(a.alarms for a in faulty), 2.0, False),
        Target("right cause first after 50 steps", _mean(a.early for a in faulty), 0.7, True),
        Target("healthy runs with a warning", _mean(a.alarms > 0 for a in healthy), 0.03, False),
        Target("healthy runs with a critical finding", critical, 0.0, False),
        Target("faulty runs called healthy", _mean(a.state == State.HEALTHY for a in faulty), 0.03, False),
    ]


def _mean(values: Iterable[float]) -> float:
    numbers = [float(value) for value in values]
    return fmean(numbers) if numbers else float("nan")


def by_code(found: Sequence[Answer]) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Code, runs, and the means: first, warned, present, early, alarms."""
    for code in dict.fromkeys(a.code for a in found if a.code):
        mine = [a for a in found if a.code == code]
        fields = ("first", "warned", "present", "early", "alarms")
        yield code, len(mine), tuple(_mean(getattr(a, field) for a in mine) for field in fields)
