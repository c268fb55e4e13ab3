"""Training loops, optimisers and schedules of the first blind suite, as users write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from benchmarks.faults.blind_1.losses import cross
from benchmarks.faults.case import Run, TrainingCase, ordinary
from benchmarks.faults.own.data import Rows
from torch import Tensor, nn, optim
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

Make = Callable[[nn.Module], Optimizer]


def by(kind: Callable[..., Optimizer], rate: float, **words: Any) -> Make:
    """An optimiser over all that is trained."""
    return lambda model: kind([p for p in model.parameters() if p.requires_grad], lr=rate, **words)


adam, adamw, sgd = (partial(by, kind) for kind in (optim.Adam, optim.AdamW, optim.SGD))


def apart(kind: Callable[..., Optimizer], rate: float, decay: float) -> Make:
    """Weight decay for matrices, none for vectors."""

    def made(model: nn.Module) -> Optimizer:
        wide, narrow = ([p for p in model.parameters() if (p.dim() > 1) is many] for many in (True, False))
        groups = [{"params": wide, "weight_decay": decay}, {"params": narrow, "weight_decay": 0.0}]
        return kind(groups, lr=rate)

    return made


def deeper_slower(kind: Callable[..., Optimizer], rate: float, factor: float = 0.8) -> Make:
    """Each earlier tensor learns a little slower."""

    def made(model: nn.Module) -> Optimizer:
        tensors = list(model.parameters())[::-1]
        return kind(
            [{"params": [p], "lr": rate * factor ** (k // 2)} for k, p in enumerate(tensors)], lr=rate
        )

    return made


class Lion(Optimizer):
    """The sign of a moving mean (Chen et al. 2023)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, decay: float = 0.0):
        super().__init__(parameters, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, _closure: Any = None) -> None:  # type: ignore[override]
        """One step."""
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["decay"])
                p.sub_(torch.sign(0.9 * mean + 0.1 * p.grad), alpha=group["lr"])
                mean.mul_(0.99).add_(p.grad, alpha=0.01)


def shaped(shape: Callable[[float], float], steps: int) -> Callable[[Optimizer], LRScheduler]:
    """A learning rate that is a function of the fraction of the training done."""
    return lambda optimizer: LambdaLR(optimizer, lambda step: shape(min(step / steps, 1.0)))


def ramp_and_line(share: float) -> float:
    """Up in a tenth of the time, then straight to zero at the end."""
    return min(10 * share + 0.05, (1 - share) / 0.9, 1.0)


def to_a_tenth(share: float) -> float:
    """Half a cosine from one to a tenth."""
    return 0.55 + 0.45 * math.cos(math.pi * share)


def root(share: float) -> float:
    """The inverse square root after a warm-up, as for transformers."""
    return min(share / 0.1 + 0.02, math.sqrt(0.1 / max(share, 0.1)))


def plateaus(run: Run, x: Tensor, y: Tensor) -> None:
    """The schedule receives the loss."""
    run.optimizers[0].zero_grad()
    loss = run.problem.loss(run.model(x), y)
    loss.backward()
    run.optimizers[0].step()
    run.schedules[0].step(loss.item())  # type: ignore[arg-type]


def zeroed_after(run: Run, x: Tensor, y: Tensor) -> None:
    """Gradients are set to zeros at the end of the step instead of at its start."""
    run.problem.loss(run.model(x), y).backward()
    run.optimizers[0].step()
    run.model.zero_grad(set_to_none=False)


def by_hand(run: Run, x: Tensor, y: Tensor) -> None:
    """Gradients by `autograd.grad`, assigned by the loop."""
    tensors = list(run.model.parameters())
    grads = torch.autograd.grad(run.problem.loss(run.model(x), y), tensors)
    for p, grad in zip(tensors, grads, strict=True):
        p.grad = grad
    run.optimizers[0].step()


def sharpness_aware(run: Run, x: Tensor, y: Tensor) -> None:
    """Up the gradient a little, and the step from there (Foret et al. 2021)."""
    tensors = list(run.model.parameters())
    run.optimizers[0].zero_grad()
    run.problem.loss(run.model(x), y).backward()
    norm = torch.sqrt(sum((p.grad**2).sum() for p in tensors if p.grad is not None))
    moves = [0.05 * p.grad / norm for p in tensors if p.grad is not None]
    _moved(tensors, moves, 1)
    run.optimizers[0].zero_grad()
    run.problem.loss(run.model(x), y).backward()
    _moved(tensors, moves, -1)
    run.optimizers[0].step()


def _moved(tensors: list[nn.Parameter], moves: list[Tensor], sign: int) -> None:
    with torch.no_grad():
        for p, move in zip(tensors, moves, strict=True):
            p.add_(move, alpha=sign)


