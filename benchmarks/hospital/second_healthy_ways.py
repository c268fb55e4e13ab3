"""Losses, optimisers, schedules, orders and loops of the second healthy ward: unusual, and right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from .data import Rows
from .problem import Problem, Run, begun, ordinary, score, steps

Schedule = Callable[[Optimizer], LRScheduler]


def made(kind: Callable[..., Optimizer], lr: float, **more: Any) -> Callable[[nn.Module], Optimizer]:
    """An optimiser of all that is to be trained."""
    return lambda model: kind([p for p in model.parameters() if p.requires_grad], lr=lr, **more)


def handed(_rows: Rows, held: Rows) -> Rows:
    """All rows held out."""
    return held


def some_handed(_rows: Rows, held: Rows) -> Rows:
    """The first rows held out."""
    return held[0][:96], held[1][:96]


# Schedules


def warm_cosine(total: int, warm: int) -> Schedule:
    """From nothing up, then along a cosine to nothing."""

    def factor(step: int) -> float:
        if step < warm:
            return step / warm
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / (total - warm), 1)))

    return lambda optimizer: LambdaLR(optimizer, factor)


def restarts(period: int) -> Schedule:
    """A cosine that begins anew."""
    return lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, period, eta_min=1e-4)


def one_cycle(peak: float, total: int) -> Schedule:
    """Up and down once."""
    return lambda o: torch.optim.lr_scheduler.OneCycleLR(o, peak, total_steps=total + 1)


def clipped(size: float) -> Callable[[nn.Module], object]:
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), size)


# Losses


def focal(out: Tensor, y: Tensor) -> Tensor:
    """What is known already counts little; the rare kind counts more."""
    plain = bce(out, y, reduction="none")
    return ((0.3 + 0.4 * y) * (1 - (-plain).exp()) ** 1.5 * plain).mean()


def pinball(out: tuple[Tensor, Tensor, Tensor], y: Tensor) -> Tensor:
    """Median, a tenth and nine tenths."""
    parts = (torch.maximum(q * (y - o), (q - 1) * (y - o)) for q, o in zip((0.5, 0.1, 0.9), out, strict=True))
    return sum(part.mean() for part in parts)  # type: ignore[return-value]


def gaussian(out: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
    """Negative log likelihood, up to a constant; it may well be negative."""
    mean, log = out[0], out[1].clamp(-8, 4)
    return (0.5 * log + 0.5 * (y - mean) ** 2 * (-log).exp()).mean()


def elbo(out: tuple[Tensor, Tensor, Tensor], y: Tensor) -> Tensor:
    """Pixels and the code's divergence, summed over a row."""
    pixels, mean, log = out
    divergence = 0.5 * (mean**2 + log.exp() - 1 - log).sum(1).mean()
    return ((pixels - y) ** 2).sum(1).mean() + 0.05 * divergence


def shape_and_size(out: Mapping[str, Tensor], y: Tensor) -> Tensor:
    return cross_entropy(out["kind"], y[:, 0].long()) + 4 * functional.mse_loss(out["size"][:, 0], y[:, 1])


