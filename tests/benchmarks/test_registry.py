"""The registry of fault-injection suites: case names and splits stay, and one entry adds a suite."""

from __future__ import annotations

import hashlib
import json

import pytest
from benchmarks.faults.registry import SUITES, Suite, chosen

BEFORE = {
    "own": "edf6acbfca3b9150a419d31c861abbadc264198fdf1b5ecc8576e3bc7189da87",
    "fresh": "5165d30cd843eba95cf78e20230e3d59da424531c392b242714a34c153fa9565",
    "second": "7d1975328b6facfc2c916dc8bf1495ec08eeeb7f980462f7b9a736ed0da9a34a",
}
"""SHA-256 of the ordered names, codes and splits before the cases moved to `benchmarks/faults`."""


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_names_order_and_split_are_those_before_the_move(suite: Suite) -> None:
    names = {
        "healthy": [[case.name, case.half] for case in suite.healthy],
        "faulty": [[case.problem.name, case.code, case.half] for case in suite.faulty],
    }
    assert hashlib.sha256(json.dumps(names).encode()).hexdigest() == BEFORE[suite.name]


def test_a_third_blind_suite_is_one_entry() -> None:
    own = SUITES[0]
    toy = Suite("third", own.healthy[:6], own.faulty[:6], "others", False, "0000000")
    assert chosen("third", (*SUITES, toy)) == (toy.healthy, toy.faulty)
    healthy, faulty = chosen("third-test", (*SUITES, toy))
    assert all(case.half == "test" for case in (*healthy, *faulty))
