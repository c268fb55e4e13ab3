"""Healthy cases of the first blind suite: tables, planes and known functions."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.blind_1 import losses
from benchmarks.faults.blind_1.data.structured import contrasted, odd, signed_digits, turned
from benchmarks.faults.blind_1.data.vectors import (
    arm,
    as_floats,
    cancer,
    checkerboard,
    chords,
    clouds,
    diabetes,
    field,
    friedman,
    in_units,
    iris,
    line_with_outliers,
    moons,
    noisy_labels,
    parity,
    rates,
    ratings,
    spirals,
    spread,
    wine,
)  # fmt: skip
from benchmarks.faults.blind_1.loops import (
    Lion,
    adam,
    adamw,
    apart,
    by,
    deeper_slower,
    everything,
    ramp_and_line,
    root,
    sgd,
    shaped,
    to_a_tenth,
)  # fmt: skip
from benchmarks.faults.blind_1.losses import binary, cross, squares, through
from benchmarks.faults.blind_1.networks.generative import Factors, Pieces, Rounded
from benchmarks.faults.blind_1.networks.vectors import (
    Adapted,
    Bumps,
    Dense,
    Experts,
    Fourier,
    Gated,
    Highway,
    Maxout,
    Mish,
    OneByOne,
    Sine,
    ZeroGated,
    dense,
)  # fmt: skip
from benchmarks.faults.case import TrainingCase
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

optim = torch.optim
six = partial(clouds, classes=6)


def normed(*sizes: int) -> nn.Module:
    """Every affine layer with its norm and its direction apart."""
    net = dense(*sizes)
    for layer in net[::2]:
        weight_norm(layer)
    return net


def bounded(*sizes: int) -> nn.Module:
    """Hidden layers that stretch nothing."""
    net = dense(*sizes, act=lambda: nn.LeakyReLU(0.2))
    for layer in net[:-1:2]:
        spectral_norm(layer)
    return net


def thinned() -> nn.Module:
    """Half of the hidden weights are pruned permanently."""
    net = dense(64, 64, 48, 10)
    for layer in net[::2]:
        prune.random_unstructured(layer, "weight", amount=0.5)
    return net


def even_variance() -> nn.Module:
    """Orthogonal, then each layer scaled on noise to variance 1 (Mishkin, Matas 2016)."""
    net, x = dense(64, 48, 48, 48, 10, act=nn.Tanh), torch.randn(256, 64)
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight)
            with torch.no_grad():
                layer.weight /= layer(x).std()
        x = layer(x).detach()
    return net


def empty_end(net: nn.Sequential) -> nn.Sequential:
    """The last layer is initialised to zero."""
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)
    return net


def learned(rows: object, net: nn.Module, kept: str = "") -> nn.Module:
    """Trained for a while on other rows of the kind; what `kept` begins is frozen."""
    x, y = rows(77)  # type: ignore[operator]
    optimizer = optim.Adam(net.parameters(), 3e-3)
    for part in torch.randint(0, len(x), (150, 64)):
        optimizer.zero_grad()
        cross(net(x[part]), y[part]).backward()
        optimizer.step()
    for name, p in net.named_parameters():
        p.requires_grad_(not (kept and name.startswith(kept)))
    return net


def adapted() -> nn.Module:
    """A network that knows odd from even, fixed; small additions learn the digits."""
    net = learned(odd(signed_digits), dense(64, 64, 64, 2))
    return nn.Sequential(Adapted(net[0]), nn.ReLU(), Adapted(net[2]), nn.ReLU(), nn.Linear(64, 10))


TABLES = (
    TrainingCase("wine-softmax", wine, lambda: dense(13, 3), cross, sgd(0.1), 16, 120),
    TrainingCase("wine-silu", wine, lambda: dense(13, 24, 3, act=nn.SiLU), cross, by(optim.NAdam, 5e-3), 16, 120),
    TrainingCase("wine-weighted", wine, lambda: dense(13, 16, 3),
        nn.CrossEntropyLoss(torch.tensor([1.0, 0.8, 1.5])), adam(1e-2), 32, 120),
    TrainingCase("cancer-logistic", as_floats(cancer), lambda: dense(30, 1), binary, sgd(0.1, momentum=0.9), 32,
        120),
    TrainingCase("cancer-gated", cancer, lambda: nn.Sequential(Gated(30, 16), Gated(16, 16), nn.Linear(16, 2)),
        cross, adamw(3e-3), 32, 120),
    TrainingCase("cancer-hinge", cancer, lambda: dense(30, 24, 2, act=nn.Hardtanh), losses.hinge, sgd(0.05), 32,
        150),
    TrainingCase("iris-tanh", iris, lambda: dense(4, 12, 3, act=nn.Tanh), cross, sgd(0.2), 16, 150),
    TrainingCase("iris-rprop", iris, lambda: dense(4, 10, 3, act=nn.Softsign), cross, by(optim.Rprop, 1e-2), 112,
        100, order=everything),
    TrainingCase("diabetes-linear", diabetes, lambda: dense(10, 1), squares, adam(2e-2), 32, 150),
    TrainingCase("diabetes-small", diabetes, lambda: dense(10, 8, 1, act=nn.Tanh), nn.SmoothL1Loss(),
        by(optim.Adamax, 1e-2), 32, 150),
)  # fmt: skip
PLANES = (
    TrainingCase("spirals-relu", spirals, lambda: dense(2, 64, 64, 3), cross, adam(5e-3), 64, 250),
    TrainingCase("spirals-bumps", spirals, lambda: Bumps(2, 60, 3), cross, adam(5e-2), 64, 250),
    TrainingCase("spirals-maxout", spirals, lambda: nn.Sequential(Maxout(2, 32), Maxout(32, 32), nn.Linear(32, 3)),
        cross, by(optim.RMSprop, 2e-3), 64, 250),
    TrainingCase("board-fourier", checkerboard, lambda: Fourier(2, 32, 2), cross, adam(3e-3), 64, 250),
    TrainingCase("board-gelu", checkerboard, lambda: dense(2, 64, 64, 2, act=nn.GELU), cross, adamw(1e-2), 64,
        300),
    TrainingCase("moons-small", moons, lambda: dense(2, 10, 2, act=nn.Tanh), cross, sgd(0.3, momentum=0.9), 32,
        200),
    TrainingCase("moons-binary-adadelta", as_floats(moons), lambda: dense(2, 24, 1, act=nn.ELU), binary,
        by(optim.Adadelta, 3.0, eps=1e-2), 32, 250),
    TrainingCase("clouds-mish", clouds, lambda: dense(16, 48, 6, act=Mish), cross, adam(5e-3), 64, 200),
    TrainingCase("clouds-highway", clouds, lambda: Highway(16, 24, 4, 6), cross, adam(3e-3), 64, 200),
    TrainingCase("clouds-zero-gates", clouds, lambda: ZeroGated(16, 24, 4, 6), cross, adamw(5e-3), 64, 150),
    TrainingCase("clouds-dense", clouds, lambda: Dense(16, 16, 5, 6), cross, adam(3e-3), 64, 150),
    TrainingCase("clouds-experts", clouds, lambda: Experts(16, 16, 6), cross, adam(5e-3), 64, 200),
    TrainingCase("clouds-two-experts", clouds, lambda: Experts(16, 16, 6, top=2), cross, adam(5e-3), 64, 200),
    TrainingCase("clouds-norm-relu6", clouds, lambda: dense(16, 48, 48, 6, act=nn.ReLU6, between=nn.BatchNorm1d),
        cross, sgd(0.1, nesterov=True, momentum=0.9), 64, 70, evaluates="right"),
    TrainingCase("clouds-noisy-labels", noisy_labels(clouds, 0.3), lambda: dense(16, 32, 6), cross, adam(5e-3), 64,
        200),
    TrainingCase("clouds-slow", clouds, lambda: dense(16, 64, 6, act=nn.Softplus), cross, sgd(0.05), 32, 300),
    TrainingCase("parity-three", parity, lambda: dense(8, 48, 2), cross, adam(1e-2), 64, 250),
    TrainingCase("parity-hinge-slow", parity, lambda: dense(8, 64, 32, 2), losses.hinge, sgd(0.1, momentum=0.9),
        64, 300),
)  # fmt: skip
FUNCTIONS = (
    TrainingCase("field-sine", field, lambda: dense(2, 48, 48, 1, act=partial(Sine, 2.0)), squares, adam(3e-3), 64,
        250),
    TrainingCase("field-tanh", partial(field, waves=1.0), lambda: dense(2, 32, 32, 1, act=nn.Tanh), squares,
        adam(1e-2), 64, 300, schedule=shaped(to_a_tenth, 300)),
    TrainingCase("friedman-relu", friedman, lambda: dense(10, 64, 1), squares, adam(1e-2), 64, 200),
    TrainingCase("friedman-additive", friedman, lambda: OneByOne(10, 6, 1), squares, adam(2e-2), 64, 120),
    TrainingCase("friedman-double", lambda s: tuple(t.double() for t in friedman(s)),
        lambda: dense(10, 32, 1).double(), squares, sgd(0.05, momentum=0.9), 64, 200),
    TrainingCase("outliers-huber", line_with_outliers, lambda: dense(6, 48, 1), nn.HuberLoss(delta=0.5),
        adam(1e-2), 64, 250),
    TrainingCase("outliers-student", line_with_outliers, lambda: dense(6, 48, 1, act=nn.SiLU), losses.student,
        adam(1e-2), 64, 250),
    TrainingCase("outliers-log-cosh", line_with_outliers, lambda: dense(6, 48, 1), losses.log_cosh,
        by(optim.RMSprop, 3e-3), 64, 250),
    TrainingCase("arm-nanometres", in_units(arm, 1e-9), lambda: dense(2, 32, 2, act=nn.Tanh), squares, adam(1e-2),
        32, 200),
    TrainingCase("arm-kilometres", in_units(arm, 1e7), lambda: dense(2, 32, 2, act=nn.GELU), squares,
        by(optim.Adagrad, 5e-2), 32, 200),
    TrainingCase("rates-poisson", rates, lambda: dense(4, 32, 1), losses.poisson, adam(1e-2), 64, 200,
        scored=through(losses.Exponential())),
    TrainingCase("spread-quantiles", spread, lambda: dense(1, 32, 3), losses.quantiles, adam(1e-2), 64, 200,
        scored=losses.by_first),
    TrainingCase("spread-mixture", spread, lambda: dense(1, 32, 9, act=nn.Tanh), losses.mixture, adam(1e-2), 64,
        200, scored=through(losses.Mean())),
    TrainingCase("chords", chords, lambda: dense(32, 64, 8), binary, adam(1e-2), 32, 150),
    TrainingCase("ratings", ratings, lambda: Factors(30, 40, 4), squares, adam(5e-2), 128, 200),
    TrainingCase("ratings-sparse", ratings, lambda: Factors(30, 40, 4, sparse=True), squares,
        by(optim.SparseAdam, 5e-2), 128, 200),
    TrainingCase("turned", turned, lambda: dense(12, 32, 2), squares, by(optim.ASGD, 0.2), 32, 200),
)  # fmt: skip
DIGITS = (
    TrainingCase("digits-signed-lion", signed_digits, lambda: dense(64, 48, 10), cross, by(Lion, 2e-3, decay=0.01),
        32, 120),
    TrainingCase("digits-contrasted-focal", contrasted, lambda: dense(64, 64, 10, act=nn.GELU), losses.focal,
        adam(3e-3), 32, 120),
    TrainingCase("digits-poly-half-precision", signed_digits, lambda: dense(64, 64, 10), losses.poly,
        sgd(0.2, momentum=0.9), 32, 120, autocast=True),
    TrainingCase("digits-brain-floats", signed_digits, lambda: dense(64, 96, 10).bfloat16(), lambda out,
        y: cross(out.float(), y), adam(4e-3), 32, 120, batch_made=lambda x, y: (x.bfloat16(), y)),
    TrainingCase("digits-brier", contrasted, lambda: dense(64, 48, 10, act=nn.Tanh), losses.one_hot_squares,
        adam(5e-3), 32, 120),
    TrainingCase("digits-weight-norm", contrasted, lambda: normed(64, 48, 32, 10), cross, adam(3e-3), 32, 120),
    TrainingCase("digits-spectral-norm", contrasted, lambda: bounded(64, 48, 32, 10), cross, adam(5e-3), 32, 120),
    TrainingCase("digits-thinned", contrasted, thinned, cross, adam(3e-3), 32, 120),
    TrainingCase("digits-even-variance", contrasted, even_variance, cross, sgd(0.05), 32, 150),
    TrainingCase("digits-empty-end", contrasted, lambda: empty_end(dense(64, 64, 64, 10)), cross, adam(2e-3), 32,
        120),
    TrainingCase("digits-straight-through", contrasted, lambda: Rounded(64, 64, 10), cross, adam(5e-3), 32, 150),
    TrainingCase("digits-checkpoints", contrasted,
        lambda: Pieces(dense(64, 48, 48), nn.Sequential(nn.ReLU(), nn.Linear(48, 32)),
            nn.Sequential(nn.ReLU(), nn.Linear(32, 10))), cross, adam(3e-3), 32, 120),
    TrainingCase("digits-adapters", signed_digits, adapted, cross, adamw(1e-2), 32, 150,
        frozen=("0.fixed", "2.fixed")),
    TrainingCase("digits-head-only", signed_digits,
        lambda: nn.Sequential(*learned(odd(signed_digits), dense(64, 96, 2), "0"))[:-1].append(nn.Linear(96,
            10)), cross, adam(1e-2), 32, 150, frozen=("0.",)),
    TrainingCase("digits-continued", signed_digits, lambda: learned(signed_digits, dense(64, 64, 10)), cross,
        adam(5e-4), 32, 120),
    TrainingCase("digits-line-schedule", contrasted, lambda: dense(64, 64, 64, 10, between=nn.LayerNorm), cross,
        adamw(5e-3), 32, 150, schedule=shaped(ramp_and_line, 150)),
    TrainingCase("digits-root-schedule", contrasted, lambda: dense(64, 64, 64, 10, act=nn.GELU), cross, adam(5e-3),
        32, 150, schedule=shaped(root, 150)),
    TrainingCase("digits-restarts", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.2), 32, 150,
        schedule=lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 30, 2)),
    TrainingCase("digits-cycle", contrasted, lambda: dense(64, 48, 48, 10), cross, sgd(0.02, momentum=0.9), 32,
        150, schedule=lambda o: optim.lr_scheduler.OneCycleLR(o, 0.2, 150)),
    TrainingCase("digits-decay-apart", contrasted, lambda: dense(64, 64, 10, between=nn.LayerNorm), cross,
        apart(optim.AdamW, 3e-3, 0.05), 32, 120),
    TrainingCase("digits-deeper-slower", contrasted, lambda: dense(64, 64, 64, 10), cross,
        deeper_slower(optim.Adam, 5e-3), 32, 120),
    TrainingCase("digits-pieces-of-four", contrasted, lambda: dense(64, 48, 10), cross, adam(3e-3), 32, 120,
        accumulate=8),
    TrainingCase("digits-clip-one", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.2), 32, 150,
        clip=lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1.0)),
    TrainingCase("digits-clip-values", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.3), 32, 150,
        clip=lambda m: nn.utils.clip_grad_value_(m.parameters(), 0.05)),
    TrainingCase("digits-confidence-price", contrasted, lambda: dense(64, 96, 10), losses.with_balance, adam(2e-3),
        32, 120),
    TrainingCase("digits-rate-third", contrasted, lambda: dense(64, 64, 10), cross, adam(1e-3), 32, 150),
    TrainingCase("digits-rate-triple", contrasted, lambda: dense(64, 64, 10), cross, adam(1e-2), 32, 120),
    TrainingCase("digits-narrow", contrasted, lambda: dense(64, 12, 10), cross, adam(1e-2), 32, 150),
    TrainingCase("digits-wide", contrasted, lambda: dense(64, 384, 10), cross, adam(1e-3), 32, 100),
    TrainingCase("digits-batch-six", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.05), 6, 300),
    TrainingCase("digits-whole-batch", contrasted, lambda: dense(64, 32, 10), cross, adam(1e-2), 1347, 100,
        order=everything),
)  # fmt: skip
VECTORS = (*TABLES, *PLANES, *FUNCTIONS, *DIGITS)