def smoothed(out: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(out, y, label_smoothing=0.1)


def generalised(out: Tensor, y: Tensor) -> Tensor:
    """(1 - p^q) / q, which wrong labels trouble less."""
    sure = out.softmax(1).gather(1, y[:, None])
    return ((1 - sure**0.5) / 0.5).mean()


def unlikely(out: Tensor, _y: Tensor) -> Tensor:
    return -out.mean()


def counted(out: Tensor, y: Tensor) -> Tensor:
    return functional.poisson_nll_loss(out, y)


def log_cosh(out: Tensor, y: Tensor) -> Tensor:
    far = (out - y).abs()
    return (far + functional.softplus(-2 * far) - math.log(2)).mean()


# Optimisers


class Lion(Optimizer):
    """Steps of one size, by the sign of two blends of gradients."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * mean.lerp(p.grad, 0.1).sign())
                mean.lerp_(p.grad, 0.01)


def centred(model: nn.Module) -> None:
    """Every matrix's gradient has mean 0 in each row."""
    for p in model.parameters():
        if p.ndim > 1:
            p.register_hook(lambda g: g - g.mean(tuple(range(1, g.ndim)), keepdim=True))


def by_depth(lr: float, fade: float) -> Callable[[nn.Module], Optimizer]:
    """The nearer to the inputs, the smaller the steps."""

    def make(model: nn.Module) -> Optimizer:
        parts = [list(part.parameters()) for part in model.children()]
        parts = [part for part in parts if part]
        rates = (lr * fade ** (len(parts) - 1 - i) for i in range(len(parts)))
        groups = [{"params": p, "lr": r} for p, r in zip(parts, rates, strict=True)]
        return torch.optim.AdamW(groups, weight_decay=0.01)

    return make


def sparse_and_dense(lr: float) -> Callable[[nn.Module], tuple[Optimizer, ...]]:
    """SparseAdam for the tables, Adam for all else."""

    def make(model: nn.Module) -> tuple[Optimizer, ...]:
        tables = [m.weight for m in model.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag))]
        rest = [p for p in model.parameters() if not any(p is t for t in tables)]
        return torch.optim.SparseAdam(tables, lr=lr), torch.optim.Adam(rest, lr=lr)

    return make


# Orders


def easy_first(problem: Problem, _targets: Tensor, dice: Generator) -> Iterator[Tensor]:
    """More and more of the rows: at first the first quarter, which `sorted_by_ease` made the easiest."""
    at = 0
    while True:
        reach = min(1.0, 0.25 + 1.5 * at / problem.steps)
        yield torch.randint(0, int(reach * len(_targets)), (problem.batch,), generator=dice)
        at += 1


def balanced(problem: Problem, targets: Tensor, dice: Generator) -> Iterator[Tensor]:
    """Rows drawn so that every class comes up as often."""
    kinds = targets.reshape(len(targets), -1)[:, 0].long()
    weights = 1 / kinds.bincount().float()[kinds]
    while True:
        yield torch.multinomial(weights, problem.batch, replacement=True, generator=dice)


