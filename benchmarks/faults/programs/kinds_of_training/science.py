"""Equations and kernels: physics-informed networks, a neural ODE, a deep kernel."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import make_friedman1
from torch import Tensor, nn

from .common import epochs, explained, seed_everything


def pinn_heat(observer: Observer, seed: int) -> Trained:
    """A physics-informed network solves the heat equation from its initial and boundary values."""
    seed_everything(seed)
    nu = 0.3
    model = nn.Sequential(
        nn.Linear(2, 32),
        nn.Tanh(),
        nn.Linear(32, 32),
        nn.Tanh(),
        nn.Linear(32, 32),
        nn.Tanh(),
        nn.Linear(32, 1),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.994)
    inside = torch.quasirandom.SobolEngine(2, scramble=True, seed=seed).draw(1024)
    start = torch.stack((torch.linspace(0, 1, 100), torch.zeros(100)), dim=1)
    t = torch.linspace(0, 1, 50)
    border = torch.cat((torch.stack((torch.zeros(50), t), 1), torch.stack((torch.ones(50), t), 1)))
    wave = torch.sin(math.pi * start[:, :1])

    def residual(points: Tensor) -> Tensor:
        points = points.requires_grad_(True)
        u = model(points)
        (du,) = torch.autograd.grad(u.sum(), points, create_graph=True)
        (ddu,) = torch.autograd.grad(du[:, 0].sum(), points, create_graph=True)
        return du[:, 1] - nu * ddu[:, 0]

    with observer.watch(model, optimizer):
        for _ in range(400):
            points = inside[torch.randint(0, 1024, (256,))]
            physics = residual(points).pow(2).mean()
            data = F.mse_loss(model(start), wave) + model(border).pow(2).mean()
            loss = physics + 10 * data
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    test = torch.rand(1000, 2)
    truth = torch.sin(math.pi * test[:, :1]) * torch.exp(-nu * math.pi**2 * test[:, 1:])
    with torch.no_grad():
        score = 1 - float((model(test) - truth).norm() / truth.norm())
    extra = {"loss": loss.detach(), "u": model(test[:8]).detach()}
    return Trained((model,), (optimizer,), score, 0.0, 0.8, extra)


def pinn_lbfgs(observer: Observer, seed: int) -> Trained:
    """A physics-informed network of a boundary layer (-e u'' + u' = 1) by L-BFGS with a closure, in float64."""
    seed_everything(seed)
    e = 0.15
    model = nn.Sequential(
        nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)
    ).double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), lr=1.0, max_iter=5, history_size=20, line_search_fn="strong_wolfe"
    )
    x = torch.linspace(0, 1, 128, dtype=torch.float64).view(-1, 1).requires_grad_(True)
    ends = torch.tensor([[0.0], [1.0]], dtype=torch.float64)

    def closure() -> Tensor:
        optimizer.zero_grad()
        u = model(x)
        (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (ddu,) = torch.autograd.grad(du.sum(), x, create_graph=True)
        loss = (-e * ddu + du - 1).pow(2).mean() + 10 * model(ends).pow(2).mean()
        loss.backward()
        return loss

    with observer.watch(model, optimizer):
        for _ in range(100):
            loss = optimizer.step(closure)
    test = torch.rand(500, 1, dtype=torch.float64)
    truth = test - (torch.exp((test - 1) / e) - math.exp(-1 / e)) / (1 - math.exp(-1 / e))
    with torch.no_grad():
        score = 1 - float((model(test) - truth).norm() / truth.norm())
    extra = {"loss": loss.detach(), "u": model(test[:8]).detach()}
    return Trained((model,), (optimizer,), score, 0.0, 0.9, extra)


class Derivative(nn.Module):
    """The right side of an ordinary differential equation and its integration by Euler's method."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))

    def forward(self, y: Tensor, steps: int, dt: float) -> Tensor:
        """The path from `y`, `(batch, steps, 2)`."""
        path = []
        for _ in range(steps):
            y = y + dt * self.net(y)
            path.append(y)
        return torch.stack(path, dim=1)


def oscillators(n: int, steps: int, dt: float) -> tuple[Tensor, Tensor]:
    """Paths of the van der Pol oscillator, integrated finely."""
    y = start = 4 * torch.rand(n, 2) - 2
    path = []
    for _ in range(steps):
        for _ in range(10):
            y = y + dt / 10 * torch.stack((y[:, 1], (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]), dim=1)
        path.append(y)
    return start, torch.stack(path, dim=1)


def neural_ode(observer: Observer, seed: int) -> Trained:
    """A neural ODE (Euler) learns the van der Pol oscillator from short noisy paths."""
    seed_everything(seed)
    start, paths = oscillators(400, 12, 0.1)
    paths = paths + 0.02 * torch.randn_like(paths)
    test_start, test_paths = oscillators(100, 24, 0.1)
    model = Derivative()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    before = max(0.0, explained(model(test_start, 24, 0.1), test_paths))
    with observer.watch(model, optimizer):
        for index in epochs(400, 64, 300):
            loss = F.mse_loss(model(start[index], 12, 0.1), paths[index])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    predicted = model(test_start, 24, 0.1).detach()
    extra = {"loss": loss.detach(), "paths": predicted[:2]}
    return Trained((model,), (optimizer,), explained(predicted, test_paths), before, 0.85, extra)


class DeepKernel(nn.Module):
    """A Gaussian process whose kernel sees the features of a small network."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 6))
        self.log_length, self.log_scale = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))
        self.log_noise = nn.Parameter(torch.tensor(-1.0))

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """The covariance between the values at `a` and `b`."""
        a, b = self.features(a), self.features(b)
        square = (a[:, None] - b[None]).pow(2).sum(2)
        return (2 * self.log_scale).exp() * torch.exp(-0.5 * square * (-2 * self.log_length).exp())

    def factor(self, x: Tensor) -> Tensor:
        """The Cholesky factor of the covariance of the observations."""
        noise = (2 * self.log_noise).exp() + 1e-6
        return torch.linalg.cholesky(self.kernel(x, x) + noise * torch.eye(len(x), dtype=x.dtype))


