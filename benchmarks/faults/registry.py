"""The suites of cases: who wrote each, whether they knew the rules, when it was frozen, what may be learnt from.

Every script that evaluates the clinic takes its cases from here, and every page of results prints `Suite.line`.
A further suite is a folder beside `blind_2` and one entry in `SUITES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

from benchmarks.faults.blind_1.faulty.cases import FAULTY as FAULTY_BLIND_1
from benchmarks.faults.blind_1.healthy.cases import HEALTHY as HEALTHY_BLIND_1
from benchmarks.faults.blind_2.faulty.cases import FAULTY as FAULTY_BLIND_2
from benchmarks.faults.blind_2.healthy.cases import HEALTHY as HEALTHY_BLIND_2
from benchmarks.faults.case import SPLITS, FaultyCase, TrainingCase
from benchmarks.faults.own.faulty.cases import FAULTY
from benchmarks.faults.own.healthy.cases import HEALTHY
from benchmarks.faults.program import Program
from benchmarks.faults.report import Report

Cases = tuple[tuple[TrainingCase, ...], tuple[FaultyCase, ...]]
ALL = "all"
"""In place of a split: every case of the suite."""


@dataclass(frozen=True)
class Origin:
    """Who wrote a suite and what they knew; `frozen` is the commit that added a blind set, empty where it grew."""

    name: str
    written_by: str
    rules_seen: bool
    frozen: str = ""
    split_by: str = "crc32 of the healthy case's name"
    may_be_learnt_from: str = SPLITS[0]

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


@dataclass(frozen=True)
class Suite(Origin):
    """One set of cases that our own loop trains."""

    healthy: tuple[TrainingCase, ...] = ()
    faulty: tuple[FaultyCase, ...] = ()

    def cases(self, split: str = ALL) -> Cases:
        """The healthy and the faulty cases of one split, or of both."""
        return (
            tuple(case for case in self.healthy if split in (ALL, case.split)),
            tuple(case for case in self.faulty if split in (ALL, case.split)),
        )


@dataclass(frozen=True)
class ProgramSuite(Origin):
    """One set of healthy programs, each with a loop of its own; the modules that have them are imported late.

    Their libraries are not among those that the tests install.
    """

    modules: tuple[str, ...] = ()

    def programs(self, split: str = ALL) -> tuple[Program, ...]:
        """Every program of one split, or of both."""
        found = (vars(import_module(name)) for name in self.modules)
        every = (program for module in found for program in module["EVERY"])
        return tuple(program for program in every if split in (ALL, program.split))


@dataclass(frozen=True)
class ReportSuite(Origin):
    """One set of mistakes that people report in public; the modules that have them are imported late."""

    modules: tuple[str, ...] = ()

    def reports(self, split: str = ALL) -> tuple[Report, ...]:
        """Every mistake of one split, or of both."""
        found = (vars(import_module(name)) for name in self.modules)
        every = (report for module in found for report in module["EVERY"])
        return tuple(report for report in every if split in (ALL, report.split))


SUITES = (
    Suite("own", "the authors of the rules", True, healthy=HEALTHY, faulty=FAULTY),
    Suite(
        "blind-1",
        "others for a blind evaluation",
        False,
        "7ca1781",
        healthy=HEALTHY_BLIND_1,
        faulty=FAULTY_BLIND_1,
    ),
    Suite(
        "blind-2",
        "others for a blind evaluation",
        False,
        "f33421f",
        healthy=HEALTHY_BLIND_2,
        faulty=FAULTY_BLIND_2,
    ),
)
PROGRAMS = ProgramSuite(
    "programs",
    "three others for a blind evaluation",
    False,
    "7423b25",
    "crc32 of the program's name",
    modules=tuple(
        f"benchmarks.faults.programs.{area}"
        for area in ("transformers_idioms", "torch_idioms", "kinds_of_training")
    ),
)

REPORTS = ReportSuite(
    "reports",
    "three others for a blind evaluation",
    False,
    "5474236",
    "crc32 of the program's name",
    modules=tuple(
        f"benchmarks.faults.reports.{area}"
        for area in (
            *("boxes_a", "losses_a", "mixed_a", "outputs_a", "sequences_a", "shapes_a", "targets_a"),
            *("attention", "loaders", "modes", "preparation", "recurrent", "sequences", "trainers"),
            *("generators_and_rewards", "never_trained", "numbers_and_seeds", "order_of_steps"),
            "rates_and_precision",
        )
    ),
)


def find(name: str, suites: Iterable[Suite] = SUITES) -> Suite:
    """The suite of this name.

    Raises:
        KeyError: no suite has the name.
    """
    return {suite.name: suite for suite in suites}[name]