def adversarial(run: Run, x: Tensor, y: Tensor) -> None:
    """Inputs moved a little to where the loss is larger, then the step on these."""
    tried = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(run.problem.loss(run.model(tried), y), tried)
    ordinary(run, x + 0.1 * slope.sign(), y)


def mixed_up(run: Run, x: Tensor, y: Tensor) -> None:
    """Pairs of inputs and the loss of both targets in the same shares (Zhang et al. 2018)."""
    share = float(torch.distributions.Beta(0.4, 0.4).sample())
    other = torch.randperm(len(x))
    run.optimizers[0].zero_grad()
    out = run.model(share * x + (1 - share) * x[other])
    (share * run.problem.loss(out, y) + (1 - share) * run.problem.loss(out, y[other])).backward()
    run.optimizers[0].step()


def followed(run: Run, x: Tensor, y: Tensor) -> None:
    """A step, and the copy a twentieth of the way after it."""
    ordinary(run, x, y)
    run.model.follow(0.05)  # type: ignore[operator]


def fewer_heavy(run: Run, x: Tensor, y: Tensor) -> None:
    """An L1 price on the weights."""
    run.optimizers[0].zero_grad()
    price = sum(p.abs().sum() for p in run.model.parameters())
    (run.problem.loss(run.model(x), y) + 1e-4 * price).backward()
    run.optimizers[0].step()


def in_pieces(run: Run, x: Tensor, y: Tensor) -> None:
    """Truncated backpropagation: a step for each half of the sequence, the state carried over."""
    state: Any = None
    for tokens, targets in zip(x.chunk(2, 1), y.chunk(2, 1), strict=True):
        run.optimizers[0].zero_grad()
        seen, state = run.model.layer(run.model.start(tokens), state)
        cross(run.model.end(seen).mT, targets).backward()
        run.optimizers[0].step()
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def in_turns(run: Run, x: Tensor, y: Tensor) -> None:
    """Two optimisers, a step each in turn."""
    for optimizer in run.optimizers:
        optimizer.zero_grad()
    run.problem.loss(run.model(x), y).backward()
    run.optimizers[run.step % 2].step()


def temporal_difference(run: Run, row: Tensor, _y: Tensor) -> None:
    """Q-learning on recorded steps; the copy that sets the aims is renewed every ten steps."""
    places = (row.shape[1] - 3) // 2
    here, after, (action, reward, ended) = row[:, :places], row[:, places:-3], row[:, -3:].T
    run.optimizers[0].zero_grad()
    worth = run.model(here).gather(1, action.long()[:, None])[:, 0]
    with torch.no_grad():
        aim = reward + 0.9 * (1 - ended) * run.model.shadow(after).amax(1)
    functional.smooth_l1_loss(worth, aim).backward()
    run.optimizers[0].step()
    if run.step % 10 == 9:
        run.model.follow(1.0)  # type: ignore[operator]


def painted(run: Run, x: Tensor, _y: Tensor) -> None:
    """A GAN with the loss that does not saturate; every third step the critic's slope costs."""
    model, (critic, painter) = run.model, run.optimizers
    critic.zero_grad()
    real, fake = x.clone().requires_grad_(), model(torch.randn(len(x), 4)).detach()
    worth = model.critic(real)
    loss = functional.softplus(-worth).mean() + functional.softplus(model.critic(fake)).mean()
    if run.step % 3 == 0:
        (slope,) = torch.autograd.grad(worth.sum(), real, create_graph=True)
        loss = loss + 0.3 * (slope**2).sum(1).mean()
    loss.backward()
    critic.step()
    painter.zero_grad()
    functional.softplus(-model.critic(model(torch.randn(len(x), 4)))).mean().backward()
    painter.step()


def denoised(x: Tensor, _y: Tensor) -> Rows:
    """What a loader does that hides a quarter of the pixels."""
    return x * (torch.rand(x.shape) > 0.25), x


def two_views(x: Tensor, y: Tensor) -> Rows:
    """Each row twice, with noise and a few columns hidden."""
    one, other = (x + 0.3 * torch.randn(x.shape) for _ in range(2))
    return torch.stack([view * (torch.rand(view.shape) > 0.2) for view in (one, other)], 1), y


def cut_out(x: Tensor, y: Tensor) -> Rows:
    """A square of three pixels a side hidden in every picture of the batch."""
    down, right = torch.randint(0, x.shape[2] - 2, (2,)).tolist()
    x = x.clone()
    x[:, :, down : down + 3, right : right + 3] = 0
    return x, y


def everything(_problem: TrainingCase, targets: Tensor, _dice: torch.Generator) -> Any:
    """All rows at every step."""
    while True:
        yield torch.arange(len(targets))
