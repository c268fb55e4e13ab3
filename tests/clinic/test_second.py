"""The problems of the second blind examination: named apart, every cause in two disguises."""

from __future__ import annotations

from collections import Counter

from benchmarks.faults.blind_1.healthy.cases import FRESH
from benchmarks.faults.blind_2.faulty.cases import SECOND_SICK
from benchmarks.faults.blind_2.healthy.cases import SECOND
from benchmarks.faults.evaluate import chosen
from benchmarks.faults.own.healthy.mixed import ZOO

from levinthal.clinic.findings.confidence import is_examined
from levinthal.clinic.rules.catalogue import CATALOGUE


def test_names_are_unique_and_shared_with_no_other_problem() -> None:
    names = [*(p.name for p in SECOND), *(p.problem.name for p in SECOND_SICK)]
    assert len(set(names)) == len(names)
    assert not set(names) & {p.name for p in (*ZOO, *FRESH)}


def test_every_cause_is_there_twice_at_least() -> None:
    seen = Counter(setup.code for setup in SECOND_SICK)
    assert set(seen) == {code for code in CATALOGUE if is_examined(code)}
    assert min(seen.values()) >= 2
    assert len(SECOND) >= 40


def test_halves_are_split_by_healthy_problem() -> None:
    for half in ("tuning", "test"):
        well, ill = chosen(f"second-{half}")
        assert len(well) >= 20
        assert len(ill) >= 50
        assert {setup.twin.half for setup in ill} == {half}
