"""Findings from what several processes have read. Real processes are in recording/test_processes.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.processes import Processes
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.processes import same_batches, weights_apart


def codes(seen: Processes | None, needs_gradient: bool = False) -> list[tuple[str, str]]:
    model = nn.Linear(2, 2)
    setup = TrainingSetup.of(model, (torch.optim.SGD(model.parameters(), 0.1),))
    history = History(processes=seen)
    history.samples.append(Sample(0, needs_gradient=needs_gradient))
    context = Context(setup, history)
    both = (same_batches, weights_apart)
    return [(f.code, str(f.severity)) for rule in both for f in rule(context)]


@pytest.mark.parametrize(
    ("batches", "equal", "is_averaged", "is_wrapped", "expected"),
    [
        (8, 8, True, True, [("SAME_BATCHES", "warning")]),
        (8, 7, True, True, []),
        (2, 2, True, True, []),
        (8, 0, False, True, [("WEIGHTS_APART", "warning")]),
        (8, 8, None, False, [("SAME_BATCHES", "warning")]),
        (8, 0, None, False, []),
        (8, 8, False, False, [("SAME_BATCHES", "info"), ("WEIGHTS_APART", "info")]),
    ],
)
def test_each_is_found_where_enough_was_compared(
    batches: int, equal: int, is_averaged: bool | None, is_wrapped: bool, expected: list[tuple[str, str]]
) -> None:
    assert codes(Processes(1, batches, equal, is_averaged, is_wrapped)) == expected


def test_one_process_and_stages_of_a_pipeline_are_not_compared() -> None:
    assert codes(None) == []
    assert codes(Processes(1, 8, 0, False, False), needs_gradient=True) == []
