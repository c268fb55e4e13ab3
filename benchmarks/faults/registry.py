"""The suites of cases: who wrote each, whether they knew the rules, when it was frozen, what may be learnt from.

Every script that evaluates the clinic takes its cases from here, and every page of results prints `Suite.line`.
A further suite is a folder beside `blind_2` and one entry in `SUITES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.faults.blind_1.faulty.cases import FAULTY as FAULTY_BLIND_1
from benchmarks.faults.blind_1.healthy.cases import HEALTHY as HEALTHY_BLIND_1
from benchmarks.faults.blind_2.faulty.cases import FAULTY as FAULTY_BLIND_2
from benchmarks.faults.blind_2.healthy.cases import HEALTHY as HEALTHY_BLIND_2
from benchmarks.faults.case import SPLITS, FaultyCase, TrainingCase
from benchmarks.faults.own.faulty.cases import FAULTY
from benchmarks.faults.own.healthy.cases import HEALTHY

Cases = tuple[tuple[TrainingCase, ...], tuple[FaultyCase, ...]]
ALL = "all"
"""In place of a split: every case of the suite."""


@dataclass(frozen=True)
class Suite:
    """One set of cases; `frozen` is the commit that added a blind set, empty where it grew with the rules."""

    name: str
    healthy: tuple[TrainingCase, ...]
    faulty: tuple[FaultyCase, ...]
    written_by: str
    rules_seen: bool
    frozen: str = ""
    split_by: str = "crc32 of the healthy case's name"
    may_be_learnt_from: str = SPLITS[0]

    def cases(self, split: str = ALL) -> Cases:
        """The healthy and the faulty cases of one split, or of both."""
        return (
            tuple(case for case in self.healthy if split in (ALL, case.split)),
            tuple(case for case in self.faulty if split in (ALL, case.split)),
        )

    @property
    def default_splits(self) -> tuple[str, ...]:
        """The tables that are made if no split is named: a blind suite is evaluated as a whole."""
        return SPLITS if self.rules_seen else (ALL,)

    def line(self, split: str = ALL) -> str:
        """What a reader of a number has to know of the cases behind it, as one line of Markdown.

        >>> "did not know the rules" in find("blind-1").line()
        True
        """
        which = "both splits" if split == ALL else f"the {split} split"
        knew = "knew the rules" if self.rules_seen else "did not know the rules"
        frozen = f"frozen at commit {self.frozen}" if self.frozen else "not frozen: it grew with the rules"
        return (
            f"**Suite `{self.name}`, {which}.** Written by {self.written_by}, who {knew}; {frozen}. "
            f"Split by {self.split_by}; the rules may be learnt from the {self.may_be_learnt_from} split only."
        )


SUITES = (
    Suite("own", HEALTHY, FAULTY, "the authors of the rules", True),
    Suite("blind-1", HEALTHY_BLIND_1, FAULTY_BLIND_1, "others for a blind evaluation", False, "7ca1781"),
    Suite("blind-2", HEALTHY_BLIND_2, FAULTY_BLIND_2, "others for a blind evaluation", False, "f33421f"),
)


def find(name: str, suites: Iterable[Suite] = SUITES) -> Suite:
    """The suite of this name.

    Raises:
        KeyError: no suite has the name.
    """
    return {suite.name: suite for suite in suites}[name]
