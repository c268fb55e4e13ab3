"""Faults of losses and of their inputs, for the first blind suite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from benchmarks.faults.blind_1.faulty.data import SILENT, Row
from benchmarks.faults.blind_1.faulty.operators import ended, fields, loss, output
from benchmarks.faults.blind_1.losses import cross
from torch import Tensor, nn
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]


def flat_targets(old: Loss) -> Loss:
    return lambda out, y: old(out, y[:, 0])


def flat_output(old: Loss) -> Loss:
    return lambda out, y: old(out[:, 0], y)


def one_axis_more(old: Loss) -> Loss:
    return lambda out, y: old(out[:, None], y)


def binary_by_hand(out: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy written out; the targets lost their axis."""
    y = y.squeeze(1)
    return -(y * functional.logsigmoid(out) + (1 - y) * functional.logsigmoid(-out)).mean()


def sum_by_hand(out: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy written out, summed."""
    return -out.log_softmax(1).gather(1, y[:, None]).sum()


def softmax_by_hand(out: Tensor, y: Tensor) -> Tensor:
    """The exponential of a sharpened output, with no care for its size."""
    e = torch.exp(200 * out)
    return -torch.log(e.gather(1, y[:, None])[:, 0] / e.sum(1)).mean()


def log_of_rectified(out: Tensor, y: Tensor) -> Tensor:
    """Poisson's likelihood with the rate made positive by a ReLU."""
    rate = torch.relu(out)
    return (rate - y * torch.log(rate)).mean()


def relative(out: Tensor, y: Tensor) -> Tensor:
    """The error in shares of the target, which may be nought."""
    return ((out - y).abs() / y).mean()


def logarithmic(out: Tensor, y: Tensor) -> Tensor:
    """Squared difference of logarithms, of numbers that may be below -1."""
    return ((torch.log1p(out) - torch.log1p(y.clamp_min(-0.9))) ** 2).mean()


def only_rare(out: Tensor, y: Tensor) -> Tensor:
    """The mean over rows of class 5 is part of the loss; a batch may have none."""
    each = cross(out, y, reduction="none")
    return each.mean() + (each * (y == 5)).sum() / (y == 5).sum()


def root_of_squares(out: Tensor, y: Tensor) -> Tensor:
    """The root of each squared error behind a threshold: at nought its slope is infinite."""
    return torch.sqrt((out - y) ** 2 * ((out - y).abs() > 0.05)).mean()


def one_head_only(out: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    return cross(out[0], y)


LOSSES: tuple[Row, ...] = (
    ("GRAPH_BROKEN", "second head without a loss", fields(loss=one_head_only), "two-heads", SILENT),
    ("DOUBLE_SOFTMAX", "in the model", ended(partial(nn.Softmax, 1)),
     "digits-batch-six digits-even-variance clouds-slow", {}),
    ("DOUBLE_SOFTMAX", "a function", output(lambda x: torch.softmax(x, 1)),
     "digits-restarts sharpness-aware digits-clip-values", {}),
    ("DOUBLE_SOFTMAX", "in the loss", loss(lambda old: lambda out, y: old(out.softmax(1), y)),
     "clouds-slow digits-restarts digits-clip-one", {}),
    ("DOUBLE_SOFTMAX", "sigmoid, then logits", output(torch.sigmoid),
     "chords moons-binary-adadelta discs-unet", {}),
    ("RELU_ON_LOGITS", "a module", ended(nn.ReLU), "digits-narrow clouds-slow sums-gru", SILENT),
    ("RELU_ON_LOGITS", "clamped", output(lambda x: x.clamp(min=0)),
     "chords clouds-slow moons-binary-adadelta", SILENT),
    ("RELU_ON_LOGITS", "ReLU6", ended(nn.ReLU6), "signals-dilated wine-weighted", SILENT),
    ("LOSS_BROADCAST", "flat targets", loss(flat_targets), "friedman-relu sets outliers-huber", {}),
    ("LOSS_BROADCAST", "flat output", loss(flat_output), "field-sine diabetes-small outliers-log-cosh", {}),
    ("LOSS_BROADCAST", "one axis more", loss(one_axis_more), "seasons-gelu arm-nanometres", {}),
    ("LOSS_BROADCAST", "binary by hand", fields(loss=binary_by_hand), "cancer-logistic moons-binary-adadelta",
     {}),
    ("LOSS_REDUCTION_SUM", "squares", fields(loss=nn.MSELoss(reduction="sum")), "friedman-double turned", {}),
    ("LOSS_REDUCTION_SUM", "cross-entropy", fields(loss=nn.CrossEntropyLoss(reduction="sum")),
     "moons-small told-the-loss digits-even-variance", {}),
    ("LOSS_REDUCTION_SUM", "by hand", fields(loss=sum_by_hand), "digits-restarts sharpness-aware", {}),
    ("NON_FINITE_LOSS", "softmax by hand", fields(loss=softmax_by_hand), "clouds-mish digits-wide", {}),
    ("NON_FINITE_LOSS", "logarithm of a ReLU", fields(loss=log_of_rectified), "rates-poisson", {}),
    ("NON_FINITE_LOSS", "shares of nought", fields(loss=relative), "rates-poisson", {}),
    ("NON_FINITE_LOSS", "logarithms of negatives", fields(loss=logarithmic), "friedman-relu seasons-gelu",
     {}),
    ("NON_FINITE_LOSS", "mean of no rows", fields(loss=only_rare), "digits-batch-six digits-contrasted-focal",
     {}),
    ("NON_FINITE_LOSS", "root at nought", fields(loss=root_of_squares), "field-sine sets", {}),
)  # fmt: skip
