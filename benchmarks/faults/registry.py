"""The suites of cases: their authors, whether they knew the rules, when frozen, what may be learnt from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.faults.blind_1.faulty.cases import FRESH_SICK
from benchmarks.faults.blind_1.healthy.cases import FRESH
from benchmarks.faults.blind_2.faulty.cases import SECOND_SICK
from benchmarks.faults.blind_2.healthy.cases import SECOND
from benchmarks.faults.case import FaultyCase, TrainingCase
from benchmarks.faults.own.faulty.cases import WARD
from benchmarks.faults.own.healthy.mixed import ZOO

Cases = tuple[tuple[TrainingCase, ...], tuple[FaultyCase, ...]]


@dataclass(frozen=True)
class Suite:
    """One set of cases; `frozen` is the commit that added a blind set, empty where it grew with the rules."""

    name: str
    healthy: tuple[TrainingCase, ...]
    faulty: tuple[FaultyCase, ...]
    written_by: str
    rules_seen: bool
    frozen: str = ""
    split: str = "crc32 of the healthy case's name"
    may_be_learnt_from: str = "tuning"

    def cases(self, half: str = "") -> Cases:
        """The healthy and the faulty cases of `tuning` or `test`, or all of them."""
        return (
            tuple(case for case in self.healthy if half in ("", case.half)),
            tuple(case for case in self.faulty if half in ("", case.half)),
        )


SUITES = (
    Suite("own", ZOO, WARD, "the authors of the rules", True),
    Suite("fresh", FRESH, FRESH_SICK, "others, for a blind evaluation", False, "7ca1781"),
    Suite("second", SECOND, SECOND_SICK, "others, for a blind evaluation", False, "f33421f"),
)


def chosen(half: str, suites: Iterable[Suite] = SUITES) -> Cases:
    """The cases of `tuning`, `test` or `all` of the own suite, or of a blind one: `fresh`, `fresh-test`."""
    known = {suite.name: suite for suite in suites}
    name, _, of = half.partition("-")
    if name in known:
        return known[name].cases(of)
    return known["own"].cases("" if half == "all" else half)