def deep_kernel(observer: Observer, seed: int) -> Trained:
    """A deep kernel maximises the exact marginal likelihood, whole batch, in float64."""
    seed_everything(seed)
    X, Y = make_friedman1(400, noise=0.5, random_state=seed)
    x, y = torch.from_numpy(2 * X - 1), torch.from_numpy((Y - Y[:200].mean()) / Y[:200].std())
    model = DeepKernel().double()
    optimizer = torch.optim.Adam(
        [
            {"params": model.features.parameters(), "weight_decay": 1e-3},
            {"params": [model.log_length, model.log_scale, model.log_noise], "lr": 2e-2},
        ],
        lr=5e-3,
    )
    with observer.watch(model, optimizer):
        for _ in range(120):
            L = model.factor(x[:200])
            alpha = torch.cholesky_solve(y[:200, None], L)
            fit = 0.5 * (y[:200, None] * alpha).sum()
            loss = (fit + L.diagonal().log().sum()) / 200 + 0.5 * math.log(2 * math.pi)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        alpha = torch.cholesky_solve(y[:200, None], model.factor(x[:200]))
        predicted = (model.kernel(x[200:], x[:200]) @ alpha).squeeze(1)
    extra = {"loss": loss.detach(), "mean": predicted[:8]}
    return Trained((model,), (optimizer,), explained(predicted, y[200:]), 0.0, 0.7, extra)


PROGRAMS = (
    Program("pinn-heat-equation", "physics-informed network", (), pinn_heat),
    Program("pinn-lbfgs-boundary-layer", "physics-informed network, L-BFGS, float64", (), pinn_lbfgs),
    Program("neural-ode-oscillator", "neural ODE by Euler", (), neural_ode),
    Program("deep-kernel", "Gaussian process with a deep kernel, float64", (), deep_kernel),
)
