"""The reference learner against refits without each row, and in the loss of the run."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import Tensor

from levinthal.clinic.answer.constants import chance_of
from levinthal.clinic.answer.reference import reference
from levinthal.clinic.answer.smoothers import RIDGES, left_out_predictions
from levinthal.clinic.recording.batch_stats import loss_call
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall, Sample

X = torch.rand(600, 6, generator=torch.Generator().manual_seed(0))


def kept(x: Tensor, y: Tensor, kind: str, outputs: Tensor, **more: object) -> tuple[History, LossCall]:
    """A history that kept these rows, and a call of the loss."""
    history = History()
    for low in range(0, len(x), 64):
        history.rows.offer((x[low : low + 64],), {})
        history.rows.pair(y[low : low + 64])
        history.rows.keep()
    call = loss_call(kind, {"input": outputs, "target": y, **more}, torch.tensor(1.0))
    history.add(Sample(0, loss=torch.tensor(1.0), losses=[call]))
    return history, call


def test_a_row_is_predicted_by_a_fit_without_it() -> None:
    x, y = X[:40].double(), X[:40, :2].double().square()
    name, predicted = next(iter(left_out_predictions(x, y)))
    scaled = (x - x.mean(0)) / (x - x.mean(0)).square().mean(0).sqrt()
    kernel = scaled @ scaled.T / 6 + 1
    ridge = RIDGES[0] * kernel.diagonal().mean()
    others = torch.arange(40) != 7
    inner = kernel[others][:, others] + ridge * torch.eye(39)
    middle = y.mean(0)
    refitted = middle + kernel[7, others] @ torch.linalg.solve(inner, y[others] - middle)
    assert name == "ridge regression"
    assert predicted[7].tolist() == pytest.approx(refitted.tolist())


def test_classes_that_columns_decide_are_predicted_and_random_ones_are_not() -> None:
    y = X[:, :3].argmax(1)
    history, call = kept(X, y, "cross_entropy", torch.zeros(600, 3))
    found = reference(history, call)
    assert found is not None
    assert found.rows == 400
    assert found.loss < 0.4
    shuffled = y[torch.randperm(600, generator=torch.Generator().manual_seed(0))]
    chance = reference(*kept(X, shuffled, "cross_entropy", torch.zeros(600, 3)))
    assert chance is not None
    assert chance.loss > 0.97 * math.log(3)


def test_label_smoothing_and_class_weights_are_those_of_the_loss() -> None:
    y, weight = X[:, :3].argmax(1), torch.tensor([5.0, 1.0, 1.0])
    smooth = reference(*kept(X, y, "cross_entropy", torch.zeros(600, 3), label_smoothing=0.2))
    plain = reference(*kept(X, y, "cross_entropy", torch.zeros(600, 3)))
    weighted = reference(*kept(X, y, "cross_entropy", torch.zeros(600, 3), weight=weight))
    assert smooth is not None
    assert plain is not None
    assert weighted is not None
    assert smooth.loss > plain.loss + 0.2
    assert weighted.loss != plain.loss


def test_numbers_and_binary_labels_have_references_too() -> None:
    squares = X[:, :2].square()
    history, call = kept(X, squares, "mse_loss", squares)
    found = reference(history, call)
    assert found is not None
    assert found.loss < 0.02 * chance_of(history, call)
    binary = (X[:, :1] * X[:, 1:2] > 0.2).float()
    history, call = kept(X, binary, "binary_cross_entropy_with_logits", binary)
    found = reference(history, call)
    assert found is not None
    assert found.loss < 0.5 * chance_of(history, call)


def test_targets_that_no_class_has_and_targets_that_are_the_inputs_are_left_out() -> None:
    y = X[:, :3].argmax(1)
    y[::5] = -100
    assert reference(*kept(X, y, "cross_entropy", torch.zeros(600, 3))) is not None
    assert reference(*kept(X, X, "mse_loss", X)) is None


def test_the_chance_level_of_an_image_has_one_constant_for_each_pixel() -> None:
    history, call = kept(X, 10 * torch.arange(6) + X, "mse_loss", X)
    assert chance_of(history, call) == pytest.approx(float(X.var(0, correction=0).mean()), rel=0.02)
    summed = kept(X, X, "mse_loss", X, reduction="sum")
    assert chance_of(*summed) == pytest.approx(float(X.var(0, correction=0).mean()), rel=0.02)


def test_of_a_wide_run_it_takes_little_time() -> None:
    x = torch.rand(1000, 784, generator=torch.Generator().manual_seed(0))
    history, call = kept(x, x[:, :10].argmax(1), "cross_entropy", torch.zeros(1000, 10))
    reference(history, call)
    begin = time.process_time()
    reference(history, call)
    assert time.process_time() - begin < 1.0  # 0.13 s on a thread of its own
