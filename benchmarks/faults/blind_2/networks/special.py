"""Networks of the second blind suite's healthy cases with unusual outputs or unusual weights."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.blind_2.networks.common import mlp
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import normalize


class Variational(nn.Module):
    """A variational autoencoder; pixels, mean and log variance."""

    def __init__(self, width: int, wide: int, code: int) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(width, wide, 2 * code)(), mlp(code, wide, width)()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels, mean and log variance."""
        mean, log = self.encoder(x).chunk(2, 1)
        code = mean + (log / 2).exp() * torch.randn_like(mean) if self.training else mean
        return self.decoder(code), mean, log


class Cosines(nn.Module):
    """Logits are scaled cosines between codes and class directions."""

    def __init__(self, wide: int, out: int, scale: float) -> None:
        super().__init__()
        self.ways, self.scale = nn.Parameter(torch.randn(out, wide)), scale

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) codes -> (n, out)."""
        return self.scale * normalize(x, dim=1) @ normalize(self.ways, dim=1).T


class Signs(nn.Linear):
    """Weights used as signs times a row's mean size; the gradient goes straight through."""

    def forward(self, x: Tensor) -> Tensor:
        """A linear map with coarse weights."""
        rough = self.weight.sign() * self.weight.abs().mean(1, keepdim=True)
        return functional.linear(x, self.weight + (rough - self.weight).detach(), self.bias)


class Waves(nn.Module):
    """Fixed random frequencies as buffers, and what is learnt upon them."""

    def __init__(self, width: int, count: int, size: float, out: int) -> None:
        super().__init__()
        self.register_buffer("ways", size * torch.randn(width, count))
        self.head = nn.Linear(2 * count, out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, out)."""
        turned = x @ self.ways
        return self.head(torch.cat((turned.sin(), turned.cos()), 1))


class Flowing(nn.Module):
    """A vector field followed in a few Euler steps."""

    def __init__(self, width: int, wide: int, steps: int, span: float) -> None:
        super().__init__()
        self.field, self.steps, self.span = mlp(width, wide, wide, width, act=nn.Tanh)(), steps, span

    def forward(self, x: Tensor) -> Tensor:
        """Where x has got to."""
        for _ in range(self.steps):
            x = x + self.span / self.steps * self.field(x)
        return x


class Couplings(nn.Module):
    """A normalising flow in the plane: the log density of each point, (n, 1)."""

    def __init__(self, count: int, wide: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(mlp(1, wide, wide, 2, act=nn.Tanh)() for _ in range(count))
        for part in self.parts:
            nn.init.zeros_(part[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2) -> (n, 1)."""
        a, b, volume = x[:, :1], x[:, 1:], torch.zeros(len(x), 1)
        for part in self.parts:
            log, shift = part(a).chunk(2, 1)
            log = log.tanh() * 1.5
            a, b, volume = b * log.exp() + shift, a, volume + log
        return volume - (a**2 + b**2) / 2 - math.log(2 * math.pi)


class Raw(nn.Module):
    """Parameters in a dictionary and the network as a formula."""

    def __init__(self, width: int, wide: int, out: int) -> None:
        super().__init__()
        self.p = nn.ParameterDict(
            {
                "w1": torch.randn(width, wide) * math.sqrt(2 / width),
                "b1": torch.zeros(wide),
                "g": torch.ones(wide),
                "w2": torch.randn(wide, out) * math.sqrt(1 / wide),
                "b2": torch.zeros(out),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, out)."""
        h = x @ self.p["w1"]
        h = h * (h.pow(2).mean(1, keepdim=True) + 1e-6).rsqrt() * self.p["g"] + self.p["b1"]
        return functional.mish(h) @ self.p["w2"] + self.p["b2"]


class Painters(nn.Module):
    """A generator in the plane and its critic: answers to painted rows, or to those and to real ones."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.painter = mlp(4, wide, wide, 2, act=nn.SiLU)()
        self.critic = mlp(2, wide, wide, 1, act=lambda: nn.LeakyReLU(0.2))()

    def forward(self, noise: Tensor, real: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """One tensor of answers, or two."""
        painted = self.painter(noise)
        if real is None:
            return self.critic(painted)
        return self.critic(painted.detach()), self.critic(real)
