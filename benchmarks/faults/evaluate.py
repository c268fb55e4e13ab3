"""Every problem under watch: was the right cause named, first, early, and was it quiet where all is well?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from benchmarks.faults.case import FaultyCase, TrainingCase, trained
from benchmarks.faults.registry import chosen

from levinthal.clinic import Watch
from levinthal.vocabulary import Finding, Severity

EARLY = 50
HARMED = 0.9
"""A sick problem scores below this share of its healthy twin's score."""


@dataclass(frozen=True)
class Answer:
    """What was said of one problem with one seed; `code` is empty for a healthy one."""

    name: str
    code: str
    seed: int
    score: float
    twin: float
    first: bool
    present: bool
    early: bool
    aloud: bool
    said: tuple[tuple[str, str], ...]
    """The roots, the most important first. `aloud`: the right one is more than a remark."""
    trouble: str = ""

    @property
    def alarms(self) -> int:
        """Roots that are more than a remark."""
        return sum(severity != "info" for _, severity in self.said)


@cache
def healthy_score(problem: TrainingCase, seed: int) -> float:
    """What the healthy twin reaches."""
    return trained(problem, seed)[1]


def examine(patient: FaultyCase, seed: int) -> Answer | None:
    """A sick problem's answer, or None where it does no worse than its twin and should."""
    right = (patient.code, *patient.also)
    early: list[bool] = []

    def look(step: int, watch: Watch) -> None:
        if step == EARLY:
            early.append(_leads(watch.findings(), right))

    name = patient.problem.name
    try:
        twin = healthy_score(patient.twin, seed)
        watched, score = trained(patient.problem, seed, look)
        found = watched.findings()
    except Exception as error:  # a watch must not raise: that is an answer too, and a wrong one
        return _raised(name, patient.code, seed, error)
    if not patient.silent and score >= HARMED * twin:
        return None
    first, present = _leads(found, right), any(f.code in right for f in found)
    aloud = first and found[0].severity is not Severity.INFO
    told = (first, present, early[0] if early else first, aloud)
    return Answer(name, patient.code, seed, score, twin, *told, _roots(found), _trouble(watched))


def examine_healthy(problem: TrainingCase, seed: int) -> Answer:
    """A healthy problem's answer."""
    try:
        watched, score = trained(problem, seed)
        said = _roots(watched.findings())
    except Exception as error:
        return _raised(problem.name, "", seed, error)
    return Answer(problem.name, "", seed, score, score, *(False,) * 4, said, _trouble(watched))


def _trouble(watched: Watch) -> str:
    return "; ".join(filter(None, (watched.trouble, *watched.failed_rules)))


def _raised(name: str, code: str, seed: int, error: Exception) -> Answer:
    said = (type(error).__name__, str(Severity.CRITICAL))
    return Answer(name, code, seed, 0.0, 0.0, *(False,) * 4, (said,), f"raised {error}")


def _leads(found: Sequence[Finding], right: Sequence[str]) -> bool:
    return bool(found) and found[0].code in right


def _roots(found: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    return tuple((f.code, str(f.severity)) for f in found if f.follows is None)


def examination(half: str, seeds: Iterable[int], only: str = "") -> Iterator[Answer]:
    """Every answer of one half (or of the fresh problems), the healthy problems first."""
    healthy, sick = chosen(half)
    for seed in seeds:
        for problem in healthy:
            if only in problem.name:
                yield examine_healthy(problem, seed)
        for patient in sick:
            if only in patient.problem.name:
                answer = examine(patient, seed)
                if answer is not None:
                    yield answer


@dataclass(frozen=True)
class Bar:
    """A number, what it is to be, and whether it is at least or at most that."""

    what: str
    value: float
    bar: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def bars(answers: Sequence[Answer]) -> list[Bar]:
    """The promises of the clinic, as they came out."""
    sick, well = [a for a in answers if a.code], [a for a in answers if not a.code]
    critical = str(Severity.CRITICAL)
    return [
        Bar("right cause first", _mean(a.first for a in sick), 0.8, True),
        Bar("right cause present", _mean(a.present for a in sick), 0.9, True),
        Bar("findings a sick problem", _mean(a.alarms for a in sick), 2.0, False),
        Bar("named within 50 steps", _mean(a.early for a in sick), 0.7, True),
        Bar("healthy with a warning", _mean(a.alarms > 0 for a in well), 0.03, False),
        Bar(
            "healthy with a critical", _mean(any(s == critical for _, s in a.said) for a in well), 0.0, False
        ),
    ]


def _mean(values: Iterable[float]) -> float:
    numbers = [float(value) for value in values]
    return fmean(numbers) if numbers else float("nan")


def by_code(answers: Sequence[Answer]) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Code, runs, and the means: first, aloud, present, early, alarms."""
    for code in dict.fromkeys(a.code for a in answers if a.code):
        mine = [a for a in answers if a.code == code]
        fields = ("first", "aloud", "present", "early", "alarms")
        yield code, len(mine), tuple(_mean(getattr(a, field) for a in mine) for field in fields)