def in_turn(problem: Problem, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """Rows that came shuffled, always in one order."""
    whole = len(targets) // problem.batch * problem.batch
    while True:
        yield from torch.arange(whole).split(problem.batch)


# Loops


def mixed_up(run: Run, x: Tensor, y: Tensor) -> None:
    """Mixup: blends of two rows, the loss blended as well."""
    share, other = float(torch.distributions.Beta(0.4, 0.4).sample()), torch.randperm(len(x))
    blend = run.problem.loss
    blended = replace(run.problem, loss=lambda o, t: share * blend(o, t) + (1 - share) * blend(o, t[other]))
    ordinary(replace(run, problem=blended), share * x + (1 - share) * x[other], y)


def sharp(run: Run, x: Tensor, y: Tensor) -> None:
    """Sharpness-aware: the gradient is taken a little uphill, the step from where one was."""
    (optimizer,), loss = run.optimizers, run.problem.loss
    weights = list(run.model.parameters())
    optimizer.zero_grad()
    grads = torch.autograd.grad(loss(run.model(x), y), weights)
    size = torch.stack([g.norm() for g in grads]).norm() + 1e-12
    with torch.no_grad():
        for w, g in zip(weights, grads, strict=True):
            w.add_(0.05 * g / size)
    loss(run.model(x), y).backward()
    with torch.no_grad():
        for w, g in zip(weights, grads, strict=True):
            w.sub_(0.05 * g / size)
    optimizer.step()


def private(run: Run, x: Tensor, y: Tensor) -> None:
    """The gradients of parts of a batch are each clipped, and noise is put on their mean."""
    (optimizer,) = run.optimizers
    weights, parts = list(run.model.parameters()), list(zip(x.split(4), y.split(4), strict=True))
    total = [torch.zeros_like(w) for w in weights]
    for some, targets in parts:
        grads = torch.autograd.grad(run.problem.loss(run.model(some), targets), weights)
        scale = min(1.0, 1.0 / float(torch.stack([g.norm() for g in grads]).norm()))
        for t, g in zip(total, grads, strict=True):
            t.add_(scale * g)
    for w, t in zip(weights, total, strict=True):
        w.grad = (t + 0.1 * torch.randn_like(t)) / len(parts)
    optimizer.step()


def bandit(run: Run, x: Tensor, y: Tensor) -> None:
    """REINFORCE: an answer is drawn, and all that is told is whether it was right."""
    (optimizer,) = run.optimizers
    optimizer.zero_grad()
    policy = torch.distributions.Categorical(logits=run.model(x))
    drawn = policy.sample()
    reward = (drawn == y).float()
    loss = -(policy.log_prob(drawn) * (reward - reward.mean())).mean() - 0.01 * policy.entropy().mean()
    loss.backward()
    optimizer.step()


def residual(run: Run, x: Tensor, _y: Tensor) -> None:
    """Physics: u'' + 2 u' + 10 u = 0 with u(0) = 1, u'(0) = -1; no target is looked at."""
    (optimizer,) = run.optimizers

    def slope(u: Tensor, t: Tensor) -> Tensor:
        return torch.autograd.grad(u.sum(), t, create_graph=True)[0]

    optimizer.zero_grad()
    t, start = x.clone().requires_grad_(), torch.zeros(1, 1, requires_grad=True)
    u, at_start = run.model(t), run.model(start)
    first = slope(u, t)
    law = (slope(first, t) + 2 * first + 10 * u).pow(2).mean()
    edge = (at_start - 1).pow(2).sum() + (slope(at_start, start) + 1).pow(2).sum()
    (0.02 * law + edge).backward()
    optimizer.step()
    for schedule in run.schedules:
        schedule.step()


_AVERAGES: WeakKeyDictionary[nn.Module, dict[str, Tensor]] = WeakKeyDictionary()


def averaged(run: Run, x: Tensor, y: Tensor) -> None:
    """The ordinary step, and a running mean of the weights beside the model."""
    ordinary(run, x, y)
    now = {k: v.detach().clone() for k, v in run.model.state_dict().items()}
    mean = _AVERAGES.setdefault(run.model, now)
    for name, value in now.items():
        mean[name] = mean[name].lerp(value, 0.05) if value.is_floating_point() else value


def score_of_average(problem: Problem, model: nn.Module, held: Rows) -> float:
    """The averaged weights' score."""
    mean = problem.model()
    mean.load_state_dict(_AVERAGES[model])
    return score(problem, mean, held)


def duel(run: Run, x: Tensor, _y: Tensor) -> None:
    """A GAN by the hinge: twice the critic, then the painter."""
    critic, painter = run.optimizers
    for _ in range(2):
        critic.zero_grad()
        fake, real = run.model(torch.randn(len(x), 4), x)
        ((1 + fake).relu() + (1 - real).relu()).mean().backward()
        critic.step()
    painter.zero_grad()
    (-run.model(torch.randn(len(x), 4)).mean()).backward()
    painter.step()


def likeness(_problem: Problem, model: nn.Module, held: Rows) -> float:
    """1 - the painted points' energy distance to the real ones, over that of bare noise."""
    with torch.no_grad():
        noise = torch.randn(200, 4, generator=Generator().manual_seed(5))
        painted, real = model.painter(noise), held[0]  # type: ignore[operator]

        def far(a: Tensor) -> float:
            return float(2 * torch.cdist(a, real).mean() - torch.cdist(a, a).mean())

        least = float(torch.cdist(real, real).mean())
        return max(0.0, 1 - (far(painted) - least) / (far(3 * noise[:, :2]) - least))


def density_gained(_problem: Problem, model: nn.Module, held: Rows) -> float:
    """Nats a point above a plain Gaussian, at most 1."""
    with torch.no_grad():
        x = held[0]
        plain = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
        return min(1.0, max(0.0, float(model(x).mean() - plain)))


def kind_found(problem: Problem, model: nn.Module, held: Rows) -> float:
    """The score of the first head by the first column of the targets."""
    return score(problem, model, (held[0], held[1][:, 0].long()))


def taught(problem: Problem) -> Callable[[], nn.Module]:
    """A model that has been through a training already."""

    def make() -> nn.Module:
        seed = torch.initial_seed()
        run, rows, held = begun(problem, seed)
        for _ in steps(run, rows, held, seed):
            pass
        return run.model

    return make
