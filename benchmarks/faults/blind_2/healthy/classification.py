"""Healthy cases of the second blind suite: classification in unusual, correct ways."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.blind_2 import loops
from benchmarks.faults.blind_2 import losses_and_schedules as ways
from benchmarks.faults.blind_2.data import formulas
from benchmarks.faults.blind_2.data import tables as rows
from benchmarks.faults.blind_2.networks.common import (
    Bag,
    Circuit,
    Reader,
    Recurrent,
    Twins,
    mlp,
    stacked,
    tower,
)
from benchmarks.faults.blind_2.networks.special import Cosines, Raw, Signs
from benchmarks.faults.case import TrainingCase, with_closure
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.optim import LBFGS, SGD, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop
from torch.optim.lr_scheduler import LambdaLR


def _images(norm: str) -> nn.Module:
    """Two convolutions and a mean over the image, with group norm or with batch norm."""

    def normed(wide: int) -> nn.Module:
        return nn.GroupNorm(4, wide) if norm == "group" else nn.BatchNorm2d(wide)

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), normed(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), normed(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def _stripes() -> nn.Module:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(1, 12, 5, stride=2)), nn.LeakyReLU(0.1), spectral_norm(nn.Conv2d(12, 24, 3)),
        nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(96, 4),
    )  # fmt: skip


def _tones() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3), nn.InstanceNorm1d(16, affine=True), nn.SiLU(),
        nn.Conv1d(16, 24, 5, stride=2, groups=4), nn.SiLU(), nn.Conv1d(24, 24, 1), nn.SiLU(),
        nn.AdaptiveMaxPool1d(4), nn.Flatten(), nn.Linear(96, 4),
    )  # fmt: skip


def _spiral_net() -> nn.Module:
    return nn.Sequential(
        weight_norm(nn.Linear(2, 48)), nn.Tanh(), weight_norm(nn.Linear(48, 48)), nn.Tanh(), nn.Linear(48, 3)
    )


def _wine_loss(out: Tensor, y: Tensor) -> Tensor:
    """LBFGS knows no weight decay: logits' squares keep it from running away."""
    return cross_entropy(out, y) + 0.02 * out.pow(2).mean()


_digits, _plain = rows.table("digits"), rows.small_digits()

