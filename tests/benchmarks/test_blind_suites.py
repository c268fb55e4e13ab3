"""The blind suites: unique names, every evaluated cause in several cases, both splits filled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest
from benchmarks.faults.blind_1.faulty.cases import ROWS
from benchmarks.faults.case import SPLITS
from benchmarks.faults.registry import SUITES, Suite, find

from levinthal.clinic.findings.confidence import is_examined
from levinthal.clinic.rules.catalogue import CATALOGUE

BLIND = tuple(suite for suite in SUITES if not suite.rules_seen)
IN_THIS_SUITE = {"blind-1": {"RANK_COLLAPSE", "ATTENTION_COLLAPSE"}}
"""Causes that a suite has whether or not the catalogue knows them."""


def evaluated(catalogue: Iterable[str] = CATALOGUE) -> set[str]:
    """The codes that a frozen suite must have: a kind of finding newer than the evaluations is left out."""
    return {code for code in catalogue if is_examined(code)}


def names(suite: Suite) -> list[str]:
    return [*(case.name for case in suite.healthy), *(case.problem.name for case in suite.faulty)]


@pytest.mark.parametrize("suite", BLIND, ids=lambda suite: suite.name)
def test_names_are_unique_and_shared_with_no_other_suite(suite: Suite) -> None:
    mine = names(suite)
    assert len(set(mine)) == len(mine)
    others = {name for other in SUITES if other is not suite for name in names(other)}
    assert not set(mine) & others


@pytest.mark.parametrize("suite", BLIND, ids=lambda suite: suite.name)
def test_every_evaluated_cause_is_there_twice_at_least(suite: Suite) -> None:
    seen, more = Counter(case.code for case in suite.faulty), IN_THIS_SUITE.get(suite.name, set())
    assert set(seen) | more == evaluated() | more
    assert min(seen.values()) >= 2


def test_a_new_kind_of_finding_is_not_asked_of_a_frozen_suite() -> None:
    assert not is_examined("TOY_FINDING")
    assert evaluated((*CATALOGUE, "TOY_FINDING")) == evaluated()


def test_every_cause_of_the_first_suite_has_two_variants() -> None:
    variants = defaultdict(set)
    for code, variant, *_ in ROWS:
        variants[code].add(variant)
    assert min(len(of_code) for of_code in variants.values()) >= 2


def test_every_row_of_the_first_suite_names_healthy_cases_that_exist() -> None:
    known = {case.name for case in find("blind-1").healthy}
    assert [base for row in ROWS for base in row[3].split() if base not in known] == []


@pytest.mark.parametrize(("name", "healthy", "faulty"), [("blind-1", 147, 404), ("blind-2", 50, 138)])
def test_the_suites_have_as_many_cases_as_when_they_were_frozen(name: str, healthy: int, faulty: int) -> None:
    assert [len(cases) for cases in find(name).cases()] == [healthy, faulty]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("suite", BLIND, ids=lambda suite: suite.name)
def test_a_faulty_case_is_in_the_split_of_its_healthy_baseline(suite: Suite, split: str) -> None:
    healthy, faulty = suite.cases(split)
    assert len(healthy) >= 20
    assert len(faulty) >= 50
    assert {case.split for case in healthy} == {case.baseline.split for case in faulty} == {split}
