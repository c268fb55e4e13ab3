"""`examine`: the findings of the check and of one training in one list, causes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.clinic.treatment.test_remedies import HEALTHY, PROBLEMS

from levinthal.clinic.examination import examine, sampling


def test_a_healthy_problem_has_its_score_and_the_course_of_its_loss() -> None:
    found = examine(HEALTHY)
    assert found.is_healthy
    assert found.score_name == "accuracy"
    assert found.score > 0.9
    assert str(found).startswith("Healthy: the loss fell to ")
    assert "\n\nThe loss went from " in str(found)
    assert "(chance level: 1.39) in 50 steps; accuracy " in str(found)


def test_a_finding_of_the_check_alone_is_info_where_the_training_does_not_degrade() -> None:
    found = examine(replace(PROBLEMS["FROZEN_PARAMS"], steps=100))
    assert [str(f.severity) for f in found.findings if f.code == "FROZEN_PARAMS"] == ["info"]
    assert "Info, without degradation: FROZEN_PARAMS." in str(found)


def test_every_training_step_calls_on_step() -> None:
    calls = list[int]()
    examine(replace(HEALTHY, steps=7), on_step=lambda: calls.append(1))
    assert len(calls) == 7


@pytest.mark.parametrize(("steps", "every"), [(5, 1), (200, 4), (10_000, 10)])
def test_about_fifty_steps_are_sampled(steps: int, every: int) -> None:
    assert sampling(replace(HEALTHY, steps=steps)) == every


def test_the_seed_fixes_the_score() -> None:
    one, same, other = (
        examine(replace(HEALTHY, steps=10), seed=seed).watch.history.losses for seed in (0, 0, 1)
    )
    assert torch.equal(torch.tensor(one), torch.tensor(same))
    assert not torch.equal(torch.tensor(one), torch.tensor(other))
