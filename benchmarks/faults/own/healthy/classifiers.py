"""Healthy classifiers of rows: multilayer perceptrons of many kinds."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.case import TrainingCase, with_closure
from benchmarks.faults.own import data
from benchmarks.faults.own.networks import Parts, mlp
from benchmarks.faults.own.recipes import (
    adam,
    adamw,
    by_hand,
    classes,
    continued,
    frozen_backbone,
    full_batch,
    kept_apart,
    log_likelihood,
    norm_at,
    of_trainable,
    one_cycle,
    orthogonal,
    sgd,
    softened,
    warm_up,
    wide_and_deep,
)
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler

FLAT, STANDARD, IMAGES = data.digits, data.standard_digits, data.images
bce, mse = functional.binary_cross_entropy_with_logits, functional.mse_loss
huber, entropy = functional.huber_loss, functional.cross_entropy
gelu_wide = partial(mlp, (64, 128, 128, 10), nn.GELU)
deep_norm = partial(mlp, (64, *(32,) * 8, 10), nn.ReLU, nn.BatchNorm1d)

LONG = TrainingCase("mlp-gelu-adamw-long", STANDARD, gelu_wide, entropy, adamw(5e-3), steps=200)
CLASSIFIERS = (
    TrainingCase("mlp-relu-adam", FLAT, partial(mlp, (64, 64, 64, 10)), entropy, adam(1e-3), steps=150),
    TrainingCase("mlp-relu-sgd", STANDARD, partial(mlp, (64, 64, 64, 10)), entropy, sgd(0.1)),
    TrainingCase("mlp-tanh-sgd", STANDARD, partial(mlp, (64, 48, 48, 10), nn.Tanh), entropy, sgd(0.1, 0.9)),
    TrainingCase("mlp-gelu-adamw", FLAT, gelu_wide, entropy, adamw(2e-3), evaluates="right"),
    TrainingCase(
        "mlp-sigmoid-shallow", STANDARD, partial(mlp, (64, 64, 10), nn.Sigmoid), entropy, adam(1e-2)
    ),
    TrainingCase(
        "mlp-silu-rmsprop",
        FLAT,
        partial(mlp, (64, 40, 10), nn.SiLU),
        entropy,
        lambda m: torch.optim.RMSprop(m.parameters(), 1e-3),
        steps=150,
    ),
    TrainingCase(
        "mlp-selu-nesterov",
        STANDARD,
        partial(mlp, (64, 48, 48, 48, 10), nn.SELU),
        entropy,
        sgd(0.02, 0.9, nesterov=True),
    ),
    TrainingCase(
        "mlp-leaky-narrow", STANDARD, partial(mlp, (64, 12, 12, 10), nn.LeakyReLU), entropy, adam(1e-2)
    ),
    TrainingCase("mlp-wide", FLAT, partial(mlp, (64, 512, 10)), entropy, adam(1e-3), batch=64),
    TrainingCase(
        "mlp-elu-adagrad",
        STANDARD,
        partial(mlp, (64, 48, 10), nn.ELU),
        entropy,
        lambda m: torch.optim.Adagrad(m.parameters(), 0.05),
    ),
    TrainingCase(
        "mlp-dropout-tenth",
        FLAT,
        partial(mlp, (64, 96, 96, 10), dropout=0.1),
        entropy,
        adam(2e-3),
        evaluates="right",
    ),
    TrainingCase(
        "mlp-dropout-half",
        STANDARD,
        partial(mlp, (64, 128, 128, 10), dropout=0.5),
        entropy,
        adam(2e-3),
        evaluates="right",
    ),
    TrainingCase(
        "mlp-batch-norm",
        FLAT,
        partial(mlp, (64, 64, 64, 10), nn.ReLU, nn.BatchNorm1d),
        entropy,
        sgd(0.1, 0.9),
        evaluates="right",
    ),
    TrainingCase(
        "mlp-batch-norm-deep", STANDARD, deep_norm, entropy, adam(5e-3), batch=64, evaluates="right"
    ),
    TrainingCase(
        "mlp-layer-norm", STANDARD, partial(mlp, (64, 64, 64, 10), nn.GELU, nn.LayerNorm), entropy, adam(3e-3)
    ),
    TrainingCase(
        "mlp-weight-decay", STANDARD, partial(mlp, (64, 64, 64, 10)), entropy, sgd(0.1, weight_decay=1e-3)
    ),
    TrainingCase(
        "mlp-adamw-decay-tenth", FLAT, partial(mlp, (64, 64, 10), nn.Tanh), entropy, adamw(5e-3, 0.1)
    ),
    TrainingCase(
        "mlp-tanh-orthogonal",
        STANDARD,
        orthogonal(partial(mlp, (64, *(48,) * 6, 10), nn.Tanh), 1.2),
        entropy,
        sgd(0.05, 0.9),
    ),
    TrainingCase(
        "mlp-relu-depth-six",
        STANDARD,
        orthogonal(partial(mlp, (64, *(48,) * 6, 10)), 1.4),
        entropy,
        adam(1e-3),
    ),
    TrainingCase("mlp-log-softmax", STANDARD, partial(mlp, (64, 64, 10)), log_likelihood, adam(3e-3)),
    TrainingCase("mlp-label-smoothing", FLAT, partial(mlp, (64, 64, 64, 10)), softened, adam(2e-3)),
    TrainingCase("mlp-loss-by-hand", STANDARD, partial(mlp, (64, 64, 10), nn.Tanh), by_hand, sgd(0.2)),
    TrainingCase(
        "mlp-warm-up-cosine",
        STANDARD,
        partial(mlp, (64, 64, 64, 10)),
        entropy,
        adam(5e-3),
        schedule=warm_up(10, 100),
    ),
    TrainingCase(
        "mlp-one-cycle",
        FLAT,
        partial(mlp, (64, 64, 10)),
        entropy,
        sgd(0.1, 0.9),
        schedule=one_cycle(0.5, 120),
        steps=120,
    ),
    TrainingCase(
        "mlp-step-schedule",
        STANDARD,
        partial(mlp, (64, 64, 10)),
        entropy,
        adam(1e-2),
        schedule=lambda o: lr_scheduler.StepLR(o, 40, 0.1),
        steps=120,
    ),
    TrainingCase(
        "mlp-autocast", STANDARD, partial(mlp, (64, 64, 64, 10)), entropy, adam(3e-3), autocast=True
    ),
    TrainingCase("mlp-accumulation", STANDARD, partial(mlp, (64, 64, 10)), entropy, adam(3e-3), accumulate=4),
    TrainingCase(
        "mlp-clipped", STANDARD, partial(mlp, (64, 64, 64, 10)), entropy, sgd(0.2, 0.9), clip=norm_at(1)
    ),
    TrainingCase(
        "mlp-full-batch",
        STANDARD,
        partial(mlp, (64, 64, 10), nn.Tanh),
        entropy,
        adam(1e-2),
        order=full_batch,
        steps=60,
    ),
    TrainingCase(
        "mlp-batch-of-four", STANDARD, partial(mlp, (64, 64, 10)), entropy, sgd(0.02), batch=4, steps=200
    ),
    TrainingCase(
        "mlp-lbfgs",
        STANDARD,
        partial(mlp, (64, 32, 10), nn.Tanh),
        entropy,
        lambda m: torch.optim.LBFGS(m.parameters(), max_iter=3, line_search_fn="strong_wolfe"),
        loop=with_closure,
        order=full_batch,
        steps=60,
    ),
    TrainingCase("mlp-converged", STANDARD, continued(LONG), entropy, adam(1e-5)),
    LONG,
    TrainingCase(
        "mlp-backbone-frozen",
        STANDARD,
        frozen_backbone,
        classes,
        of_trainable(torch.optim.Adam, 1e-2),
        frozen=("backbone",),
    ),
    TrainingCase(
        "mlp-two-optimisers",
        STANDARD,
        lambda: Parts(mlp((64, 48, 32)), nn.Linear(32, 10)),
        classes,
        wide_and_deep(adam(3e-3)),
    ),
    TrainingCase(
        "mlp-gives-tuple",
        STANDARD,
        lambda: Parts(mlp((64, 48, 32), nn.Tanh), nn.Linear(32, 10), "tuple"),
        classes,
        sgd(0.2),
    ),
    TrainingCase(
        "mlp-gives-mapping",
        FLAT,
        lambda: Parts(mlp((64, 48, 32)), nn.Linear(32, 10), "mapping"),
        kept_apart,
        adam(5e-3),
    ),
    TrainingCase("linear-softmax", FLAT, lambda: nn.Linear(64, 10), entropy, adam(1e-2)),
    TrainingCase("blobs-relu", data.blobs, partial(mlp, (20, 32, 32, 5)), entropy, sgd(0.1), batch=16),
    TrainingCase("blobs-tanh-adam", data.blobs, partial(mlp, (20, 24, 5), nn.Tanh), entropy, adam(1e-2)),
    TrainingCase(
        "blobs-small-start",
        data.blobs,
        orthogonal(partial(mlp, (20, 32, 32, 5)), 0.5),
        entropy,
        sgd(0.2, 0.9),
        batch=64,
    ),
    TrainingCase("blobs-unequal", data.unequal_blobs, partial(mlp, (20, 32, 3)), entropy, adam(3e-3)),
    TrainingCase("rings-relu", data.rings, partial(mlp, (2, 32, 32, 3)), entropy, adam(1e-2), steps=150),
    TrainingCase(
        "rings-tanh", data.rings, partial(mlp, (2, 32, 32, 3), nn.Tanh), entropy, adam(1e-2), steps=150
    ),
    TrainingCase(
        "rings-gelu", data.rings, partial(mlp, (2, 48, 48, 3), nn.GELU), entropy, sgd(0.3, 0.9), steps=150
    ),
    TrainingCase("rings-binary", data.two_rings, partial(mlp, (2, 24, 24, 1)), bce, adam(1e-2), steps=150),
    TrainingCase("rings-binary-tanh", data.two_rings, partial(mlp, (2, 32, 1), nn.Tanh), bce, adam(3e-2)),
    TrainingCase("yes-or-no", data.two_rings, partial(mlp, (2, 48, 48, 1), nn.SiLU), bce, adam(2e-2)),
    TrainingCase("multi-label", data.labels, partial(mlp, (16, 32, 4)), bce, adam(1e-2)),
    TrainingCase("multi-label-sgd", data.labels, partial(mlp, (16, 32, 4), nn.Tanh), bce, sgd(0.5)),
)
