"""The problems of the blind examination are what they say: named apart, every cause in two disguises."""

from __future__ import annotations

from collections import defaultdict

from benchmarks.faults.blind_1.faulty.cases import FRESH_SICK, ROWS
from benchmarks.faults.blind_1.healthy.cases import FRESH
from benchmarks.faults.evaluate import chosen
from benchmarks.faults.own.faulty.cases import WARD
from benchmarks.faults.own.healthy.mixed import ZOO

from levinthal.clinic.findings.confidence import is_examined
from levinthal.clinic.rules.catalogue import CATALOGUE

PROMISED = {"RANK_COLLAPSE", "ATTENTION_COLLAPSE"}
"""Causes that are examined by whether or not the catalogue knows them yet."""


def test_names_are_unique_and_shared_with_no_other_problem() -> None:
    names = [*(p.name for p in FRESH), *(p.problem.name for p in FRESH_SICK)]
    assert len(set(names)) == len(names)
    assert not set(names) & {*(p.name for p in ZOO), *(p.problem.name for p in WARD)}


def test_there_are_enough_of_both() -> None:
    assert len(FRESH) >= 70
    assert len(FRESH_SICK) >= 100
    assert chosen("fresh") == (FRESH, FRESH_SICK)


def test_every_row_names_healthy_problems_that_exist() -> None:
    known = {problem.name for problem in FRESH}
    assert [base for row in ROWS for base in row[3].split() if base not in known] == []


def test_every_cause_is_in_the_catalogue_and_every_code_worn_in_two_disguises() -> None:
    disguises = defaultdict(set)
    for code, disguise, *_ in ROWS:
        disguises[code].add(disguise)
    assert set(disguises) | PROMISED == {code for code in CATALOGUE if is_examined(code)} | PROMISED
    assert min(len(worn) for worn in disguises.values()) >= 2