CLASSES: tuple[TrainingCase, ...] = (
    TrainingCase("second-wine-lbfgs", rows.table("wine"), mlp(13, 3), _wine_loss,
            ways.made(LBFGS, 0.2, max_iter=2), batch=133, steps=60, loop=with_closure,
            validation=ways.handed),
    TrainingCase("second-iris-three-units", rows.table("iris"), mlp(4, 3, 3, act=nn.Tanh), cross_entropy,
            ways.made(SGD, 0.1, momentum=0.9, weight_decay=5e-3), batch=112, steps=120),
    TrainingCase("second-digits-very-wide", _digits, mlp(64, 1500, 10), cross_entropy, ways.made(Adam, 1e-3),
            batch=64, steps=150, schedule=ways.warm_cosine(150, 5), validation=ways.handed),
    TrainingCase("second-digits-stochastic-depth", _digits, tower(64, 32, 10, 6, 0.3), cross_entropy,
            ways.made(AdamW, 4e-3, weight_decay=0.05), batch=64, steps=180,
            schedule=ways.warm_cosine(180, 30), clip=ways.clipped(1.0), validation=ways.handed),
    TrainingCase("second-digits-group-norm-accumulated", rows.small_digits(image=True), partial(_images, "group"),
            ways.smoothed, ways.made(SGD, 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4), batch=32,
            steps=120, accumulate=4),
    TrainingCase("second-digits-batch-norm-bfloat", rows.small_digits(image=True), partial(_images, "batch"),
            cross_entropy, ways.made(RMSprop, 2e-3), batch=48, steps=100, autocast=True, evaluates="right"),
    TrainingCase("second-gratings-spectral", formulas.gratings, _stripes, cross_entropy, ways.made(Adam, 5e-3),
            batch=32, steps=150, validation=ways.handed),
    TrainingCase("second-chirps-one-cycle", formulas.chirps, _tones, cross_entropy,
            ways.made(SGD, 0.02, momentum=0.9, nesterov=True), batch=32, steps=200,
            schedule=ways.one_cycle(0.15, 200)),
    TrainingCase("second-spirals-weight-norm", formulas.spirals, _spiral_net, cross_entropy,
            ways.made(RAdam, 0.02), batch=100, steps=250, order=ways.in_turn),
    TrainingCase("second-topics-sparse-bag", formulas.topics, lambda: Bag(400, 16, 5), cross_entropy,
            ways.sparse_and_dense(0.02), batch=40, steps=120),
    TrainingCase("second-duels-encoder", formulas.duels, lambda: Reader(8, 15, 32, 1), bce,
            ways.made(AdamW, 2e-3, weight_decay=0.01), batch=40, steps=150,
            schedule=ways.warm_cosine(150, 15), clip=ways.clipped(1.0), validation=ways.handed),
    TrainingCase("second-tags-both-ways", formulas.tags,
            lambda: Recurrent(nn.GRU(12, 24, batch_first=True, bidirectional=True), 3, True, 9),
            cross_entropy, ways.made(NAdam, 8e-3), batch=40, steps=150, clip=ways.clipped(1.0),
            validation=ways.some_handed),
    TrainingCase("second-rare-focal-weighted", formulas.rare, mlp(10, 32, 1, act=nn.ELU), ways.focal,
            ways.made(AdamW, 5e-3), batch=100, steps=250),
    TrainingCase("second-rare-positive-weight", formulas.rare, mlp(10, 24, 24, 1, act=nn.SiLU),
            partial(bce, pos_weight=torch.tensor([11.0])), ways.made(Adam, 3e-3, weight_decay=1e-3),
            batch=100, steps=150, validation=ways.handed),
    TrainingCase("second-labels-a-quarter-wrong", rows.mislabelled(_plain, 0.25, 10), mlp(64, 64, 10, drop=0.2),
            ways.smoothed, ways.made(AdamW, 3e-3, weight_decay=0.1), batch=64, steps=200),
    TrainingCase("second-digits-mixup", _digits, mlp(64, 128, 10, act=nn.GELU), cross_entropy,
            ways.made(AdamW, 2e-3), batch=64, steps=200, loop=loops.mixed_up, validation=ways.handed),
    TrainingCase("second-digits-heavy-dropout", _plain, mlp(64, 256, 10, drop=0.6), cross_entropy,
            ways.made(Adam, 3e-3), batch=64, steps=200, evaluates="right"),
    TrainingCase("second-digits-noise-on-inputs", _digits, mlp(64, 96, 10, act=nn.Softplus, noise=0.6),
            cross_entropy, ways.made(Adamax, 8e-3), batch=50, steps=200),
    TrainingCase("second-clouds-lion", formulas.clouds(8, 24), mlp(24, 64, 8, act=nn.Hardswish), cross_entropy,
            ways.made(ways.Lion, 1e-3, weight_decay=0.1), batch=60, steps=150, validation=ways.handed),
    TrainingCase("second-gratings-centred-gradients", formulas.gratings,
            lambda: nn.Sequential(nn.Flatten(), mlp(144, 64, 4, norm=nn.BatchNorm1d)()), cross_entropy,
            ways.made(SGD, 0.05, momentum=0.9, weight_decay=5e-4), batch=48, steps=150, prepare=ways.centred),
    TrainingCase("second-clouds-cosines", formulas.clouds(10, 20, 1000),
            stacked(mlp(20, 48, 32), lambda: Cosines(32, 10, 12)), cross_entropy, ways.made(Adam, 4e-3),
            batch=50, steps=200),
    TrainingCase("second-digits-signed-weights", _digits,
            lambda: nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.Hardtanh(), Signs(96, 10)),
            cross_entropy, ways.made(Adam, 5e-3), batch=64, steps=150),
    TrainingCase("second-circuits", formulas.circuits, lambda: Circuit(10, 3, 32, 3), cross_entropy,
            ways.made(Adam, 0.01), batch=50, steps=250),
    TrainingCase("second-alike-twins", rows.alike, lambda: Twins(mlp(64, 64, 8, act=nn.Tanh)()), bce,
            ways.made(AdamW, 3e-3, weight_decay=0.05), batch=60, steps=200),
    TrainingCase("second-digits-raw-parameters", _digits, lambda: Raw(64, 40, 10), cross_entropy,
            ways.made(SGD, 0.05), batch=4, steps=400,
            schedule=lambda o: LambdaLR(o, lambda step: 1 / (1 + step / 200))),
    TrainingCase("second-clouds-curriculum", rows.by_ease(formulas.clouds(5, 12)), mlp(12, 32, 5, act=nn.ReLU6),
            cross_entropy, ways.made(SGD, 0.1), batch=40, steps=200, order=ways.easy_first),
)  # fmt: skip
