"""Scores against values computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import levinthal
from levinthal.clinic.problem.scores import score, score_name


class Constant(nn.Module):
    """Returns the given outputs."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer)

    def forward(self, x: Tensor) -> Tensor:
        return self.answer[: len(x)]


def problem(targets: Tensor, **words: object) -> levinthal.Problem:
    words.setdefault("train", (torch.zeros(len(targets), 1), targets))
    return levinthal.Problem(
        model=lambda: nn.Identity(),
        loss=words.pop("loss", functional.cross_entropy),  # type: ignore[arg-type]
        optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
        **words,  # type: ignore[arg-type]
    )


def scored(p: levinthal.Problem, answer: Tensor) -> tuple[str, float]:
    name = score_name(p)
    return name, score(p, Constant(answer), name)


def test_accuracy_is_the_share_of_correct_predictions() -> None:
    targets = torch.tensor([0, 1, 2, 2])
    assert scored(problem(targets), torch.eye(3)[[0, 1, 1, 2]]) == ("accuracy", 0.75)


def test_imbalanced_classes_are_scored_by_balanced_accuracy() -> None:
    targets = torch.tensor([0] * 9 + [1])
    name, value = scored(problem(targets), torch.eye(2)[[0] * 10])
    assert (name, value) == ("balanced accuracy", 0.5)


def test_real_targets_are_scored_by_the_variance_explained() -> None:
    targets = torch.tensor([[1.0], [2.0], [3.0]])
    assert scored(problem(targets, loss=functional.mse_loss), targets) == ("R^2", 1.0)
    assert scored(problem(targets, loss=functional.mse_loss), torch.full((3, 1), 2.0))[1] == 0.0
    assert scored(problem(targets, loss=functional.mse_loss), 1e9 * targets)[1] == -1.0


@pytest.mark.parametrize(
    ("loss", "answer"),
    [
        (functional.binary_cross_entropy_with_logits, (-1.0, 2.0, 3.0, -4.0)),
        (functional.binary_cross_entropy, (0.1, 0.9, 0.8, 0.2)),
        (functional.mse_loss, (0.1, 0.9, 0.8, 0.2)),
    ],
)
def test_the_decision_threshold_of_binary_outputs_follows_from_the_loss(
    loss: Callable[..., Tensor], answer: Any
) -> None:
    binary = problem(torch.tensor([[0.0], [1.0], [0.0], [0.0]]), loss=loss)
    assert scored(binary, torch.tensor(answer)[:, None]) == ("accuracy", 0.75)


def test_probabilities_where_logits_are_expected_are_all_positive() -> None:
    binary = problem(
        torch.tensor([[0.0], [1.0], [0.0], [0.0]]), loss=functional.binary_cross_entropy_with_logits
    )
    assert scored(binary, torch.tensor([[0.1], [0.9], [0.1], [0.1]])) == ("accuracy", 0.25)


def test_one_hot_targets_are_scored_by_the_largest_output() -> None:
    squares = problem(torch.eye(3), loss=functional.mse_loss)
    assert scored(squares, torch.eye(3)[[0, 1, 0]] - 5) == ("accuracy", pytest.approx(2 / 3))


def test_other_targets_are_scored_by_minus_the_loss() -> None:
    p = problem(torch.tensor([0, 1]), train=({"a": torch.zeros(2, 1)}, {"b": torch.zeros(2, 1)}))
    assert score_name(p) == "minus loss"


def test_outputs_that_are_not_finite_have_the_lowest_score() -> None:
    answer = torch.full((4, 3), float("nan"))
    assert scored(problem(torch.tensor([0, 1, 2, 0])), answer) == ("accuracy", 0.0)


def test_a_metric_of_the_problem_is_used() -> None:
    def hits(outputs: Tensor, targets: Tensor) -> float:
        return float((outputs.argmax(1) == targets).sum())

    assert scored(problem(torch.tensor([0, 1, 1]), metric=hits), torch.eye(2)[[0, 1, 0]]) == ("hits", 2.0)
