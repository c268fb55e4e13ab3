"""Losses written wrongly."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.case import answer_of
from torch import Tensor
from torch.nn import functional


def through_numpy(output: Any, target: Tensor) -> Tensor:
    """The loss of a copy: its gradient goes nowhere."""
    copied = torch.tensor(answer_of(output).detach().numpy(), requires_grad=True)
    return functional.cross_entropy(copied, target)


def hard_votes(output: Any, target: Tensor) -> Tensor:
    votes = functional.one_hot(answer_of(output).argmax(1), answer_of(output).shape[1]).float()
    return functional.cross_entropy(votes.requires_grad_(), target)


def log_of_zero(output: Any, target: Tensor) -> Tensor:
    """A log likelihood of probabilities that may be 0."""
    share = (functional.relu(answer_of(output)) + 0.0) / functional.relu(answer_of(output)).sum(
        1, keepdim=True
    )
    return -share.gather(1, target[:, None]).log().mean()


def root_at_zero(output: Any, target: Tensor) -> Tensor:
    """A penalty |w| written as a square root: its gradient at 0 is infinite times 0."""
    out = answer_of(output)
    return functional.cross_entropy(out, target) + ((out - out.detach()).square().sum(1)).sqrt().mean()


def sum_of_squares(output: Any, target: Tensor) -> Tensor:
    return functional.mse_loss(output, target, reduction="sum")


def sum_entropy(output: Any, target: Tensor) -> Tensor:
    return functional.cross_entropy(answer_of(output), target, reduction="sum")


def sum_by_hand(output: Any, target: Tensor) -> Tensor:
    out = answer_of(output)
    return (out.logsumexp(1) - out.gather(1, target[:, None])[:, 0]).sum()


def softmax_in_loss(output: Any, target: Tensor) -> Tensor:
    return functional.cross_entropy(functional.softmax(answer_of(output), 1), target)


def softmax_before_logs(output: Any, target: Tensor) -> Tensor:
    return functional.nll_loss(functional.log_softmax(answer_of(output).softmax(1), 1), target)
