"""The suite of reported mistakes: every one has its codes, and a run is counted as the page says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from benchmarks.faults.case import SPLITS
from benchmarks.faults.registry import REPORTS
from benchmarks.faults.reported import failures, pairs, run, table
from benchmarks.faults.reports.causes import CAUSES

from levinthal.clinic.rules.catalogue import CATALOGUE

EVERY = REPORTS.reports()


def row(name: str, repaired: bool, learnt: bool, *findings: tuple[str, str, str, str | None]) -> Any:
    return {
        "name": name,
        "seed": 0,
        "repaired": repaired,
        "learnt": learnt,
        "states": ["healthy"] if not findings else ["cause found"],
        "findings": list(findings),
        "line": "a line",
    }


def test_every_mistake_has_codes_that_exist_and_was_read_somewhere() -> None:
    names = [report.name for report in EVERY]
    assert len(set(names)) == len(names) >= 80
    assert set(names) == set(CAUSES)
    assert {code for codes in CAUSES.values() for code in codes} <= set(CATALOGUE)
    assert all(report.read_at.startswith("https://") for report in EVERY)
    assert all(report.mistake and report.repair for report in EVERY)
    assert {report.split for report in EVERY} == set(SPLITS)


def test_a_pair_counts_only_if_the_repair_learns_and_the_mistake_does_not() -> None:
    found = [
        row("waves-without-zero-grad", False, False, ("LR_TOO_HIGH", "info", "", None)),
        row("waves-without-zero-grad", True, True, ("UNDERFIT", "warning", "", None)),
        row("digits-relu-on-scores", False, True),
        row("digits-relu-on-scores", True, True),
    ]
    assert [a["name"] for a, _ in pairs(found)] == ["waves-without-zero-grad"]
    assert list(table(found))[-1] == "| 1 | 0 (0.0%) | 0 (0.0%) | 0 (0.0%) | 1 (100.0%) | 0 (0.0%) |"
    assert list(failures(found)) == [
        "- waves-without-zero-grad 0: LR_TOO_HIGH (MISSING_ZERO_GRAD)",
        "- waves-without-zero-grad 0, repaired: UNDERFIT",
    ]


@pytest.mark.slow
def test_a_mistake_is_named_first_and_its_repair_is_left_alone() -> None:
    torch.set_num_threads(1)
    (one,) = (report for report in EVERY if report.name == "words-softmax-before-cross-entropy")
    found = [run(one, 0, repaired) for repaired in (False, True)]
    assert list(table(found))[-1].startswith("| 1 | 1 (100.0%) | 1 (100.0%) | 0 (0.0%) | 0 (0.0%)")
