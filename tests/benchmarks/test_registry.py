"""The registry of fault-injection suites: cases and splits stay, one entry adds a suite, pages print it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from benchmarks.faults.case import SPLITS
from benchmarks.faults.registry import ALL, PROGRAMS, REPORTS, SUITES, Suite, find

BEFORE = {
    "own": "edf6acbfca3b9150a419d31c861abbadc264198fdf1b5ecc8576e3bc7189da87",
    "blind-1": "5165d30cd843eba95cf78e20230e3d59da424531c392b242714a34c153fa9565",
    "blind-2": "7d1975328b6facfc2c916dc8bf1495ec08eeeb7f980462f7b9a736ed0da9a34a",
}
"""SHA-256 of the ordered names, codes and splits before the cases moved to `benchmarks/faults`."""
SPLIT_BEFORE = dict(zip(SPLITS, ("tuning", "test"), strict=True))
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_names_order_and_split_are_those_before_the_move(suite: Suite) -> None:
    names = {
        "healthy": [[case.name, SPLIT_BEFORE[case.split]] for case in suite.healthy],
        "faulty": [[case.problem.name, case.code, SPLIT_BEFORE[case.split]] for case in suite.faulty],
    }
    assert hashlib.sha256(json.dumps(names).encode()).hexdigest() == BEFORE[suite.name]


def test_a_third_blind_suite_is_one_entry() -> None:
    own = find("own")
    toy = Suite("toy", "others", False, "0000000", healthy=own.healthy[:6], faulty=own.faulty[:6])
    assert find("toy", (*SUITES, toy)).cases() == (toy.healthy, toy.faulty)
    healthy, faulty = toy.cases(SPLITS[1])
    assert all(case.split == SPLITS[1] for case in (*healthy, *faulty))


def test_a_line_says_who_wrote_the_cases_what_they_knew_and_what_may_be_learnt_from() -> None:
    own, blind = find("own").line(), find("blind-2").line(SPLITS[1])
    assert "the authors of the rules, who knew the rules; not frozen" in own
    assert "who did not know the rules; frozen at commit f33421f" in blind
    assert blind.startswith("**Suite `blind-2`, the held-out split.**")
    assert all("learnt from the development split only" in line for line in (own, blind))


@pytest.mark.parametrize(
    ("page", "suite", "splits"),
    [
        ("clinic", "own", SPLITS),
        ("clinic-blind-1", "blind-1", (ALL,)),
        ("clinic-blind-1-held-out", "blind-1", SPLITS[1:]),
        ("clinic-blind-2", "blind-2", (ALL,)),
        ("clinic-blind-2-held-out", "blind-2", SPLITS[1:]),
        ("treat", "own", SPLITS[1:]),
        ("peers", "own", (ALL,)),
        ("programs-before", "programs", (ALL, *SPLITS)),
        ("programs-held-out", "programs", SPLITS[1:]),
        ("reports-before", "reports", (ALL,)),
        ("reports-at-once", "reports", (ALL,)),
        ("reports-held-out", "reports", SPLITS[1:]),
    ],
)
def test_every_page_of_results_says_the_line_of_its_suite(
    page: str, suite: str, splits: tuple[str, ...]
) -> None:
    text = (RESULTS / f"{page}.md").read_text()
    found = {each.name: each for each in (PROGRAMS, REPORTS)}.get(suite) or find(suite)
    for split in splits:
        assert found.line(split) in text


def test_no_page_of_results_is_left_out_above() -> None:
    marks = test_every_page_of_results_says_the_line_of_its_suite.pytestmark[0]
    without_cases = {"bounds", "ensemble", "ksg", "ksg-checks", "reliability", "verdicts", "watch"}
    known = {page for page, *_ in marks.args[1]} | without_cases
    assert {path.stem for path in RESULTS.glob("*.md")} == known


def test_scripts_take_cases_from_the_registry_alone() -> None:
    for path in RESULTS.parent.glob("**/*.py"):
        if "faults" not in path.relative_to(RESULTS.parent).parts:
            found = re.findall(r"benchmarks\.faults\.\w+\.(?:healthy|faulty)\S*", path.read_text())
            assert found == [], f"{path.name} imports {found}: take the suite from benchmarks.faults.registry"
