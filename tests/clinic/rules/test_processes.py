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


def codes(seen: Processes | None, needs_gradient: bool = False) -> list[str]:
    model = nn.Linear(2, 2)
    setup = TrainingSetup.of(model, (torch.optim.SGD(model.parameters(), 0.1),))
    history = History(processes=seen)
    history.samples.append(Sample(0, needs_gradient=needs_gradient))
    context = Context(setup, history)
    return [f.code for rule in (same_batches, weights_apart) for f in rule(context)]


@pytest.mark.parametrize(
    ("batches", "equal", "is_averaged", "expected"),
    [
        (8, 8, True, ["SAME_BATCHES"]),
        (8, 7, True, []),
        (2, 2, True, []),
        (8, 0, False, ["WEIGHTS_APART"]),
        (8, 0, None, []),
    ],
)
def test_each_is_found_where_enough_was_compared(
    batches: int, equal: int, is_averaged: bool | None, expected: list[str]
) -> None:
    assert codes(Processes(1, batches, equal, is_averaged, True)) == expected


def test_one_process_and_stages_of_a_pipeline_are_not_compared() -> None:
    assert codes(None) == []
    assert codes(Processes(1, 8, 0, False, False), needs_gradient=True) == []
