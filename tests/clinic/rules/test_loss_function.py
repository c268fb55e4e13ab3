"""What the remedy of a loss that is given the wrong numbers is called."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from levinthal.clinic import check

X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("top", "loss", "targets", "said"),
    [
        (nn.Sigmoid(), functional.binary_cross_entropy_with_logits, (X[:, :1] > 0).float(), "sigmoid"),
        (nn.Softmax(1), functional.cross_entropy, (X[:, 0] > 0).long(), "softmax"),
    ],
)
def test_what_acts_twice_is_named_in_the_remedy(
    top: nn.Module, loss: object, targets: torch.Tensor, said: str
) -> None:
    width = 1 if said == "sigmoid" else 2
    found = check(nn.Sequential(nn.Linear(8, width), top), loss, (X, targets)).findings[0]  # type: ignore[arg-type]
    assert found.code == "DOUBLE_SOFTMAX"
    assert found.remedy.startswith(f"remove the {said} at the end of the model")


def test_a_sign_is_told_without_an_end_that_nobody_has_seen() -> None:
    found = check(
        nn.Linear(8, 2), lambda out, y: -functional.cross_entropy(out, y), (X, (X[:, 0] > 0).long())
    ).findings[0]
    assert found.code == "LOSS_MAXIMISED"
    assert "at the end" not in found.evidence
