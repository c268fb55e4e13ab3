"""Healthy cases of the second blind suite: regression, densities and codes, in unusual, correct ways."""

from __future__ import annotations

import torch
from benchmarks.faults.blind_2 import loops
from benchmarks.faults.blind_2 import losses_and_schedules as ways
from benchmarks.faults.blind_2.data import formulas
from benchmarks.faults.blind_2.data import tables as rows
from benchmarks.faults.blind_2.networks.common import Forked, Recurrent, Units, mlp
from benchmarks.faults.blind_2.networks.special import Couplings, Flowing, Painters, Variational, Waves
from benchmarks.faults.case import TrainingCase, with_closure
from torch import nn
from torch.nn.functional import huber_loss, l1_loss, mse_loss
from torch.optim import LBFGS, SGD, Adam, AdamW


def _cleaner() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1),
    )  # fmt: skip


def _zero_start() -> nn.Module:
    net = mlp(3, 48, 48, 1, act=nn.SiLU)()
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)
    return net


def _unsure() -> nn.Module:
    return Forked(
        mlp(3, 48, 32, act=nn.SiLU)(), [nn.Sequential(nn.SiLU(), nn.Linear(32, 1)) for _ in range(2)]
    )


def _forked_kinds() -> nn.Module:
    trunk = nn.Sequential(nn.Linear(12, 48), nn.LayerNorm(48), nn.GELU())
    return Forked(trunk, [nn.Linear(48, 3), nn.Linear(48, 1)], ("kind", "size"))


def _rivals(model: nn.Module) -> tuple[torch.optim.Optimizer, ...]:
    parts = (model.critic, model.painter)
    return tuple(Adam(part.parameters(), lr=2e-3, betas=(0.5, 0.9)) for part in parts)


VALUES: tuple[TrainingCase, ...] = (
    TrainingCase("second-bumps-tiny-targets", rows.scaled(formulas.bumps, 1e-3),
            lambda: Units(_zero_start(), 1e-3, 0.0), mse_loss, ways.made(Adam, 5e-3, eps=1e-15), batch=50,
            steps=200),
    TrainingCase("second-bumps-large-targets", rows.scaled(formulas.bumps, 300.0, 5000.0),
            lambda: Units(mlp(3, 32, 32, 1, act=nn.Tanh)(), 300.0, 5000.0), mse_loss, ways.made(Adam, 0.01),
            batch=50, steps=250, validation=ways.handed),
    TrainingCase("second-diabetes-huber", rows.table("diabetes", real=True), mlp(10, 16, 1, act=nn.Tanh, drop=0.2),
            huber_loss, ways.made(AdamW, 5e-3, weight_decay=0.3), batch=48, steps=120,
            validation=ways.handed),
    TrainingCase("second-bumps-unsure", formulas.bumps, _unsure, ways.gaussian, ways.made(Adam, 5e-3), batch=60,
            steps=250, clip=ways.clipped(5.0), validation=ways.handed),
    TrainingCase("second-visits-log-rate", formulas.visits, mlp(5, 32, 1, act=nn.Tanh), ways.counted,
            ways.made(Adam, 0.01), batch=60, steps=150, scored=loops.score_of_rate, validation=ways.handed),
    TrainingCase("second-sums-lstm", formulas.sums, lambda: Recurrent(nn.LSTM(2, 24, batch_first=True), 1),
            mse_loss, ways.made(Adam, 0.02), batch=50, steps=300, clip=ways.clipped(1.0)),
    TrainingCase("second-pendulum-flow", formulas.pendulum, lambda: Flowing(2, 24, 6, 0.5), mse_loss,
            ways.made(Adam, 0.02), batch=525, steps=120, schedule=ways.warm_cosine(120, 10)),
    TrainingCase("second-digits-variational", rows.copied(rows.small_digits()), lambda: Variational(64, 96, 12),
            ways.elbo, ways.made(Adam, 3e-3), batch=64, steps=300, validation=ways.handed),
    TrainingCase("second-digits-cleaned", rows.copied(rows.small_digits(image=True), 0.3), _cleaner, l1_loss,
            ways.made(AdamW, 5e-3), batch=64, steps=150, validation=ways.handed),
    TrainingCase("second-ripples-fixed-waves", formulas.ripples, lambda: Waves(1, 64, 8.0, 1), mse_loss,
            ways.made(SGD, 0.01, momentum=0.9), batch=450, steps=200, validation=ways.handed),
    TrainingCase("second-bumps-lbfgs", formulas.bumps, mlp(3, 24, 1, act=nn.Tanh), mse_loss,
            ways.made(LBFGS, 1.0, max_iter=5, line_search_fn="strong_wolfe"), batch=600, steps=60,
            loop=with_closure),
    TrainingCase("second-decay-by-law", formulas.decay, mlp(1, 32, 32, 1, act=nn.Tanh), mse_loss,
            ways.made(Adam, 0.01), batch=100, steps=400, schedule=ways.warm_cosine(400, 20),
            loop=loops.residual),
    TrainingCase("second-humps-density", formulas.two_humps, lambda: Couplings(6, 24), ways.unlikely,
            ways.made(Adam, 0.01), batch=100, steps=300, schedule=ways.warm_cosine(300, 20),
            clip=ways.clipped(2.0), scored=loops.density_gained),
    TrainingCase("second-humps-duel", formulas.two_humps, lambda: Painters(48), mse_loss, _rivals, batch=100,
            steps=300, loop=loops.duel, scored=loops.likeness),
    TrainingCase("second-shapes-two-heads", formulas.shapes, _forked_kinds, ways.shape_and_size,
            ways.made(Adam, 4e-3), batch=50, steps=150, scored=loops.kind_found, validation=ways.handed),
)  # fmt: skip
