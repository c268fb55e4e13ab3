"""Unusual training loops of the second blind suite's healthy cases, and the scores they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from benchmarks.faults.case import Run, TrainingCase, begun, ordinary, score, steps
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn


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
    """REINFORCE: an answer is sampled, and the only feedback is whether it was right."""
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


def score_of_average(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
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


def likeness(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """1 - the painted points' energy distance to the real ones, over that of bare noise."""
    with torch.no_grad():
        noise = torch.randn(200, 4, generator=Generator().manual_seed(5))
        painted, real = model.painter(noise), held[0]  # type: ignore[operator]

        def far(a: Tensor) -> float:
            return float(2 * torch.cdist(a, real).mean() - torch.cdist(a, a).mean())

        least = float(torch.cdist(real, real).mean())
        return max(0.0, 1 - (far(painted) - least) / (far(3 * noise[:, :2]) - least))


def density_gained(_problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """Nats a point above a plain Gaussian, at most 1."""
    with torch.no_grad():
        x = held[0]
        plain = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
        return min(1.0, max(0.0, float(model(x).mean() - plain)))


def kind_found(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """The score of the first head by the first column of the targets."""
    return score(problem, model, (held[0], held[1][:, 0].long()))


def score_of_rate(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """The share of the counts' variance that their rate explains."""
    return score(problem, nn.Sequential(model, _Exp()), held)


class _Exp(nn.Module):
    """From a log rate to the rate."""

    def forward(self, x: Tensor) -> Tensor:
        """A rate from its logarithm."""
        return x.exp()


def taught(problem: TrainingCase) -> Callable[[], nn.Module]:
    """A model that has been through a training already."""

    def make() -> nn.Module:
        seed = torch.initial_seed()
        run, rows, held = begun(problem, seed)
        for _ in steps(run, rows, held, seed):
            pass
        return run.model

    return make
