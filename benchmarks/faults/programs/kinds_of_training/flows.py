"""Densities: a normalising flow, a mixture density network and an energy."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import make_moons
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal
from torch.utils.data import DataLoader, TensorDataset

from .common import seed_everything


class Coupling(nn.Module):
    """An affine coupling layer of RealNVP: one half of the coordinates moves the other half."""

    def __init__(self, mask: Tensor, width: int) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.net = nn.Sequential(
            nn.Linear(2, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, 4),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the base distribution, with the logarithm of the determinant."""
        log_s, shift = self.net(x * self.mask).chunk(2, dim=1)
        log_s = torch.tanh(log_s) * self.scale * (1 - self.mask)
        return x * log_s.exp() + shift * (1 - self.mask), log_s.sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """From the base distribution."""
        log_s, shift = self.net(z * self.mask).chunk(2, dim=1)
        log_s = torch.tanh(log_s) * self.scale * (1 - self.mask)
        return (z - shift * (1 - self.mask)) * (-log_s).exp()


class RealNVP(nn.Module):
    """Couplings with alternating masks over a standard normal."""

    def __init__(self, layers: int = 6, width: int = 64) -> None:
        super().__init__()
        masks = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])]
        self.layers = nn.ModuleList(Coupling(masks[i % 2], width) for i in range(layers))

    def log_prob(self, x: Tensor) -> Tensor:
        """The log density of each row."""
        total = torch.zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total + Normal(0.0, 1.0).log_prob(x).sum(1)

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """Draws from the flow."""
        z = torch.randn(n, 2)
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


def real_nvp_moons(observer: Observer, seed: int) -> Trained:
    """RealNVP maximises the likelihood of two moons; the best checkpoint on validation data is kept."""
    seed_everything(seed)
    points = torch.tensor(make_moons(5000, noise=0.08, random_state=seed)[0], dtype=torch.float32)
    points = (points - points.mean(0)) / points.std(0)
    train, val, test = points[:3500], points[3500:4000], points[4000:]
    flow = RealNVP()
    optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    loader = DataLoader(TensorDataset(train), batch_size=250, shuffle=True)
    gaussian = MultivariateNormal(train.mean(0), train.T.cov()).log_prob(test).mean()
    before = max(float(gaussian), float(flow.log_prob(test).mean().detach()))
    best, kept = -math.inf, {k: v.clone() for k, v in flow.state_dict().items()}
    with observer.watch(flow, optimizer):
        for _ in range(22):
            flow.train()
            for (x,) in loader:
                loss = -flow.log_prob(x).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
                optimizer.step()
            flow.eval()
            with torch.no_grad():
                val_log_prob = float(flow.log_prob(val).mean())
            schedule.step(-val_log_prob)
            if val_log_prob > best:
                best, kept = val_log_prob, {k: v.clone() for k, v in flow.state_dict().items()}
    flow.load_state_dict(kept)
    score = float(flow.log_prob(test).mean().detach())
    extra = {"loss": loss.detach(), "samples": flow.sample(8)}
    return Trained((flow,), (optimizer,), score, before, before + 0.7, extra)


class MixtureDensity(nn.Module):
    """A network whose output is a mixture of normals over the target."""

    def __init__(self, components: int = 6, width: int = 48) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.weights = nn.Linear(width, components)
        self.means = nn.Linear(width, components)
        self.scales = nn.Linear(width, components)

    def forward(self, x: Tensor) -> MixtureSameFamily:
        """The predicted distribution of the target."""
        h = self.trunk(x)
        parts = Normal(self.means(h)[..., None], F.softplus(self.scales(h))[..., None] + 1e-3)
        return MixtureSameFamily(Categorical(logits=self.weights(h)), Independent(parts, 1))


def mixture_density(observer: Observer, seed: int) -> Trained:
    """A mixture density network learns the many-valued inverse of a sine, as in Bishop's example."""
    seed_everything(seed)
    y = torch.rand(3000, 1)
    x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.03 * torch.randn(3000, 1)
    x, y = (x - 0.5) / 0.3, (y - 0.5) / 0.29
    train_x, train_y, test_x, test_y = x[:2400], y[:2400], x[2400:], y[2400:]
    model = MixtureDensity()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    constant = Normal(train_y.mean(), train_y.std()).log_prob(test_y).mean()
    before = max(float(constant), float(model(test_x).log_prob(test_y).mean().detach()))
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=200, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(32):
            total = 0.0
            for batch_x, batch_y in loader:
                optimizer.zero_grad()
                loss = -model(batch_x).log_prob(batch_y).mean()
                loss.backward()
                optimizer.step()
                total += loss.item()
    model.eval()
    with torch.no_grad():
        score = float(model(test_x).log_prob(test_y).mean())
        extra = {"loss": total / len(loader), "density": model(test_x[:8]).log_prob(test_y[:8])}
    return Trained((model,), (optimizer,), score, before, before + 0.6, extra)


def energy_pinwheel(observer: Observer, seed: int) -> Trained:
    """An energy-based model: contrastive divergence against Langevin samples from a replay buffer."""
    seed_everything(seed)
    arm = torch.randint(0, 4, (4000,))
    radius = 0.6 + 1.2 * torch.rand(4000)
    angle = arm * math.pi / 2 + 0.8 * radius + 0.1 * torch.randn(4000)
    points = torch.stack((angle.cos(), angle.sin()), 1) * radius[:, None]
    train, test = points[:3000], points[3000:]
    uniform = torch.rand(1000, 2) * 4.4 - 2.2
    energy = nn.Sequential(nn.Linear(2, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1))
    optimizer = torch.optim.Adam(energy.parameters(), lr=2e-3, betas=(0.5, 0.999))
    buffer = torch.rand(2000, 2) * 4.4 - 2.2

    def langevin(x: Tensor, steps: int = 20) -> Tensor:
        energy.requires_grad_(False)
        x = x.clone().requires_grad_(True)
        for _ in range(steps):
            (slope,) = torch.autograd.grad(energy(x).sum(), x)
            x = (x - 0.02 * slope + 0.1 * torch.randn_like(x)).detach().clamp(-2.5, 2.5).requires_grad_(True)
        energy.requires_grad_(True)
        return x.detach()

    @torch.no_grad()
    def quality() -> float:
        low = torch.cat((-energy(test), -energy(uniform))).squeeze(1)
        return float(roc_auc_score([1] * len(test) + [0] * len(uniform), low.numpy()))

    before = max(0.5, quality())
    with observer.watch(energy, optimizer):
        for _ in range(350):
            real = train[torch.randint(0, len(train), (128,))]
            real = real + 0.02 * torch.randn_like(real)
            index = torch.randperm(len(buffer))[:128]
            start = torch.where(torch.rand(128, 1) < 0.05, torch.rand(128, 2) * 4.4 - 2.2, buffer[index])
            fake = langevin(start)
            buffer[index] = fake
            high, low = energy(fake), energy(real)
            loss = (low - high).mean() + 0.05 * (low.pow(2) + high.pow(2)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    extra = {"loss": loss.detach(), "energies": energy(test[:8]).detach(), "buffer": buffer[:8]}
    return Trained((energy,), (optimizer,), quality(), before, before + 0.2, extra)


PROGRAMS = (
    Program("real-nvp-moons", "normalising flow, validation checkpoints", (), real_nvp_moons),
    Program("mixture-density", "mixture density network", (), mixture_density),
    Program("energy-pinwheel", "energy-based model, Langevin replay", (), energy_pinwheel),
)
