"""Healthy cases of the first blind suite: unusual objectives and unusual loops."""

from __future__ import annotations

from functools import cache, partial

import torch
from benchmarks.faults.blind_1 import loops, losses
from benchmarks.faults.blind_1.data.structured import chain, contrasted, grey, signed_digits
from benchmarks.faults.blind_1.data.vectors import (
    Source,
    arm,
    cancer,
    clouds,
    friedman,
    moons,
    spirals,
    walks,
)
from benchmarks.faults.blind_1.healthy.vectors import learned
from benchmarks.faults.blind_1.loops import adam, sgd
from benchmarks.faults.blind_1.losses import cross, squares
from benchmarks.faults.blind_1.networks.generative import Flow, Painter, Shadowed, Variational
from benchmarks.faults.blind_1.networks.structured import Recurrence, Two, stack
from benchmarks.faults.blind_1.networks.vectors import dense
from benchmarks.faults.case import Run, TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

optim = torch.optim


class Directions(nn.Module):
    """Cosines with ten directions, of what a small network makes of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.ways = dense(64, 64, 16), nn.Parameter(torch.randn(10, 16))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 64) -> (n, 10)"""
        return functional.normalize(self.body(x)) @ functional.normalize(self.ways).T


@cache
def teacher() -> nn.Module:
    """A larger network that knows the digits."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return learned(contrasted, dense(64, 128, 10)).requires_grad_(False)


def taught(run: Run, x: Tensor, y: Tensor) -> None:
    """The teacher's softened answers, and a little of the truth."""
    run.optimizers[0].zero_grad()
    out, told = run.model(x), torch.softmax(teacher()(x) / 2, 1)
    alike = functional.kl_div((out / 2).log_softmax(1), told, reduction="batchmean")
    (4 * alike + 0.2 * cross(out, y)).backward()
    run.optimizers[0].step()


def body_and_head(model: nn.Module) -> tuple[optim.Optimizer, ...]:
    return optim.Adam(model[:-1].parameters(), 5e-3), optim.SGD(model[-1].parameters(), 0.3)


def critic_and_painter(model: nn.Module) -> tuple[optim.Optimizer, ...]:
    make = partial(optim.Adam, lr=3e-3, betas=(0.5, 0.9))
    return make(model.critic.parameters()), make(model.painter.parameters())


def itself(source: Source) -> Source:
    """The inputs as targets."""

    def rows(seed: int) -> Rows:
        x, _ = source(seed)
        return x, x

    return rows


def on_a_ring(seed: int) -> Rows:
    """Points near a ring in the plane, for networks that paint."""
    x, y = arm(seed)
    angle = x[:, :1] * 2.8
    return torch.cat((angle.cos(), angle.sin()), 1) + 0.05 * x, y


def in_batches(_rows: Rows, held: Rows) -> object:
    """The held-out rows as a loader gives them."""
    return DataLoader(TensorDataset(*held), batch_size=64)


def as_list(_rows: Rows, held: Rows) -> object:
    """The held-out rows as a list of batches."""
    return list(zip(*(part.split(50) for part in held), strict=True))


AIMS = (
    TrainingCase("denoising-hidden-pixels", itself(contrasted), lambda: dense(64, 32, 64), squares, adam(5e-3),
        32, 200, batch_made=loops.denoised),
    TrainingCase("narrow-code-elu", itself(contrasted), lambda: dense(64, 32, 8, 32, 64, act=nn.ELU), squares,
        adam(5e-3), 32, 200),
    TrainingCase("variational", itself(contrasted), lambda: Variational(64, 48, 8), losses.elbo, adam(5e-3), 32,
        200),
    TrainingCase("flow-moons", moons, lambda: Flow(24), losses.flow_likelihood, adam(1e-2), 64, 200,
        scored=losses.by_density),
    TrainingCase("two-views", contrasted, lambda: dense(64, 64, 24), losses.info_nce, adam(3e-3), 64, 120,
        batch_made=loops.two_views, scored=losses.by_neighbour),
    TrainingCase("triplets", contrasted, lambda: dense(64, 48, 16), losses.triplets, adam(3e-3), 64, 120,
        scored=losses.by_neighbour),
    TrainingCase("directions-margin", contrasted, Directions, losses.arc, adam(5e-3), 32, 120),
    TrainingCase("pairwise-ranks", friedman, lambda: dense(10, 32, 1), losses.pairwise, adam(5e-3), 32, 120,
        scored=losses.by_order),
    TrainingCase("two-heads", contrasted, Two, losses.both_heads, adam(3e-3), 32, 120),
    TrainingCase("corridor-q-learning", walks, lambda: Shadowed(dense(7, 24, 2), answers=False), squares,
        adam(1e-2), 32, 250, loop=loops.temporal_difference, frozen=("shadow.",), scored=losses.by_policy),
    TrainingCase("painter-of-rings", on_a_ring, Painter, squares, critic_and_painter, 64, 300, loop=loops.painted,
        scored=losses.by_spread),
    TrainingCase("taught", contrasted, lambda: dense(64, 24, 10), cross, adam(5e-3), 32, 120, loop=taught),
)  # fmt: skip
LOOPS = (
    TrainingCase("told-the-loss", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.1, momentum=0.9), 32, 150,
        loop=loops.plateaus,
        schedule=lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=30)),
    TrainingCase("zeroed-after", signed_digits, lambda: dense(64, 48, 10, act=nn.GELU), cross, adam(3e-3), 32, 120,
        loop=loops.zeroed_after),
    TrainingCase("gradients-by-hand", clouds, lambda: dense(16, 32, 6, act=nn.SiLU), cross, adam(5e-3), 64, 150,
        loop=loops.by_hand),
    TrainingCase("sharpness-aware", contrasted, lambda: dense(64, 48, 10), cross, sgd(0.1, momentum=0.9), 32, 100,
        loop=loops.sharpness_aware),
    TrainingCase("adversarial-digits", contrasted, lambda: dense(64, 64, 10), cross, adam(3e-3), 32, 120,
        loop=loops.adversarial),
    TrainingCase("mixed-up-pictures", grey, lambda: stack(1, 8, 16), cross, adam(1e-2), 32, 200,
        loop=loops.mixed_up),
    TrainingCase("moving-mean-answers", spirals, lambda: Shadowed(dense(2, 48, 48, 3)), cross, adam(1e-2), 64, 250,
        loop=loops.followed, frozen=("shadow.",)),
    TrainingCase("few-heavy-weights", cancer, lambda: dense(30, 24, 2), cross, adam(5e-3), 32, 120,
        loop=loops.fewer_heavy),
    TrainingCase("text-in-pieces", chain, lambda: Recurrence(nn.GRU, 8, 24, 8, "each", tokens=True), cross,
        adam(1e-2), 32, 120, loop=loops.in_pieces),
    TrainingCase("in-turns", contrasted, lambda: dense(64, 48, 10), cross, body_and_head, 32, 200,
        loop=loops.in_turns),
)  # fmt: skip
UNUSUAL = (*AIMS, *LOOPS)
