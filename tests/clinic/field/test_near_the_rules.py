"""Healthy programs near the rules for tokens, masks, batches and affine networks, found by a stranger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording.ctc_fit import ctc_fit
from levinthal.clinic.recording.token_targets import ahead

X = torch.randn(256, 12, generator=torch.Generator().manual_seed(0))


def watched(model: nn.Module, step: Callable[[int], Tensor], passes: int = 1) -> Watch:
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=2) as w:
        for i in range(60):
            optimizer.zero_grad()
            for k in range(passes):
                step(passes * i + k).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return w


def warned(w: Watch) -> set[str]:
    return {f.code for f in w.findings() if f.severity != "info"}


def test_unknown_labels_that_a_mask_leaves_out_are_no_targets() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
    labels = (X[:, :3] > 0).float().masked_fill(torch.rand(256, 3) < 0.3, -1.0)

    def step(i: int) -> Tensor:
        rows = torch.arange(64) + 64 * (i % 4)
        mask = (labels[rows] >= 0).float()
        errors = functional.binary_cross_entropy_with_logits(model(X[rows]), labels[rows], reduction="none")
        return (errors * mask).sum() / mask.sum()

    assert "TARGET_OUT_OF_RANGE" not in warned(watched(model, step))


@pytest.mark.parametrize("period", [2, 3])
def test_periodic_texts_do_not_tell_which_token_is_the_target(period: int) -> None:
    own = torch.arange(40).view(1, 40).repeat(4, 1) % period + 10 * torch.arange(4)[:, None]
    previous = own.roll(1, 1)
    places, _, skipped, _ = ahead(own, own if period == 2 else previous).tolist()  # type: ignore[union-attr]
    assert places <= len(own)  # a first token has none before it
    assert skipped == 0


def test_few_labels_too_long_are_left_out_on_purpose() -> None:
    y, frames = torch.ones(16, 6, dtype=torch.long), (20,) * 16
    some = {"target": y, "target_lengths": (6,) * 15 + (6,), "input_lengths": (*frames[:15], 3)}
    assert float(ctc_fit(some)[3]) > 0
    assert float(ctc_fit(some | {"zero_infinity": True})[3]) == 0


def test_batches_of_one_class_that_a_step_adds_up_are_shuffled() -> None:
    torch.manual_seed(0)
    classes = X[:, :4].argmax(1)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))

    def step(i: int) -> Tensor:
        rows = (classes == i % 4).nonzero().flatten()
        return functional.cross_entropy(model(X[rows]), classes[rows]) / 4

    assert "UNSHUFFLED" not in warned(watched(model, step, passes=4))


@pytest.mark.parametrize(("width", "is_meant"), [(3, True), (64, False)])
def test_a_linear_network_with_a_narrow_layer_is_a_limit_of_rank(width: int, is_meant: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, width), nn.Linear(width, 12))
    found = warned(watched(model, lambda i: functional.mse_loss(model(X), X)))
    assert ("MISSING_NONLINEARITY" in found) != is_meant
