"""Faults near the detection threshold, for the first blind suite."""

from __future__ import annotations

from functools import partial

from benchmarks.faults.blind_1.faulty.batch_operators import rare
from benchmarks.faults.blind_1.faulty.data import Row
from benchmarks.faults.blind_1.faulty.held_out import only_first, wide
from benchmarks.faults.blind_1.faulty.networks import sevenfold
from benchmarks.faults.blind_1.faulty.operators import (
    biased,
    both,
    fields,
    groups,
    hidden,
    inputs,
    inserted,
    last,
    rate,
    scaled,
    schedule,
)
from benchmarks.faults.blind_1.faulty.optimisation import by_norm, on_a_grid
from benchmarks.faults.blind_1.loops import shaped
from torch import nn, optim

EDGES: tuple[Row, ...] = (
    ("EXCESS_DROPOUT", "near the edge", inserted(-1, partial(nn.Dropout, 0.9)),
     "digits-narrow clouds-slow friedman-relu", {}),
    ("EXCESS_WEIGHT_DECAY", "SGD, near the edge", groups(weight_decay=0.2),
     "clouds-slow digits-even-variance digits-restarts", {}),
    ("LR_TOO_HIGH", "SGD, near the edge", rate(3.0), "digits-restarts moons-small digits-even-variance", {}),
    ("SATURATED_ACTIVATION", "near the edge", hidden(scaled(15.0)),
     "iris-tanh digits-even-variance", {}),
    ("VANISHING_GRADIENT", "six sigmoids", sevenfold(nn.Sigmoid, 1.0, 6), "digits-rate-third digits-restarts",
     {}),
    ("EXPLODING_GRADIENT", "gain of two", sevenfold(nn.ReLU, 2.5, 8), "digits-rate-third digits-restarts",
     {}),
    ("FIRST_LOSS_TOO_LARGE", "near the edge", last(scaled(50.0)),
     "digits-even-variance field-sine digits-restarts", {}),
    ("OVER_CLIPPING", "by norm, near the edge", by_norm(5e-4), "digits-clip-one clouds-slow digits-restarts",
     {}),
    ("INPUT_SCALE", "near the edge", inputs(lambda x: 0.02 * x), "clouds-slow moons-small spirals-relu", {}),
    ("CLASS_IMBALANCE", "near the edge", rare(14), "moons-small spirals-relu", {}),
    ("MISSING_ZERO_GRAD", "every fifth step", fields(zero_every=5),
     "digits-restarts moons-small friedman-double", {}),
    ("DEAD_RELU", "near the edge", hidden(biased(-4.0)), "digits-wide clouds-slow friedman-relu", {}),
    ("LR_DECAYED", "near the edge", schedule(lambda o: optim.lr_scheduler.ExponentialLR(o, 0.93)),
     "clouds-slow sums-gru field-sine", {}),
    ("LR_TOO_LOW", "a long ramp", schedule(shaped(lambda share: share**6 / 20, 200)),
     "digits-narrow seasons-gelu", {}),
    ("UPDATE_LOST_TO_ROUNDING", "a finer grid", on_a_grid(128.0), "digits-rate-third clouds-slow", {}),
    ("OVERFIT", "near the edge", both(fields(order=only_first(150), batch=30, steps=300), wide(10, 1)),
     "friedman-validated", {}),
)  # fmt: skip
